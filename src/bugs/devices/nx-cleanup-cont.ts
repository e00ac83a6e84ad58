import type { Bug } from '../bug.js';
import { BARE_GUEST } from './scenes.js';

export const NX_CLEANUP_CONT: Bug = {
  id: 'NX-CLEANUP-CONT',
  title: 'A domain is destroyed although its device could not be taken from it',
  class: 'A',
  year: 2021,
  releases: 'all before 4.16; mended in 4.13 to 4.15, too',
  mechanism:
    'The destruction of a domain went on to its page tables whatever came of taking its devices away. A ' +
    'device whose entry still led to those tables went on translating through memory that had been freed.',
  behaviours: { deviceStays: 'goes-on' },
  scene: BARE_GUEST,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false, destroy: true, failures: 1 },
  invariants: ['I18', 'I9'],
  fixes: ['f591755823'],
};
