import type { DeviceType } from '../../xen/machine.js';
import { ladder, type Rung } from '../rule.js';
import type { Situation } from '../situation.js';

const on = (unit: 'vtd' | 'amdvi' | 'smmu') => (s: Situation) => s.xen[unit] !== undefined;
/** A device that is free, of a kind. */
const isOfType = ({ xen, deviceIndex, device }: Situation, type: DeviceType): boolean =>
  (device === 'dom0' || device === 'dom_io') && xen.spec.devices[deviceIndex]!.type === type;

const excused = (what: string, status: string, excuse: string): Rung => ({
  row: '',
  what,
  status,
  fn: 'assignFunction',
  excuse,
});

const VTD: readonly Rung[] = [
  excused('no unit for the device', 'ENODEV', 'every PCI device of the model is behind the unit'),
  {
    row: '',
    what: 'the host bridge to a guest',
    status: 'EPERM',
    fn: 'switchFunction',
    when: (s) => s.op === 'assign_device' && s.domain === 'guest' && isOfType(s, 'host-bridge'),
  },
  excused('a device of unknown type', 'EINVAL', 'dom0 could not be given it either'),
  excused('no pseudo domain id is left', 'ENOSPC', '32767 devices would have to be in quarantine'),
  excused('no domain id is left', 'EBUSY', 'the unit has an id for each domid'),
  excused('the old entry’s domain id is unknown', 'ESRCH', 'an internal check that holds'),
  excused('the entry changed underfoot', 'EILSEQ', 'an internal check that holds'),
  excused('the bridge above is not found', 'ENXIO', 'there are no bridges'),
  excused('a device with an RMRR behind a bridge', 'EOPNOTSUPP', 'there are no bridges'),
  { row: '', what: 'no memory for tables', status: 'ENOMEM', fn: 'switchVtd' },
];

const AMDVI: readonly Rung[] = [
  excused('no unit for the device', 'ENODEV', 'every PCI device of the model is behind the unit'),
  excused('an alias id with unity maps', 'EOPNOTSUPP', 'there are no aliases'),
  excused('the entry changed underfoot', 'EILSEQ', 'an internal check that holds'),
  excused('the ACPI table is invalid', 'EPERM', 'machines of the model have valid tables'),
  { row: '', what: 'no memory for tables', status: 'ENOMEM', fn: 'switchAmdvi' },
];

const SMMU: readonly Rung[] = [
  excused('no SMMU for the device', 'ENXIO', 'Xen drives every SMMU that there is, or none'),
  excused('attached already', 'EEXIST', 'nobody’s device is attached to nothing'),
  excused(
    'another SMMU, or a stream mask that conflicts',
    'EINVAL',
    'there is one SMMU, and streams have one id',
  ),
  { row: '', what: 'no stream slot or context bank is left', status: 'ENOSPC', fn: 'smmuAssign' },
  { row: '', what: 'no memory for the context', status: 'ENOMEM', fn: 'smmuAssign' },
  excused('reassigned to a guest', 'EPERM', 'a device of the device tree has no owner when it is assigned'),
];

const assigns = ['assign_device', 'deassign_device'];

/** What the drivers refuse: dossier §6.5. Their rungs come after those of §6.1 and §6.7, and are known by status. */
export const VENDORS = [
  ...ladder('§6.5', assigns, 'VT-d', VTD, { applies: on('vtd') }),
  ...ladder('§6.5', assigns, 'AMD-Vi', AMDVI, { applies: on('amdvi') }),
  ...ladder('§6.5', assigns, 'SMMU', SMMU, { applies: on('smmu') }),
];
