import type { Bug } from '../bug.js';
import { PV_GUEST } from '../scenes.js';

export const XSA_32: Bug = {
  id: 'XSA-32',
  title: 'A frame that does not exist is looked up as if it did',
  class: 'A',
  year: 2012,
  releases: '4.2',
  mechanism:
    'For domains that name frames by their machine numbers, the function that finds a page did not look whether there is ' +
    'memory at that number. It went on with a record beyond the table of frames.',
  behaviours: { invalidFrame: 'looked-at' },
  scene: PV_GUEST,
  bounds: { operations: ['pin_l1_table', 'update_va_mapping', 'new_baseptr'], anyFrame: true },
  invariants: ['BUG'],
  fixes: ['e662eca49c', '7e98fc5ba6'],
};
