import type { Bug, Inexpressible } from './bug.js';
import { NX_DOM0_LASTL1 } from './pages/nx-dom0-lastl1.js';
import { NX_GETPAGE_UNDO } from './pages/nx-getpage-undo.js';
import { NX_HWDOM_PRED } from './pages/nx-hwdom-pred.js';
import { NX_LATE_LIVELOCK } from './pages/nx-late-livelock.js';
import { XSA_32 } from './pages/xsa-32.js';
import { XSA_45 } from './pages/xsa-45.js';
import { XSA_58 } from './pages/xsa-58.js';
import { XSA_113 } from './pages/xsa-113.js';
import { XSA_182 } from './pages/xsa-182.js';
import { XSA_185 } from './pages/xsa-185.js';
import { XSA_240 } from './pages/xsa-240.js';
import { XSA_241 } from './pages/xsa-241.js';
import { XSA_242 } from './pages/xsa-242.js';
import { XSA_248 } from './pages/xsa-248.js';
import { XSA_252 } from './pages/xsa-252.js';
import { XSA_264 } from './pages/xsa-264.js';
import { XSA_285 } from './pages/xsa-285.js';
import { XSA_286 } from './pages/xsa-286.js';
import { XSA_287 } from './pages/xsa-287.js';
import { XSA_288A } from './pages/xsa-288a.js';
import { XSA_288B } from './pages/xsa-288b.js';
import { XSA_291 } from './pages/xsa-291.js';
import { XSA_299A } from './pages/xsa-299a.js';
import { XSA_299B } from './pages/xsa-299b.js';
import { XSA_309 } from './pages/xsa-309.js';
import { XSA_310 } from './pages/xsa-310.js';
import { XSA_401 } from './pages/xsa-401.js';
import { XSA_408 } from './pages/xsa-408.js';

/** Page types, page tables and memory of PV domains (bug-gallery.md §1). */
export const PAGE_BUGS: readonly Bug[] = [
  XSA_288A,
  XSA_288B,
  XSA_285,
  NX_LATE_LIVELOCK,
  NX_HWDOM_PRED,
  XSA_291,
  XSA_401,
  XSA_408,
  XSA_241,
  XSA_286,
  XSA_242,
  XSA_287,
  XSA_248,
  XSA_182,
  XSA_185,
  XSA_240,
  XSA_309,
  XSA_299A,
  XSA_299B,
  XSA_310,
  XSA_45,
  XSA_58,
  XSA_264,
  XSA_252,
  XSA_113,
  XSA_32,
  NX_GETPAGE_UNDO,
  NX_DOM0_LASTL1,
];

export const PAGE_BUGS_INEXPRESSIBLE: readonly Inexpressible[] = [
  {
    id: 'XSA-402',
    class: 'D',
    lacks: 'caches of a CPU: a page has one content, whichever way it is mapped',
  },
];
