import type { Bug } from '../bug.js';
import { HVM_SHARED } from '../scenes.js';

export const XSA_346A: Bug = {
  id: 'XSA-346a',
  title: 'A page that makes room in a batch of moves is freed before it is flushed',
  class: 'B',
  year: 2020,
  releases: 'all before 4.15; mended in 4.10 and later branches',
  mechanism:
    'A batch of pages that move in a p2m is flushed once, at its end. A page that stood where another moves to is ' +
    'freed on the way, and a device that remembers it reaches whoever gets it.',
  behaviours: { displacedPageFlush: 'with-the-batch' },
  scene: HVM_SHARED,
  bounds: { refs: 0, hotplug: false, operations: ['add_to_physmap'] },
  invariants: ['FREED'],
  fixes: ['dea460d869'],
  after: 'XSA-80',
};
