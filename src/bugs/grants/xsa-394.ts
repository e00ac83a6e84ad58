import type { Bug } from '../bug.js';
import { BACKEND_AND_GUEST, ONLY_GRANTS } from './scenes.js';

export const XSA_394: Bug = {
  id: 'XSA-394',
  title: 'The counter of a granted page drops at every half of an unmap',
  class: 'A',
  year: 2021,
  releases: '4.12 to 4.16, with the repair of XSA-380; mended in 4.12.5, 4.13.5, 4.14.4, 4.15.2, 4.16.1',
  mechanism:
    'The number of handles that map a page was decremented by each unmap, though a handle can be unmapped by ' +
    'halves. Its last half then took the counter below zero, which stops Xen, or the entry in the IOMMU’s ' +
    'tables went too early.',
  behaviours: { grantCounterDrop: 'every-unmap' },
  scene: BACKEND_AND_GUEST,
  bounds: { ...ONLY_GRANTS, vaSlots: 0, deviceMappings: true, partialUnmaps: true },
  invariants: ['COUNTERS', 'BUG', 'I12'],
  fixes: ['975a8fb45c'],
  after: 'XSA-380',
};
