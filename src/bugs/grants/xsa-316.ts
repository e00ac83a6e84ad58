import type { Bug } from '../bug.js';
import { BACKEND_AND_GUEST, ONLY_GRANTS } from './scenes.js';

export const XSA_316: Bug = {
  id: 'XSA-316',
  title: 'A map that fails says that it did not',
  class: 'A',
  year: 2020,
  releases: '4.9 to 4.13, with the repair of XSA-295; mended in 4.9.5, 4.10.4, 4.11.4, 4.12.3, 4.13.1',
  mechanism:
    'A bracket in the wrong place turned the error of marking a grant entry into the number 1. The mapper, ' +
    'which looks for negative statuses, goes on with a handle and a mapping that are not there.',
  behaviours: { refusedMapStatus: 'one' },
  scene: BACKEND_AND_GUEST,
  bounds: { ...ONLY_GRANTS, vaSlots: 0, operations: ['map_grant_ref'] },
  invariants: ['INV-CONTRACT'],
  fixes: ['da0c66c8f4'],
  after: 'XSA-295',
};
