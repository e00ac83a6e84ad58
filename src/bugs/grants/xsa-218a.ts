import type { Bug } from '../bug.js';
import { ONLY_GRANTS, RACING_BACKEND } from './scenes.js';

export const XSA_218A: Bug = {
  id: 'XSA-218a',
  title: 'A grant looks free while its mapper can still use the page',
  class: 'C',
  year: 2017,
  releases: 'all before 4.10; mended in 4.5 to 4.9',
  mechanism:
    'An unmap dropped its pins in its first pass, before the mapper’s CPUs were flushed. Another unmap of the ' +
    'same grant, on another CPU, found no pin left and told the granter that the page is its own again.',
  behaviours: { unmapPins: 'before-flush' },
  scene: RACING_BACKEND,
  bounds: { ...ONLY_GRANTS, handles: 2, vaSlots: 0, operations: ['begin unmap_grant_ref'] },
  invariants: ['IN-USE'],
  deeper: 3,
  fixes: ['9a0bd460cf'],
};
