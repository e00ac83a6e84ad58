import type { StatusBit } from './event.js';

type Row = readonly [bit: number, name: string, feature: string, meaning: string];

/**
 * The driver's own bits of `(features 0x…)`. The first fifteen are the same in Xen (since 4.15) and Linux; Linux went on.
 * (Xen and Linux, smmu-v3.h, ARM_SMMU_FEAT_*)
 */
const ROWS: readonly Row[] = [
  [0, '2_LVL_STRTAB', 'two-level-stream-table', 'stream tables of two levels'],
  [1, '2_LVL_CDTAB', 'two-level-context-descriptors', 'context descriptor tables of two levels'],
  [2, 'TT_LE', 'little-endian-tables', 'little-endian tables'],
  [3, 'TT_BE', 'big-endian-tables', 'big-endian tables'],
  [4, 'PRI', 'pri', 'page requests of PCI devices'],
  [5, 'ATS', 'ats', 'devices may cache translations'],
  [6, 'SEV', 'event-signal', 'commands may wake processors'],
  [7, 'MSI', 'msi', 'the SMMU may send its interrupts as MSIs'],
  [8, 'COHERENCY', 'coherent-walks', 'tables are read through the processors’ caches'],
  [9, 'TRANS_S1', 'stage-1', 'stage 1 translation'],
  [10, 'TRANS_S2', 'stage-2', 'stage 2 translation'],
  [11, 'STALLS', 'stalls', 'transactions may be stalled'],
  [12, 'HYP', 'hypervisor-contexts', 'contexts of the hypervisor'],
  [13, 'STALL_FORCE', 'forced-stalls', 'transactions are always stalled'],
  [14, 'VAX', 'wide-addresses', 'addresses of 52 bits'],
];

const LINUX_ROWS: readonly Row[] = [
  [15, 'RANGE_INV', 'range-invalidation', 'ranges can be invalidated'],
  [16, 'BTM', 'broadcast-invalidation', 'invalidations of the processors are followed'],
  [17, 'SVA', 'shared-virtual-addresses', 'address spaces of processes can be shared'],
  [18, 'E2H', 'host-extensions', 'the virtualisation host extensions'],
  [19, 'NESTING', 'nested', 'stage 1 upon stage 2'],
  [20, 'ATTR_TYPES_OVR', 'attribute-override', 'memory attributes can be overridden'],
  [21, 'HA', 'hardware-access-flag', 'the SMMU sets access flags'],
  [22, 'HD', 'hardware-dirty', 'the SMMU marks dirty pages'],
  [23, 'S2FWB', 'forced-write-back', 'stage 2 may force write-back'],
];

/** The features of a mask by name, on or off, for the facts; and its bits that are set. */
export function featuresOf(
  mask: number,
  linux: boolean,
): { features: [string, boolean][]; bits: StatusBit[] } {
  const rows = linux ? [...ROWS, ...LINUX_ROWS] : ROWS;
  const on = (bit: number) => ((mask >>> bit) & 1) === 1;
  return {
    features: rows.map(([bit, , feature]) => [feature, on(bit)]),
    bits: rows.filter(([bit]) => on(bit)).map(([, name, , meaning]) => ({ name, value: 1, meaning })),
  };
}
