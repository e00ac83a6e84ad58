import type { Bug } from '../bug.js';
import { ONLY_GRANTS, RACING_BACKEND } from './scenes.js';

export const XSA_228: Bug = {
  id: 'XSA-228',
  title: 'Two CPUs take the same handle',
  class: 'C',
  year: 2017,
  releases: '4.6 to 4.9',
  mechanism:
    'Free handles stood in a list for each vCPU, and taking one from another vCPU’s list did not take the lock ' +
    'that its owner takes. Both could come to hold the same handle, and the second map overwrote what the ' +
    'first had noted.',
  behaviours: { takingHandle: 'unlocked' },
  scene: RACING_BACKEND,
  bounds: { ...ONLY_GRANTS, handles: 2, vaSlots: 0, operations: ['begin map_grant_ref'] },
  invariants: ['INV-PIN'],
  fixes: ['02cbeeb620'],
};
