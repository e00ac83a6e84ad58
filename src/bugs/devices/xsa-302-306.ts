import type { Bug } from '../bug.js';
import { RESERVED_REGION } from './scenes.js';

export const XSA_302_306: Bug = {
  id: 'XSA-302/306',
  title: 'A device that a guest gives back goes to dom0 with its accesses still under way',
  class: 'A',
  year: 2019,
  releases: 'all before 4.13; mended in 4.8 to 4.12, too',
  mechanism:
    'When a guest died or gave a device back, the hardware domain had it at once, so transfers that the ' +
    'guest had programmed hit dom0’s memory. Quarantine came first as something that the toolstack had to ' +
    'ask for.',
  behaviours: { deviceReturn: 'as-toolstack-asked' },
  scene: RESERVED_REGION,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false, destroy: true },
  invariants: ['I10'],
  fixes: ['319f9a0ba9', 'ba2ab00bbb'],
};
