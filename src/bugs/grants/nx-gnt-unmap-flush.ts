import type { Bug } from '../bug.js';
import { REMEMBERING_BACKEND } from './scenes.js';

export const NX_GNT_UNMAP_FLUSH: Bug = {
  id: 'NX-GNT-UNMAP-FLUSH',
  title: 'A granted page is given back before the mapper’s CPU has forgotten it',
  class: 'B',
  year: 2007,
  releases: 'all before 4.0',
  mechanism:
    'Each unmap of a batch dropped its references on the page, and the mapper’s CPUs were flushed at the ' +
    'batch’s end. In between the granter made the page a page table, which the mapper could still write.',
  behaviours: { unmapReferences: 'before-flush' },
  scene: REMEMBERING_BACKEND,
  bounds: {
    onlyOperations: true,
    operations: [
      'guest: grant',
      'dom0: map_grant_ref',
      'dom0: begin unmap_grant_ref',
      'dom0: store',
      'guest: pin_l1_table',
    ],
  },
  invariants: ['INV-CPU-WRITE'],
  deeper: 3,
  fixes: ['606ab7a468'],
};
