import type { Bug } from '../bug.js';
import { PV_GUEST_WITH_TREE } from '../scenes.js';

export const XSA_299B: Bug = {
  id: 'XSA-299b',
  title: 'Cleaning up after an interrupted validation drops a type reference of somebody else’s',
  class: 'C',
  year: 2019,
  releases: 'all before 4.13; mended in 4.12.2',
  mechanism:
    'What had been partly validated was dropped like any other table when the validation above failed. Had another vCPU ' +
    'completed it meanwhile, the reference was that one’s: a page in use lost its type.',
  behaviours: { partialCleanup: 'drops-type' },
  scene: PV_GUEST_WITH_TREE,
  bounds: { steps: true, refs: 0, entries: 0, vaSlots: 1, levels: [2, 3], memory: false },
  invariants: ['INV-CPU-WRITE', 'BUG'],
  fixes: ['c40b33d726', '3c15a2d8cc', 'bf656e02d8', '2f126247ef'],
};
