import type { Bug } from '../bug.js';
import { RESERVED_REGION } from './scenes.js';

export const XSA_400A: Bug = {
  id: 'XSA-400a',
  title: 'VT-d maps a device’s reserved region after the device has moved, and unmaps it before',
  class: 'C',
  year: 2022,
  releases: 'all before 4.17; mended in 4.12 to 4.16, too',
  mechanism:
    'A device’s context was switched to its new domain first and its reserved regions mapped there ' +
    'afterwards; on the way back they were unmapped first. In between, what firmware does with the device ' +
    'faulted.',
  behaviours: { reservedOrder: 'switch-first' },
  scene: RESERVED_REGION,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false },
  invariants: ['INV-RMRR'],
  fixes: ['78a40f8b5d', '3221f270cf'],
  after: 'NX-RMRR-REF',
};
