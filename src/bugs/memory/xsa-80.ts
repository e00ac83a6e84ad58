import type { Bug } from '../bug.js';
import { HVM_SHARED } from '../scenes.js';

export const XSA_80: Bug = {
  id: 'XSA-80',
  title: 'Flushes stay suppressed after a batch of moves that failed',
  class: 'B',
  year: 2013,
  releases: 'all before 4.4',
  mechanism:
    'A batch of pages that move in a p2m suppresses flushes, and makes up for them at its end. When a page could ' +
    'not be moved it returned without doing either, and nothing on that CPU was flushed from then on.',
  behaviours: { failedBatch: 'left-suppressed' },
  scene: HVM_SHARED,
  bounds: { refs: 0, hotplug: false, operations: ['add_to_physmap'] },
  invariants: ['I4', 'REACH', 'FREED'],
  fixes: ['552b7fcb9a'],
};
