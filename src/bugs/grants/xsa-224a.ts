import type { Bug } from '../bug.js';
import { BACKEND_AND_GUEST, ONLY_GRANTS } from './scenes.js';

export const XSA_224A: Bug = {
  id: 'XSA-224a',
  title: 'Unmapping nothing gives up the reference of a device mapping',
  class: 'A',
  year: 2017,
  releases: 'all before 4.10; mended in 4.5 to 4.9',
  mechanism:
    'An unmap whose bus address is zero leaves the device’s half of a mapping alone, but its second pass gave ' +
    'up that half’s pin and references all the same. Repeated, it frees a page that is still mapped.',
  behaviours: { deviceHalfAtUnmap: 'always' },
  scene: BACKEND_AND_GUEST,
  bounds: { ...ONLY_GRANTS, vaSlots: 0, deviceMappings: true, partialUnmaps: true },
  invariants: ['INV-PIN', 'INV-REF', 'BUG', 'REACH', 'I3'],
  fixes: ['8fdfcb2b6b'],
};
