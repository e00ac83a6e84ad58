import type { Bug } from '../bug.js';
import { RESERVED_REGION } from './scenes.js';

export const XSA_207: Bug = {
  id: 'XSA-207',
  title: 'A domain that never had a device leaves its IOMMU tables behind',
  class: 'A',
  year: 2017,
  releases: 'all before 4.9',
  mechanism:
    'Every domain got IOMMU tables, but they were given back only by one that had used them. Creating and ' +
    'destroying domains without devices used up Xen’s memory.',
  behaviours: { tablesFreed: 'if-it-had-a-device' },
  scene: RESERVED_REGION,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false, destroy: true, hotplug: false },
  invariants: ['HEAP'],
  fixes: ['93e1435290', '8709b10c7f', '07d20ae391'],
};
