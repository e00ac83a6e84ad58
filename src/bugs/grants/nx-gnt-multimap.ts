import type { Bug } from '../bug.js';
import { BACKEND_WITH_TWO_HANDLES, ONLY_GRANTS } from './scenes.js';

export const NX_GNT_MULTIMAP: Bug = {
  id: 'NX-GNT-MULTIMAP',
  title: 'A grant’s end takes the page from other grants of the same page',
  class: 'A',
  year: 2010,
  releases: 'all before 4.1',
  mechanism:
    'The entry in the grantee’s IOMMU tables went with the last mapping of one grant entry. Where the granter ' +
    'had offered the same page twice, the other grant’s mapping lost its devices’ access.',
  behaviours: { grantIommuDecision: 'granter-pins', otherGrantsOfFrame: 'overlooked' },
  scene: BACKEND_WITH_TWO_HANDLES,
  bounds: { ...ONLY_GRANTS, refs: 2, handles: 2, vaSlots: 0 },
  invariants: ['I12'],
  fixes: ['680e96b343'],
};
