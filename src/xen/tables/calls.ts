import { decimal, enumeration, flag, hex, optional } from '../../store/table.js';
import { STEP_NAMES } from '../calls/steps.js';
import { TYPE_INFO } from '../page-info.js';
import type { TablePlan } from './plan.js';

/** Pages that a batch of moves may hold until it has flushed (5777a3742d9b). */
export const HELD_PAGES = 16;

/** Hypercalls under way, as many as a domain can have: where each stands, and what it holds. */
export function callTable(plan: TablePlan) {
  const { layout, names, rows, domainName, ofDomain, spec } = plan;
  const { limits } = spec;
  return layout.table(
    'call',
    limits.domains * limits.calls,
    {
      /** The step to run next of a hypercall under way, 0 when there is none. */
      step: enumeration(STEP_NAMES),
      domain: optional(names.domain),
      device: optional(names.device),
      /** assign_device's flags; populate_physmap's order. */
      flags: hex,
      page: optional(names.frame),
      pagesInSlice: decimal,
      /** Where a translated domain gets the page. */
      gfn: hex,
      /** Pages still to be had. */
      count: decimal,
      /** The type word as it was read. */
      was: TYPE_INFO,
      /** The page that an entry is to lead to; the one that takes another's place. */
      target: optional(names.frame),
      /** gmfn_range: where the next page is now, and the errno that the call will end with. */
      index: hex,
      outcome: decimal,
    },
    limits.calls === 1 ? (call) => `hypercall of ${domainName(call)}` : ofDomain(limits.calls, 'hypercall'),
    { rowsOf: [rows.calls] },
  ).columns;
}

/** What hypercalls about grants hold besides. */
export function grantCallTable(plan: TablePlan) {
  const { layout, names, rows, domainName, ofDomain, spec } = plan;
  const { limits } = spec;
  return layout.table(
    'grantCall',
    limits.domains * limits.calls,
    {
      /** map: the handle that it has taken, as a row of maptrack; the grant, also of an unmap. */
      handle: optional(names.handle),
      ref: optional(names.grant),
      hostEntry: names.hostEntry,
      /** copy: its ends, by grant or by page; what is held of them; which bytes. */
      fromDomain: optional(names.domain),
      fromRef: optional(names.grant),
      fromPage: optional(names.frame),
      fromOffset: decimal,
      fromPinned: flag,
      toDomain: optional(names.domain),
      toRef: optional(names.grant),
      toPage: optional(names.frame),
      toOffset: decimal,
      toPinned: flag,
      length: decimal,
    },
    limits.calls === 1
      ? (call) => `grant hypercall of ${domainName(call)}`
      : ofDomain(limits.calls, 'grant hypercall'),
    { rowsOf: [rows.calls] },
  ).columns;
}

/** Pages that a hypercall holds until it has flushed. */
export function heldTable(plan: TablePlan) {
  const { layout, names, rows, spec } = plan;
  const { limits } = spec;
  return layout.table(
    'held',
    limits.domains * limits.calls * HELD_PAGES,
    { frame: optional(names.frame) },
    (row) =>
      `held by a hypercall of ${names.call.show(Math.floor(row / HELD_PAGES))}: page ${row % HELD_PAGES}`,
    { rowsOf: [rows.calls, { kind: 'held page', count: HELD_PAGES }] },
  ).columns;
}

/** Locks of no domain, and the hypercalls that hold them. */
export function lockTable(plan: TablePlan) {
  const { layout, names } = plan;
  return layout.table('lock', 1, { pcidevs: optional(names.call) }, () => 'lock of').columns;
}
