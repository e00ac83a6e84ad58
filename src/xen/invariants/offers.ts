import {
  GrantType,
  GTF_READING,
  GTF_READONLY,
  GTF_SUB_PAGE,
  GTF_TYPE_MASK,
  GTF_WRITING,
  grantDomid,
  grantFlags,
  PIN_WRITE_MASK,
} from '../../formats/grant-v1.js';
import { PGC_ALLOCATED, PGC_XEN_HEAP } from '../../formats/x86-page-info.js';
import { Step } from '../calls/steps.js';
import { pinsOf } from '../grant-active.js';
import { grantEntryFrame, grantEntryWord, grantUse } from '../grant-entry.js';
import { entryAddress, grantEntryCount, isVersion2, statusAddress } from '../grant-frames.js';
import { IS_SUB_PAGE } from '../grant-map.js';
import { grantRefOf } from '../maptrack.js';
import { p2mLookup } from '../p2m.js';
import type { Xen } from '../state.js';
import { type Breach, breach } from './harm.js';
import type { Invariant } from './invariant.js';
import { pageText } from './words.js';

/** What granters offer and are told, against what Xen's own records say of their grants. */

const grantText = (xen: Xen, slot: number, ref: number): string => `grant ${ref} of ${xen.domainName(slot)}`;

/**
 * What is pinned must be offered, as long as the granter has not overwritten the entry since. Which page a translated granter
 * means by a guest frame can change without a look at grants; what it offers is judged by the rest then.
 */
function usedWithoutOffer(xen: Xen, inputs: readonly number[]): string | undefined {
  const { grants } = xen.spec.limits;
  for (let row = 0; row < xen.domIo * grants; row++) {
    if (xen.grant.pin.get(row) === 0 || xen.grant.spoilt.get(row) !== 0) continue;
    const slot = Math.floor(row / grants);
    const found = notOffered(xen, slot, row - slot * grants, row);
    if (found !== undefined && !isOverwritable(xen, inputs, slot, row - slot * grants)) return found;
  }
  return undefined;
}

function notOffered(xen: Xen, slot: number, ref: number, row: number): string | undefined {
  if (ref >= grantEntryCount(xen, slot))
    return `${grantText(xen, slot, ref)} is in use, and there is no such entry`;
  const word = grantEntryWord(xen, slot, ref);
  const flags = grantFlags(word);
  if ((xen.grant.pin.get(row) & PIN_WRITE_MASK) !== 0 && (flags & GTF_READONLY) !== 0)
    return `${grantText(xen, slot, ref)} is readonly, and in use for writing`;
  const pdx = xen.grant.frame.get(row) - 1;
  const grantee = xen.grant.grantee.get(row) - 1;
  const type = flags & GTF_TYPE_MASK;
  const part = (xen.grant.part.get(row) & IS_SUB_PAGE) !== 0;
  const whole = (flags & GTF_SUB_PAGE) === 0 || part || isOnlyCopied(xen, slot, ref);
  const same = xen.isTranslated(slot) || grantEntryFrame(xen, slot, ref) === xen.ram.frameAt(pdx);
  const given =
    type === GrantType.PERMIT_ACCESS
      ? whole && same
      : type === GrantType.TRANSITIVE && isVersion2(xen, slot) && part;
  if (given && grantDomid(word) === xen.domidOf(grantee)) return undefined;
  return `${xen.domainName(grantee)} uses ${pageText(xen, pdx)} by ${grantText(xen, slot, ref)}, which does not offer it`;
}

/** In version 1, copies take what is offered as a part of a page for the whole; maps do not. */
function isOnlyCopied(xen: Xen, slot: number, ref: number): boolean {
  if (isVersion2(xen, slot)) return false;
  const { domains, handles } = xen.spec.limits;
  for (let row = 0; row < domains * handles; row++) {
    if (xen.maptrack.flags.get(row) === 0) continue;
    if (xen.maptrack.granter.get(row) === slot + 1 && grantRefOf(xen, row) === ref) return false;
  }
  return true;
}

/** Whether anybody but Xen can write the frame of the entry, other than by what the model has for it. */
function isOverwritable(xen: Xen, inputs: readonly number[], slot: number, ref: number): boolean {
  return ref < grantEntryCount(xen, slot) && isShared(xen, inputs, slot, entryAddress(xen, slot, ref));
}

/** Use flags, as far as nobody but Xen has written them since the entry was pinned. */
function wrongUse(xen: Xen, inputs: readonly number[]): Breach | undefined {
  const { grants } = xen.spec.limits;
  let leaked: Breach | undefined;
  for (let slot = 0; slot < xen.domIo; slot++) {
    const entries = grantEntryCount(xen, slot);
    for (let ref = 0; ref < entries; ref++) {
      const row = slot * grants + ref;
      const pin = xen.grant.pin.get(row) | pinsOfUnmaps(xen, slot, ref);
      if (xen.grant.spoilt.get(row) !== 0 || acceptsPage(xen, slot, ref)) continue;
      const is = grantUse(xen, slot, ref);
      const shown = pin === 0 ? 0 : (pin & PIN_WRITE_MASK) !== 0 ? GTF_READING | GTF_WRITING : GTF_READING;
      if (is === shown || isWritable(xen, inputs, slot, ref)) continue;
      const text = `${grantText(xen, slot, ref)} has pins 0x${(pin >>> 0).toString(16)}, and its granter sees it as ${useText(is)}`;
      if ((shown & ~is) !== 0) return breach('isolation broken', text);
      leaked ??= breach('leak', `${text}, for ever`);
    }
  }
  return leaked;
}

/** Pins of unmaps under way, whose mapper can still use the page until its CPUs are flushed. */
function pinsOfUnmaps(xen: Xen, slot: number, ref: number): number {
  const { domains, calls } = xen.spec.limits;
  let pins = 0;
  for (let call = 0; call < domains * calls; call++) {
    const step = xen.call.step.get(call);
    if (step !== Step.unmap_flush && step !== Step.unmap_complete) continue;
    const same = xen.call.domain.get(call) === slot + 1 && xen.grantCall.ref.get(call) === ref + 1;
    if (same) pins |= pinsOf(xen.call.flags.get(call));
  }
  return pins;
}

/** In version 1 an entry that accepts a page has other flags where those of use are. */
function acceptsPage(xen: Xen, slot: number, ref: number): boolean {
  const type = grantFlags(grantEntryWord(xen, slot, ref)) & GTF_TYPE_MASK;
  return type === GrantType.ACCEPT_TRANSFER && !isVersion2(xen, slot);
}

const useText = (use: number): string =>
  use === 0 ? 'free' : (use & GTF_WRITING) !== 0 ? 'being written' : 'being read';

/** Whether anybody but Xen can write the frames in which the entry's use flags stand. */
function isWritable(xen: Xen, inputs: readonly number[], slot: number, ref: number): boolean {
  const at = isVersion2(xen, slot) ? statusAddress(xen, slot, ref) : entryAddress(xen, slot, ref);
  return isShared(xen, inputs, slot, at);
}

/** Whether somebody has the frame at this address mapped. */
function isShared(xen: Xen, inputs: readonly number[], slot: number, at: number): boolean {
  const frame = Math.floor(at / 4096);
  if (xen.frame.countInfo.get(xen.ram.indexOf(frame)) !== (PGC_ALLOCATED | PGC_XEN_HEAP | 1)) return true;
  if (!xen.isTranslated(slot)) return false;
  for (let i = 0; i < inputs.length; i++) if (p2mLookup(xen, slot, inputs[i]!) === frame) return true;
  return false;
}

export const AUTH: Invariant = {
  id: 'INV-AUTH',
  title:
    'a grant in use is offered by its entry: this page, to this domain, with these rights, unless it was overwritten since',
  reason: 'nobody may use a page that its owner did not give',
  harm: 'isolation broken',
  violation: usedWithoutOffer,
};

export const USE: Invariant = {
  id: 'IN-USE',
  states: ['INV-PIN'],
  title: 'a granter sees an entry in use while it is pinned, and no longer',
  reason:
    'the granter uses the page for something else as soon as it is told that nobody uses the grant any more',
  harm: 'isolation broken',
  otherHarms: { leak: 'it is seen in use for ever' },
  violation: wrongUse,
};
