import type { Bug } from '../bug.js';
import { ON_DEMAND } from './scenes.js';

export const XSA_30: Bug = {
  id: 'XSA-30',
  title: 'Making guest frames wait for pages leaves the p2m locked where it fails',
  class: 'A',
  year: 2012,
  releases: 'before 4.3',
  mechanism:
    'Guest frames that have memory cannot be made to wait for a page. The way out of the function that found so ' +
    'went past the unlock, and a guest could take it itself.',
  behaviours: { podMarkError: 'keeps-lock' },
  scene: ON_DEMAND,
  bounds: { refs: 0, hotplug: false, operations: ['populate_on_demand'] },
  invariants: ['LOCKS'],
  fixes: ['54c82f9962'],
};
