import { hex } from '../../text/hex.js';
import type { Here } from '../here.js';
import { type DomainLabel, domainLabel } from './domain-label.js';
import { type DomainRows, disagrees } from './domain-rows.js';
import { machineRows } from './machine-index.js';
import { countsOf, type Mark, marksOf, type SignCounts } from './marks.js';

/** Something in which the views of a domain's memory disagree. */
export interface Disagreement extends Mark {
  readonly slot: number;
  readonly domain: string;
  /** Input frame, as a number and in words; the frame (mfn) that it concerns, where there is one. */
  readonly input: number;
  readonly place: string;
  readonly frame: number | undefined;
}

/** How far what CPUs see, what IOMMU tables say and what the rule permits are from each other here. */
export interface Disagreements {
  readonly total: number;
  readonly domains: readonly (DomainLabel & { readonly total: number; readonly counts: SignCounts })[];
  /** The first of them. */
  readonly first: readonly Disagreement[];
}

/** Counts them, domain by domain, and tells the first `count`. */
export function disagreements(here: Here, { count }: { readonly count: number }): Disagreements {
  const { slots, domains } = machineRows(here);
  const found = slots.map((slot) => ({ ...domainLabel(here, slot), ...countsOf(domains[slot]!) }));
  const first: Disagreement[] = [];
  for (const { slot, total } of found) {
    const rows = domains[slot]!;
    for (let row = 0; total > 0 && row < rows.length && first.length < count; row++) {
      if (!disagrees(rows, row)) continue;
      for (const mark of marksOf(here, rows, row)) {
        if (mark.sign !== 'pending') first.push({ ...mark, ...placeOf(here, rows, row) });
      }
    }
  }
  return {
    total: found.reduce((sum, { total }) => sum + total, 0),
    domains: found,
    first: first.slice(0, count),
  };
}

function placeOf(here: Here, rows: DomainRows, row: number) {
  const input = rows.inputs[row]!;
  const frame = rows.frames[row]!;
  return {
    slot: rows.slot,
    domain: here.xen.domainName(rows.slot),
    input,
    place: `dfn ${hex(input)}`,
    frame: frame < 0 ? undefined : frame,
  };
}
