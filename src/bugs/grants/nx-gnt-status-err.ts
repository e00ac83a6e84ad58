import type { Bug } from '../bug.js';
import { BACKEND_AND_GUEST, ONLY_GRANTS } from './scenes.js';

export const NX_GNT_STATUS_ERR: Bug = {
  id: 'NX-GNT-STATUS-ERR',
  title: 'A grant of no page stays marked in use',
  class: 'A',
  year: 2012,
  releases: 'all before 4.2',
  mechanism:
    'The entry was marked as being read or written before Xen looked which page it names. When it named none, ' +
    'the map failed and the marks stayed, so the granter could never take the grant back.',
  behaviours: { useAfterBadPage: 'set' },
  scene: BACKEND_AND_GUEST,
  bounds: { ...ONLY_GRANTS, vaSlots: 0 },
  invariants: ['IN-USE'],
  fixes: ['62698cdaf3'],
};
