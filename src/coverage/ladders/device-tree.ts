import { deviceOwner } from '../../xen/devices.js';
import { isProtected } from '../../xen/dt-assign.js';
import { isFailureDue } from '../../xen/failures.js';
import { streamsOf } from '../../xen/machine.js';
import { ladder, type Rung } from '../rule.js';
import type { Situation } from '../situation.js';

const isTree = ({ xen }: Situation): boolean => xen.spec.arch === 'arm';
const noContext = (s: Situation): boolean =>
  s.profile.iommuContext === 'at-first-assignment' || s.domain === 'dom_io' ? !s.xen.iommuOn : !s.context;
const isOwned = (s: Situation): boolean => s.deviceIndex >= 0 && deviceOwner(s.xen, s.deviceIndex) >= 0;

const streams = (s: Situation) => streamsOf(s.xen.spec.devices[s.deviceIndex]!);
/** A device that an SMMUv3 does not know yet: assigning introduces it. */
const isNew = (s: Situation): boolean =>
  s.xen.smmuv3 !== undefined && streams(s).length > 0 && !isProtected(s.xen, s.deviceIndex);
const hasStreams = (s: Situation): boolean => s.xen.unit !== undefined && streams(s).length > 0;

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
  { row: '', what: 'to dom_io', status: 'EINVAL', fn: 'checkDtAssign', when: (s) => s.domain === 'dom_io' },
  {
    row: '',
    what: 'a stream id that the SMMUv3 does not have',
    status: 'ERANGE',
    fn: 'smmuV3Add',
    when: (s) => isNew(s) && streams(s).some((stream) => stream >= 2 ** s.xen.smmuv3!.streamBits),
  },
  {
    row: '',
    what: 'no memory for the stream table',
    status: 'ENOMEM',
    fn: 'smmuV3Add',
    when: (s) => isNew(s) && isFailureDue(s.xen, 'alloc'),
  },
  {
    row: '',
    what: 'not behind an IOMMU',
    status: 'EINVAL',
    fn: 'checkDtAssign',
    when: (s) => !hasStreams(s),
  },
  { row: '', what: 'somebody has it', status: 'EBUSY', fn: 'checkDtAssign', when: isOwned },
  { row: '', what: 'nobody has it', status: 'ok', fn: 'assignDtDevice' },
];

const TEST: readonly Rung[] = [
  {
    row: '',
    what: 'somebody has it',
    status: 'EINVAL',
    fn: 'testDtAssign',
    when: (s) => s.context && isOwned(s) && isProtected(s.xen, s.deviceIndex),
  },
  { row: '', what: 'it could be assigned', status: 'ok', fn: 'testDtAssign' },
];

const DEASSIGN: readonly Rung[] = [
  ...domain('deassignDevice'),
  {
    row: '',
    what: 'a path that leads nowhere',
    status: 'ESRCH',
    fn: 'deassignDt',
    when: (s) => s.device === 'unknown',
  },
  { row: '', what: 'from dom_io', status: 'EINVAL', fn: 'deassignDt', when: (s) => s.domain === 'dom_io' },
  {
    row: '',
    what: 'not behind an IOMMU, as far as the driver knows',
    status: 'EINVAL',
    fn: 'deassignDtDevice',
    when: (s) => !isProtected(s.xen, s.deviceIndex),
  },
  {
    row: '§6.5',
    what: 'the domain has it not, behind an SMMUv2',
    status: 'ESRCH',
    fn: 'smmuDeassign',
    when: (s) => s.xen.smmu !== undefined && s.device !== 'same',
  },
  {
    row: '§6.5',
    what: 'the domain has nothing behind the SMMUv3',
    status: 'ESRCH',
    fn: 'smmuV3Deassign',
    when: (s) => s.xen.smmuContext?.vmid.get(s.slot) === 0,
  },
  { row: '', what: 'it is nobody’s then', status: 'ok', fn: 'deassignDtDevice' },
];

/** Devices of the device tree: dossier §6.7. */
export const DEVICE_TREE = [
  ...ladder('§6.7', 'assign_device', 'assign, device tree', ASSIGN, { applies: isTree }),
  ...ladder('§6.7', 'test_assign_device', 'test, device tree', TEST, { applies: isTree }),
  ...ladder('§6.7', 'deassign_device', 'deassign, device tree', DEASSIGN, { applies: isTree }),
];
