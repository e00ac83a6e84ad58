import { EntryType } from '../../formats/acpi/ivhd-entries.js';
import { type AcpiStructure, isWhole, numberOf } from '../../formats/acpi/structure.js';
import { sbdfText } from '../../formats/requester.js';
import type { AcpiFindings } from './finding.js';
import { type Interval, united } from './intervals.js';

/** Requester ids that an IVHD block has, in order; with the offset of the block as their owner. */
export type Devices = readonly Interval<number>[];

const STARTS: readonly number[] = [EntryType.RANGE_START, EntryType.ALIAS_START, EntryType.EXTENDED_START];
const LAST = 0xffffn;

/**
 * The devices of a block's entries, and what is wrong with its ranges. `usedByXen` tells whether Xen reads the block: the
 * entries that it does not know are a mistake only there.
 */
export function devicesOf(block: AcpiStructure, usedByXen: boolean, findings: AcpiFindings | null): Devices {
  const found: Interval<number>[] = [];
  const owner = block.offset;
  const add = (start: number | null, end: number | null) => {
    if (start !== null && end !== null) found.push({ start: BigInt(start), end: BigInt(end), owner });
  };
  let open: AcpiStructure | null = null;
  for (const entry of block.children) {
    const { type, offset } = entry;
    const name = entry.layout.name;
    if (open !== null && type !== EntryType.RANGE_END) {
      findings?.error(
        'range-broken',
        open.offset,
        `${open.layout.name} is followed by ${name}, not by a range end`,
      );
      open = null;
    }
    if (type === EntryType.ALL) {
      found.push({ start: 0n, end: LAST, owner });
      if (usedByXen)
        findings?.error(
          'entry-all',
          offset,
          'a device entry of type 1 (all devices), which Xen does not know',
        );
    } else if (type === EntryType.RANGE_END) {
      if (open === null) findings?.error('range-broken', offset, 'a range end without a start');
      else add(...rangeOf(open, entry, findings));
      open = null;
    } else if (type !== null && STARTS.includes(type)) {
      open = entry;
    } else if (type === EntryType.SPECIAL) {
      const alias = numberOf(entry, 'alias');
      add(alias, alias);
    } else if (hasDevice(type)) {
      const device = numberOf(entry, 'deviceId');
      add(device, device);
    }
  }
  if (open !== null && isWhole(block)) {
    findings?.error('range-broken', open.offset, `${open.layout.name} is the last entry of its block`);
  }
  return united(found);
}

const hasDevice = (type: number | null): boolean =>
  type === EntryType.SELECT ||
  type === EntryType.ALIAS_SELECT ||
  type === EntryType.EXTENDED_SELECT ||
  type === EntryType.ACPI_HID;

function rangeOf(
  start: AcpiStructure,
  end: AcpiStructure,
  findings: AcpiFindings | null,
): [number | null, number | null] {
  const first = numberOf(start, 'deviceId');
  const last = numberOf(end, 'deviceId');
  if (first !== null && last !== null && last <= first) {
    const what = last === first ? 'has one device' : 'ends before it begins';
    const message = `range ${sbdfText(first)} to ${sbdfText(last)} ${what}`;
    findings?.error('range-broken', start.offset, message, sbdfText(first));
    if (last < first) return [null, null];
  }
  return [first, last];
}
