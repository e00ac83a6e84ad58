import type { NamedRange } from '../../logs/facts.js';

/** What is known of the machine beside the table: what a table can only be wrong together with. */
export interface Surroundings {
  /** APIC ids of the I/O APICs by the MADT; null without one. */
  readonly ioApicIds: readonly number[] | null;
  /** The memory map; null when none was given. */
  readonly e820: readonly NamedRange[] | null;
}

export const NOTHING_KNOWN: Surroundings = { ioApicIds: null, e820: null };

/** The first usable RAM between `start` and `end` (exclusive); undefined when there is none, or no map. */
export function ramWithin({ e820 }: Surroundings, start: bigint, end: bigint): NamedRange | undefined {
  return e820?.find((range) => range.what === 'usable' && range.start < end && range.end > start);
}

export const ramText = ({ start, end }: NamedRange): string =>
  `the memory map has usable RAM at 0x${start.toString(16)}-0x${(end - 1n).toString(16)}`;
