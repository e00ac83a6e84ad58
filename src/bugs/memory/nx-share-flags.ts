import type { Bug } from '../bug.js';
import { HVM_SHARED } from '../scenes.js';

export const NX_SHARE_FLAGS: Bug = {
  id: 'NX-SHARE-FLAGS',
  title: 'A p2m that was shared is freed as if it were the IOMMU’s own',
  class: 'A',
  year: 2018,
  releases: 'the development of 4.12',
  mechanism:
    'Whether tables are shared was derived from the state of the domain’s IOMMU, which is off by the time that ' +
    'tables are freed. So the IOMMU’s part of the teardown freed the p2m, and the p2m’s part freed it again.',
  behaviours: { sharedTablesAtDeath: 'twice' },
  scene: HVM_SHARED,
  bounds: { refs: 0, destroy: true },
  invariants: ['BUG', 'INV-PTSTRUCT'],
  fixes: ['0c0677f003', 'e9be34be5f', 'e30c47cd8b', '1292f9a059'],
};
