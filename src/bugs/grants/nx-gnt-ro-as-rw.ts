import type { Bug } from '../bug.js';
import { BACKEND_AND_GUEST, ONLY_GRANTS } from './scenes.js';

export const NX_GNT_RO_AS_RW: Bug = {
  id: 'NX-GNT-RO-AS-RW',
  title: 'A grant for reading only lets the grantee’s devices write',
  class: 'A',
  year: 2010,
  releases: 'as the gallery has it, all before 4.1; the code of the time left such grants out of the tables',
  mechanism:
    'A page that is granted for reading only is mapped for the grantee’s devices without a look at the grant’s ' +
    'rights. They can write what its CPUs may only read.',
  behaviours: { readonlyGrantForDevices: 'read-write' },
  scene: BACKEND_AND_GUEST,
  bounds: { ...ONLY_GRANTS, vaSlots: 0 },
  invariants: ['REACH', 'I12'],
  fixes: ['84d7979493'],
};
