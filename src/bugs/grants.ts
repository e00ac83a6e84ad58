import type { Bug, Inexpressible } from './bug.js';
import { NX_GNT_FAIL_HOSTMAP } from './grants/nx-gnt-fail-hostmap.js';
import { NX_GNT_MULTIMAP } from './grants/nx-gnt-multimap.js';
import { NX_GNT_RO_AS_RW } from './grants/nx-gnt-ro-as-rw.js';
import { NX_GNT_STATUS_ERR } from './grants/nx-gnt-status-err.js';
import { NX_GNT_XFER_FLUSH } from './grants/nx-gnt-xfer-flush.js';
import { NX_SELFGRANT } from './grants/nx-selfgrant.js';
import { NX_TRANS_MAP } from './grants/nx-trans-map.js';
import { SEED_ARM_GNT } from './grants/seed-arm-gnt.js';
import { XSA_26 } from './grants/xsa-26.js';
import { XSA_224A } from './grants/xsa-224a.js';
import { XSA_224B } from './grants/xsa-224b.js';
import { XSA_230 } from './grants/xsa-230.js';
import { XSA_255 } from './grants/xsa-255.js';
import { XSA_284 } from './grants/xsa-284.js';
import { XSA_316 } from './grants/xsa-316.js';
import { XSA_394 } from './grants/xsa-394.js';
import { XSA_500 } from './grants/xsa-500.js';

/** Grant tables (bug-gallery.md §2). */
export const GRANT_BUGS: readonly Bug[] = [
  SEED_ARM_GNT,
  NX_SELFGRANT,
  NX_GNT_MULTIMAP,
  NX_GNT_RO_AS_RW,
  NX_GNT_FAIL_HOSTMAP,
  NX_GNT_STATUS_ERR,
  XSA_224A,
  XSA_224B,
  XSA_230,
  NX_TRANS_MAP,
  XSA_255,
  XSA_26,
  XSA_284,
  XSA_394,
  XSA_316,
  XSA_500,
  NX_GNT_XFER_FLUSH,
];

export const GRANT_BUGS_INEXPRESSIBLE: readonly Inexpressible[] = [];
