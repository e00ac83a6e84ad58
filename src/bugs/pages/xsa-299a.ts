import type { Bug } from '../bug.js';
import { PV_GUEST_WITH_TREE } from '../scenes.js';

export const XSA_299A: Bug = {
  id: 'XSA-299a',
  title: 'A partly validated entry does not hold its table',
  class: 'C',
  year: 2019,
  releases: 'all before 4.13; mended in 4.12.2',
  mechanism:
    'When the validation of a table was interrupted within a table below, the entry was noted as partly validated and held ' +
    'nothing. Others could complete that table, drop it and give it back; going on, Xen dropped a type of a page of anybody’s.',
  behaviours: { partialEntry: 'unreferenced', partialCleanup: 'drops-type' },
  scene: PV_GUEST_WITH_TREE,
  bounds: { steps: true, refs: 0, entries: 0, vaSlots: 0, levels: [2, 3] },
  invariants: ['BUG'],
  deeper: 2,
  fixes: ['18b0ab6978'],
};
