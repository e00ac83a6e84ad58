import type { Bug } from '../bug.js';
import { HVM_SHARED } from '../scenes.js';

export const NX_GMFN_OVERLAP: Bug = {
  id: 'NX-GMFN-OVERLAP',
  title: 'Pages that move to where others are to leave move twice, or are pushed out',
  class: 'A',
  year: 2026,
  releases: 'all before 4.22; mended in 4.20.4 and 4.21.2',
  mechanism:
    'A range of pages that moves upwards onto itself was handled from its beginning. The first page pushes out ' +
    'the second, which is to move next, and is then taken for it.',
  behaviours: { overlappingMove: 'from-the-first' },
  scene: HVM_SHARED,
  bounds: { refs: 0, hotplug: false, operations: ['add_to_physmap'] },
  invariants: ['INV-CONTRACT'],
  fixes: ['7acc7dd36b'],
};
