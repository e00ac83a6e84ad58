import type { Bug } from '../bug.js';
import { BACKEND_AND_GUEST } from './scenes.js';

export const NX_GNT_FAIL_HOSTMAP: Bug = {
  id: 'NX-GNT-FAIL-HOSTMAP',
  title: 'A map that the IOMMU refuses leaves the page mapped for the CPU',
  class: 'A',
  year: 2017,
  releases: 'all before 4.10',
  mechanism:
    'When the IOMMU refuses the last step of mapping a grant, the references on the page are dropped, but the ' +
    'page-table entry that was made before stays. The mapper goes on writing a page that it does not hold.',
  behaviours: { failedMapHostMapping: 'left' },
  scene: BACKEND_AND_GUEST,
  bounds: { onlyOperations: true, failures: 1, operations: ['guest: grant', 'dom0: map_grant_ref'] },
  invariants: ['INV-CPU-WRITE'],
  fixes: ['95906bf0f0'],
};
