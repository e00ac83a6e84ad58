import { IvrsType } from '../../formats/acpi/ivrs.js';
import { type AcpiStructure, addressOf, numberOf, offsetOf } from '../../formats/acpi/structure.js';
import type { AcpiTable } from '../../formats/acpi/table.js';
import { bitsOf } from '../../formats/acpi/units.js';
import { sbdfText } from '../../formats/requester.js';
import { hex } from '../../text/hex.js';
import type { AcpiFindings } from './finding.js';
import { covers, united } from './intervals.js';
import type { Devices } from './ivhd-devices.js';
import { ramText, ramWithin, type Surroundings } from './surroundings.js';

const PAGE = 4096n;
const TOP = 1n << 64n;
/** Devices that an IVMD is for; null where bytes are missing. */
interface Wanted {
  readonly first: number;
  readonly last: number;
}

/** IVMD blocks: memory that devices use whatever the system does, mapped one to one or left untranslated. */
export function verifyMemoryBlocks(
  memory: readonly AcpiStructure[],
  units: readonly AcpiStructure[],
  devices: ReadonlyMap<AcpiStructure, Devices>,
  table: AcpiTable,
  around: Surroundings,
  findings: AcpiFindings,
): void {
  const info = bitsOf(table.header, 'info');
  const bits = Math.min(info?.physicalAddressSize ?? 64, info?.virtualAddressSize ?? 64);
  const covered = united(units.flatMap((unit) => devices.get(unit) ?? []));
  const lastUnit = units.at(-1)?.offset ?? -1;
  const known = units.length > 0 && table.readToEnd;
  for (const block of memory) {
    const sbdf = deviceOf(block);
    verifyFlags(block, sbdf, findings);
    verifyRange(block, sbdf, bits, around, findings);
    if (known) verifyDevice(block, covered, lastUnit, findings);
  }
  verifyOverlaps(memory, findings);
}

const deviceOf = (block: AcpiStructure): string | undefined => {
  const device = numberOf(block, 'deviceId');
  return block.type === IvrsType.IVMD_ALL || device === null ? undefined : sbdfText(device);
};

function verifyFlags(block: AcpiStructure, sbdf: string | undefined, findings: AcpiFindings): void {
  const flags = bitsOf(block, 'flags');
  if (flags === null) return;
  const at = offsetOf(block, 'flags');
  const { unity, exclusion, read, write } = flags;
  const { name } = block.layout;
  if (unity === 0 && exclusion === 0) {
    findings.error('memory-flags', at, `${name}: neither Unity nor ExclusionRange is set`, sbdf);
  } else if (unity === 1 && exclusion === 1) {
    findings.warning('memory-flags', at, `${name}: Unity and ExclusionRange are both set`, sbdf);
  } else if (unity === 1 && read !== write) {
    const right = read === 1 ? 'reading' : 'writing';
    findings.warning('memory-one-way', at, `${name}: to be mapped for ${right} only`, sbdf);
  } else if (unity === 1 && read === 0) {
    findings.warning('memory-flags', at, `${name}: to be mapped without any right`, sbdf);
  }
}

function verifyRange(
  block: AcpiStructure,
  sbdf: string | undefined,
  bits: number,
  around: Surroundings,
  findings: AcpiFindings,
): void {
  const start = addressOf(block, 'start');
  const length = addressOf(block, 'memoryLength');
  if (start === null || length === null) return;
  const at = offsetOf(block, 'start');
  const what = `${block.layout.name} of ${hex(length)} bytes at ${hex(start)}`;
  if (length === 0n || start + length > TOP) {
    const problem = length === 0n ? 'it has no memory' : 'it reaches beyond 64 bits';
    findings.error('memory-empty', at, `${what}: ${problem}`, sbdf);
    return;
  }
  if (start === 0n && length <= 1n) {
    findings.error('memory-placeholder', at, `${what}: a template that was not filled in, for page 0`, sbdf);
    return;
  }
  if (start % PAGE !== 0n || length % PAGE !== 0n) {
    findings.error('memory-unaligned', at, `${what}: not whole pages`, sbdf);
  }
  if (bits > 0 && bits < 64 && (start + length - 1n) >> BigInt(bits) !== 0n) {
    findings.error('memory-beyond-width', at, `${what}: beyond the address size of ${bits} bits`, sbdf);
  }
  const ram = ramWithin(around, start - (start % PAGE), start + length);
  if (ram !== undefined) findings.error('memory-in-ram', at, `${what}: ${ramText(ram)}`, sbdf);
}

function wanted(block: AcpiStructure): Wanted | null {
  const first = numberOf(block, 'deviceId');
  const aux = numberOf(block, 'aux');
  if (block.type === IvrsType.IVMD_ALL) return { first: 0, last: 0xffff };
  if (first === null || aux === null) return null;
  return { first, last: block.type === IvrsType.IVMD_RANGE ? aux : first };
}

function verifyDevice(
  block: AcpiStructure,
  covered: Devices,
  lastUnit: number,
  findings: AcpiFindings,
): void {
  const range = wanted(block);
  if (range === null || block.type === IvrsType.IVMD_ALL || block.type === IvrsType.IVMD_IOMMU) return;
  const at = offsetOf(block, 'deviceId');
  const { name } = block.layout;
  const sbdf = sbdfText(range.first);
  if (block.type === IvrsType.IVMD_RANGE && range.last <= range.first) {
    const message = `${name} for ${sbdf} to ${sbdfText(range.last)}: the range ends before it begins`;
    findings.error('memory-range', at, message, sbdf);
    return;
  }
  for (const device of new Set([range.first, range.last])) {
    if (covers(covered, BigInt(device))) continue;
    const missing = sbdfText(device);
    findings.error('memory-device', at, `${name} for ${missing}, which no IVHD names`, missing);
    return;
  }
  if (block.offset < lastUnit) {
    findings.warning('memory-order', block.offset, `${name} for ${sbdf} stands before an IVHD block`, sbdf);
  }
}

/** Ranges of memory that overlap, of IVMDs with devices in common: equal ranges are no overlap. */
function verifyOverlaps(memory: readonly AcpiStructure[], findings: AcpiFindings): void {
  const ranges = memory
    .flatMap((block) => {
      const start = addressOf(block, 'start');
      const length = addressOf(block, 'memoryLength');
      const devices = wanted(block);
      if (start === null || length === null || devices === null || length <= 1n) return [];
      return [{ block, start: start - (start % PAGE), end: start + length - 1n, devices }];
    })
    .sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  let reported = 0;
  for (let i = 0; i < ranges.length && reported < OVERLAPS_AT_MOST; i++) {
    const one = ranges[i]!;
    // Neighbours only: what overlaps begins before this one ends, and few do.
    for (let j = i + 1; j < Math.min(ranges.length, i + NEIGHBOURS); j++) {
      const other = ranges[j]!;
      if (other.start > one.end) break;
      if (one.start === other.start && one.end === other.end) continue;
      if (one.devices.last < other.devices.first || other.devices.last < one.devices.first) continue;
      const message = `${hex(one.start)}-${hex(one.end)} and ${hex(other.start)}-${hex(other.end)} overlap for one device`;
      findings.error('memory-overlap', offsetOf(other.block, 'start'), message, deviceOf(other.block));
      reported++;
    }
  }
}

/** Ranges that begin within one range and are looked at: a table made to take long has more. */
const NEIGHBOURS = 64;
const OVERLAPS_AT_MOST = 256;
