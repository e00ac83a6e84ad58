import type { Bug } from '../bug.js';
import { HVM_SHARED } from '../scenes.js';

export const XSA_346B: Bug = {
  id: 'XSA-346b',
  title: 'A page that has moved is freed from its new place before its old one is flushed',
  class: 'C',
  year: 2020,
  releases: 'all before 4.15; mended in 4.10 and later branches',
  mechanism:
    'Until a batch of moves is flushed, devices remember its pages where they were. Another CPU that gives a page ' +
    'back from its new place flushes that place alone, and frees what a device still writes.',
  behaviours: { movedPages: 'unheld' },
  scene: HVM_SHARED,
  bounds: { refs: 0, hotplug: false, operations: ['begin add_to_physmap'] },
  invariants: ['REACH', 'FREED', 'I4'],
  fixes: ['5777a3742d', '9b156bcc3f'],
  after: 'XSA-346a',
};
