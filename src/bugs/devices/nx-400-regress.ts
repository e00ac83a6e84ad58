import type { Bug } from '../bug.js';
import { BARE_GUEST } from './scenes.js';

export const NX_400_REGRESS: Bug = {
  id: 'NX-400-REGRESS',
  title: 'Undoing a failed change of a context entry is undone in turn, for ever',
  class: 'A',
  year: 2022,
  releases: 'between two changes of 4.17, and their backports to 4.13 to 4.16',
  mechanism:
    'When a changed context entry could not be flushed, Xen put the old one back by the same function, ' +
    'which did the same when that failed. It went by the entry as it stood, so it went back and forth ' +
    'between two domains until the stack was full.',
  behaviours: { switchRollback: 'rolled-back' },
  scene: BARE_GUEST,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false, failures: 1, failuresInARow: 8 },
  invariants: ['BUG'],
  fixes: ['99d829dba1', '608394b906'],
  after: 'XSA-400b',
};
