import { Errno } from './errno.js';
import { isDomainFrame, isFree } from './frames.js';
import type { Xen } from './state.js';

/**
 * Claims (XENMEM_claim_pages): memory that is set aside for a domain that is being built, so that it cannot run short half-way.
 * What the domain takes counts against its claim; what is claimed nobody else gets.
 */

/**
 * domain_set_outstanding_pages: `pages` in all, those that the domain has included; 0 gives the claim up. -EINVAL no such
 * domain, one that is dying (since 2379ca04feab), a claim while there is one, one for no more than it has or more than it
 * may have; -ENOMEM.
 */
export function claimPages(xen: Xen, slot: number, pages: number): number {
  if (!xen.exists(slot)) return -Errno.EINVAL;
  if (xen.isDying(slot) && xen.profile.claimOnDying === 'EINVAL') return -Errno.EINVAL;
  if (pages === 0) {
    dropClaim(xen, slot);
    return 0;
  }
  const has = xen.domain.totPages.get(slot);
  if (xen.domain.claimed.get(slot) !== 0 || pages <= has || pages > xen.domain.maxPages.get(slot))
    return -Errno.EINVAL;
  const claim = pages - has;
  if (claim > freePages(xen) - xen.host.claimed.get(0)) return -Errno.ENOMEM;
  xen.domain.claimed.set(slot, claim);
  xen.host.claimed.add(0, claim);
  return 0;
}

/** Gives up what is left of a domain's claim, as when it begins to die. */
export function dropClaim(xen: Xen, slot: number): void {
  const claimed = xen.domain.claimed.get(slot);
  if (claimed === 0) return;
  xen.host.claimed.add(0, -claimed);
  xen.domain.claimed.set(slot, 0);
}

/** domain_adjust_tot_pages: `count` pages that the domain has got come out of its claim. */
export function useClaim(xen: Xen, slot: number, count: number): void {
  const claimed = xen.domain.claimed.get(slot);
  if (claimed === 0) return;
  const used = Math.min(claimed, count);
  xen.domain.claimed.add(slot, -used);
  xen.host.claimed.add(0, -used);
}

/** Whether `count` frames are claimed by others, so that the domain cannot have them (alloc_heap_pages). */
export function isClaimedByOthers(xen: Xen, slot: number, count: number): boolean {
  const claimed = xen.host.claimed.get(0);
  if (claimed === 0 || xen.domain.claimed.get(slot) >= count) return false;
  return claimed + count > freePages(xen);
}

function freePages(xen: Xen): number {
  let count = 0;
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) if (isDomainFrame(xen, pdx) && isFree(xen, pdx)) count++;
  return count;
}
