import type { Bug } from '../bug.js';
import { BACKEND_AND_GUEST, ONLY_GRANTS } from './scenes.js';

export const XSA_230: Bug = {
  id: 'XSA-230',
  title: 'A copy tells the granter that nobody writes, while a device does',
  class: 'A',
  year: 2017,
  releases: 'all before 4.10; mended in 4.5 to 4.9',
  mechanism:
    'When a copy was done with a grant, it recomputed the marks that the granter sees from the mappings for ' +
    'CPUs alone. A page that a device still writes looked free, and its owner used it for something else.',
  behaviours: { useAfterCopy: 'host-pins' },
  scene: BACKEND_AND_GUEST,
  bounds: { ...ONLY_GRANTS, vaSlots: 0, deviceMappings: true, operations: ['grant_copy'] },
  invariants: ['IN-USE', 'INV-REF'],
  fixes: ['6e2a4c7356'],
};
