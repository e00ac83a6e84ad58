import { R, type Rights, rightsText, W } from '../../formats/address.js';
import { deviceOwner } from '../devices.js';
import { gfnOf, isFree, isSpecialPage, ownerOf } from '../frames.js';
import { handleRights } from '../grant-iommu.js';
import { reservesFrame } from '../identity-map.js';
import { isConstructed, mirrors, sharesP2m } from '../iommu-map.js';
import { tableRights } from '../iommu-tables.js';
import { holdsGfn, p2mDeviceRights, p2mLookup, p2mOrder, p2mType } from '../p2m.js';
import { isForeignType, isRamType, P2mType, p2mTypeText, typeRights } from '../p2m-types.js';
import type { Xen } from '../state.js';
import { type Breach, breach, graverOf, type Harm } from './harm.js';
import type { Invariant } from './invariant.js';
import type { Notes } from './notes.js';
import { deviceText, frameText, pageText } from './words.js';

/** The p2m of translated domains, its reverse, and the tables that mirror it. */

/** Whether a domain has a p2m that is not about to go with it. */
export function hasLivingP2m(xen: Xen, slot: number): boolean {
  return xen.isTranslated(slot) && !xen.isDying(slot) && xen.domain.p2mRoot.get(slot) !== 0;
}

function wrongMirror(xen: Xen, inputs: readonly number[]): Breach | undefined {
  return graverOf(wrongOwnTables(xen, inputs), wrongShared(xen, inputs));
}

/** What comes of a device that has other rights than the p2m gives it. */
const harmOf = (given: Rights, wanted: Rights): Harm =>
  (given & ~wanted) === 0 ? 'mapping lost' : 'isolation broken';

/** A device that goes by its domain's p2m itself, and meets something else there than Xen goes by. */
function wrongShared(xen: Xen, inputs: readonly number[]): Breach | undefined {
  if (!xen.hasTranslatedDomains) return undefined;
  let lost: Breach | undefined;
  for (let device = 0; device < xen.spec.devices.length; device++) {
    const slot = deviceOwner(xen, device);
    if (slot < 0 || slot >= xen.domIo || !sharesP2m(xen, slot) || !hasLivingP2m(xen, slot)) continue;
    const unit = xen.unitOf(device);
    if (unit === undefined || !unit.select(xen.spec.devices[device]!.requester)) continue;
    for (let i = 0; i < inputs.length; i++) {
      const wanted = p2mDeviceRights(xen, slot, inputs[i]!);
      const given = unit.selectedRights(inputs[i]!) & (R | W);
      const harm = harmOf(given, wanted);
      if (given === wanted || (lost !== undefined && harm === lost.harm)) continue;
      const text = `${xen.domainName(slot)}'s p2m has ${rightsText(wanted)} at ${frameText(inputs[i]!)}, and ${deviceText(xen, device)}, which walks it, finds ${rightsText(given)}`;
      if (harm !== 'mapping lost') return breach(harm, text);
      lost = breach(harm, text);
    }
  }
  return lost;
}

function wrongOwnTables(xen: Xen, inputs: readonly number[]): Breach | undefined {
  let lost: Breach | undefined;
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (!isBoundByP2m(xen, slot)) continue;
    for (let i = 0; i < inputs.length; i++) {
      if (!differsFromP2m(xen, slot, inputs[i]!)) continue;
      const harm = harmOf(tableRights(xen, slot, inputs[i]!), p2mDeviceRights(xen, slot, inputs[i]!));
      if (harm !== 'mapping lost') return breach(harm, mirrorText(xen, slot, inputs[i]!));
      lost ??= breach(harm, mirrorText(xen, slot, inputs[i]!));
    }
  }
  return lost;
}

/** Whether a domain's tables are to have what its p2m has. */
export function isBoundByP2m(xen: Xen, slot: number): boolean {
  const bound = hasLivingP2m(xen, slot) && mirrors(xen, slot) && isConstructed(xen, slot);
  return bound && xen.domain.crashed.get(slot) === 0;
}

/** Whether tables that are bound by the p2m give other rights than it; firmware may need narrower ones (dossier §6.4). */
export function differsFromP2m(xen: Xen, slot: number, input: number): boolean {
  const differs = tableRights(xen, slot, input) !== p2mDeviceRights(xen, slot, input);
  return differs && !reservesFrame(xen, slot, input);
}

function mirrorText(xen: Xen, slot: number, input: number): string {
  const wanted = rightsText(p2mDeviceRights(xen, slot, input));
  const mapped = rightsText(tableRights(xen, slot, input));
  return `${xen.domainName(slot)}'s p2m has ${wanted} at ${frameText(input)}, and its devices ${mapped}`;
}

function wrongM2p(xen: Xen, inputs: readonly number[]): Breach | undefined {
  if (!xen.hasTranslatedDomains) return undefined;
  return unknownPlace(xen, inputs) ?? wrongPlace(xen);
}

/** A page at a guest frame of which the page does not know: it stays mapped there when the page is taken away. */
function unknownPlace(xen: Xen, inputs: readonly number[]): Breach | undefined {
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (!hasLivingP2m(xen, slot)) continue;
    for (let i = 0; i < inputs.length; i++) {
      const frame = p2mLookup(xen, slot, inputs[i]!);
      const pdx = frame < 0 ? -1 : xen.ram.indexOf(frame);
      if (pdx < 0 || ownerOf(xen, pdx) !== slot || isSpecialPage(xen, pdx)) continue;
      // A page that stands there as a grant is the domain’s own by chance.
      if (gfnOf(xen, pdx) === inputs[i]! || !isRamType(p2mType(xen, slot, inputs[i]!))) continue;
      const text = `GFN ${frameText(inputs[i]!)} of ${xen.domainName(slot)} leads to frame ${frameText(frame)}, for which the M2P has ${placeText(gfnOf(xen, pdx))}`;
      return breach('isolation broken', text);
    }
  }
  return undefined;
}

/** A page that is said to be at a guest frame where it is not: what stands there instead goes when the page is taken away. */
function wrongPlace(xen: Xen): Breach | undefined {
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    const gfn = gfnOf(xen, pdx);
    const slot = ownerOf(xen, pdx);
    if (gfn < 0 || slot < 0 || !hasLivingP2m(xen, slot)) continue;
    const there = p2mLookup(xen, slot, gfn);
    if (there === xen.ram.frameAt(pdx)) continue;
    const text = `the M2P has frame ${xen.frameName(pdx)} of ${xen.domainName(slot)} at ${placeText(gfn)}, which leads to ${there < 0 ? 'nothing' : `frame ${frameText(there)}`}`;
    return breach('mapping lost', text);
  }
  return undefined;
}

const placeText = (gfn: number): string => (gfn < 0 ? 'no GFN' : `GFN ${frameText(gfn)}`);

/** A guest frame that leads to memory which is nobody's, or another's that has not given it. */
function strangersFrame(xen: Xen, inputs: readonly number[]): string | undefined {
  if (!xen.hasTranslatedDomains) return undefined;
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (!hasLivingP2m(xen, slot)) continue;
    for (let i = 0; i < inputs.length; i++) {
      const frame = p2mLookup(xen, slot, inputs[i]!);
      const pdx = frame < 0 ? -1 : xen.ram.indexOf(frame);
      if (pdx < 0 || ownerOf(xen, pdx) === slot || reservesFrame(xen, slot, frame)) continue;
      if (!isFree(xen, pdx)) {
        if (isForeignType(p2mType(xen, slot, inputs[i]!))) continue;
        if (handleRights(xen, slot, -1, pdx) !== 0) continue;
      }
      return `GFN ${frameText(inputs[i]!)} of ${xen.domainName(slot)} leads to ${pageText(xen, pdx)}`;
    }
  }
  return undefined;
}

export const P2M: Invariant = {
  id: 'P2M',
  states: ['INV-CPU-WRITE'],
  title: 'a guest frame leads to a page of the domain’s own, or to one that it was lent',
  reason: 'the guest’s CPUs reach what its p2m leads to, with or without a device',
  harm: 'isolation broken',
  violation: strangersFrame,
};

function rememberPlaces(xen: Xen, _inputs: readonly number[], notes: Notes): void {
  if (!xen.hasTranslatedDomains) return;
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    const slot = isSpecialPage(xen, pdx) ? -1 : ownerOf(xen, pdx);
    const gfn = slot >= 0 && slot < xen.domIo && xen.isTranslated(slot) ? gfnOf(xen, pdx) : -1;
    notes.places[pdx] = gfn;
    notes.placeTypes[pdx] = gfn < 0 ? 0 : p2mType(xen, slot, gfn);
  }
}

/** A page that is elsewhere now in its domain's p2m, and something else. What Xen shares is the guest's to write anywhere. */
function changedOnTheWay(xen: Xen, _inputs: readonly number[], notes: Notes): Breach | undefined {
  if (!xen.hasTranslatedDomains) return undefined;
  let lost: Breach | undefined;
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    const before = notes.places[pdx]!;
    const gfn = before < 0 ? -1 : gfnOf(xen, pdx);
    if (gfn < 0 || gfn === before) continue;
    const slot = ownerOf(xen, pdx);
    const [was, is] = [notes.placeTypes[pdx]!, p2mType(xen, slot, gfn)];
    if (was === is || was === P2mType.logDirty) continue;
    const text = `${pageText(xen, pdx)} went from GFN ${frameText(before)} to ${frameText(gfn)} of ${xen.domainName(slot)}, and from ${p2mTypeText(was)} to ${p2mTypeText(is)}`;
    if (!hasLessRights(xen, slot, pdx, is, was)) return breach('isolation broken', text);
    lost ??= breach('mapping lost', text);
  }
  return lost;
}

/** Whether a page may be accessed less as one type than as another, and in no way more. */
function hasLessRights(xen: Xen, slot: number, pdx: number, type: number, than: number): boolean {
  const rights = typeRights(xen, slot, type, xen.ram.frameAt(pdx)) & (R | W);
  const before = typeRights(xen, slot, than, xen.ram.frameAt(pdx)) & (R | W);
  return rights !== before && (rights & ~before) === 0;
}

export const MOVED: Invariant = {
  id: 'MOVED',
  states: ['INV-DMA-PERM', 'INV-CPU-WRITE'],
  title: 'a page that moves in a p2m stays what it was',
  reason: 'a guest that may move a page could write what it may only read',
  harm: 'isolation broken',
  otherHarms: { 'mapping lost': 'the page may be accessed less, and in no way more' },
  violation: changedOnTheWay,
  remember: rememberPlaces,
};

/** Guest frames that wait for a page, counted anew, and pages that wait for them. */
function wrongPod(xen: Xen): Breach | undefined {
  let found: Breach | undefined;
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (xen.domain.podUsed.get(slot) === 0 || !hasLivingP2m(xen, slot)) continue;
    found = graverOf(found, wrongPodOf(xen, slot));
  }
  return found;
}

function wrongPodOf(xen: Xen, slot: number): Breach | undefined {
  let pages = 0;
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    if (xen.frame.inPodCache.get(pdx) === 0 || ownerOf(xen, pdx) !== slot) continue;
    pages++;
    if (!isSpecialPage(xen, pdx) && gfnOf(xen, pdx) < 0) continue;
    const text = `${pageText(xen, pdx)} is in the populate-on-demand cache of ${xen.domainName(slot)}, and in use: whoever is given it next shares it`;
    return breach('isolation broken', text);
  }
  if (pages !== xen.domain.podPages.get(slot)) {
    const text = `${xen.domainName(slot)} counts ${xen.domain.podPages.get(slot)} pages in its populate-on-demand cache, where there are ${pages}`;
    return breach('crash', text);
  }
  let entries = 0;
  for (let gfn = 0; holdsGfn(xen, slot, gfn); ) {
    const span = 2 ** p2mOrder(xen, slot, gfn);
    if (p2mType(xen, slot, gfn) === P2mType.populateOnDemand) entries += span;
    gfn += span;
  }
  const counted = xen.domain.podEntries.get(slot);
  if (entries === counted) return undefined;
  const text = `${xen.domainName(slot)} counts ${counted} guest frames that wait for a page on demand, where there are ${entries}`;
  return counted < entries
    ? breach('crash', `${text}: the count goes below 0`)
    : breach('leak', `${text}: pages are kept for those that there are not`);
}

export const POD: Invariant = {
  id: 'POD',
  states: ['INV-M2P'],
  title: 'as many guest frames wait for pages as are counted, and only pages that nobody uses wait for them',
  reason: 'Xen stops where a count goes below 0, and gives out what is in use',
  harm: 'crash',
  otherHarms: {
    'isolation broken': 'a page that is in use waits to be given out',
    leak: 'more guest frames are counted than wait',
  },
  violation: wrongPod,
};

export const SYNC: Invariant = {
  id: 'INV-SYNC',
  states: ['INV-IOMMU-COMPLETE'],
  title:
    'tables that mirror a p2m have its rights, guest frame by guest frame, and a p2m that is shared means to devices what it means to Xen',
  reason: 'devices must see the memory that the guest’s CPUs see',
  harm: 'mapping lost',
  otherHarms: { 'isolation broken': 'a device has more rights than the p2m gives' },
  violation: wrongMirror,
};

export const M2P: Invariant = {
  id: 'INV-M2P',
  title: 'the p2m and its reverse agree',
  reason: 'who trusts the one to undo the other leaves mappings behind',
  harm: 'mapping lost',
  otherHarms: { 'isolation broken': 'a page is at a guest frame of which the reverse does not know' },
  violation: wrongM2p,
};
