import type { TableInMemory } from '../formats/acpi/find-tables.js';
import { IortType } from '../formats/acpi/iort.js';
import { numberOf } from '../formats/acpi/structure.js';
import { unitsOf } from '../formats/acpi/units.js';
import { AmdviRegister } from '../formats/amdvi.js';
import { SmmuRegister } from '../formats/smmuv3.js';
import { entryCapabilities, translationEnabled, VtdRegister } from '../formats/vtd-registers.js';
import { hex } from '../text/hex.js';
import { rootOfDeviceTable, rootOfRtaddr, rootOfStreamTable } from './root-address.js';
import type { FoundRoot, StreamRange } from './roots.js';
import type { RegisterReader } from './survey.js';

/** A unit whose registers are at a known place. */
export interface UnitPlace {
  readonly kind: FoundRoot['kind'];
  readonly segment: number;
  readonly registers: number;
  /** `DRHD at 0xfed90000 in the DMAR table at 0x…`. */
  readonly foundBy: string;
  /** VT-d: physical address bits, as the DMAR table says. */
  readonly addressWidth?: number;
  readonly streams?: readonly StreamRange[];
}

const STRUCTURES = { vtd: 'DRHD', amdvi: 'IVHD', smmuv3: 'SMMUv3 node' } as const;

/** The units that firmware tables in memory tell of; SMMUs of version 2 have no tables that are audited. */
export function unitPlaces(tables: readonly TableInMemory[]): UnitPlace[] {
  const places = new Map<number, UnitPlace>();
  for (const { table, address } of tables) {
    for (const { kind, segment, registers } of unitsOf(table)) {
      if (kind === 'smmuv2' || places.has(registers)) continue;
      const foundBy = `${STRUCTURES[kind]} at ${hex(registers)} in the ${table.signature} table at ${hex(address)}`;
      const place = { kind, segment, registers, foundBy };
      if (kind === 'vtd') {
        const width = numberOf(table.header, 'hostAddressWidth');
        places.set(registers, width === null ? place : { ...place, addressWidth: width + 1 });
      } else if (kind === 'smmuv3') {
        places.set(registers, { ...place, streams: streamsOf(table, registers) });
      } else places.set(registers, place);
    }
  }
  return [...places.values()];
}

/** Which requesters of PCI segments reach the SMMU with these registers, and as which stream ids. */
function streamsOf(table: TableInMemory['table'], registers: number): StreamRange[] {
  const smmus = table.structures.filter(({ type }) => type === IortType.SMMUV3);
  const smmu = smmus.find((node) => unitsOf({ ...table, structures: [node] })[0]?.registers === registers);
  const streams: StreamRange[] = [];
  for (const node of table.structures) {
    if (node.type !== IortType.ROOT_COMPLEX) continue;
    const segment = numberOf(node, 'segment') ?? 0;
    for (const mapping of node.children) {
      if (numberOf(mapping, 'outputReference') !== smmu?.offset) continue;
      const requester = numberOf(mapping, 'inputBase') ?? 0;
      const stream = numberOf(mapping, 'outputBase') ?? 0;
      streams.push({ segment, requester, stream, count: (numberOf(mapping, 'idCount') ?? 0) + 1 });
    }
  }
  return streams;
}

/** Where QEMU's machines have their IOMMUs: hw/i386/intel_iommu_internal.h, amd_iommu.h, and virt's memory map. */
export const QEMU_PLACES: readonly UnitPlace[] = (
  [
    ['vtd', 0xfed9_0000],
    ['amdvi', 0xfed8_0000],
    ['smmuv3', 0x0905_0000],
  ] as const
).map(([kind, registers]) => ({
  kind,
  registers,
  segment: 0,
  foundBy: `registers at ${hex(registers)}, where QEMU has them`,
}));

/** The root that a unit's registers name; undefined when no unit answers there, or it was given no table yet. */
export async function rootFromRegisters(
  reader: RegisterReader,
  place: UnitPlace,
): Promise<FoundRoot | undefined> {
  const { registers, foundBy, kind, segment } = place;
  const base = { kind, segment, registers, foundBy };
  const found = await READERS[kind](reader, place);
  return found === undefined || found.table >= 2 ** 52 ? undefined : { ...base, ...found };
}

type Registers = Omit<FoundRoot, 'kind' | 'segment' | 'registers' | 'foundBy'>;

const NOBODY_64 = 0xffff_ffff_ffff_ffffn;
const NOBODY_32 = 0xffff_ffff;

async function vtdRegisters(reader: RegisterReader, place: UnitPlace): Promise<Registers | undefined> {
  const { registers, addressWidth } = place;
  const capability = await reader.read64(registers + VtdRegister.CAPABILITY);
  // Every unit has levels, so that a capability register of zeros is nobody's.
  if (capability === NOBODY_64 || capability === 0n) return undefined;
  const extended = await reader.read64(registers + VtdRegister.EXTENDED);
  const status = await reader.read32(registers + VtdRegister.STATUS);
  const value = await reader.read64(registers + VtdRegister.ROOT_ADDRESS);
  const enabled = translationEnabled(status);
  if (value === 0n && !enabled) return undefined;
  const root = rootOfRtaddr(value);
  if (root === undefined) return undefined;
  const width = addressWidth === undefined ? {} : { hostAddressWidth: addressWidth };
  return { ...root, enabled, capabilities: { ...entryCapabilities(capability, extended), ...width } };
}

async function amdviRegisters(reader: RegisterReader, place: UnitPlace): Promise<Registers | undefined> {
  const value = await reader.read64(place.registers + AmdviRegister.DEVICE_TABLE);
  const control = await reader.read64(place.registers + AmdviRegister.CONTROL);
  if (value === NOBODY_64 || (value === 0n && (control & 1n) === 0n)) return undefined;
  // Control register bit 0, IommuEn (AMD IOMMU spec 3.08 §3.4.1, MMIO offset 0018h).
  return { ...rootOfDeviceTable(value), enabled: (control & 1n) === 1n };
}

async function smmuRegisters(reader: RegisterReader, place: UnitPlace): Promise<Registers | undefined> {
  const { registers, streams } = place;
  const value = await reader.read64(registers + SmmuRegister.STRTAB_BASE);
  const config = await reader.read32(registers + SmmuRegister.STRTAB_BASE_CFG);
  const control = await reader.read32(registers + SmmuRegister.CR0);
  if (config === NOBODY_32 || (value === 0n && (control & 1) === 0)) return undefined;
  // CR0 bit 0, SMMUEN (IHI 0070F §6.3.9).
  const root = { ...rootOfStreamTable(value, config), enabled: (control & 1) === 1 };
  return streams === undefined ? root : { ...root, streams };
}

const READERS = { vtd: vtdRegisters, amdvi: amdviRegisters, smmuv3: smmuRegisters };
