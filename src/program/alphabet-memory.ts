import { isFree } from '../xen/frames.js';
import { decreaseReservation, populatePhysmap } from '../xen/memory.js';
import { p2mLookup } from '../xen/p2m.js';
import { type ActionScene, Attempt, answered } from './alphabet-action.js';
import { gfnsTried } from './alphabet-examples.js';

/** A PV guest gets pages and gives them back. */
export function addPvMemory(scene: ActionScene, slot: number): void {
  const { xen, names, frames, add } = scene;
  const domain = names.domain(slot);
  for (const pdx of frames) {
    const page = xen.ram.frameAt(pdx);
    // Xen makes no promise which free frame it gives.
    add('populate_physmap', domain, { domain, page }, () =>
      isFree(xen, pdx) ? answered(populatePhysmap(xen, slot, 0, pdx)) : Attempt.impossible,
    );
    add('decrease_reservation', domain, { domain, page }, () =>
      answered(decreaseReservation(xen, slot, pdx, -1)),
    );
  }
}

/** A translated guest gets pages at its guest frames and gives them back. */
export function addTranslatedMemory(scene: ActionScene, slot: number): void {
  const { xen, names, bounds, frames, add } = scene;
  const domain = names.domain(slot);
  const most = xen.domain.maxPages.get(slot);
  for (const gfn of gfnsTried(xen, bounds)) {
    if (gfn >= most && bounds.only?.gfns === undefined) break;
    for (const pdx of frames) {
      add('populate_physmap', domain, { domain, page: xen.ram.frameAt(pdx), gfn }, () => {
        const free = p2mLookup(xen, slot, gfn) < 0 && isFree(xen, pdx);
        return free ? answered(populatePhysmap(xen, slot, gfn, pdx)) : Attempt.impossible;
      });
    }
    add('decrease_reservation', domain, { domain, gfn }, () =>
      answered(decreaseReservation(xen, slot, -1, gfn)),
    );
  }
}
