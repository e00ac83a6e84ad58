import type { Bug } from '../bug.js';
import { ARM_GUEST } from '../scenes.js';

export const NX_ARM_NOFLUSH: Bug = {
  id: 'NX-ARM-NOFLUSH',
  title: 'Arm: a p2m that the IOMMU shares is never flushed from it',
  class: 'B',
  year: 2019,
  releases: 'the development of 4.12',
  mechanism:
    'The flush was made to depend on tables that need to be kept in sync. On Arm none do, as the IOMMU walks the ' +
    'p2m itself, and remembers what it found there.',
  behaviours: { armP2mFlush: 'mirrored' },
  scene: ARM_GUEST,
  bounds: { refs: 0 },
  invariants: ['I4', 'REACH', 'FREED'],
  fixes: ['9ed527dc95'],
};
