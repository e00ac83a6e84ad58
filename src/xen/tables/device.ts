import { decimal, flag, hex, optional } from '../../store/table.js';
import { unitName } from '../units.js';
import type { TablePlan } from './plan.js';

/** The devices of the machine. */
export function deviceTable(plan: TablePlan) {
  const { layout, spec, names } = plan;
  return layout.table(
    'device',
    Math.max(1, spec.devices.length),
    {
      owner: optional(names.domain),
      /** It was assigned to dom_io: it goes back there when a guest gives it back. */
      quarantine: flag,
      /** It did not answer, or nobody knows what its functions reach. */
      broken: flag,
      /** Xen does not know it: it was not there at boot, or was removed. */
      absent: flag,
      /** A table of its own for quarantine, and the page to which most of it leads. */
      quarantineTable: optional(names.frame),
      scratchPage: optional(names.frame),
      /** The domain id under which it is quarantined (from 0x8000 up). */
      pseudoDomid: hex,
      /** Faults, halved whenever 10 ms went by without one, and when the last one was. */
      faultCount: decimal,
      faultTime: decimal,
      /** Xen switched its bus mastering off. */
      masterOff: flag,
      /** Who gets its interrupts (pirq.ts). */
      interrupts: optional(names.domain),
      addedToSmmu: flag,
    },
    (row) => `device ${spec.devices[row]?.name ?? row}`,
    { rowsOf: [{ kind: 'device', count: spec.devices.length }] },
  ).columns;
}

/** Regions that firmware reserves, as each domain has them mapped. */
export function identityMapTable(plan: TablePlan) {
  const { layout, spec, slots, rows, domainName } = plan;
  const regions = spec.reserved.length;
  return layout.table(
    'identityMap',
    Math.max(1, slots * regions),
    /** How many devices of the domain have the range reserved, and with which rights (dossier §6.4). */
    { count: decimal, rights: decimal },
    (row) => `${domainName(Math.floor(row / Math.max(1, regions)))} reserved region ${row % regions}`,
    { rowsOf: [rows.slots, { kind: 'region', count: regions }] },
  ).columns;
}

/**
 * VT-d: the domain ids of each unit by whom they are taken for: each domain by its slot, and after them each device in
 * quarantine.
 */
export function vtdDomainIdTable(plan: TablePlan) {
  const { layout, spec, slots, domainName } = plan;
  const units = spec.iommu.kind === 'vtd' ? spec.iommu.units.length : 0;
  const holders = slots + spec.devices.length;
  return layout.table(
    'vtdDomainId',
    Math.max(1, units * holders),
    { did: optional(decimal) },
    (row) => {
      const holder = row % holders;
      const of = holder < slots ? domainName(holder) : `quarantined device ${holder - slots}`;
      return `${unitName('VT-d', Math.floor(row / holders))} domain id of ${of}`;
    },
    {
      rowsOf: [
        { kind: 'unit', count: units },
        { kind: 'domain id holder', count: holders },
      ],
    },
  ).columns;
}

/** SMMUv3: the context of each domain that has devices, the driver's record. */
export function smmuContextTable({ layout, spec, domainName }: TablePlan) {
  return layout.table(
    'SMMUv3 context',
    spec.limits.domains,
    { vmid: decimal, references: decimal },
    (slot) => `SMMUv3 context of ${domainName(slot)}`,
  ).columns;
}
