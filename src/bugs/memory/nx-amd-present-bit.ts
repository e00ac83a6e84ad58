import type { Bug } from '../bug.js';
import { HVM_AMD } from '../scenes.js';

export const NX_AMD_PRESENT_BIT: Bug = {
  id: 'NX-AMD-PRESENT-BIT',
  title: 'AMD’s driver looks for the present bit in the wrong half of an entry',
  class: 'B',
  year: 2019,
  releases: 'the development of 4.12',
  mechanism:
    'To know whether an entry that it clears was there, the driver read the half of it that does not have the ' +
    'bit. So it found nothing to flush, and devices went on using what they remembered.',
  behaviours: { amdUnmapHint: 'high-word' },
  scene: HVM_AMD,
  bounds: { refs: 0 },
  invariants: ['I4', 'REACH', 'FREED'],
  fixes: ['ba9b5a09da'],
};
