import { GNTMAP } from '../../formats/grant-v1.js';
import { pinsOf } from '../grant-active.js';
import { gnttabNeedsIommu } from '../grant-iommu.js';
import { grantRefOf } from '../maptrack.js';
import type { Xen } from '../state.js';
import type { Invariant } from './invariant.js';
import type { Notes } from './notes.js';

/** The books that grants are kept in: pins of the granter's entries, and the grantee's counters by frame. */

function wrongPins(xen: Xen, _inputs: readonly number[], notes: Notes): string | undefined {
  const { handles, grants } = xen.spec.limits;
  const pins = notes.grants;
  pins.fill(0);
  for (let row = 0; row < xen.domIo * handles; row++) {
    const flags = xen.maptrack.flags.get(row);
    if (flags !== 0)
      pins[(xen.maptrack.granter.get(row) - 1) * grants + grantRefOf(xen, row)]! += pinsOf(flags);
  }
  for (let row = 0; row < pins.length; row++) {
    const pin = xen.grant.pin.get(row);
    if (pin !== pins[row])
      return `grant ${row % grants} of ${xen.domainName(Math.floor(row / grants))} has pins 0x${(pin >>> 0).toString(16)}, and its live handles come to 0x${(pins[row]! >>> 0).toString(16)}`;
  }
  return undefined;
}

/** Whether the counters leave a grant out: one's own, where it does not reach the IOMMU. */
const isLeftOut = (xen: Xen, slot: number, granter: number): boolean =>
  granter === slot && xen.profile.selfGrant === 'bypasses';

/** Live handles of `slot` on a frame, of readers or of writers, that its counters count. */
function countedHandles(xen: Xen, slot: number, pdx: number, readonly: boolean): number {
  const { handles, grants } = xen.spec.limits;
  let count = 0;
  for (let row = slot * handles; row < (slot + 1) * handles; row++) {
    const flags = xen.maptrack.flags.get(row);
    const granter = xen.maptrack.granter.get(row) - 1;
    if (flags === 0 || isLeftOut(xen, slot, granter) || ((flags & GNTMAP.readonly) !== 0) !== readonly)
      continue;
    if (xen.grant.frame.get(granter * grants + grantRefOf(xen, row)) === pdx + 1) count++;
  }
  return count;
}

function wrongCounters(xen: Xen): string | undefined {
  if (xen.profile.grantIommuDecision !== 'counters') return undefined;
  const { handles } = xen.spec.limits;
  for (let row = 0; row < xen.domIo * handles; row++) {
    const pdx = xen.grantCounter.frame.get(row) - 1;
    if (pdx < 0) continue;
    const slot = Math.floor(row / handles);
    const readers = xen.grantCounter.readers.get(row);
    const writers = xen.grantCounter.writers.get(row);
    const reading = countedHandles(xen, slot, pdx, true);
    const writing = countedHandles(xen, slot, pdx, false);
    if (readers !== reading || writers !== writing)
      return `${xen.domainName(slot)} counts ${readers} readers and ${writers} writers of frame ${xen.frameName(pdx)}, and has handles for ${reading} and ${writing}`;
  }
  for (let row = 0; row < xen.domIo * handles; row++) {
    const slot = Math.floor(row / handles);
    const granter = xen.maptrack.granter.get(row) - 1;
    if (granter < 0 || isLeftOut(xen, slot, granter) || !gnttabNeedsIommu(xen, slot)) continue;
    const frame = xen.grant.frame.get(granter * xen.spec.limits.grants + grantRefOf(xen, row));
    if (frame !== 0 && !isCounted(xen, slot, frame))
      return `${xen.domainName(slot)} has a handle for frame ${xen.frameName(frame - 1)}, and no counter`;
  }
  return undefined;
}

function isCounted(xen: Xen, slot: number, frame: number): boolean {
  const { handles } = xen.spec.limits;
  for (let row = slot * handles; row < (slot + 1) * handles; row++)
    if (xen.grantCounter.frame.get(row) === frame) return true;
  return false;
}

export const PIN: Invariant = {
  id: 'INV-PIN',
  title: 'a grant’s pins are those of the handles that map it',
  reason: 'a pin too few ends an access that goes on, one too many keeps the page for ever',
  harm: 'isolation broken',
  violation: wrongPins,
};

export const COUNTERS: Invariant = {
  id: 'COUNTERS',
  states: ['INV-PIN'],
  title: 'a grantee’s counters of a frame are those of its live handles',
  reason: 'they decide when the mapping for its devices goes, and Xen stops where they go below 0 (XSA-394)',
  harm: 'crash',
  violation: wrongCounters,
};
