import type { Bug } from '../bug.js';
import { PV_GUEST } from '../scenes.js';

export const NX_GETPAGE_UNDO: Bug = {
  id: 'NX-GETPAGE-UNDO',
  title: 'get_page gives a reference back that it has not taken',
  class: 'A',
  year: 2009,
  releases: 'before 4.0',
  mechanism:
    'When a page was not the domain’s, get_page dropped the reference that it had taken to look, also where it had taken ' +
    'none because nobody had the page. The count of a free page went below 0.',
  behaviours: { refusedGetPage: 'drops-one' },
  scene: PV_GUEST,
  bounds: {},
  invariants: ['BUG'],
  fixes: ['11c121640c', '0502e0adae'],
};
