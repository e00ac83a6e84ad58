import type { Bug } from '../bug.js';
import { HVM_WITH_STATUS_FRAMES } from './scenes.js';

export const XSA_379: Bug = {
  id: 'XSA-379',
  title: 'A status frame stands at two guest frames, of which one is forgotten',
  class: 'C',
  year: 2021,
  releases: 'all before 4.16; mended in 4.13.4, 4.14.3, 4.15.1',
  mechanism:
    'Where a frame of the grant table stands in the p2m was looked up before the p2m was locked. Two requests ' +
    'at a time put it at two places, and going back to version 1 took it from one of them and freed it.',
  behaviours: { statusFrameAdded: 'referenced', statusFramePlace: 'before' },
  scene: HVM_WITH_STATUS_FRAMES,
  bounds: { onlyOperations: true, operations: ['begin add_to_physmap', 'grant_set_version'] },
  invariants: ['P2M', 'REACH'],
  deeper: 1,
  fixes: ['f147422bf9'],
};
