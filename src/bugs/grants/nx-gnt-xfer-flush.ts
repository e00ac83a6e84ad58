import type { Bug } from '../bug.js';
import { TWO_PV_GUESTS } from './scenes.js';

export const NX_GNT_XFER_FLUSH: Bug = {
  id: 'NX-GNT-XFER-FLUSH',
  title: 'A domain’s CPU goes on writing a page that it gave away',
  class: 'B',
  year: 2008,
  releases: 'all before 4.0',
  mechanism:
    'A page that is transferred changed hands without a flush of the giver’s CPUs. What they remember of their ' +
    'page tables lets them write it as the new owner’s, also as its page table.',
  behaviours: { transferFlush: 'none' },
  scene: TWO_PV_GUESTS,
  bounds: {
    onlyOperations: true,
    operations: ['accept_transfer', 'grant_transfer', 'update_va_mapping', 'store', 'pin_l1_table'],
  },
  invariants: ['INV-CPU-WRITE'],
  fixes: ['61730c75ce'],
};
