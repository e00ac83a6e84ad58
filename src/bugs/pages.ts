import type { Bug, Inexpressible } from './bug.js';
import { XSA_288A } from './pages/xsa-288a.js';

/** Page types, page tables and memory of PV domains (bug-gallery.md §1). */
export const PAGE_BUGS: readonly Bug[] = [XSA_288A];

export const PAGE_BUGS_INEXPRESSIBLE: readonly Inexpressible[] = [];
