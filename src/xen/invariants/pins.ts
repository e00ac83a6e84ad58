import { GNTMAP, PIN_HOST_READ, PIN_HOST_WRITE } from '../../formats/grant-v1.js';
import { Step } from '../calls/steps.js';
import { ownerOf } from '../frames.js';
import { pinsOf } from '../grant-active.js';
import { gnttabNeedsIommu } from '../grant-iommu.js';
import { grantRefOf } from '../maptrack.js';
import type { Xen } from '../state.js';
import { type Breach, breach } from './harm.js';
import type { Invariant } from './invariant.js';
import type { Notes } from './notes.js';

/** The books that grants are kept in: pins of the granter's entries, and the grantee's counters by frame. */

function wrongPins(xen: Xen, _inputs: readonly number[], notes: Notes): Breach | undefined {
  const { handles, grants } = xen.spec.limits;
  const pins = notes.grants;
  pins.fill(0);
  for (let row = 0; row < xen.domIo * handles; row++) {
    const flags = xen.maptrack.flags.get(row);
    if (flags !== 0)
      pins[(xen.maptrack.granter.get(row) - 1) * grants + grantRefOf(xen, row)]! += pinsOf(flags);
  }
  countCalls(xen, pins);
  let leaked: Breach | undefined;
  for (let row = 0; row < pins.length; row++) {
    const [pin, used] = [xen.grant.pin.get(row), pins[row]!];
    if (pin === used) continue;
    const text = `grant ${row % grants} of ${xen.domainName(Math.floor(row / grants))} has pins 0x${(pin >>> 0).toString(16)}, where the handles and hypercalls that use it come to 0x${(used >>> 0).toString(16)}`;
    if (lacksPin(pin, used)) return breach('isolation broken', `${text}: it ends while it is in use`);
    leaked ??= breach('leak', `${text}: it never ends`);
  }
  const strangers = strangersPage(xen);
  return strangers === undefined ? leaked : breach('isolation broken', strangers);
}

/** Whether one of the four counts in a word of pins is lower than it is used. */
function lacksPin(pin: number, used: number): boolean {
  for (let shift = 0; shift < 32; shift += 8)
    if (((pin >>> shift) & 0xff) < ((used >>> shift) & 0xff)) return true;
  return false;
}

/** Pins of hypercalls under way: copies, and unmaps that have not given back what they took away. */
function countCalls(xen: Xen, pins: Int32Array): void {
  const { domains, calls } = xen.spec.limits;
  for (let call = 0; call < domains * calls; call++) {
    const step = xen.call.step.get(call);
    if (step === Step.none) continue;
    const { ref, fromDomain, fromRef, fromPinned, toDomain, toRef, toPinned } = xen.grantCall;
    if (step === Step.unmap_flush || step === Step.unmap_complete) {
      const flags = xen.call.flags.get(call) & (GNTMAP.host | GNTMAP.device | GNTMAP.readonly);
      countPin(xen, pins, xen.call.domain.get(call) - 1, ref.get(call) - 1, pinsOf(flags));
    }
    if (fromPinned.get(call) !== 0)
      countPin(xen, pins, fromDomain.get(call) - 1, fromRef.get(call) - 1, PIN_HOST_READ);
    if (toPinned.get(call) !== 0)
      countPin(xen, pins, toDomain.get(call) - 1, toRef.get(call) - 1, PIN_HOST_WRITE);
  }
}

/** One pin of an entry, and of the one that it passes on, if it does. */
function countPin(xen: Xen, pins: Int32Array, granter: number, ref: number, pin: number): void {
  const row = granter * xen.spec.limits.grants + ref;
  pins[row]! += pin;
  const source = xen.grant.source.get(row) - 1;
  if (source >= 0) pins[source * xen.spec.limits.grants + xen.grant.sourceRef.get(row)]! += pin;
}

/** What is pinned by a copy is a page of its granter's, or of whom it has the grant from. */
function strangersPage(xen: Xen): string | undefined {
  const { domains, calls, grants } = xen.spec.limits;
  const { fromDomain, fromRef, fromPinned, toDomain, toRef, toPinned } = xen.grantCall;
  for (let call = 0; call < domains * calls; call++) {
    for (let end = 0; end < 2; end++) {
      if ((end === 0 ? fromPinned : toPinned).get(call) === 0) continue;
      const granter = (end === 0 ? fromDomain : toDomain).get(call) - 1;
      const row = granter * grants + (end === 0 ? fromRef : toRef).get(call) - 1;
      const pdx = xen.grant.frame.get(row) - 1;
      const source = xen.grant.source.get(row) - 1;
      const owner = source >= 0 ? source : granter;
      if (pdx < 0 || ownerOf(xen, pdx) === owner) continue;
      return `grant ${row % grants} of ${xen.domainName(granter)} is pinned by a copy, and its page, frame ${xen.frameName(pdx)}, is not ${xen.domainName(owner)}'s any more`;
    }
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

function wrongCounters(xen: Xen): Breach | undefined {
  if (xen.profile.grantIommuDecision !== 'counters') return undefined;
  const { handles } = xen.spec.limits;
  let low: Breach | undefined;
  for (let row = 0; row < xen.domIo * handles; row++) {
    const pdx = xen.grantCounter.frame.get(row) - 1;
    if (pdx < 0) continue;
    const slot = Math.floor(row / handles);
    const readers = xen.grantCounter.readers.get(row);
    const writers = xen.grantCounter.writers.get(row);
    const reading = countedHandles(xen, slot, pdx, true);
    const writing = countedHandles(xen, slot, pdx, false);
    if (readers === reading && writers === writing) continue;
    const text = `${xen.domainName(slot)} counts ${readers} readers and ${writers} writers of frame ${xen.frameName(pdx)}, where it has handles of ${reading} and ${writing}`;
    if (readers > reading || writers > writing)
      return breach('isolation broken', `${text}: its devices keep the frame after the last unmap`);
    low ??= breach('crash', `${text}: an unmap takes the count below 0`);
  }
  return low ?? uncountedHandle(xen);
}

function uncountedHandle(xen: Xen): Breach | undefined {
  const { handles } = xen.spec.limits;
  for (let row = 0; row < xen.domIo * handles; row++) {
    const slot = Math.floor(row / handles);
    const granter = xen.maptrack.granter.get(row) - 1;
    if (granter < 0 || isLeftOut(xen, slot, granter) || !gnttabNeedsIommu(xen, slot)) continue;
    const frame = xen.grant.frame.get(granter * xen.spec.limits.grants + grantRefOf(xen, row));
    if (frame === 0 || isCounted(xen, slot, frame)) continue;
    const text = `${xen.domainName(slot)} has a handle of frame ${xen.frameName(frame - 1)}, and no counter: its unmap finds nothing to count down`;
    return breach('crash', text);
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
  title:
    'a grant’s pins are those of the handles that map it and the copies that use it, whose page stays its granter’s',
  reason: 'a pin too few ends an access that goes on, one too many keeps the page for ever',
  harm: 'isolation broken',
  otherHarms: { leak: 'there are more pins than uses' },
  violation: wrongPins,
};

export const COUNTERS: Invariant = {
  id: 'COUNTERS',
  states: ['INV-PIN'],
  title: 'a grantee’s counters of a frame are those of its live handles',
  reason: 'they decide when the mapping for its devices goes, and Xen stops where they go below 0 (XSA-394)',
  harm: 'crash',
  otherHarms: { 'isolation broken': 'more are counted than there are' },
  violation: wrongCounters,
};
