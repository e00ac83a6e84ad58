import type { Bug } from '../bug.js';
import { GUEST_WITHOUT_PAGES } from './scenes.js';

export const NX_ADDPAGE_RC: Bug = {
  id: 'NX-ADDPAGE-RC',
  title: 'A page that could not be put into the p2m is reported as given',
  class: 'A',
  year: 2021,
  releases: 'up to 4.15',
  mechanism:
    'Whether a page could be made known to its new owner was not looked at. The caller was told of a success, and ' +
    'goes on with a page that no CPU and no device of the domain can reach.',
  behaviours: { failedAdd: 'ignored' },
  scene: GUEST_WITHOUT_PAGES,
  bounds: { refs: 0, hotplug: false, failures: 1, failuresWithin: 2 },
  invariants: ['INV-CONTRACT'],
  fixes: ['a16cf950fc'],
};
