import { rightsText } from '../../formats/address.js';
import { gfnOf, isSpecialPage, ownerOf } from '../frames.js';
import { reservesFrame } from '../identity-map.js';
import { isConstructed, mirrors } from '../iommu-map.js';
import { tableRights } from '../iommu-tables.js';
import { p2mDeviceRights, p2mLookup } from '../p2m.js';
import type { Xen } from '../state.js';
import type { Invariant } from './invariant.js';
import { frameText } from './words.js';

/** The p2m of translated domains, its reverse, and the tables that mirror it. */

function hasLivingP2m(xen: Xen, slot: number): boolean {
  return xen.isTranslated(slot) && !xen.isDying(slot) && xen.domain.p2mRoot.get(slot) !== 0;
}

function wrongMirror(xen: Xen, inputs: readonly number[]): string | undefined {
  for (let slot = 0; slot < xen.domIo; slot++) {
    const bound = hasLivingP2m(xen, slot) && mirrors(xen, slot) && isConstructed(xen, slot);
    if (!bound || xen.domain.crashed.get(slot) !== 0) continue;
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i]!;
      const wanted = p2mDeviceRights(xen, slot, input);
      const mapped = tableRights(xen, slot, input);
      // What firmware needs may be narrower for devices than the p2m is (dossier §6.4).
      if (mapped !== wanted && !reservesFrame(xen, slot, input))
        return `${xen.domainName(slot)}'s p2m has ${rightsText(wanted)} at ${frameText(input)}, and its devices ${rightsText(mapped)}`;
    }
  }
  return undefined;
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
      if (gfnOf(xen, pdx) !== inputs[i]!)
        return `GFN ${frameText(inputs[i]!)} of ${xen.domainName(slot)} leads to frame ${frameText(frame)}, which says that it is elsewhere`;
    }
  }
  return undefined;
}

export const SYNC: Invariant = {
  id: 'INV-SYNC',
  states: ['INV-IOMMU-COMPLETE'],
  title: 'tables that mirror a p2m have its rights, guest frame by guest frame',
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
