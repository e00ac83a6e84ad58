import type { Bug } from '../bug.js';
import { ARM_BACKEND, ONLY_GRANTS } from './scenes.js';

export const SEED_ARM_GNT: Bug = {
  id: 'SEED-ARM-GNT',
  title: 'Granted pages never reach a direct-mapped Arm domain’s devices',
  class: 'A',
  year: 2021,
  releases: '4.13.0 to 4.14.1; mended in 4.13.3, 4.14.2 and 4.15',
  mechanism:
    'Whether a grant must also enter the IOMMU’s tables was asked of a flag that says whether tables mirror ' +
    'the p2m. On Arm the p2m is shared, so the flag is never set, and a direct-mapped dom0 hands its devices ' +
    'machine addresses that lead nowhere.',
  behaviours: { armGrantNeedsIommu: 'need_sync' },
  scene: ARM_BACKEND,
  bounds: ONLY_GRANTS,
  invariants: ['I19'],
  fixes: ['04085ec1ac'],
};
