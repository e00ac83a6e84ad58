import type { Bug, Inexpressible } from './bug.js';
import { NX_HWDOM_PRED } from './pages/nx-hwdom-pred.js';
import { XSA_285 } from './pages/xsa-285.js';
import { XSA_288A } from './pages/xsa-288a.js';
import { XSA_288B } from './pages/xsa-288b.js';
import { XSA_291 } from './pages/xsa-291.js';
import { XSA_401 } from './pages/xsa-401.js';

/** Page types, page tables and memory of PV domains (bug-gallery.md §1). */
export const PAGE_BUGS: readonly Bug[] = [XSA_288A, XSA_288B, XSA_285, NX_HWDOM_PRED, XSA_291, XSA_401];

export const PAGE_BUGS_INEXPRESSIBLE: readonly Inexpressible[] = [];
