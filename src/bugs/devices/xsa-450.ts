import type { Bug } from '../bug.js';
import { RESERVED_REGION } from './scenes.js';

export const XSA_450: Bug = {
  id: 'XSA-450',
  title: 'The table that a device has for quarantine is replaced by that of dom_io',
  class: 'A',
  year: 2024,
  releases: '4.17 and 4.18, built without HVM; mended in both',
  mechanism:
    'A misplaced preprocessor line made the choice of the domain’s own tables unconditional in builds ' +
    'without HVM. A device in quarantine then translated through dom_io’s table, without its scratch page ' +
    'or its reserved regions.',
  behaviours: { quarantineTableUsed: 'of-dom-io' },
  scene: RESERVED_REGION,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false },
  invariants: ['I11'],
  fixes: ['cc6ba68edf'],
  after: 'XSA-400c',
};
