import { domainOf, goOn, idleCall } from './calls/call.js';
import { Step, TOOLSTACK } from './calls/steps.js';
import { getPage, putPage } from './frames.js';
import { Flush, iommuFlush } from './iommu-flush.js';
import { hasIommu } from './iommu-map.js';
import { p2mLookup } from './p2m.js';
import { addToPhysmapOne } from './physmap.js';
import type { Xen } from './state.js';
import { HELD_PAGES } from './tables/calls.js';

/**
 * XENMAPSPACE_gmfn_range: pages of a translated domain that move in its p2m, one after the other until one cannot, in
 * batches. A domain with a context is flushed once a batch: the places that pages left; then, since 4.15, references are
 * dropped that were held so that nobody gets a page which a device still reaches where it was; then the places they are at
 * now (dossier §4.4, XSA-346). Between any two of these others run. Pages moved before an errno stay moved.
 */

/** The call's `flags`: from the last page to the first, as the pages would be moved twice otherwise. */
const BACKWARDS = 1;

/** The whole of it, in a row of the toolstack's. */
export function moveRange(xen: Xen, slot: number, index: number, gfn: number, size: number): number {
  const call = idleCall(xen, TOOLSTACK);
  if (call < 0) {
    xen.blocked = true;
    return 0;
  }
  const frames = Array.from({ length: Math.min(size, HELD_PAGES) }, (_, i) =>
    p2mLookup(xen, slot, index + i),
  );
  let status = beginMoveRange(xen, call, slot, index, gfn, size);
  while (status > 0) status = goOn(xen, call, MOVE_RANGE_STEPS.get(xen.call.step.get(call))!(xen, call));
  if (status === 0 && frames.some((frame, i) => p2mLookup(xen, slot, gfn + i) !== frame))
    xen.misdeed('pages that were moved are not where they were to go');
  return status;
}

/** The same in steps. */
export function beginMoveRange(
  xen: Xen,
  call: number,
  slot: number,
  index: number,
  gfn: number,
  size: number,
): number {
  const overlaps = gfn > index && gfn < index + size;
  const backwards = overlaps && xen.profile.overlappingMove === 'from-the-end';
  const { call: row } = xen;
  row.domain.set(call, slot + 1);
  row.flags.set(call, backwards ? BACKWARDS : 0);
  row.index.set(call, index + (backwards ? size - 1 : 0));
  row.gfn.set(call, gfn + (backwards ? size - 1 : 0));
  row.count.set(call, size);
  return goOn(xen, call, size > 0 ? Step.move_page : 0);
}

/** Whether the pages moved so far are held until they have been flushed (5777a3742d9b). */
function holds(xen: Xen, slot: number): boolean {
  const { batchedMoves, movedPages } = xen.profile;
  return hasIommu(xen, slot) && batchedMoves === 'referenced' && movedPages === 'held';
}

function movePage(xen: Xen, call: number): number {
  const { call: row } = xen;
  const slot = domainOf(xen, call);
  const way = row.flags.get(call) === BACKWARDS ? -1 : 1;
  const [index, gfn] = [row.index.get(call), row.gfn.get(call)];
  const frame = p2mLookup(xen, slot, index);
  xen.dontFlushIotlb = hasIommu(xen, slot);
  const status = addToPhysmapOne(xen, slot, 'gmfn', index, gfn);
  if (status !== 0) {
    row.outcome.set(call, -status);
    if (xen.profile.failedBatch === 'left-suppressed') return status;
    xen.dontFlushIotlb = false;
    return Step.flush_moved;
  }
  xen.dontFlushIotlb = false;
  const done = row.pagesInSlice.get(call);
  const pdx = xen.ram.indexOf(frame);
  if (holds(xen, slot) && getPage(xen, pdx, slot)) xen.held.frame.set(call * HELD_PAGES + done, pdx + 1);
  row.pagesInSlice.set(call, done + 1);
  row.count.add(call, -1);
  row.index.add(call, way);
  row.gfn.add(call, way);
  return done + 1 === HELD_PAGES || row.count.get(call) === 0 ? Step.flush_moved : Step.move_page;
}

/** The places that the batch's pages left, and then what was held for them. */
function flushMoved(xen: Xen, call: number): number {
  const slot = domainOf(xen, call);
  const flags = holds(xen, slot) ? Flush.modified : Flush.added | Flush.modified;
  flushBatch(xen, call, xen.call.index.get(call), flags);
  for (let row = call * HELD_PAGES; row < (call + 1) * HELD_PAGES; row++) {
    const held = xen.held.frame.get(row);
    if (held === 0) continue;
    xen.held.frame.set(row, 0);
    putPage(xen, held - 1);
  }
  return Step.flush_target;
}

/** The places that they are at now. */
function flushTarget(xen: Xen, call: number): number {
  const { call: row } = xen;
  flushBatch(xen, call, row.gfn.get(call), Flush.added | Flush.modified);
  row.pagesInSlice.set(call, 0);
  const outcome = row.outcome.get(call);
  if (outcome !== 0) return -outcome;
  return row.count.get(call) > 0 ? Step.move_page : 0;
}

/** `next` is the frame after those of the batch, or before them. */
function flushBatch(xen: Xen, call: number, next: number, flags: number): void {
  const slot = domainOf(xen, call);
  const done = xen.call.pagesInSlice.get(call);
  if (done === 0 || !hasIommu(xen, slot)) return;
  const first = xen.call.flags.get(call) === BACKWARDS ? next + 1 : next - done;
  const status = iommuFlush(xen, slot, first, done, flags);
  if (status !== 0 && xen.call.outcome.get(call) === 0) xen.call.outcome.set(call, -status);
}

/** The steps of XENMEM_add_to_physmap, where it moves a range. */
export const MOVE_RANGE = {
  move_page: movePage,
  flush_moved: flushMoved,
  flush_target: flushTarget,
} as const;

const MOVE_RANGE_STEPS: ReadonlyMap<number, (xen: Xen, call: number) => number> = new Map(
  Object.entries(MOVE_RANGE).map(([name, run]) => [Step[name as keyof typeof MOVE_RANGE], run]),
);

/** Whether a page of the domain's that has moved is held until nobody remembers where it was. */
export function isHeldForFlush(xen: Xen, slot: number, pdx: number): boolean {
  const calls = xen.spec.limits.domains * xen.spec.limits.calls;
  for (let call = 0; call < calls; call++) {
    if (xen.call.step.get(call) === 0 || xen.call.domain.get(call) !== slot + 1) continue;
    for (let row = call * HELD_PAGES; row < (call + 1) * HELD_PAGES; row++)
      if (xen.held.frame.get(row) === pdx + 1) return true;
  }
  return false;
}
