import type { Bug } from '../bug.js';
import { PV_GUEST_RACING } from '../scenes.js';

export const XSA_401: Bug = {
  id: 'XSA-401',
  title: 'CPUs are flushed for a type change before the change is settled',
  class: 'C',
  year: 2022,
  releases: 'all before 4.17; mended in 4.16.2',
  mechanism:
    'The type word was read, CPUs were flushed, and then the word was exchanged if it still was what had been read. Another ' +
    'vCPU could map the page writable, use it and unmap it in between: the word was the same again, and the flush too early.',
  behaviours: { typeFlush: 'before-commit' },
  scene: PV_GUEST_RACING,
  bounds: { steps: true, refs: 0, levels: [1], hotplug: false },
  invariants: ['INV-CPU-WRITE'],
  deeper: 1,
  fixes: ['8cc5036bc3'],
};
