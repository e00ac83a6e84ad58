import { callerOf, isIdle } from '../calls/call.js';
import type { Xen } from '../state.js';
import type { MisdeedName } from '../tables/host.js';
import type { Invariant } from './invariant.js';

function hostDown(xen: Xen): string | undefined {
  return xen.hostBug === undefined ? undefined : `Xen hits a BUG: ${xen.hostBug}`;
}

const SAID_OTHERWISE: ReadonlySet<MisdeedName | undefined> = new Set([
  'a map that failed was answered as if it had succeeded',
  'a copy that was not made was answered as if it had been',
  'pages that were moved are not where they were to go',
  'a frame that was to be where it is has gone from there',
  'a page that was given is not where it was to be',
]);

function saidOtherwise(xen: Xen): string | undefined {
  const { hostMisdeed } = xen;
  return SAID_OTHERWISE.has(hostMisdeed) ? hostMisdeed : undefined;
}

/** A lock that nobody will drop, or two where two who take them the other way round wait for each other. */
function lockedForEver(xen: Xen): string | undefined {
  if (xen.hostMisdeed === 'a grant entry is locked while another is') return xen.hostMisdeed;
  const pcidevs = xen.lock.pcidevs.get(0);
  if (pcidevs !== 0 && isIdle(xen, pcidevs - 1)) return heldText(xen, 'the lock of the devices', pcidevs);
  for (let slot = 0; slot < xen.domIo; slot++) {
    const pages = xen.domain.pageAllocLock.get(slot);
    if (pages !== 0 && isIdle(xen, pages - 1))
      return heldText(xen, `the page-allocation lock of ${xen.domainName(slot)}`, pages);
    const grants = xen.domain.grantLock.get(slot);
    if (grants !== 0 && isIdle(xen, grants - 1))
      return heldText(xen, `the lock of ${xen.domainName(slot)}’s grant table`, grants);
    if (xen.domain.p2mLock.get(slot) !== 0)
      return `nobody will drop the lock of ${xen.domainName(slot)}’s p2m`;
  }
  return undefined;
}

function heldText(xen: Xen, lock: string, holder: number): string {
  const slot = callerOf(xen, holder - 1);
  return `${lock} is held by a hypercall of ${xen.domainName(slot)} that has ended`;
}

export const LOCKS: Invariant = {
  id: 'LOCKS',
  states: ['INV-NOCRASH'],
  title: 'a lock is held by a hypercall under way, and no two whose order others can reverse',
  reason: 'whoever needs the lock next waits for ever, and takes a CPU of the host along',
  harm: 'crash',
  violation: lockedForEver,
};

export const CONTRACT: Invariant = {
  id: 'INV-CONTRACT',
  title: 'what Xen answers is what it has done',
  reason: 'a caller that is told of a success builds on it',
  harm: 'mapping lost',
  dear: true,
  violation: saidOtherwise,
};

export const BUG: Invariant = {
  id: 'BUG',
  states: ['INV-NOCRASH'],
  title: 'no guest brings the host down',
  reason: 'a reachable BUG is a denial of service to everybody',
  harm: 'crash',
  violation: hostDown,
};
