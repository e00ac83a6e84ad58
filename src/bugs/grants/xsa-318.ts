import type { Bug } from '../bug.js';
import { MIDDLEMAN } from './scenes.js';

export const XSA_318: Bug = {
  id: 'XSA-318',
  title: 'A copy that is to be started over is taken for done',
  class: 'A',
  year: 2020,
  releases: '4.9 to 4.13, with the repair of XSA-226; mended in 4.11.4, 4.12.3, 4.13.1',
  mechanism:
    'How many requests of a batch are left was turned into how many are done too early. Where the very first ' +
    'was to be started over, the count came to zero, which says that all is done, and no request had got a ' +
    'status.',
  behaviours: { restartedCopy: 'done' },
  scene: MIDDLEMAN,
  bounds: {
    onlyOperations: true,
    vaSlots: 0,
    operations: [
      'owner: grant',
      'middle: grant',
      'middle: grant_transitive',
      'dom0: map_grant_ref',
      'dom0: grant_copy',
    ],
  },
  invariants: ['INV-CONTRACT'],
  fixes: ['d6f22d5d9e', '46d8f69d46'],
  after: 'XSA-226',
};
