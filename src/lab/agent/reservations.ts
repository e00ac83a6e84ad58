import { DOMCTL, MAX_MEM } from './abi/domctl.js';
import { HYPERCALL } from './abi/hypercalls.js';
import { EXCHANGE, EXCHANGE_IN, EXCHANGE_OUT, RESERVATION, XENMEM } from './abi/memory.js';
import type { Dom0 } from './dom0.js';

/** What a domain got or gave: Xen's answer when it refused outright, and the frames. */
export interface Frames {
  readonly rc: number;
  readonly frames: readonly number[];
}

/**
 * Gives a domain a page for each of `gfns`. Xen answers with how many it gave; `frames` are those, MFNs for a PV domain
 * and the GFNs otherwise.
 */
export function populate(dom0: Dom0, domid: number, gfns: readonly number[]): Frames {
  const list = dom0.area.putFrames(gfns);
  const { address } = dom0.area.put(RESERVATION, {
    extent_start: list.address,
    nr_extents: gfns.length,
    domid,
  });
  const done = dom0.hypercall(HYPERCALL.memory_op, XENMEM.populate_physmap, address);
  if (done < 0) return { rc: done, frames: [] };
  return { rc: 0, frames: gfns.slice(0, done).map((_, i) => list.read(i)) };
}

/** Takes a page from a domain: 1 when Xen did, 0 when it refused. */
export function decrease(dom0: Dom0, domid: number, frame: number): number {
  const { address } = dom0.area.put(RESERVATION, {
    extent_start: dom0.area.putFrames([frame]).address,
    nr_extents: 1,
    domid,
  });
  return dom0.hypercall(HYPERCALL.memory_op, XENMEM.decrease_reservation, address);
}

/** Exchanges a page of a domain for another one, which is to have the frame number `gfn`. */
export function exchange(dom0: Dom0, domid: number, frame: number, gfn: number): Frames {
  const at = dom0.area.reserve(EXCHANGE.size);
  const { address } = dom0.area.place(at, EXCHANGE, {});
  const into = dom0.area.putFrames([gfn]);
  const list = dom0.area.putFrames([frame]).address;
  dom0.area.place(at + EXCHANGE_IN, RESERVATION, { extent_start: list, nr_extents: 1, domid });
  dom0.area.place(at + EXCHANGE_OUT, RESERVATION, { extent_start: into.address, nr_extents: 1, domid });
  const rc = dom0.hypercall(HYPERCALL.memory_op, XENMEM.exchange, address);
  return { rc, frames: rc === 0 ? [into.read(0)] : [] };
}

export const setMaxMem = (dom0: Dom0, domid: number, pages: number): number =>
  dom0.domctl(DOMCTL.max_mem, domid, MAX_MEM, { max_memkb: pages * 4 }).rc;
