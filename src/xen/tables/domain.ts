import { decimal, enumeration, flag, hex, optional } from '../../store/table.js';
import { STEP_NAMES } from '../calls/steps.js';
import type { TablePlan } from './plan.js';

/** What a domain is. PV sees machine frames; HVM (and PVH) and Arm domains are translated by a p2m. */
export const Kind = { pv: 1, hvm: 2, arm: 3 } as const;
const KIND_NAMES = ['none', 'pv', 'hvm', 'arm'];

/**
 * Life of a domain. `dying`: its destruction has begun; `dead`: it has ended, but others still hold pages of it (a
 * zombie). When the last is given back it is absent again (dossier §6.6).
 */
export const Life = { absent: 0, alive: 1, dying: 2, dead: 3 } as const;

/** Status of a domain's IOMMU tables (dossier §1.2). */
export const IommuStatus = { disabled: 0, initializing: 1, initialized: 2 } as const;

/** The domains by slot, ordinary ones by their domid, and what stands in `struct domain` of each. */
export function domainTable(plan: TablePlan) {
  const { layout, slots, names, rows, domainName } = plan;
  return layout.table(
    'domain',
    slots,
    {
      life: enumeration(Object.keys(Life)),
      kind: enumeration(KIND_NAMES),
      hap: flag,
      /** CDF_iommu, as createdomain was given it. */
      cdfIommu: flag,
      iommuOpts: hex,
      directMapped: flag,
      iommuStatus: enumeration(Object.keys(IommuStatus)),
      needSync: flag,
      share: flag,
      iommuRoot: optional(names.frame),
      /** VT-d: the units that the domain has devices behind, a bit each; no other is flushed. */
      iommuBitmap: hex,
      /** AMD-Vi: levels to which the domain's tables have grown; 0 while they are as many as they began with. */
      iommuLevels: decimal,
      p2mRoot: optional(names.frame),
      /** The first shared frame of its grant table; the others, and status frames, are in the table grantFrame. */
      grantFrame: optional(names.frame),
      moreGrantFrames: decimal,
      statusFrames: decimal,
      grantVersion: enumeration(['v1', 'v2']),
      /** The highest version that set_version gives it; 0 is what the host allows. */
      maxGrantVersion: decimal,
      /** The shared_info page, once it was asked for. */
      sharedInfo: optional(names.frame),
      /** PV: the L4 tables its vCPU runs on, and its descriptors. */
      baseptr: optional(names.frame),
      userBaseptr: optional(names.frame),
      gdt: optional(names.frame),
      /** PV: the L1 table below entry 0 of each, as its CPU remembers it (linear-mapping.ts). */
      linearTable: optional(names.frame),
      /** PV: it runs in 32 bits, on an L3 table. */
      compat: flag,
      totPages: decimal,
      maxPages: decimal,
      /** Log-dirty mode (exclusions.ts): what it, paging, sharing and populate-on-demand exclude is devices. */
      logDirty: enumeration(['off', 'shadow', 'global']),
      pagingEnabled: flag,
      sharingEnabled: flag,
      /** Guest frames that are populated on demand. */
      podEntries: decimal,
      /** Pages that wait for them (pod.ts), and whether there ever were any. */
      podPages: decimal,
      podUsed: flag,
      /** The frame in which log-dirty mode notes pages, as long as it is on. */
      logDirtyFrame: optional(names.frame),
      listHead: optional(names.frame),
      listTail: optional(names.frame),
      relinquishedHead: optional(names.frame),
      relinquishedTail: optional(names.frame),
      /** The hypercall that holds the page-allocation lock. */
      pageAllocLock: optional(names.call),
      /** The hypercall that holds the lock of its grant table. */
      grantLock: optional(names.call),
      /** While it dies: the stage of its destruction that comes next. */
      teardown: enumeration(STEP_NAMES),
      /** Pages below this one are given back at this stage. */
      teardownPage: hex,
      /** The access of new p2m entries (XENMEM_access_op) + 1; none is rwx. */
      defaultAccess: optional(decimal),
      /** Arm: entries of the p2m that hold a reference of another domain's page. */
      foreignMaps: decimal,
      /** Writes to pages of type ioreq_server go to the device model. */
      ioreqWrites: flag,
      crashed: flag,
      /** The domain id + 1 that is free, and is still to be told from the domain (vtd-domain-ids.ts). */
      didToForget: decimal,
      /** A hypercall that has ended still holds it, so that it never vanishes. */
      held: flag,
      /** It has had a device; noted only where giving back its tables depends on it. */
      hadDevice: flag,
      /** Pages set aside for it (claims.ts). */
      claimed: decimal,
      /** The p2m's lock was not dropped by who took it. */
      p2mLock: flag,
    },
    (slot) => domainName(slot),
    { rowsOf: [rows.slots] },
  ).columns;
}
