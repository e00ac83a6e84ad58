import type { Bug } from '../bug.js';
import { STRICT_DOM0 } from '../scenes.js';

export const NX_HWDOM_PRED: Bug = {
  id: 'NX-HWDOM-PRED',
  title: 'What a strict PV dom0 starts with is decided by another test than what becomes of it',
  class: 'A',
  year: 2019,
  releases: 'up to 4.12, with a strict PV dom0',
  mechanism:
    'At boot every page of a strict dom0 that nobody referenced was mapped writable, whatever its type. Changes of type only ' +
    'looked for the type writable, so an untyped page that became a page table at once stayed writable for devices.',
  behaviours: { strictHwdomPages: 'every-page' },
  scene: STRICT_DOM0,
  bounds: { operations: ['pin_l1_table', 'unpin_table'] },
  invariants: ['I2'],
  deeper: 2,
  fixes: ['f89f555827', '3389a8dc8c'],
};
