import { PGC_ALLOCATED } from '../formats/x86-page-info.js';
import { EXTENT_SHIFT, extentOrder } from './page-info.js';
import type { Xen } from './state.js';

/**
 * Pages of a translated domain that were allocated together are one extent of 2 MiB or 1 GiB until somebody needs a page of
 * it: the row of its first frame says how large it is and whose, and where the domain has it; the rows of the others are
 * those of free frames. So a domain's memory costs what its tables do, not a row a page (decision 0013).
 */
const ORDERS = [18, 9] as const;

/** Whether frames can be kept as one extent of this order. */
export const isExtentOrder = (order: number): boolean => order === 9 || order === 18;

/** The index of the first frame of the extent that frame `pdx` lies in, or -1. */
export function extentOf(xen: Xen, pdx: number): number {
  if (xen.host.extents.get(0) === 0 || pdx < 0) return -1;
  const frame = xen.ram.frameAt(pdx);
  for (const order of ORDERS) {
    const offset = frame % 2 ** order;
    const head = pdx - offset;
    if (head < 0 || extentOrder(xen.frame.countInfo.get(head)) < order) continue;
    if (xen.ram.frameAt(head) === frame - offset) return head;
  }
  return -1;
}

/** Makes the free frames from `pdx` on an extent of `slot`. */
export function makeExtent(xen: Xen, pdx: number, slot: number, order: number): void {
  xen.frame.countInfo.set(pdx, PGC_ALLOCATED | (order << EXTENT_SHIFT) | 1);
  xen.frame.owner.set(pdx, slot + 1);
  xen.host.extents.add(0, 1);
}

/** Gives frame `pdx` a row of its own, if it has none: its extent falls into smaller ones and pages. */
export function ownRow(xen: Xen, pdx: number): void {
  if (xen.host.extents.get(0) === 0) return;
  for (let head = extentOf(xen, pdx); head >= 0; head = extentOf(xen, pdx)) splitExtent(xen, head);
}

/** One of 1 GiB becomes 512 of 2 MiB, one of 2 MiB 512 pages, each with a reference of its allocation. */
function splitExtent(xen: Xen, head: number): void {
  const order = extentOrder(xen.frame.countInfo.get(head)) - 9;
  const owner = xen.frame.owner.get(head);
  const gfn = xen.frame.gfn.get(head);
  const bits = order === 0 ? 0 : order << EXTENT_SHIFT;
  for (let i = 0; i < 512; i++) {
    const pdx = head + i * 2 ** order;
    xen.frame.countInfo.set(pdx, PGC_ALLOCATED | bits | 1);
    xen.frame.owner.set(pdx, owner);
    if (gfn !== 0) xen.frame.gfn.set(pdx, gfn + i * 2 ** order);
  }
  xen.host.extents.add(0, order === 0 ? -1 : 511);
}

/** Whether a free frame's row is that of a frame that is not the first of an extent. */
export function isTail(xen: Xen, pdx: number): boolean {
  return xen.host.extents.get(0) !== 0 && extentOf(xen, pdx) >= 0;
}

/** M2P: where the frame's owner has it, + 1; 0 for nowhere. */
export function gfnEntry(xen: Xen, pdx: number): number {
  const own = xen.frame.gfn.get(pdx);
  if (own !== 0) return own;
  const head = extentOf(xen, pdx);
  const first = head < 0 ? 0 : xen.frame.gfn.get(head);
  return first === 0 ? 0 : first + (pdx - head);
}

/** Sets the M2P of 2^order frames from `pdx` on; `gfn` -1 is nowhere. An extent that is meant as a whole stays one. */
export function setGfns(xen: Xen, pdx: number, gfn: number, order = 0): void {
  if (order !== 0 && extentOrder(xen.frame.countInfo.get(pdx)) === order) {
    xen.frame.gfn.set(pdx, gfn + 1);
    return;
  }
  for (let i = 0; i < 2 ** order; i++) {
    ownRow(xen, pdx + i);
    xen.frame.gfn.set(pdx + i, gfn < 0 ? 0 : gfn + i + 1);
  }
}
