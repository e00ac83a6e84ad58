import { ladder, type Rung } from '../rule.js';
import type { Situation } from '../situation.js';

const hasRegions = ({ xen, deviceIndex }: Situation): boolean =>
  deviceIndex >= 0 && xen.spec.reserved.some(({ device }) => device === deviceIndex);

const NO_RECORD = 'no record of identity mappings is kept';

const RUNGS: readonly Rung[] = [
  {
    row: '',
    what: 'a region that another device has with other rights, or in part',
    status: 'EADDRINUSE',
    fn: 'mapReserved',
    excuse: NO_RECORD,
  },
  {
    row: '',
    what: 'unmapping what is not recorded',
    status: 'ENOENT',
    fn: 'unmapReserved',
    excuse: NO_RECORD,
  },
  { row: '', what: 'unmapping fails', status: 'ENXIO', fn: 'unmapReserved', excuse: NO_RECORD },
  {
    row: '',
    what: 'a region that several devices share, strict',
    status: 'EPERM',
    fn: 'mapReserved',
    excuse: 'regions have one device each',
  },
  { row: '', what: 'the guest has memory there, strict', status: 'EBUSY', fn: 'mapReserved' },
  { row: '', what: 'mapped, or left out when relaxed', status: 'ok', fn: 'mapReserved' },
];

/** Reserved regions: dossier §6.4. */
export const RESERVED = ladder('§6.4', ['assign_device'], 'reserved regions', RUNGS, { applies: hasRegions });
