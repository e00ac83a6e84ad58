import type { Holdings } from './holdings.js';
import { decrease, type Frames, populate, setMaxMem } from './reservations.js';

/** Frame numbers that no kernel of a dom0 has: the pages there are the agent's alone. */
export const OWN_GFN = 0x1000_0000;
/** How much more dom0 may have when its limit is in the way. */
const ROOM = 4096;

/** Pages for dom0 that its kernel does not know of, so that nothing maps them. */
export function populateOwn(holdings: Holdings, count: number): Frames {
  const { dom0, ownPages } = holdings;
  const reservation = dom0.reservation(0);
  if (reservation !== undefined && reservation.limit - reservation.pages < count)
    setMaxMem(dom0, 0, reservation.pages + count + ROOM);
  const gfns = Array.from({ length: count }, (_, i) => OWN_GFN + i);
  const got = populate(dom0, 0, gfns);
  for (const mfn of got.frames) ownPages.add(mfn);
  return got;
}

/** Gives a page of dom0's back to Xen: 1 when Xen took it. */
export function decreaseOwn(holdings: Holdings, mfn: number): number {
  const done = decrease(holdings.dom0, 0, mfn);
  if (done === 1) holdings.ownPages.delete(mfn);
  return done;
}
