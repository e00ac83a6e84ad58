import type { Bug } from '../bug.js';
import { PV_GUEST } from '../scenes.js';

export const XSA_78: Bug = {
  id: 'XSA-78',
  title: 'Clearing an entry tells VT-d’s flush that none was there',
  class: 'B',
  year: 2013,
  releases: '4.0 to 4.3; mended in 4.4 and in stable releases',
  mechanism:
    'Whoever clears an entry says whether it was present, as hardware need not be told of an entry that was not. ' +
    'After a clean-up the value given was always the wrong one, so a page left the tables and stayed remembered.',
  behaviours: { vtdUnmapHint: 'absent' },
  scene: PV_GUEST,
  bounds: { refs: 0 },
  invariants: ['I4', 'REACH', 'FREED'],
  fixes: ['85c72f9fe7'],
};
