import { domainOf, goOn, pageOf } from './calls/call.js';
import { Step } from './calls/steps.js';
import { Errno } from './errno.js';
import { fails } from './failures.js';
import {
  dropStolen,
  giveStolenBack,
  isDomainFrame,
  isFree,
  lowestFreeFrame,
  takeFrame,
  takeFromOwner,
} from './frames.js';
import { guestPhysmapAdd, stealPage } from './memory.js';
import type { Xen } from './state.js';
import { Life } from './tables/domain.js';

/**
 * XENMEM_exchange of one page in steps: between the old page's being stolen from the domain and another's taking its place it
 * is nobody's, and others may look at it. -ESRCH, -EINVAL, -EOPNOTSUPP as at once; `wanted` is the page to take, or -1.
 */
export function beginExchange(xen: Xen, call: number, slot: number, pdx: number, wanted: number): number {
  if (pdx < 0) return -Errno.EINVAL;
  if (xen.isTranslated(slot)) return -Errno.EOPNOTSUPP;
  const status = stealPage(xen, slot, pdx);
  if (status !== 0) return status;
  takeFromOwner(xen, pdx);
  xen.call.domain.set(call, slot + 1);
  xen.call.page.set(call, pdx + 1);
  xen.call.target.set(call, wanted + 1);
  return goOn(xen, call, Step.exchange_pages);
}

/** Another page is the domain's, and the old one is free; -ENOMEM, and the old one is the domain's again, unless it died. */
function exchangePages(xen: Xen, call: number): number {
  const [slot, old] = [domainOf(xen, call), pageOf(xen, call)];
  const wanted = xen.call.target.get(call) - 1;
  const fresh = wanted < 0 ? lowestFreeFrame(xen) : wanted;
  const alive = xen.domain.life.get(slot) === Life.alive;
  if (!isDomainFrame(xen, fresh) || !isFree(xen, fresh) || !alive || fails(xen, 'alloc')) {
    if (alive) giveStolenBack(xen, old, slot);
    else dropStolen(xen, old);
    return -Errno.ENOMEM;
  }
  takeFrame(xen, fresh, slot);
  dropStolen(xen, old);
  return guestPhysmapAdd(xen, slot, 0, fresh);
}

export const EXCHANGE_STEPS = { exchange_pages: exchangePages } as const;
