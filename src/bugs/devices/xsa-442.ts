import type { Bug } from '../bug.js';
import { UNITY_MAP } from './scenes.js';

export const XSA_442: Bug = {
  id: 'XSA-442',
  title: 'AMD-Vi changes a device’s entry and leaves what was translated under the old one',
  class: 'B',
  year: 2023,
  releases: 'all before 4.18; mended in 4.15 to 4.17, too',
  mechanism:
    'When a device changed domains, only what the unit keeps of its device table entry was invalidated. ' +
    'Translations made under the old domain id stayed, and were there to be used by the next device of ' +
    'that id.',
  behaviours: { amdDeviceFlush: 'entry' },
  scene: UNITY_MAP,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false, destroy: true },
  invariants: ['INV-DID', 'I4'],
  fixes: ['5fc98b9708'],
};
