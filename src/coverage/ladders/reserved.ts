import { ladder, type Rung } from '../rule.js';
import type { Situation } from '../situation.js';

const regionsOfDevice = ({ xen, deviceIndex }: Situation) =>
  xen.spec.reserved.filter(({ devices }) => devices.includes(deviceIndex));
const hasRegions = (s: Situation): boolean => regionsOfDevice(s).length > 0;

const RUNGS: readonly Rung[] = [
  {
    row: '',
    what: 'a region that another device has with other rights, or in part',
    status: 'EADDRINUSE',
    fn: 'mapRegion',
  },
  {
    row: '',
    what: 'unmapping what is not recorded',
    status: 'ENOENT',
    fn: 'unmapRegion',
    excuse: 'the drivers take no notice of it',
  },
  {
    row: '',
    what: 'unmapping fails',
    status: 'ENXIO',
    fn: 'unmapRegion',
    excuse: 'only taking the device away answers so',
  },
  {
    row: '',
    what: 'a region that several devices share, strict',
    status: 'EPERM',
    fn: 'assignVtd',
  },
  { row: '', what: 'the guest has memory there, strict', status: 'EBUSY', fn: 'setIdentityEntry' },
  { row: '', what: 'mapped, or left out when relaxed', status: 'ok', fn: 'mapRegion' },
];

/** Reserved regions: dossier §6.4. */
export const RESERVED = ladder('§6.4', ['assign_device'], 'reserved regions', RUNGS, { applies: hasRegions });
