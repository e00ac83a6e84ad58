import type { Bug } from '../bug.js';
import { XSA_285 } from './xsa-285.js';

export const NX_LATE_LIVELOCK: Bug = {
  id: 'NX-LATE-LIVELOCK',
  title: 'A guest keeps the assignment of its first device from ever ending',
  class: 'C',
  year: 2019,
  releases: '4.12, and the stable branches with the repair of XSA-285',
  mechanism:
    'The repair of XSA-285 looks at a page’s type again after mapping it, and starts the hypercall over where it changed to and ' +
    'fro. A guest that makes its page a page table and takes that back again and again keeps it going for ever.',
  behaviours: {
    iommuContext: 'at-first-assignment',
    strictHwdomPages: 'every-page',
    needSyncAfterTeardown: 'cleared',
  },
  on: 'up-front',
  scene: XSA_285.scene,
  bounds: XSA_285.bounds,
  invariants: ['livelock'],
  fixes: ['f89f555827', 'babde47a3f'],
  after: 'XSA-285',
};
