import { deviceOwner } from '../../xen/devices.js';
import { NOBODY } from '../../xen/domid.js';
import { maySeeDevices } from '../../xen/exclusions.js';
import { ladder, type Rung } from '../rule.js';
import type { Situation } from '../situation.js';

const isPci = ({ xen }: Situation): boolean => xen.spec.arch === 'x86';
const isNobody = ({ slot }: Situation): boolean => slot === NOBODY;
const noSuchDomain = (s: Situation): boolean => s.domain === 'none';

/** dom_io takes what the IOMMU lets it take; where contexts are built late, so does everybody. */
const noContext = (s: Situation): boolean =>
  s.profile.iommuContext === 'at-first-assignment' || s.domain === 'dom_io' ? !s.xen.iommuOn : !s.context;

const isOwnedByAnother = (s: Situation): boolean => s.device === 'other';
const isHidden = (s: Situation): boolean =>
  s.deviceIndex >= 0 && deviceOwner(s.xen, s.deviceIndex) === s.xen.domXen;

/** The first rows of every device domctl. */
const domain = (op: string, fn: string): readonly Rung[] => [
  { row: '#1', what: `${op} for DOMID_INVALID`, status: 'ESRCH', fn, when: isNobody },
  { row: '#2', what: 'no such domain', status: 'ESRCH', fn, when: noSuchDomain },
  {
    row: '#2',
    what: 'dom_io, before devices were quarantined',
    status: 'ESRCH',
    fn: 'isDeviceDomain',
    by: { quarantine: 'none' },
    when: (s) => s.domain === 'dom_io',
  },
  {
    row: '#2',
    what: 'asked by a domain that controls nobody',
    status: 'EPERM',
    fn,
    excuse: 'only dom0 makes domctls',
  },
  {
    row: '#3',
    what: 'the policy forbids it',
    status: 'EPERM',
    fn,
    excuse: 'there is no policy (XSM): dom0 may do everything',
  },
];

const context: readonly Rung[] = [
  {
    row: '#4',
    what: 'the IOMMU is off (up to 4.12)',
    status: 'ENOSYS',
    fn: 'mayHaveDevices',
    by: { noContextErrno: 'ENOSYS' },
    when: noContext,
  },
  {
    row: '#4',
    what: 'the domain has no context',
    status: 'EOPNOTSUPP',
    fn: 'mayHaveDevices',
    by: { noContextErrno: 'EOPNOTSUPP' },
    when: noContext,
  },
];

const NOT_PCI: Rung = {
  row: '#6',
  what: 'no PCI device is named',
  status: 'ENODEV',
  fn: 'assignDevice',
  excuse: 'a program names devices of its machine, and those of x86 are PCI devices',
};

const ASSIGN: readonly Rung[] = [
  ...domain('assign', 'checkAssign'),
  ...context,
  { row: '#5', what: 'to the caller', status: 'EINVAL', fn: 'checkAssign', when: (s) => s.domain === 'dom0' },
  NOT_PCI,
  {
    row: '#7',
    what: 'the domain is dying',
    status: 'EINVAL',
    fn: 'checkPciAssign',
    when: (s) => s.domain === 'dying',
  },
  {
    row: '#7',
    what: 'flags beyond RDM_RELAXED',
    status: 'EINVAL',
    fn: 'checkPciAssign',
    when: (s) => (s.number('flags', 0) & ~1) !== 0,
  },
  {
    row: '#8',
    what: 'unknown device (up to 4.12)',
    status: 'EBUSY',
    fn: 'checkPciAssign',
    by: { unknownDeviceErrno: 'EBUSY' },
    when: (s) => s.device === 'unknown',
  },
  {
    row: '#8',
    what: 'unknown device',
    status: 'ENODEV',
    fn: 'checkPciAssign',
    by: { unknownDeviceErrno: 'ENODEV' },
    when: (s) => s.device === 'unknown',
  },
  {
    row: '#9',
    what: 'hidden: dom_xen has it',
    status: 'EBUSY',
    fn: 'isAssignable',
    when: isHidden,
  },
  {
    row: '#9',
    what: 'the same guest has it',
    status: 'EBUSY',
    fn: 'isAssignable',
    when: (s) => s.device === 'same' && s.domain !== 'dom_io',
  },
  { row: '#9', what: 'another guest has it', status: 'EBUSY', fn: 'isAssignable', when: isOwnedByAnother },
  {
    row: '#10',
    what: 'memory of the domain is shared, paged or populated on demand, or its writes are logged',
    status: 'EXDEV',
    fn: 'maySeeDevices',
    when: (s) => s.slot >= 0 && !maySeeDevices(s.xen, s.slot),
  },
  {
    row: '#11',
    what: 'the device is broken',
    status: 'EBADF',
    fn: 'attachPci',
    when: (s) => s.domain === 'guest' && s.deviceIndex >= 0 && s.xen.device.broken.get(s.deviceIndex) !== 0,
  },
  {
    row: '#12',
    what: 'preparing MSI-X fails',
    status: 'ENOMEM',
    fn: 'attachPci',
    excuse: 'there is no MSI-X',
  },
  { row: '#13', what: 'quarantine tables cannot be made', status: 'ENOMEM', fn: 'attachPci' },
  { row: '#14', what: 'the vendor’s part fails', status: 'ENOMEM', fn: 'assignFunction' },
  { row: '#15', what: 'vPCI', status: 'ENOMEM', fn: 'attachPci', excuse: 'there is no vPCI' },
  {
    row: '',
    what: 'from dom0',
    status: 'ok',
    fn: 'attachPci',
    when: (s) => s.device === 'dom0' && s.domain === 'guest',
  },
  {
    row: '',
    what: 'from quarantine',
    status: 'ok',
    fn: 'attachPci',
    when: (s) => s.device === 'dom_io' && s.domain === 'guest',
  },
  { row: '', what: 'to quarantine', status: 'ok', fn: 'attachPci', when: (s) => s.domain === 'dom_io' },
];

const TEST: readonly Rung[] = [
  {
    row: '§2.5',
    what: 'for nobody: brings the host down (4.13 to 4.16.1)',
    status: 'ok',
    fn: 'testAssignToNobody',
    by: { testAssignNobody: 'dereferenced' },
    when: isNobody,
  },
  {
    row: '§2.5',
    what: 'for nobody, the IOMMU is off',
    status: 'EOPNOTSUPP',
    fn: 'testAssignToNobody',
    by: { testAssignNobody: 'tolerated' },
    when: (s) => isNobody(s) && !s.xen.iommuOn,
  },
  {
    row: '#2',
    what: 'no such domain, or dom_io',
    status: 'ESRCH',
    fn: 'testAssignDevice',
    when: (s) => (noSuchDomain(s) && !isNobody(s)) || s.domain === 'dom_io',
  },
  ...context.map((rung) => ({ ...rung, when: (s: Situation) => !isNobody(s) && noContext(s) })),
  {
    row: '#5',
    what: 'for the caller',
    status: 'EINVAL',
    fn: 'testAssignDevice',
    when: (s) => s.domain === 'dom0',
  },
  {
    row: '#8',
    what: 'unknown device',
    status: 'EINVAL',
    fn: 'testPciAssign',
    when: (s) => s.device === 'unknown',
  },
  {
    row: '#9',
    what: 'a guest has it',
    status: 'EINVAL',
    fn: 'testPciAssign',
    when: (s) => s.device === 'same' || s.device === 'other',
  },
  { row: '', what: 'it could be assigned', status: 'ok', fn: 'testPciAssign' },
];

const DEASSIGN: readonly Rung[] = [
  ...domain('deassign', 'deassignDevice'),
  ...context,
  {
    row: '',
    what: 'from the caller',
    status: 'EINVAL',
    fn: 'deassignDevice',
    when: (s) => s.domain === 'dom0',
  },
  {
    row: '',
    what: 'the domain has it not',
    status: 'ENODEV',
    fn: 'deassignDevice',
    when: (s) =>
      s.device === 'unknown' || (s.domain === 'dom_io' ? s.device !== 'dom_io' : s.device !== 'same'),
  },
  { row: '', what: 'what the device’s new place needs cannot be had', status: 'ENOMEM', fn: 'detachPci' },
  {
    row: '',
    what: 'to dom0, before devices were quarantined',
    status: 'ok',
    fn: 'detachPci',
    by: { quarantine: 'none' },
    when: (s) => s.domain === 'guest',
  },
  { row: '', what: 'a guest’s', status: 'ok', fn: 'detachPci', when: (s) => s.domain === 'guest' },
  { row: '', what: 'a dying guest’s', status: 'ok', fn: 'detachPci', when: (s) => s.domain === 'dying' },
  {
    row: '',
    what: 'out of quarantine, to dom0',
    status: 'ok',
    fn: 'detachPci',
    when: (s) => s.domain === 'dom_io',
  },
];

/** PCI devices: dossier §6.1, §6.2, and §2.5 for domains without a context. */
export const ASSIGNMENT = [
  ...ladder('§6.1', 'assign_device', 'assign', ASSIGN, { applies: isPci }),
  ...ladder('§6.1', 'test_assign_device', 'test', TEST, { applies: isPci }),
  ...ladder('§6.2', 'deassign_device', 'deassign', DEASSIGN, { applies: isPci }),
];
