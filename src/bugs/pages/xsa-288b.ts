import type { Bug } from '../bug.js';
import { PV_GUEST } from '../scenes.js';

export const XSA_288B: Bug = {
  id: 'XSA-288b',
  title: 'A page is freed while populate_physmap is still mapping it',
  class: 'C',
  year: 2019,
  releases: 'all before 4.12; mended in 4.11.2',
  mechanism:
    'A page was the domain’s before the same populate call had mapped it for devices, and nothing kept it meanwhile. ' +
    'Another vCPU could give it back in between, and the free page was mapped then.',
  behaviours: { pvPageAdded: 'mapped-untyped' },
  scene: PV_GUEST,
  bounds: { steps: true, levels: [], selfGrants: false },
  invariants: ['I3'],
  deeper: 3,
  fixes: ['fe21b78ef9'],
};
