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
import { frameOfDomain, pinsOf } from '../grant-active.js';
import { grantEntryFrame, grantEntryWord, grantUse } from '../grant-entry.js';
import { entryAddress, grantEntryCount, isVersion2, statusAddress } from '../grant-frames.js';
import { IS_SUB_PAGE } from '../grant-map.js';
import { p2mLookup } from '../p2m.js';
import type { Xen } from '../state.js';
import type { Invariant } from './invariant.js';
import type { Notes } from './notes.js';
import { pageText } from './words.js';

/** What granters offer and are told, against what Xen's own records say of their grants. */

const grantText = (xen: Xen, slot: number, ref: number): string => `grant ${ref} of ${xen.domainName(slot)}`;

function rememberPins(xen: Xen, _inputs: readonly number[], { pins }: Notes): void {
  for (let row = 0; row < pins.length; row++) pins[row] = xen.grant.pin.get(row);
}

/** Whoever pins an entry first, or writes through it first, has looked at it: then it offers what is taken. */
function takenWithoutOffer(xen: Xen, _inputs: readonly number[], { pins }: Notes): string | undefined {
  const { grants } = xen.spec.limits;
  for (let row = 0; row < pins.length; row++) {
    const pin = xen.grant.pin.get(row);
    const before = pins[row]!;
    if (pin === before || (before !== 0 && (before & PIN_WRITE_MASK) !== 0)) continue;
    const slot = Math.floor(row / grants);
    const first = before === 0 && pin !== 0;
    const firstWriter = (before & PIN_WRITE_MASK) === 0 && (pin & PIN_WRITE_MASK) !== 0;
    const found = first || firstWriter ? notOffered(xen, slot, row - slot * grants, row, first) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function notOffered(xen: Xen, slot: number, ref: number, row: number, first: boolean): string | undefined {
  if (ref >= grantEntryCount(xen, slot))
    return `${grantText(xen, slot, ref)} is in use, and there is no such entry`;
  const word = grantEntryWord(xen, slot, ref);
  const flags = grantFlags(word);
  if ((xen.grant.pin.get(row) & PIN_WRITE_MASK) !== 0 && (flags & GTF_READONLY) !== 0)
    return `${grantText(xen, slot, ref)} is readonly, and in use for writing`;
  if (!first) return undefined;
  const pdx = xen.grant.frame.get(row) - 1;
  const grantee = xen.grant.grantee.get(row) - 1;
  const type = flags & GTF_TYPE_MASK;
  const part = (xen.grant.part.get(row) & IS_SUB_PAGE) !== 0;
  const given =
    type === GrantType.PERMIT_ACCESS
      ? ((flags & GTF_SUB_PAGE) === 0 || part) &&
        frameOfDomain(xen, slot, grantEntryFrame(xen, slot, ref)) === pdx
      : type === GrantType.TRANSITIVE && isVersion2(xen, slot) && part;
  if (given && grantDomid(word) === xen.domidOf(grantee)) return undefined;
  return `${xen.domainName(grantee)} uses ${pageText(xen, pdx)} by ${grantText(xen, slot, ref)}, which does not offer it`;
}

/** Use flags, as far as nobody but Xen has written them since the entry was pinned. */
function wrongUse(xen: Xen, inputs: readonly number[]): string | undefined {
  const { grants } = xen.spec.limits;
  for (let slot = 0; slot < xen.domIo; slot++) {
    const entries = grantEntryCount(xen, slot);
    for (let ref = 0; ref < entries; ref++) {
      const row = slot * grants + ref;
      const pin = xen.grant.pin.get(row) | pinsOfUnmaps(xen, slot, ref);
      if (xen.grant.spoilt.get(row) !== 0 || acceptsPage(xen, slot, ref)) continue;
      const is = grantUse(xen, slot, ref);
      const shown = pin === 0 ? 0 : (pin & PIN_WRITE_MASK) !== 0 ? GTF_READING | GTF_WRITING : GTF_READING;
      if (is === shown || isWritable(xen, inputs, slot, ref)) continue;
      const missing = (shown & ~is) !== 0;
      return `${grantText(xen, slot, ref)} has pins 0x${(pin >>> 0).toString(16)}, and its granter sees it ${missing ? `as ${useText(is)}` : `as ${useText(is)}, for ever`}`;
    }
  }
  return undefined;
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
  const frame = Math.floor(at / 4096);
  if (xen.frame.countInfo.get(xen.ram.indexOf(frame)) !== (PGC_ALLOCATED | PGC_XEN_HEAP | 1)) return true;
  if (!xen.isTranslated(slot)) return false;
  for (let i = 0; i < inputs.length; i++) if (p2mLookup(xen, slot, inputs[i]!) === frame) return true;
  return false;
}

export const AUTH: Invariant = {
  id: 'INV-AUTH',
  title: 'a grant that comes into use is offered by its entry: this page, to this domain, with these rights',
  reason: 'nobody may use a page that its owner did not give',
  harm: 'isolation broken',
  remember: rememberPins,
  violation: takenWithoutOffer,
};

export const USE: Invariant = {
  id: 'IN-USE',
  states: ['INV-PIN'],
  title: 'a granter sees an entry in use while it is pinned, and no longer',
  reason:
    'the granter uses the page for something else as soon as it is told that nobody uses the grant any more',
  harm: 'isolation broken',
  violation: wrongUse,
};
