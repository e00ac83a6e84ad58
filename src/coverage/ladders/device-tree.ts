import { deviceOwner } from '../../xen/devices.js';
import { ladder, type Rung } from '../rule.js';
import type { Situation } from '../situation.js';

const isTree = ({ xen }: Situation): boolean => xen.spec.arch === 'arm';
const noContext = (s: Situation): boolean =>
  s.profile.iommuContext === 'at-first-assignment' || s.domain === 'dom_io' ? !s.xen.iommuOn : !s.context;
const isOwned = (s: Situation): boolean => s.deviceIndex >= 0 && deviceOwner(s.xen, s.deviceIndex) >= 0;

const domain = (fn: string): readonly Rung[] => [
  { row: '', what: 'no such domain', status: 'ESRCH', fn, when: (s) => s.domain === 'none' },
  {
    row: '',
    what: 'dom_io, before devices were quarantined',
    status: 'ESRCH',
    fn: 'isDeviceDomain',
    by: { quarantine: 'none' },
    when: (s) => s.domain === 'dom_io',
  },
  {
    row: '',
    what: 'the IOMMU is off (up to 4.12)',
    status: 'ENOSYS',
    fn: 'mayHaveDevices',
    by: { noContextErrno: 'ENOSYS' },
    when: noContext,
  },
  {
    row: '',
    what: 'the domain has no context',
    status: 'EOPNOTSUPP',
    fn: 'mayHaveDevices',
    by: { noContextErrno: 'EOPNOTSUPP' },
    when: noContext,
  },
  { row: '', what: 'the caller itself', status: 'EINVAL', fn, when: (s) => s.domain === 'dom0' },
];

const ASSIGN: readonly Rung[] = [
  ...domain('checkAssign'),
  {
    row: '',
    what: 'the domain is dying',
    status: 'EINVAL',
    fn: 'checkDtAssign',
    when: (s) => s.domain === 'dying',
  },
  {
    row: '',
    what: 'any flag',
    status: 'EINVAL',
    fn: 'checkDtAssign',
    when: (s) => s.number('flags', 0) !== 0,
  },
  {
    row: '',
    what: 'a path that leads nowhere',
    status: 'ESRCH',
    fn: 'checkDtAssign',
    when: (s) => s.device === 'unknown',
  },
  {
    row: '',
    what: 'not behind an IOMMU',
    status: 'EINVAL',
    fn: 'checkDtAssign',
    excuse: 'every device of the model’s device tree is behind the SMMU',
  },
  { row: '', what: 'to dom_io', status: 'EINVAL', fn: 'checkDtAssign', when: (s) => s.domain === 'dom_io' },
  { row: '', what: 'somebody has it', status: 'EBUSY', fn: 'checkDtAssign', when: isOwned },
  { row: '', what: 'nobody has it', status: 'ok', fn: 'attachPci' },
];

const TEST: readonly Rung[] = [
  {
    row: '',
    what: 'somebody has it',
    status: 'EINVAL',
    fn: 'testDtAssign',
    when: (s) => s.context && isOwned(s),
  },
  { row: '', what: 'it could be assigned', status: 'ok', fn: 'testDtAssign' },
];

const DEASSIGN: readonly Rung[] = [
  ...domain('deassignDevice'),
  {
    row: '§6.5',
    what: 'the domain has it not',
    status: 'ESRCH',
    fn: 'deassignDevice',
    when: (s) => s.device !== 'same',
  },
  { row: '', what: 'it is nobody’s then', status: 'ok', fn: 'detachPci' },
];

/** Devices of the device tree: dossier §6.7. */
export const DEVICE_TREE = [
  ...ladder('§6.7', 'assign_device', 'assign, device tree', ASSIGN, { applies: isTree }),
  ...ladder('§6.7', 'test_assign_device', 'test, device tree', TEST, { applies: isTree }),
  ...ladder('§6.7', 'deassign_device', 'deassign, device tree', DEASSIGN, { applies: isTree }),
];
