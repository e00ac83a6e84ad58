import { R, type Rights, rightsText, W } from '../../formats/address.js';
import { PGT } from '../../formats/x86-page-info.js';
import { isChangingType } from '../calls/changing.js';
import { isSpecialPage, ownerOf } from '../frames.js';
import { reservesFrame } from '../identity-map.js';
import { tableRights } from '../iommu-tables.js';
import { typeOf } from '../page-info.js';
import { isBoundByTypes } from '../rule.js';
import type { Xen } from '../state.js';
import { type Breach, breach } from './harm.js';
import type { Invariant } from './invariant.js';
import { pageText } from './words.js';

/** PV domain by PV domain: what its tables say of its own pages against what their types say. */
function typeMismatch(xen: Xen): Breach | undefined {
  let lost: Breach | undefined;
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (!isBoundByTypes(xen, slot)) continue;
    for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
      if (!differsFromType(xen, slot, pdx)) continue;
      if ((mappedRights(xen, slot, pdx) & ~typedRights(xen, pdx)) !== 0)
        return breach('isolation broken', mismatchText(xen, slot, pdx));
      lost ??= breach('mapping lost', mismatchText(xen, slot, pdx));
    }
  }
  return lost;
}

/** Whether a page's rights in the tables of a domain that is bound by types are not those of its type. */
export function differsFromType(xen: Xen, slot: number, pdx: number): boolean {
  const differs = isBoundByType(xen, slot, pdx) && mappedRights(xen, slot, pdx) !== typedRights(xen, pdx);
  return differs && !isChangingType(xen, pdx);
}

/** A domain's own page that neither Xen shares with it nor a device's firmware needs. */
export function isBoundByType(xen: Xen, slot: number, pdx: number): boolean {
  if (ownerOf(xen, pdx) !== slot || isSpecialPage(xen, pdx)) return false;
  return xen.spec.reserved.length === 0 || !reservesFrame(xen, slot, xen.ram.frameAt(pdx));
}

export function mappedRights(xen: Xen, slot: number, pdx: number): Rights {
  return tableRights(xen, slot, xen.ram.frameAt(pdx));
}

export function typedRights(xen: Xen, pdx: number): Rights {
  return typeOf(xen.frame.typeInfo.get(pdx)) === PGT.writable ? R | W : 0;
}

export function mismatchText(xen: Xen, slot: number, pdx: number): string {
  const [mapped, typed] = [mappedRights(xen, slot, pdx), typedRights(xen, pdx)].map(rightsText);
  return `${pageText(xen, pdx)} is mapped ${mapped} for ${xen.domainName(slot)}'s devices, but its type asks for ${typed}`;
}

export const I1: Invariant = {
  id: 'I1',
  states: ['INV-IOMMU-EQ', 'INV-IOMMU-COMPLETE'],
  title: 'a PV domain’s page is mapped for its devices exactly while its type is writable',
  reason: 'the canonical rule: device writes must not forge page tables or descriptors',
  harm: 'mapping lost',
  otherHarms: { 'isolation broken': 'a page is mapped that its type does not permit' },
  violation: typeMismatch,
};
