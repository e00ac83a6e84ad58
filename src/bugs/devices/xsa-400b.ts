import type { Bug } from '../bug.js';
import { RESERVED_REGION } from './scenes.js';

export const XSA_400B: Bug = {
  id: 'XSA-400b',
  title: 'A device that moves from one domain to another is disconnected in between',
  class: 'C',
  year: 2022,
  releases: 'all before 4.17; mended in 4.12 to 4.16, too',
  mechanism:
    'Drivers took a device’s entry away before they made the new one. What the device’s firmware did in ' +
    'between met no translations at all, where an exchange of the whole entry leaves no such moment.',
  behaviours: { vtdReassign: 'quarantined-meanwhile', amdReassign: 'quarantined-meanwhile' },
  scene: RESERVED_REGION,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false },
  invariants: ['INV-RMRR'],
  fixes: ['8f41e481b4', '1fa6e9aa36'],
};
