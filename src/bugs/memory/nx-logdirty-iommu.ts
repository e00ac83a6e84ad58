import type { Bug } from '../bug.js';
import { HVM_MIRRORED } from '../scenes.js';

export const NX_LOGDIRTY_IOMMU: Bug = {
  id: 'NX-LOGDIRTY-IOMMU',
  title: 'Log-dirty mode of the whole p2m together with devices',
  class: 'A',
  year: 2014,
  releases: 'up to 4.4',
  mechanism:
    'Neither switching log-dirty mode on nor assigning a device looked for the other. What devices write is then ' +
    'seen by nobody who migrates the domain, or faults.',
  behaviours: { logDirtyWithDevices: 'allowed' },
  scene: HVM_MIRRORED,
  bounds: { refs: 0, operations: ['enable_log_dirty'] },
  invariants: ['I8'],
  fixes: ['37201c6203'],
};
