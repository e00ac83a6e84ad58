import type { Bug } from '../bug.js';
import { PV_GUEST_RACING } from '../scenes.js';

export const XSA_408: Bug = {
  id: 'XSA-408',
  title: 'In shadow mode CPUs are flushed for the wrong changes of type',
  class: 'B',
  year: 2022,
  releases: '4.15.3, and the stable branches between the repair of XSA-401 and its own',
  mechanism:
    'In shadow mode only pages that were writable need a flush when their type changes. The repair of XSA-401 moved the ' +
    'test to where the type word was the new one already, so that a CPU went on writing what had become a page table.',
  behaviours: { shadowTypeFlush: 'to-writable' },
  scene: PV_GUEST_RACING,
  bounds: { refs: 0, levels: [1], operations: ['enable_log_dirty'] },
  invariants: ['INV-CPU-WRITE'],
  fixes: ['a9949efb28'],
  after: 'XSA-401',
};
