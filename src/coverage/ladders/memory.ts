import { ladder, type Rung } from '../rule.js';
import type { Situation } from '../situation.js';

const isArm = ({ xen }: Situation): boolean => xen.spec.arch === 'arm';
const noDomain = (s: Situation): boolean => s.domain === 'none' || s.domain === 'dom_io';

const ADD: readonly Rung[] = [
  { row: '', what: 'no such domain', status: 'ESRCH', fn: 'addToPhysmap', when: (s) => s.domain === 'none' },
  {
    row: '',
    what: 'of a PV domain',
    status: 'EACCES',
    fn: 'addToPhysmap',
    when: (s) => !noDomain(s) && !s.xen.isTranslated(s.slot),
  },
  {
    row: '',
    what: 'a page of its own, on Arm',
    status: 'ENOSYS',
    fn: 'addToPhysmap',
    when: (s) => isArm(s) && s.is('space', 'gmfn'),
  },
  {
    row: '',
    what: 'no such frame',
    status: 'EINVAL',
    fn: 'frameToAdd',
    when: (s) => !s.is('space', 'gmfn') && s.number('index', 0) !== 0,
  },
  { row: '', what: 'no page there to move', status: 'EINVAL', fn: 'frameToAdd' },
  { row: '', what: 'it stands somewhere already, on Arm', status: 'EBUSY', fn: 'addOnce' },
  { row: '', what: 'a device’s registers are there', status: 'EPERM', fn: 'clear' },
  { row: '', what: 'another’s page is there', status: 'ENXIO', fn: 'clear' },
  { row: '', what: 'no memory for tables', status: 'ENOMEM', fn: 'moveTo' },
  { row: '', what: 'what Xen shares', status: 'ok', fn: 'addToPhysmap', when: (s) => !s.is('space', 'gmfn') },
  { row: '', what: 'a page of its own', status: 'ok', fn: 'moveTo' },
];

/** add_to_physmap: dossier §4.3. */
export const MEMORY = ladder('§4.3', 'add_to_physmap', 'add_to_physmap', ADD);
