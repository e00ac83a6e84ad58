import type { Bug } from '../bug.js';
import { UNITY_MAP } from './scenes.js';

export const XSA_378B: Bug = {
  id: 'XSA-378b',
  title: 'What AMD-Vi maps for a device’s firmware stays in the guest when the device leaves',
  class: 'A',
  year: 2021,
  releases: 'all before 4.16; mended in 4.11 to 4.15, too',
  mechanism:
    'The driver mapped a device’s reserved ranges for its new domain and kept no record of them. So they ' +
    'stayed mapped when the device had gone, and the domain’s other devices could reach them.',
  behaviours: { reservedRecord: 'vtd-only' },
  scene: UNITY_MAP,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false },
  invariants: ['I11', 'REACH'],
  fixes: ['899272539c', 'c0e19d7c6c'],
};
