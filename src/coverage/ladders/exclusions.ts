import { hasIommu } from '../../xen/iommu-map.js';
import { isKnownDevice } from '../../xen/pci-hotplug.js';
import { Kind } from '../../xen/tables/domain.js';
import { ladder, type Rung } from '../rule.js';
import type { Situation } from '../situation.js';

const isArm = ({ xen }: Situation): boolean => xen.spec.arch === 'arm';
const isHvm = (s: Situation): boolean => s.xen.domain.kind.get(s.slot) === Kind.hvm;
const hasHap = (s: Situation): boolean => isHvm(s) && s.xen.domain.hap.get(s.slot) !== 0;
const translates = (s: Situation): boolean => hasIommu(s.xen, s.slot);
const noDomain = (s: Situation): boolean => s.domain === 'none' || s.domain === 'dom_io';

const NO_DOMAIN: Rung = {
  row: '',
  what: 'no such domain',
  status: 'ESRCH',
  fn: 'enablePaging',
  when: noDomain,
};
const CALLER: Rung = {
  row: '',
  what: 'of the caller',
  status: 'EINVAL',
  fn: 'vmEventRefusal',
  when: (s) => s.domain === 'dom0',
};

const PAGING: readonly Rung[] = [
  NO_DOMAIN,
  CALLER,
  {
    row: '',
    what: 'of a dying domain: nothing is done',
    status: 'ok',
    fn: 'vmEventRefusal',
    when: (s) => s.domain === 'dying',
  },
  { row: '', what: 'on Arm', status: 'ENOSYS', fn: 'vmEventRefusal', when: isArm },
  { row: '', what: 'without HAP', status: 'ENODEV', fn: 'enablePaging', when: (s) => !hasHap(s) },
  {
    row: 'EMLINK',
    what: 'of a domain with a context',
    status: 'EMLINK',
    fn: 'enablePaging',
    when: translates,
  },
  {
    row: '',
    what: 'of one that is populated on demand',
    status: 'EXDEV',
    fn: 'enablePaging',
    when: (s) => s.xen.domain.podEntries.get(s.slot) !== 0,
    excuse: 'no operation of the language populates on demand',
  },
  {
    row: '',
    what: 'again',
    status: 'EBUSY',
    fn: 'enablePaging',
    when: (s) => s.xen.domain.pagingEnabled.get(s.slot) !== 0,
  },
  { row: '', what: 'on', status: 'ok', fn: 'enablePaging' },
];

const SHARING: readonly Rung[] = [
  { ...NO_DOMAIN, fn: 'setSharing' },
  { row: '', what: 'on Arm', status: 'ENOSYS', fn: 'setSharing', when: isArm },
  {
    row: '',
    what: 'of a domain or on a processor that it is not for (4.14)',
    status: 'EOPNOTSUPP',
    fn: 'setSharing',
    by: { sharingNeeds: 'vmx' },
    when: (s) => !isHvm(s) || s.xen.amdvi !== undefined,
  },
  { row: '', what: 'without HAP', status: 'ENODEV', fn: 'setSharing', when: (s) => !hasHap(s) },
  { row: 'EXDEV', what: 'of a domain with a context', status: 'EXDEV', fn: 'setSharing', when: translates },
  { row: '', what: 'on', status: 'ok', fn: 'setSharing' },
];

const hasDevice = (s: Situation): boolean =>
  s.xen.spec.devices.some((_, device) => s.xen.device.owner.get(device) === s.slot + 1);

const LOG_DIRTY: readonly Rung[] = [
  { ...NO_DOMAIN, fn: 'enableLogDirty' },
  { row: '', what: 'on Arm', status: 'ENOSYS', fn: 'pagingOpRefusal', when: isArm },
  { ...CALLER, fn: 'pagingOpRefusal' },
  {
    row: '',
    what: 'of a dying domain (4.18)',
    status: 'EINVAL',
    fn: 'pagingOpRefusal',
    by: { dyingPagingOp: 'EINVAL' },
    when: (s) => s.domain === 'dying',
  },
  {
    row: '',
    what: 'of a domain with mappings (up to 4.12)',
    status: 'EINVAL',
    fn: 'enableLogDirty',
    by: { logDirtyExcludedBy: 'mappings' },
    when: (s) => s.domain !== 'dying' && translates(s),
  },
  {
    row: '',
    what: 'of a domain with devices',
    status: 'EINVAL',
    fn: 'enableLogDirty',
    when: (s) => s.profile.logDirtyExcludedBy !== 'mappings' && s.domain !== 'dying' && hasDevice(s),
  },
  {
    row: '',
    what: 'again',
    status: 'EINVAL',
    fn: 'enableLogDirty',
    when: (s) => s.domain !== 'dying' && s.xen.domain.logDirty.get(s.slot) !== 0,
  },
  { row: '', what: 'on', status: 'ok', fn: 'enableLogDirty' },
];

const unknown = (s: Situation): boolean => s.deviceIndex < 0;

const ADD: readonly Rung[] = [
  { row: '', what: 'on Arm', status: 'ENOSYS', fn: 'addDevice', when: isArm },
  { row: '', what: 'a device that the machine has not', status: 'ENODEV', fn: 'addDevice', when: unknown },
  { row: '', what: 'a virtual function whose physical one is unknown', status: 'ENODEV', fn: 'addDevice' },
  { row: '', what: 'no memory for its context', status: 'ENOMEM', fn: 'addDevice' },
  { row: '', what: 'dom0 gets it', status: 'ok', fn: 'addDevice' },
];

const REMOVE: readonly Rung[] = [
  { row: '', what: 'on Arm', status: 'ENOSYS', fn: 'removeDevice', when: isArm },
  {
    row: '',
    what: 'a device that Xen does not know',
    status: 'ENODEV',
    fn: 'removeDevice',
    when: (s) => !isKnownDevice(s.xen, s.deviceIndex),
  },
  {
    row: '',
    what: 'a physical function that has virtual ones',
    status: 'EBUSY',
    fn: 'removeDevice',
    by: { pfRemoval: 'EBUSY' },
    when: (s) =>
      s.xen.spec.devices.some(
        ({ physicalFunction }, device) => physicalFunction === s.deviceIndex && isKnownDevice(s.xen, device),
      ),
  },
  { row: '', what: 'a device that nobody has', status: 'EINVAL', fn: 'leaveDriver' },
  { row: '', what: 'Xen forgets it', status: 'ok', fn: 'removeDevice' },
];

/** What devices exclude, and what excludes them (dossier §6.1, below #15), and hot-plugging (§6.5). */
export const EXCLUSIONS = [
  ...ladder('§6.1', 'mem_paging_enable', 'paging', PAGING),
  ...ladder('§6.1', 'mem_sharing_enable', 'sharing', SHARING),
  ...ladder('§6.1', 'enable_log_dirty', 'log-dirty', LOG_DIRTY),
  ...ladder('§6.5', 'pci_device_add', 'hotplug, add', ADD),
  ...ladder('§6.5', 'pci_device_remove', 'hotplug, remove', REMOVE),
];
