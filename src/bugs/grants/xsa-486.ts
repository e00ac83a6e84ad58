import type { Bug } from '../bug.js';
import { HVM_WITH_STATUS_FRAMES } from './scenes.js';

export const XSA_486: Bug = {
  id: 'XSA-486',
  title: 'A status frame gets into the p2m after Xen has looked that it is not there',
  class: 'C',
  year: 2026,
  releases: 'all up to 4.21; mended in 4.17.7, 4.18.6, 4.19.6, 4.20.4, 4.21.2 and 4.22',
  mechanism:
    'Going back to version 1 takes a status frame out of the p2m, then looks whether anybody holds it. A ' +
    'request that had the frame before could put it in and drop its reference just between the two.',
  behaviours: { statusFrameAdded: 'referenced' },
  scene: HVM_WITH_STATUS_FRAMES,
  bounds: { onlyOperations: true, operations: ['begin add_to_physmap', 'begin grant_set_version'] },
  invariants: ['REACH', 'P2M', 'INV-REF'],
  fixes: ['02708d3b51'],
  after: 'XSA-384',
};
