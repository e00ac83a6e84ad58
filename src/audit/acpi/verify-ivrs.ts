import { IvrsType, isIvhd, isIvmd } from '../../formats/acpi/ivrs.js';
import { type AcpiStructure, addressOf, isWhole, numberOf, offsetOf } from '../../formats/acpi/structure.js';
import type { AcpiTable } from '../../formats/acpi/table.js';
import { bitsOf } from '../../formats/acpi/units.js';
import { sbdfText } from '../../formats/requester.js';
import { hex } from '../../text/hex.js';
import type { AcpiFindings } from './finding.js';
import { foreignOverlaps, type Interval } from './intervals.js';
import { type Devices, devicesOf } from './ivhd-devices.js';
import { ramText, ramWithin, type Surroundings } from './surroundings.js';
import { verifySpecialDevices } from './verify-ivrs-interrupts.js';
import { verifyMemoryBlocks } from './verify-ivrs-memory.js';

const typeText = (type: number): string => `${type.toString(16)}h`;

/** Bytes that Xen asks of every IVHD block, whatever its type (amd_iommu_detect_one_acpi). */
const IVHD_AT_LEAST_FOR_XEN = 40;
/** Registers of an IOMMU: 16 KiB, and aligned to them. */
const REGISTERS = 0x4000n;

/** What an IVRS table says, held against the specification and the machine. */
export function verifyIvrs(table: AcpiTable, around: Surroundings, findings: AcpiFindings): void {
  const blocks = table.structures.filter(({ type }) => isIvhd(type));
  const info = bitsOf(table.header, 'info');
  const xenType = typeForXen(blocks, info?.extendedFeatures === 1);
  verifyTypes(table, blocks, xenType, findings);
  const devices = new Map<AcpiStructure, Devices>();
  for (const block of blocks) {
    const usedByXen = block.type === xenType;
    verifyUnit(block, usedByXen, info?.physicalAddressSize ?? 0, around, findings);
    devices.set(block, devicesOf(block, usedByXen, findings));
  }
  verifySameUnits(blocks, devices, table.readToEnd, findings);
  verifyShared(blocks, devices, findings);
  // What Xen and Linux go by: the blocks of the best type that the table has whole.
  const used = blocks.filter(({ type }) => type === (xenType ?? blocks.at(-1)?.type));
  verifySpecialDevices(table, used, around, findings);
  const memory = table.structures.filter(({ type }) => isIvmd(type));
  verifyMemoryBlocks(memory, used, devices, table, around, findings);
}

/** The type of IVHD that Xen goes by: the highest of 10h and, with EFRSup, 11h (get_supported_ivhd_type). */
export function typeForXen(blocks: readonly AcpiStructure[], extendedFeatures: boolean): number | null {
  const has = (type: number) => blocks.some((block) => block.type === type);
  if (extendedFeatures && has(IvrsType.IVHD_11)) return IvrsType.IVHD_11;
  return has(IvrsType.IVHD_10) ? IvrsType.IVHD_10 : null;
}

function verifyTypes(
  table: AcpiTable,
  blocks: readonly AcpiStructure[],
  xenType: number | null,
  findings: AcpiFindings,
): void {
  const revision = numberOf(table.header, 'revision');
  const types = [...new Set(blocks.map(({ type }) => type!))].sort((a, b) => a - b);
  if (blocks.length === 0) {
    if (table.readToEnd) findings.error('no-unit', 48, 'no IVHD block: there is no IOMMU');
    return;
  }
  const [{ offset }] = blocks as [AcpiStructure];
  if (xenType === null && table.readToEnd) {
    const message = `the IVHD blocks are of type ${types.map(typeText).join(', ')}: none is for Xen`;
    findings.error('no-unit-for-xen', offset, message);
  }
  if (types.length > 1 && xenType !== null) {
    const shown = table.readToEnd ? '' : ' as far as the table is there';
    const message = `IVHD blocks of types ${types.map(typeText).join(', ')}${shown}: Xen uses ${typeText(xenType)}, Linux ${typeText(types.at(-1)!)}`;
    findings.info('ivhd-types', offset, message);
  }
  if (revision === 1 && types.includes(IvrsType.IVHD_40)) {
    const message = 'the table has revision 1 and blocks of type 40h';
    findings.warning('revision-type', offsetOf(table.header, 'revision'), message);
  } else if (revision !== null && (revision < 1 || revision > 2)) {
    const message = `revision ${revision}; 1 and 2 are known`;
    findings.info('revision-unknown', offsetOf(table.header, 'revision'), message);
  }
}

function verifyUnit(
  block: AcpiStructure,
  usedByXen: boolean,
  physicalBits: number,
  around: Surroundings,
  findings: AcpiFindings,
): void {
  const { type, offset, length, layout } = block;
  const base = addressOf(block, 'base');
  const device = numberOf(block, 'deviceId');
  const sbdf = device === null ? undefined : sbdfText(device, numberOf(block, 'segment') ?? 0);
  if (
    usedByXen &&
    type === IvrsType.IVHD_10 &&
    length !== null &&
    length >= 24 &&
    length < IVHD_AT_LEAST_FOR_XEN
  ) {
    const message = `${layout.name} of ${length} bytes; Xen asks for ${IVHD_AT_LEAST_FOR_XEN}`;
    findings.error('block-too-short-for-xen', offset, message, sbdf);
  }
  if (device === 0) findings.error('unit-address', offset + 4, `${layout.name}: DeviceID 0 is no IOMMU’s`);
  if (numberOf(block, 'capabilityOffset') === 0) {
    findings.error('unit-address', offset + 6, `${layout.name}: capability offset 0`, sbdf);
  }
  if (type !== IvrsType.IVHD_10 && addressOf(block, 'efr') === 0n) {
    const at = offsetOf(block, 'efr');
    findings.warning('efr-missing', at, `${layout.name}: the feature register image is 0`, sbdf);
  }
  if (base === null) return;
  const at = offsetOf(block, 'base');
  const wrong = addressProblem(base, physicalBits);
  if (wrong !== null) findings.error('unit-address', at, `IOMMU at ${hex(base)}: ${wrong}`, sbdf);
  const ram = wrong === null ? ramWithin(around, base, base + REGISTERS) : undefined;
  if (ram !== undefined) findings.error('unit-in-ram', at, `IOMMU at ${hex(base)}: ${ramText(ram)}`, sbdf);
}

function addressProblem(base: bigint, physicalBits: number): string | null {
  if (base === 0n) return 'there is no IOMMU at address 0';
  if (base % REGISTERS !== 0n) return 'not 16 KiB aligned';
  if (physicalBits > 0 && (base + REGISTERS - 1n) >> BigInt(physicalBits) !== 0n) {
    return `beyond the physical address size of ${physicalBits} bits`;
  }
  return null;
}

/** Blocks of several types for one IOMMU say the same; each IOMMU has a block of every type. */
function verifySameUnits(
  blocks: readonly AcpiStructure[],
  devices: ReadonlyMap<AcpiStructure, Devices>,
  complete: boolean,
  findings: AcpiFindings,
): void {
  const byUnit = new Map<string, AcpiStructure[]>();
  for (const block of blocks) {
    const device = numberOf(block, 'deviceId');
    if (device === null) continue;
    const key = sbdfText(device, numberOf(block, 'segment') ?? 0);
    const known = byUnit.get(key);
    if (known === undefined) byUnit.set(key, [block]);
    else known.push(block);
  }
  const types = new Set(blocks.map(({ type }) => type));
  for (const [sbdf, same] of byUnit) {
    const [first, ...others] = same as [AcpiStructure, ...AcpiStructure[]];
    const seen = new Set([first.type]);
    for (const other of others) {
      if (seen.has(other.type)) {
        const message = `the IOMMU ${sbdf} has two blocks of type ${typeText(other.type!)}`;
        findings.error('unit-duplicate', other.offset, message, sbdf);
      }
      seen.add(other.type);
      for (const field of ['base', 'capabilityOffset'] as const) {
        const [a, b] = [addressOf(first, field), addressOf(other, field)];
        if (a === null || b === null || a === b) continue;
        const message = `the IOMMU ${sbdf} has ${field === 'base' ? 'registers' : 'capability offset'} ${hex(a)} in ${first.layout.name} and ${hex(b)} in ${other.layout.name}`;
        findings.error('ivhd-disagree', offsetOf(other, field), message, sbdf);
      }
      if (isWhole(first) && isWhole(other)) verifySameDevices(first, other, devices, sbdf, findings);
    }
    if (seen.size < types.size && complete) {
      const missing = [...types].filter((type) => !seen.has(type)).map((type) => typeText(type!));
      const message = `the IOMMU ${sbdf} has no block of type ${missing.join(', ')}, others have`;
      findings.error('ivhd-lost', first.offset, message, sbdf);
    }
  }
}

function verifySameDevices(
  first: AcpiStructure,
  other: AcpiStructure,
  devices: ReadonlyMap<AcpiStructure, Devices>,
  sbdf: string,
  findings: AcpiFindings,
): void {
  const text = (block: AcpiStructure) =>
    (devices.get(block) ?? [])
      .map(({ start, end }) => `${sbdfText(Number(start))}-${sbdfText(Number(end))}`)
      .join(', ');
  if (text(first) === text(other)) return;
  const message = `${first.layout.name} and ${other.layout.name} give the IOMMU ${sbdf} different devices`;
  findings.warning('ivhd-disagree', other.offset, message, sbdf);
}

/** IOMMUs with registers or devices in common, among blocks of one type. */
function verifyShared(
  blocks: readonly AcpiStructure[],
  devices: ReadonlyMap<AcpiStructure, Devices>,
  findings: AcpiFindings,
): void {
  const byKind = new Map<string, Interval<number>[]>();
  const bases = new Map<string, AcpiStructure>();
  for (const block of blocks) {
    const { type } = block;
    const base = addressOf(block, 'base');
    const twin = bases.get(`${type}/${base}`);
    const sameDevice = twin !== undefined && numberOf(twin, 'deviceId') === numberOf(block, 'deviceId');
    if (base !== null && twin !== undefined && !sameDevice) {
      const message = `registers at ${hex(base)}, which the block at offset ${hex(twin.offset)} has already`;
      findings.error('unit-duplicate', offsetOf(block, 'base'), message);
    }
    bases.set(`${type}/${base}`, block);
    const kind = `${type}/${numberOf(block, 'segment')}`;
    const known = byKind.get(kind) ?? [];
    for (const interval of devices.get(block) ?? []) known.push(interval);
    byKind.set(kind, known);
  }
  for (const [kind, intervals] of byKind) {
    const segment = Number(kind.split('/')[1]) || 0;
    for (const { first, second } of foreignOverlaps(intervals)) {
      if (first.owner === second.owner) continue;
      const sbdf = sbdfText(Number(second.start), segment);
      const message = `${sbdf} belongs to the IOMMUs of the blocks at offsets ${hex(first.owner)} and ${hex(second.owner)}`;
      findings.error('device-twice', Math.max(first.owner, second.owner), message, sbdf);
    }
  }
}
