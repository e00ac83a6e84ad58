import type { Bug } from '../bug.js';
import { BACKEND_AND_GUEST, ONLY_GRANTS } from './scenes.js';

export const XSA_26: Bug = {
  id: 'XSA-26',
  title: 'A freed status frame stays on its domain’s list',
  class: 'A',
  year: 2012,
  releases: 'all before 4.3; mended in 4.1 and 4.2',
  mechanism:
    'Going back to version 1 freed the status frames, but left them on the list of pages that Xen shares with ' +
    'the domain. When one was handed out again, it came onto a list twice.',
  behaviours: { freedStatusFrame: 'stays-listed' },
  scene: BACKEND_AND_GUEST,
  bounds: { ...ONLY_GRANTS, refs: 0, operations: ['grant_set_version'] },
  invariants: ['BUG'],
  fixes: ['23d9492080'],
};
