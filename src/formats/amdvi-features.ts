import type { BitField, EntryLayout } from './layout.js';

/** A feature of the extended feature register, with the words of those who print it. */
export interface AmdviFeature {
  readonly lo: number;
  readonly hi: number;
  /** The manual's name without its `Sup`. */
  readonly name: string;
  /** What the unit can do, or what the number counts, in our words. */
  readonly meaning: string;
  /** How Xen lists it (`- Prefetch Pages Command`), empty where it does not. */
  readonly xen: string;
  /** How Linux lists it (`PreF`), empty where it does not. */
  readonly linux: string;
}

type Row = readonly [lo: number, hi: number, name: string, meaning: string, xen: string, linux: string];

const ROWS: readonly Row[] = [
  [0, 0, 'Pref', 'prefetch commands', 'Prefetch Pages Command', 'PreF'],
  [1, 1, 'PPR', 'page requests of devices (PRI)', 'Peripheral Page Service Request', 'PPR'],
  [2, 2, 'XT', 'interrupts for APIC ids of 32 bits', 'x2APIC', 'X2APIC'],
  [3, 3, 'NX', 'execute permission', 'NX bit', 'NX'],
  [4, 4, 'GT', 'translation by guests’ tables, with PASIDs', 'Guest Translation', 'GT'],
  [
    5,
    5,
    'GAPPI',
    'interrupts of a guest’s APIC by the processor',
    'Guest APIC Physical Processor Interrupt',
    '[5]',
  ],
  [6, 6, 'IA', 'one command that invalidates everything', 'Invalidate All Command', 'IA'],
  [7, 7, 'GA', 'interrupts straight to guests’ APICs', 'Guest APIC', 'GA'],
  [8, 8, 'HE', 'hardware error registers', 'Hardware Error Registers', 'HE'],
  [9, 9, 'PC', 'performance counters', 'Performance Counters', 'PC'],
  [
    10,
    11,
    'HATS',
    'levels of the host’s tables, less four (3: reserved)',
    'Host Address Translation Size',
    '',
  ],
  [
    12,
    13,
    'GATS',
    'levels of the guests’ tables, less four (3: reserved)',
    'Guest Address Translation Size',
    '',
  ],
  [14, 15, 'GLX', 'levels of the guest CR3 table, less one', 'Guest CR3 Root Table Level', ''],
  [16, 17, 'SmiF', 'filters of system management interrupts', 'SMI Filter Register', ''],
  [18, 20, 'SmiFRC', 'log2 of the number of these filters', 'SMI Filter Register Count', ''],
  [21, 23, 'GAM', 'modes of guests’ virtual APICs', 'Guest Virtual APIC Modes', 'GA_vAPIC'],
  [24, 25, 'DualPprLog', 'two logs of page requests', 'Dual PPR Log', ''],
  [28, 29, 'DualEventLog', 'two event logs', 'Dual Event Log', ''],
  [31, 31, 'SATS', 'secure ATS', 'Secure ATS', ''],
  [32, 36, 'PASmax', 'bits of a PASID, less one', 'Maximum PASID', ''],
  [37, 37, 'US', 'user and supervisor pages', 'User / Supervisor Page Protection', ''],
  [38, 39, 'DevTblSeg', 'log2 of the device table’s segments', 'Device Table Segmentation', ''],
  [40, 40, 'PprOvrflwEarly', 'early warning of a full PPR log', 'PPR Log Overflow Early Warning', ''],
  [41, 41, 'PprAutoRsp', 'answers to page requests by itself', 'PPR Automatic Response', ''],
  [42, 43, 'MARC', 'memory access routing and control', 'Memory Access Routing and Control', ''],
  [44, 44, 'BlkStopMrk', 'blocks StopMark messages', 'Block StopMark Message', ''],
  [45, 45, 'PerfOpt', 'performance optimisation', 'Performance Optimization', ''],
  [46, 46, 'MsiCapMmio', 'its MSI capability in its registers', 'MSI Capability MMIO Access', ''],
  [48, 48, 'GIO', 'guest I/O protection', 'Guest I/O Protection', ''],
  [49, 49, 'HA', 'accessed bits in the host’s tables', 'Host Access', ''],
  [50, 50, 'EPH', 'enhanced handling of page requests', 'Enhanced PPR Handling', ''],
  [51, 51, 'AttrFW', 'forwards attributes', 'Attribute Forward', ''],
  [52, 52, 'HD', 'dirty bits in the host’s tables', 'Host Dirty', ''],
  [54, 54, 'InvIotlbType', 'types of TLB invalidations', 'Invalidate IOTLB Type', ''],
  [55, 55, 'ViommuSup', 'virtual IOMMUs for guests', 'Virtualized IOMMU', ''],
  [56, 56, 'VmGuardIo', 'guarded I/O of encrypted guests', 'VMGuard I/O Support', ''],
  [57, 60, 'VmTableSize', 'size of the table of guests', 'VM Table Size', ''],
  [
    61,
    61,
    'GAUpdateDis',
    'no updates of accessed bits in guests’ tables',
    'Guest Access Bit Update Disable',
    '',
  ],
  [63, 63, 'SNP', 'checks against the reverse map table (SEV-SNP)', '', 'SNP'],
];

/** The features in the order of their bits. */
export const AMDVI_FEATURES: readonly AmdviFeature[] = ROWS.map(([lo, hi, name, meaning, xen, linux]) => ({
  lo,
  hi,
  name,
  meaning,
  xen,
  linux,
}));

function fields(): BitField[] {
  const all: BitField[] = [];
  let next = 0;
  const gap = (end: number) => {
    if (next < end) {
      all.push({ name: `reserved${next}`, lo: next, hi: end - 1, doc: 'reserved', kind: 'reserved' });
    }
  };
  for (const { lo, hi, name, meaning } of AMDVI_FEATURES) {
    gap(lo);
    all.push({ name: name.charAt(0).toLowerCase() + name.slice(1), lo, hi, doc: `${name}: ${meaning}` });
    next = hi + 1;
  }
  gap(64);
  return all;
}

/** The extended feature register. 64 bits. */
export const AMDVI_EXTENDED_FEATURES: EntryLayout = {
  name: 'AMD-Vi extended features',
  manual: 'AMD I/O Virtualization Technology (IOMMU) spec 3.08 §3.4.2, MMIO 0030h',
  words: 2,
  fields: fields(),
};
