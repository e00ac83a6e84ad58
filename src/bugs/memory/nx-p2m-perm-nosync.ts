import type { Bug } from '../bug.js';
import { HVM_MIRRORED } from '../scenes.js';

export const NX_P2M_PERM_NOSYNC: Bug = {
  id: 'NX-P2M-PERM-NOSYNC',
  title: 'Other rights on the same frame do not reach the IOMMU',
  class: 'A',
  year: 2015,
  releases: 'up to 4.6; mended in 4.5 and 4.6 branches',
  mechanism:
    'A change of a p2m entry was passed on to the IOMMU only when the entry led to another frame. What became ' +
    'read-only stayed writable for devices, in tables or in what is remembered of them.',
  behaviours: { unchangedFrameHook: 'skipped' },
  scene: HVM_MIRRORED,
  bounds: { refs: 0, hotplug: false, operations: ['set_mem_type'] },
  invariants: ['INV-SYNC', 'REACH', 'I4'],
  fixes: ['6c0e4ad608', '660fd65d55'],
};
