import type { Bug, Inexpressible } from './bug.js';
import { NX_GNT_FAIL_HOSTMAP } from './grants/nx-gnt-fail-hostmap.js';
import { NX_GNT_MULTIMAP } from './grants/nx-gnt-multimap.js';
import { NX_GNT_RO_AS_RW } from './grants/nx-gnt-ro-as-rw.js';
import { NX_GNT_STATUS_ERR } from './grants/nx-gnt-status-err.js';
import { NX_GNT_UNMAP_FLUSH } from './grants/nx-gnt-unmap-flush.js';
import { NX_GNT_XFER_FLUSH } from './grants/nx-gnt-xfer-flush.js';
import { NX_SELFGRANT } from './grants/nx-selfgrant.js';
import { NX_TRANS_MAP } from './grants/nx-trans-map.js';
import { SEED_ARM_GNT } from './grants/seed-arm-gnt.js';
import { XSA_26 } from './grants/xsa-26.js';
import { XSA_218A } from './grants/xsa-218a.js';
import { XSA_224A } from './grants/xsa-224a.js';
import { XSA_224B } from './grants/xsa-224b.js';
import { XSA_226 } from './grants/xsa-226.js';
import { XSA_228 } from './grants/xsa-228.js';
import { XSA_230 } from './grants/xsa-230.js';
import { XSA_235 } from './grants/xsa-235.js';
import { XSA_236 } from './grants/xsa-236.js';
import { XSA_255 } from './grants/xsa-255.js';
import { XSA_284 } from './grants/xsa-284.js';
import { XSA_316 } from './grants/xsa-316.js';
import { XSA_318 } from './grants/xsa-318.js';
import { XSA_379 } from './grants/xsa-379.js';
import { XSA_380 } from './grants/xsa-380.js';
import { XSA_384 } from './grants/xsa-384.js';
import { XSA_394 } from './grants/xsa-394.js';
import { XSA_411 } from './grants/xsa-411.js';
import { XSA_486 } from './grants/xsa-486.js';
import { XSA_500 } from './grants/xsa-500.js';

/** Grant tables (bug-gallery.md §2). */
export const GRANT_BUGS: readonly Bug[] = [
  NX_GNT_FAIL_HOSTMAP,
  NX_GNT_MULTIMAP,
  NX_GNT_RO_AS_RW,
  NX_GNT_STATUS_ERR,
  NX_GNT_XFER_FLUSH,
  NX_SELFGRANT,
  NX_TRANS_MAP,
  SEED_ARM_GNT,
  XSA_26,
  XSA_224A,
  XSA_224B,
  XSA_230,
  XSA_255,
  XSA_284,
  XSA_316,
  XSA_394,
  XSA_500,
  XSA_218A,
  NX_GNT_UNMAP_FLUSH,
  XSA_228,
  XSA_236,
  XSA_226,
  XSA_318,
  XSA_411,
  XSA_379,
  XSA_380,
  XSA_384,
  XSA_486,
  XSA_235,
];

export const GRANT_BUGS_INEXPRESSIBLE: readonly Inexpressible[] = [
  {
    id: 'XSA-224c',
    class: 'A',
    lacks:
      'grants of device memory, which the Xen of the time did not let anybody map either: the code with the bug could not be reached',
  },
  { id: 'XSA-295', class: 'D', lacks: 'the exclusive loads and stores of Arm’s CPUs' },
];
