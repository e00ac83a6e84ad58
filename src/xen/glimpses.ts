import type { Xen } from './state.js';
import { GLIMPSE_NAMES, type Glimpse } from './tables/host.js';

/**
 * Whoever writes tables that hardware walks leaves them whole between any two writes, and says here when they are not
 * (gallery, INV-ATOMIC).
 */
export function noteGlimpse(xen: Xen, what: Glimpse): void {
  // What let somebody in is not forgotten over what kept somebody out.
  if (what === 'an empty table where a page was mapped' && xen.host.glimpse.get(0) !== 0) return;
  xen.host.glimpse.set(0, GLIMPSE_NAMES.indexOf(what));
}
