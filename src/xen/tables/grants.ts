import { GRANT_MAP_FLAGS, GRANT_PINS } from '../../formats/grant-v1.js';
import { decimal, flag, hex, optional } from '../../store/table.js';
import { laidOut } from '../laid-out.js';
import type { TablePlan } from './plan.js';

/** Active grant entries: what Xen notes of each grant as long as it is in use. */
export function grantTable(plan: TablePlan) {
  const { layout, names, rows, ofDomain, spec } = plan;
  const { limits } = spec;
  return layout.table(
    'grant',
    limits.domains * limits.grants,
    {
      /** Four 8-bit counters: host writers, host readers, device writers, device readers (dossier §5.1). */
      pin: laidOut(GRANT_PINS),
      grantee: optional(names.domain),
      frame: optional(names.frame),
      /** Not for mappings of whole pages: start (bits 0 to 14), is_sub_page (15) and length (16 to 31), for copies. */
      part: hex,
      /** The domain whose page a transitive grant leads to, and the grant there. */
      source: optional(names.domain),
      sourceRef: decimal,
      /** The granter has overwritten the shared entry since it was pinned: its use flags say nothing any more. */
      spoilt: flag,
    },
    ofDomain(limits.grants, 'active grant'),
    { rowsOf: [rows.domains, { kind: 'grant', count: limits.grants }] },
  ).columns;
}

/** The frames behind each domain’s grant table, from the second on, and those of status words. */
export function grantFrameTable(plan: TablePlan) {
  const { layout, names, rows, ofDomain, spec } = plan;
  const { limits } = spec;
  return layout.table(
    'grantFrame',
    limits.domains * limits.grantFrames,
    { shared: optional(names.frame), status: optional(names.frame) },
    ofDomain(limits.grantFrames, 'grant frame'),
    { rowsOf: [rows.domains, { kind: 'grant frame', count: limits.grantFrames }] },
  ).columns;
}

/** Handles: the grants that each domain has mapped. */
export function maptrackTable(plan: TablePlan) {
  const { layout, names, ofDomain, spec } = plan;
  const { limits } = spec;
  return layout.table(
    'maptrack',
    limits.domains * limits.handles,
    {
      flags: laidOut(GRANT_MAP_FLAGS),
      granter: optional(names.domain),
      ref: optional(names.grant),
      /** Where it is mapped for the mapper's CPU: in its p2m, or in an L1 entry (grant-host-mapping.ts). */
      hostGfn: optional(hex),
      hostEntry: names.hostEntry,
    },
    ofDomain(limits.handles, 'handle'),
    { rowsOf: [{ kind: 'handle', count: limits.domains * limits.handles }] },
  ).columns;
}

/** How often each domain has mapped a frame through grants. */
export function grantCounterTable(plan: TablePlan) {
  const { layout, names, rows, ofDomain, spec } = plan;
  const { limits } = spec;
  return layout.table(
    'grantCounter',
    limits.domains * limits.handles,
    { frame: optional(names.frame), readers: decimal, writers: decimal },
    ofDomain(limits.handles, 'grant counter'),
    { rowsOf: [rows.domains, { kind: 'grant counter', count: limits.handles }] },
  ).columns;
}
