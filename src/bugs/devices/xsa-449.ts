import type { Bug } from '../bug.js';
import { PHANTOM_FUNCTION } from './scenes.js';

export const XSA_449: Bug = {
  id: 'XSA-449',
  title: 'A phantom function stays with dom0 when it cannot be switched, and nobody is told',
  class: 'A',
  year: 2024,
  releases: 'all before 4.19; mended in 4.15 to 4.18, too',
  mechanism:
    'A device may send under the requester ids of its phantom functions, too. When one of those could not ' +
    'be switched to the new domain the error was dropped, so the guest’s device went on as dom0’s under ' +
    'that id.',
  behaviours: { phantomFailure: 'ignored' },
  scene: PHANTOM_FUNCTION,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false, failures: 1, failuresWithin: 4 },
  invariants: ['I9', 'REACH'],
  fixes: ['cb4ecb3cc1'],
};
