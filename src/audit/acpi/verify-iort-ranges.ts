import { IortType, MEMORY_RANGE } from '../../formats/acpi/iort.js';
import { type AcpiStructure, addressOf } from '../../formats/acpi/structure.js';
import { hex } from '../../text/hex.js';
import type { AcpiFindings } from './finding.js';
import { type Interval, overlaps } from './intervals.js';
import { ramText, ramWithin, type Surroundings } from './surroundings.js';

const ALIGNED = 0x1_0000n;
const TOP = 1n << 64n;
/** Reserved memory ranges of RMR nodes (DEN0049 §3.1.1.7): whole pages of any granule, each of them once. */
export function verifyReservedRanges(
  nodes: readonly AcpiStructure[],
  around: Surroundings,
  findings: AcpiFindings,
): void {
  const intervals: Interval<number>[] = [];
  for (const node of nodes) {
    if (node.type !== IortType.RMR) continue;
    for (const { layout, offset, ...rest } of node.children) {
      if (layout !== MEMORY_RANGE) continue;
      const range = { layout, offset, ...rest };
      const base = addressOf(range, 'base');
      const length = addressOf(range, 'rangeLength');
      if (base === null || length === null) continue;
      const what = `reserved range of ${hex(length)} bytes at ${hex(base)}`;
      if (length === 0n || base + length > TOP) {
        const problem = length === 0n ? 'it is empty' : 'it reaches beyond 64 bits';
        findings.error('range-wrong', offset, `${what}: ${problem}`);
        continue;
      }
      if (base % ALIGNED !== 0n || length % ALIGNED !== 0n) {
        findings.warning('range-wrong', offset, `${what}: not a multiple of 64 KiB`);
      }
      const ram = ramWithin(around, base, base + length);
      if (ram !== undefined) findings.error('range-wrong', offset, `${what}: ${ramText(ram)}`);
      intervals.push({ start: base, end: base + length - 1n, owner: offset });
    }
  }
  for (const { first, second } of overlaps(intervals)) {
    const message = `reserved ranges ${hex(first.start)}-${hex(first.end)} and ${hex(second.start)}-${hex(second.end)} overlap`;
    findings.error('range-overlap', second.owner, message);
  }
}
