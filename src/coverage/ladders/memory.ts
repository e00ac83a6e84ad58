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
    what: 'another’s page, on x86',
    status: 'EPERM',
    fn: 'addForeign',
    when: (s) => !isArm(s) && s.is('space', 'gmfn_foreign'),
  },
  {
    row: '',
    what: 'a page of nobody’s',
    status: 'ESRCH',
    fn: 'addForeign',
    when: (s) => s.is('space', 'gmfn_foreign') && !s.xen.exists(s.slotOf('of')),
  },
  {
    row: '',
    what: 'device memory, by another than the hardware domain',
    status: 'EACCES',
    fn: 'addDeviceMemory',
    when: (s) => s.is('space', 'dev_mmio') && s.domain !== 'dom0',
  },
  {
    row: '',
    what: 'a page of its own, on Arm',
    status: 'ENOSYS',
    fn: 'addToPhysmapOne',
    when: (s) => isArm(s) && s.is('space', 'gmfn'),
  },
  {
    row: '',
    what: 'no such frame',
    status: 'EINVAL',
    fn: 'frameToAdd',
    when: (s) => s.is('space', 'shared_info') && s.number('index', 0) !== 0,
  },
  { row: '', what: 'no page there to move', status: 'EINVAL', fn: 'frameToAdd' },
  { row: '', what: 'it stands somewhere already, on Arm', status: 'EBUSY', fn: 'addOnce' },
  { row: '', what: 'a device’s registers are there', status: 'EPERM', fn: 'clear' },
  { row: '', what: 'another’s page is there', status: 'ENXIO', fn: 'clear' },
  { row: '', what: 'no memory for tables', status: 'ENOMEM', fn: 'moveTo' },
  {
    row: '',
    what: 'what Xen shares',
    status: 'ok',
    fn: 'addToPhysmapOne',
    when: (s) => s.is('space', 'shared_info') || s.is('space', 'grant_table'),
  },
  {
    row: '§4.4',
    what: 'pages of its own, in batches',
    status: 'ok',
    fn: 'moveRange',
    when: (s) => s.is('space', 'gmfn_range'),
  },
  { row: '', what: 'a page of its own', status: 'ok', fn: 'moveTo', when: (s) => s.is('space', 'gmfn') },
];

/** add_to_physmap: dossier §4.3. */
export const MEMORY = ladder('§4.3', 'add_to_physmap', 'add_to_physmap', ADD);
