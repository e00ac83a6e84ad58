import type { Bug } from '../bug.js';
import { RESERVED_REGION } from './scenes.js';

export const XSA_386: Bug = {
  id: 'XSA-386',
  title: 'VT-d stops taking a device away when its reserved region has been unmapped',
  class: 'A',
  year: 2021,
  releases: 'between two changes of 4.16, and their backports to 4.13 to 4.15',
  mechanism:
    'A comparison took the success of unmapping a reserved region for an error to return early with. The ' +
    'call said that all was well, while the device’s context entry and its owner stayed as they were.',
  behaviours: { reservedLeave: 'ends-there', reservedOrder: 'switch-first' },
  scene: RESERVED_REGION,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false, destroy: true },
  invariants: ['I11', 'I18', 'I9'],
  deeper: 3,
  fixes: ['192aaf7e14'],
  after: 'NX-RMRR-REF',
};
