import type { Bug } from '../bug.js';
import { BACKEND_AND_HVM_GUEST, ONLY_GRANTS } from './scenes.js';

export const XSA_224B: Bug = {
  id: 'XSA-224b',
  title: 'A device mapping takes fewer type references than its unmap drops',
  class: 'A',
  year: 2017,
  releases: 'all before 4.10; mended in 4.5 to 4.9',
  mechanism:
    'Whether a writable grant takes a type reference was decided by what a host mapping needs, which for pages ' +
    'of translated domains is none. The unmap of a device mapping drops one always, so the count goes below ' +
    'what is held.',
  behaviours: { mapTypeReferences: 'as-for-host' },
  scene: BACKEND_AND_HVM_GUEST,
  bounds: { ...ONLY_GRANTS, vaSlots: 0, deviceMappings: true },
  invariants: ['BUG', 'INV-CPU-WRITE', 'REACH'],
  fixes: ['75b384ece6'],
};
