import type { Bug } from '../bug.js';
import { PV_GUEST } from '../scenes.js';
import { ONLY_GRANTS } from './scenes.js';

export const NX_SELFGRANT: Bug = {
  id: 'NX-SELFGRANT',
  title: 'Unmapping a grant of one’s own takes the page from one’s devices',
  class: 'A',
  year: 2021,
  releases: 'all before 4.15; mended in 4.13.3 and 4.14.2',
  mechanism:
    'A grant that a domain maps of itself enters its IOMMU tables like any other, though the page is there ' +
    'already. Unmapping it removes the entry that the page had as the domain’s own memory.',
  behaviours: { selfGrant: 'reaches-iommu' },
  scene: PV_GUEST,
  bounds: { ...ONLY_GRANTS, selfGrants: true, vaSlots: 0 },
  invariants: ['I13', 'I1'],
  fixes: ['e8185c5f01'],
};
