import type { Xen } from './state.js';
import { GLIMPSE_NAMES, type Glimpse } from './tables/host.js';

/**
 * Whoever writes tables that hardware walks leaves them whole between any two writes, and says here when they are not
 * (gallery, INV-ATOMIC).
 */
export function noteGlimpse(xen: Xen, what: Glimpse): void {
  xen.host.glimpse.set(0, GLIMPSE_NAMES.indexOf(what));
}
