import { decimal, enumeration, flag, hex, optional } from '../../store/table.js';
import { COUNT_INFO, TYPE_INFO } from '../page-info.js';
import type { TablePlan } from './plan.js';

/**
 * Which list a page of a domain is on (only where contexts are built late, dossier §1.3). `xen`: a freed frame that is
 * still on a domain's list of pages that Xen shares with it, where none should be (XSA-26); those that are shared are on it
 * without saying so.
 */
export const List = { none: 0, pages: 1, relinquished: 2, xen: 3 } as const;

/** The frame table: `struct page_info` of each frame of RAM. */
export function frameTable(plan: TablePlan) {
  const { layout, frames, names, frameName } = plan;
  return layout.table(
    'frame',
    frames,
    {
      owner: optional(names.domain),
      countInfo: COUNT_INFO,
      typeInfo: TYPE_INFO,
      /** Linear entries of a page table, or, below 0, those that point to it (linear-table.ts). */
      linearPtCount: decimal,
      /** Entries of a partly validated page table that have been validated. */
      validatedEntries: decimal,
      /** Whether the entry behind those was left half-way (partial-entry.ts). */
      partialEntry: flag,
      /** Whether a CPU of the owner's may remember the page for what it was. */
      tlbStamp: flag,
      /** It waits for a guest frame to be populated on demand. */
      inPodCache: flag,
      /** M2P of translated domains: gfn + 1. PV domains see machine frames. */
      gfn: optional(hex),
      list: enumeration(Object.keys(List)),
      next: optional(names.frame),
      previous: optional(names.frame),
    },
    (pdx) => `frame ${frameName(pdx)}`,
    { rowsOf: [{ kind: 'frame', count: frames }] },
  ).columns;
}

/** The lowest free frame, of Xen’s own and of domains’: where the search for one begins. */
export function heapTable(plan: TablePlan) {
  const { layout } = plan;
  return layout.table('heap', 2, { lowestFree: decimal }, (zone) => `heap ${zone}`, {
    derived: true,
  }).columns;
}
