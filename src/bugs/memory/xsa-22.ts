import type { Bug } from '../bug.js';
import { GUEST_WITHOUT_PAGES } from './scenes.js';

export const XSA_22: Bug = {
  id: 'XSA-22',
  title: 'The M2P says that a page is where it could not be put',
  class: 'A',
  year: 2012,
  releases: 'all before 4.3',
  mechanism:
    'A page that is given to a domain is put into its p2m, and the M2P is told where. It was told also when there ' +
    'was no memory for the p2m’s tables; what later relies on the two to agree brings the host down.',
  behaviours: { failedAddM2p: 'set' },
  scene: GUEST_WITHOUT_PAGES,
  bounds: { refs: 0, hotplug: false, failures: 1, failuresWithin: 2 },
  invariants: ['INV-M2P'],
  fixes: ['ef3cea268f'],
};
