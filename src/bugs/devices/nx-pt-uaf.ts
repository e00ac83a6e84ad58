import type { Bug } from '../bug.js';
import { PV_GUEST } from '../scenes.js';

export const NX_PT_UAF: Bug = {
  id: 'NX-PT-UAF',
  title: 'Pages that leave a dying domain are unmapped from IOMMU tables that have been freed',
  class: 'A',
  year: 2021,
  releases: 'while 4.15 was made',
  mechanism:
    'Destroying a domain freed its IOMMU tables early and kept the pointer to their root. Pages of a PV ' +
    'domain that left later were unmapped through that pointer, in memory that was somebody else’s by ' +
    'then.',
  behaviours: { freedRoot: 'dangling' },
  scene: PV_GUEST,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false, destroy: true, steps: true },
  invariants: ['INV-PTSTRUCT'],
  fixes: ['9bd9695a8b', '1ef48c82e7', 'd670ef3401', 'f4cf483e2a'],
};
