import type { Bug } from '../bug.js';
import { MIDDLEMAN } from './scenes.js';

export const XSA_411: Bug = {
  id: 'XSA-411',
  title: 'Two copies from transitive grants can wait for each other for ever',
  class: 'A',
  year: 2022,
  releases: '4.10 to 4.16, with the repair of XSA-226; mended in 4.13.5, 4.14.6, 4.15.4, 4.16.3',
  mechanism:
    'When a transitive grant turned out to have changed, the grant behind it was released while the locks of ' +
    'the first were held. Two such copies whose grants lead to each other’s tables lock in opposite order, and ' +
    'their CPUs hang.',
  behaviours: { transitiveRetry: 'locked' },
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
  invariants: ['LOCKS'],
  fixes: ['6e3aab858e'],
  after: 'XSA-226',
};
