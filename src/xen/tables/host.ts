import { decimal, enumeration, flag, hex, optional } from '../../store/table.js';
import { FAILURES } from '../failures.js';
import type { TablePlan } from './plan.js';

/** Ways for Xen to go down that the model knows. */
export const BUG_NAMES = [
  'none',
  'page count underflow',
  'type count underflow',
  'freed with type references',
  'grant counter underflow',
  'no domain where one is looked at',
  'grant pin underflow',
  'DMAR hardware is malfunctional',
  'no SMMU context where one is looked at',
  'panic: could not set up dom0',
  'panic: a domain of the device tree could not be made',
  'panic: a second hardware domain',
  'panic: direct-map without static memory',
  'panic: passthrough said of the hardware domain',
  'panic: hardware domain neither direct-mapped nor behind an IOMMU',
  'panic: a device tree module for the hardware domain',
  'IOMMU map hook for no direct-mapped domain',
  'a device that does not leave is tried for ever',
  'type reference dropped before validation',
  'a page where there is no memory',
  'a shared frame freed with references',
  'a page on a list twice',
  'a free page is freed',
  'fewer guest frames wait for a page than none',
  'a context entry is switched back and forth for ever',
] as const;
export type BugName = Exclude<(typeof BUG_NAMES)[number], 'none'>;

/** States of tables that hardware must never meet, however short they are. */
export const GLIMPSE_NAMES = [
  'none',
  'a table that maps otherwise than the page it took the place of',
  'an empty table where a page was mapped',
  'a table that was given back while an entry still led to it',
  'an entry with the frame of one mapping and the rights of another',
] as const;
export type Glimpse = Exclude<(typeof GLIMPSE_NAMES)[number], 'none'>;

/** What Xen did or said and must not have, where no other state shows it afterwards. */
export const MISDEED_NAMES = [
  'none',
  'a map that failed was answered as if it had succeeded',
  'a copy wrote a page that it did not hold as writable',
  'a copy that was not made was answered as if it had been',
  'a grant entry is locked while another is',
  'pages that were moved are not where they were to go',
  'a frame that was to be where it is has gone from there',
  'a page that was given is not where it was to be',
  'Xen wrote for a guest what the guest may only read',
] as const;
export type MisdeedName = Exclude<(typeof MISDEED_NAMES)[number], 'none'>;

/** What is to fail, and when. */
export function failureTable(plan: TablePlan) {
  const { layout } = plan;
  return layout.table(
    'failure',
    FAILURES.length,
    /** `more`: how many fail after the one that is counted down to. */
    { countdown: decimal, askedFor: decimal, more: decimal },
    (row) => `failure of ${FAILURES[row]}`,
  ).columns;
}

/** What there is once. */
export function hostTable(plan: TablePlan) {
  const { layout, names } = plan;
  return layout.table(
    'host',
    1,
    {
      bug: enumeration(BUG_NAMES),
      misdeed: enumeration(MISDEED_NAMES),
      quarantinePage: optional(names.frame),
      /** Where the search for a quarantined device's domain id goes on. */
      nextPseudoDomid: hex,
      /** Milliseconds since boot, as far as the program lets time pass. */
      now: decimal,
      /** The last frame that was freed while an IOMMU remembered a way to it (remembered.ts). */
      freedInUse: optional(names.frame),
      /** What hardware could have met in the middle of a change of tables (glimpses.ts). */
      glimpse: enumeration(GLIMPSE_NAMES),
      /** A device that did not reach its reserved region in the middle of a hypercall (reserved-gap.ts). */
      reservedGap: optional(decimal),
      /** Pages set aside for all domains. */
      claimed: decimal,
      /** A CPU was left without flushes (iommu_dont_flush_iotlb), which only a batch may be. */
      flushesSuppressed: flag,
      /** How many extents there are (extents.ts): without any, nothing need look for one. */
      extents: decimal,
      /** The longest that Xen was at work without a look, where that was too long. */
      longestStretch: decimal,
    },
    () => 'host',
  ).columns;
}
