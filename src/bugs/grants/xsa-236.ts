import type { Bug } from '../bug.js';
import { BACKEND_WITH_PAGES, ONLY_GRANTS } from './scenes.js';

export const XSA_236: Bug = {
  id: 'XSA-236',
  title: 'A copy gives the page back before the pin by which others trust it',
  class: 'C',
  year: 2017,
  releases: '4.6 to 4.9',
  mechanism:
    'When it is done, a copy dropped its reference on the page first, and then the pin of the grant. Whoever ' +
    'uses the grant meanwhile goes by the pin and takes the page for valid, though it may be free, or somebody ' +
    'else’s.',
  behaviours: { copyRelease: 'page' },
  scene: BACKEND_WITH_PAGES,
  bounds: { ...ONLY_GRANTS, handles: 0, vaSlots: 0, operations: ['begin grant_copy'] },
  invariants: ['INV-PIN', 'INV-REF'],
  fixes: ['e008f7619d'],
};
