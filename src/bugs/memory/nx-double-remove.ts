import type { Bug } from '../bug.js';
import { HVM_SHARED } from '../scenes.js';

export const NX_DOUBLE_REMOVE: Bug = {
  id: 'NX-DOUBLE-REMOVE',
  title: 'A frame that is to be where it is already is removed twice',
  class: 'A',
  year: 2021,
  releases: 'the development of 4.16',
  mechanism:
    'A frame that Xen shares leaves its old place and what stands at the new one is removed, before it is put ' +
    'there. Where both are one place the second removal fails, and the call with it: the frame is nowhere.',
  behaviours: { sharedFrameInPlace: 'removed-twice' },
  scene: HVM_SHARED,
  bounds: { refs: 0, hotplug: false, operations: ['add_to_physmap'] },
  invariants: ['INV-CONTRACT'],
  fixes: ['3e910b648b'],
};
