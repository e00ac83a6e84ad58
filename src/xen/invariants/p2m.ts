import { R, rightsText, W } from '../../formats/address.js';
import { deviceOwner } from '../devices.js';
import { gfnOf, isFree, isSpecialPage, ownerOf } from '../frames.js';
import { handleRights } from '../grant-iommu.js';
import { reservesFrame } from '../identity-map.js';
import { isConstructed, mirrors, sharesP2m } from '../iommu-map.js';
import { tableRights } from '../iommu-tables.js';
import { holdsGfn, p2mDeviceRights, p2mLookup, p2mOrder, p2mType } from '../p2m.js';
import { isForeignType, isRamType, P2mType, p2mTypeText } from '../p2m-types.js';
import type { Xen } from '../state.js';
import type { Invariant } from './invariant.js';
import type { Notes } from './notes.js';
import { deviceText, frameText, pageText } from './words.js';

/** The p2m of translated domains, its reverse, and the tables that mirror it. */

/** Whether a domain has a p2m that is not about to go with it. */
export function hasLivingP2m(xen: Xen, slot: number): boolean {
  return xen.isTranslated(slot) && !xen.isDying(slot) && xen.domain.p2mRoot.get(slot) !== 0;
}

function wrongMirror(xen: Xen, inputs: readonly number[]): string | undefined {
  return wrongOwnTables(xen, inputs) ?? wrongShared(xen, inputs);
}

/** A device that goes by its domain's p2m itself, and meets something else there than Xen goes by. */
function wrongShared(xen: Xen, inputs: readonly number[]): string | undefined {
  if (!xen.hasTranslatedDomains) return undefined;
  for (let device = 0; device < xen.spec.devices.length; device++) {
    const slot = deviceOwner(xen, device);
    if (slot < 0 || slot >= xen.domIo || !sharesP2m(xen, slot) || !hasLivingP2m(xen, slot)) continue;
    const unit = xen.unitOf(device);
    if (unit === undefined || !unit.select(xen.spec.devices[device]!.requester)) continue;
    for (let i = 0; i < inputs.length; i++) {
      const wanted = p2mDeviceRights(xen, slot, inputs[i]!);
      const given = unit.selectedRights(inputs[i]!) & (R | W);
      if (given !== wanted)
        return `${xen.domainName(slot)}'s p2m has ${rightsText(wanted)} at ${frameText(inputs[i]!)}, and ${deviceText(xen, device)}, which walks it, finds ${rightsText(given)}`;
    }
  }
  return undefined;
}

function wrongOwnTables(xen: Xen, inputs: readonly number[]): string | undefined {
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (!isBoundByP2m(xen, slot)) continue;
    for (let i = 0; i < inputs.length; i++) {
      if (differsFromP2m(xen, slot, inputs[i]!)) return mirrorText(xen, slot, inputs[i]!);
    }
  }
  return undefined;
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

function wrongM2p(xen: Xen, inputs: readonly number[]): string | undefined {
  if (!xen.hasTranslatedDomains) return undefined;
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    const gfn = gfnOf(xen, pdx);
    const slot = ownerOf(xen, pdx);
    if (gfn < 0 || slot < 0 || !hasLivingP2m(xen, slot)) continue;
    if (p2mLookup(xen, slot, gfn) !== xen.ram.frameAt(pdx))
      return `frame ${xen.frameName(pdx)} of ${xen.domainName(slot)} says that it is at GFN ${frameText(gfn)}, which leads elsewhere`;
  }
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (!hasLivingP2m(xen, slot)) continue;
    for (let i = 0; i < inputs.length; i++) {
      const frame = p2mLookup(xen, slot, inputs[i]!);
      const pdx = frame < 0 ? -1 : xen.ram.indexOf(frame);
      if (pdx < 0 || ownerOf(xen, pdx) !== slot || isSpecialPage(xen, pdx)) continue;
      // A page that stands there as a grant is the domain’s own by chance.
      if (gfnOf(xen, pdx) !== inputs[i]! && isRamType(p2mType(xen, slot, inputs[i]!)))
        return `GFN ${frameText(inputs[i]!)} of ${xen.domainName(slot)} leads to frame ${frameText(frame)}, which says that it is elsewhere`;
    }
  }
  return undefined;
}

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
function changedOnTheWay(xen: Xen, _inputs: readonly number[], notes: Notes): string | undefined {
  if (!xen.hasTranslatedDomains) return undefined;
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    const before = notes.places[pdx]!;
    const gfn = before < 0 ? -1 : gfnOf(xen, pdx);
    if (gfn < 0 || gfn === before) continue;
    const slot = ownerOf(xen, pdx);
    const [was, is] = [notes.placeTypes[pdx]!, p2mType(xen, slot, gfn)];
    if (was !== is && was !== P2mType.logDirty)
      return `${pageText(xen, pdx)} went from GFN ${frameText(before)} to ${frameText(gfn)} of ${xen.domainName(slot)}, and from ${p2mTypeText(was)} to ${p2mTypeText(is)}`;
  }
  return undefined;
}

export const MOVED: Invariant = {
  id: 'MOVED',
  states: ['INV-DMA-PERM', 'INV-CPU-WRITE'],
  title: 'a page that moves in a p2m stays what it was',
  reason: 'a guest that may move a page could write what it may only read',
  harm: 'isolation broken',
  violation: changedOnTheWay,
  remember: rememberPlaces,
};

/** Guest frames that wait for a page, counted anew, and pages that wait for them. */
function wrongPod(xen: Xen): string | undefined {
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (xen.domain.podUsed.get(slot) === 0 || !hasLivingP2m(xen, slot)) continue;
    const found = wrongPodOf(xen, slot);
    if (found !== undefined) return found;
  }
  return undefined;
}

function wrongPodOf(xen: Xen, slot: number): string | undefined {
  let pages = 0;
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    if (xen.frame.inPodCache.get(pdx) === 0 || ownerOf(xen, pdx) !== slot) continue;
    pages++;
    if (isSpecialPage(xen, pdx) || gfnOf(xen, pdx) >= 0)
      return `${pageText(xen, pdx)} waits to be populated on demand, and is in use`;
  }
  if (pages !== xen.domain.podPages.get(slot))
    return `${pages} pages of ${xen.domainName(slot)} wait to be populated on demand, and it counts ${xen.domain.podPages.get(slot)}`;
  let entries = 0;
  for (let gfn = 0; holdsGfn(xen, slot, gfn); ) {
    const span = 2 ** p2mOrder(xen, slot, gfn);
    if (p2mType(xen, slot, gfn) === P2mType.populateOnDemand) entries += span;
    gfn += span;
  }
  const counted = xen.domain.podEntries.get(slot);
  return entries === counted
    ? undefined
    : `${entries} guest frames of ${xen.domainName(slot)} wait for a page, and it counts ${counted}`;
}

export const POD: Invariant = {
  id: 'POD',
  states: ['INV-M2P'],
  title: 'as many guest frames wait for pages as are counted, and only pages that nobody uses wait for them',
  reason: 'Xen stops where a count goes below 0, and gives out what is in use',
  harm: 'crash',
  violation: wrongPod,
};

export const SYNC: Invariant = {
  id: 'INV-SYNC',
  states: ['INV-IOMMU-COMPLETE'],
  title:
    'tables that mirror a p2m have its rights, guest frame by guest frame, and a p2m that is shared means to devices what it means to Xen',
  reason: 'devices must see the memory that the guest’s CPUs see',
  harm: 'mapping lost',
  violation: wrongMirror,
};

export const M2P: Invariant = {
  id: 'INV-M2P',
  title: 'the p2m and its reverse agree',
  reason: 'who trusts the one to undo the other leaves mappings behind',
  harm: 'mapping lost',
  violation: wrongM2p,
};
