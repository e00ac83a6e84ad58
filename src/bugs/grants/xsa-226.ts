import type { Bug } from '../bug.js';
import { MIDDLEMAN } from './scenes.js';

export const XSA_226: Bug = {
  id: 'XSA-226',
  title: 'Copies from a transitive grant release what they did not acquire',
  class: 'A',
  year: 2017,
  releases: 'all before 4.10; mended in 4.5 to 4.9',
  mechanism:
    'A copy from a transitive grant that was pinned already did not acquire the grant behind it, but the ' +
    'releases went by the pins that were left, not by who had acquired what. The grant behind was released ' +
    'while in use, or once too often.',
  behaviours: { pinnedTransitive: 'not-acquired' },
  scene: MIDDLEMAN,
  bounds: {
    onlyOperations: true,
    operations: ['owner: grant', 'middle: grant_transitive', 'dom0: begin grant_copy'],
  },
  invariants: ['INV-PIN', 'INV-REF'],
  fixes: ['999d2ccb7f', 'ad48fb963d'],
};
