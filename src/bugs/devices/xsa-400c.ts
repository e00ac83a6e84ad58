import type { Bug } from '../bug.js';
import { RESERVED_REGION } from './scenes.js';

export const XSA_400C: Bug = {
  id: 'XSA-400c',
  title: 'A device in quarantine does not reach what its firmware needs',
  class: 'A',
  year: 2022,
  releases: '4.13 to 4.16; mended in 4.12 to 4.16',
  mechanism:
    'Quarantine meant no translations at all, or one table of zeros for all devices. A device with ' +
    'reserved regions that was not quiet yet lost them, though it is undefined when its firmware uses ' +
    'them.',
  behaviours: { quarantineTable: 'shared' },
  scene: RESERVED_REGION,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false },
  invariants: ['I11'],
  fixes: ['14dd241aad'],
  after: 'XSA-302/306',
};
