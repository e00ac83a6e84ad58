import type { Bug } from '../bug.js';
import { BARE_GUEST } from './scenes.js';

export const NX_DOMREF_LEAK: Bug = {
  id: 'NX-DOMREF-LEAK',
  title: 'A refused assignment keeps its domain for ever',
  class: 'A',
  year: 2012,
  releases: 'while 4.2 was made',
  mechanism:
    'An error path of assign_device left without letting go of the domain that it had looked up. The ' +
    'domain could be destroyed and never vanished.',
  behaviours: { refusedAssign: 'keeps-domain' },
  scene: BARE_GUEST,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false, destroy: true },
  invariants: ['INV-LEAK'],
  fixes: ['e45066d3c3'],
};
