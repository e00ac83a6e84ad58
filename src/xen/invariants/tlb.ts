import { rightsText } from '../../formats/address.js';
import type { IommuUnit } from '../../hardware/iommu.js';
import { deviceOwner } from '../devices.js';
import { deviceTagged, requesterTagged } from '../remembered.js';
import { isLeftBehind } from '../rule.js';
import type { Xen } from '../state.js';
import { isKnownDid } from '../vtd-domain-ids.js';
import { harmOfWay, wayText } from './devices.js';
import { type Breach, breach, graverOf } from './harm.js';
import type { Invariant } from './invariant.js';
import { deviceText, frameText, pageText } from './words.js';

/** What an IOMMU remembers, and under which tag. */

/** Something remembered that a device can use now, and that its tables do not give. */
function staleTranslation(xen: Xen): Breach | undefined {
  let found: Breach | undefined;
  for (let index = 0; index < xen.units.length; index++) {
    const unit = xen.units[index]!;
    found = graverOf(found, staleEntry(xen, unit));
    if (found?.harm !== 'isolation broken') found = graverOf(found, staleContext(xen, unit));
    if (found?.harm === 'isolation broken') return found;
  }
  return found;
}

function staleEntry(xen: Xen, unit: IommuUnit): Breach | undefined {
  let found: Breach | undefined;
  for (let row = 0; row < unit.iotlb.rows; row++) {
    found = graverOf(found, staleRow(xen, unit, row));
    if (found?.harm === 'isolation broken') return found;
  }
  return found;
}

/** What a device can use that the IOTLB remembers in a row, and that the device's tables do not give. */
export function staleRow(xen: Xen, unit: IommuUnit, row: number): Breach | undefined {
  const { iotlb } = unit;
  const tag = iotlb.did(row);
  const device = tag < 0 ? -1 : deviceTagged(xen, unit, tag);
  if (device < 0) return undefined;
  unit.select(requesterTagged(xen, unit, device, tag));
  const first = iotlb.frame(row);
  const rights = iotlb.rights(row);
  // What was absent may be remembered, too: then the device goes on faulting.
  if (rights === 0 && unit.selectedRights(iotlb.input(row)) !== 0) {
    const text = `the IOTLB has it that ${deviceText(xen, device)} has nothing at ${frameText(iotlb.input(row))}, where its tables have ${rightsText(unit.selectedRights(iotlb.input(row)))}`;
    return breach('mapping lost', text);
  }
  const span = rights === 0 ? 0 : 2 ** iotlb.order(row);
  for (let offset = 0; offset < span; offset = xen.ram.nextFrame(first + offset + 1) - first) {
    const now = unit.selectedRights(iotlb.input(row) + offset);
    const same = now !== 0 && unit.frame === first + offset;
    if (same && (rights & ~now) === 0) continue;
    if (isLeftBehind(xen, deviceOwner(xen, device), xen.ram.indexOf(first + offset))) continue;
    const input = frameText(iotlb.input(row) + offset);
    const there = same ? rightsText(now) : now === 0 ? 'nothing' : `frame ${frameText(unit.frame)}`;
    const text = `the IOTLB leads ${deviceText(xen, device)} from ${input} to frame ${frameText(first + offset)} (${rightsText(rights)}), where its tables have ${there}`;
    return breach('isolation broken', text);
  }
  return undefined;
}

/** A device whose entry the unit remembers otherwise than it is. */
function staleContext(xen: Xen, unit: IommuUnit): Breach | undefined {
  let found: Breach | undefined;
  for (let device = 0; device < xen.spec.devices.length; device++) {
    const requesters = xen.requesters[device]!;
    for (let id = 0; xen.unitOf(device) === unit && id < requesters.length; id++) {
      found = graverOf(found, staleContextOf(xen, unit, device, requesters[id]!));
      if (found?.harm === 'isolation broken') return found;
    }
  }
  return found;
}

function staleContextOf(xen: Xen, unit: IommuUnit, device: number, requester: number): Breach | undefined {
  if (!unit.selectRemembered(requester)) return undefined;
  const remembered = unit.selectedRoot;
  const now = unit.select(requester) ? unit.selectedRoot : NOTHING;
  if (now === remembered) return undefined;
  const goes = now === NOTHING ? 'nowhere' : wayText(xen, device, now);
  const text = `the unit leads ${deviceText(xen, device)} ${wayText(xen, device, remembered)}, where its context entry has it go ${goes}`;
  return breach(harmOfWay(xen, device, remembered), text);
}

/** No root, and not "untranslated" either. */
const NOTHING = -2;

/** Two owners under one tag, or a tag of nobody's under which translations are made or still remembered. */
function wrongTag(xen: Xen): string | undefined {
  for (let device = 0; device < xen.spec.devices.length; device++) {
    const unit = xen.unitOf(device);
    const requesters = xen.requesters[device]!;
    for (let id = 0; unit !== undefined && id < requesters.length; id++) {
      const tag = unit.tagOf(requesters[id]!);
      if (tag < 0) continue;
      const first = deviceTagged(xen, unit, tag);
      if (deviceOwner(xen, first) !== deviceOwner(xen, device))
        return `${deviceText(xen, first)} and ${deviceText(xen, device)} have different owners and one domain id, ${tag}`;
      if (xen.vtd !== undefined && !isKnownDid(xen, xen.unitIndex(device), tag))
        return `${deviceText(xen, device)} translates under domain id ${tag}, which is free to be given to the next domain`;
    }
  }
  return rememberedForNobody(xen);
}

function rememberedForNobody(xen: Xen): string | undefined {
  for (let index = 0; index < xen.units.length; index++) {
    const unit = xen.units[index]!;
    for (let row = 0; row < unit.iotlb.rows; row++) {
      const tag = unit.iotlb.did(row);
      if (tag < 0 || deviceTagged(xen, unit, tag) >= 0 || isSomebodys(xen, index, tag)) continue;
      return `the IOTLB remembers ${frameText(unit.iotlb.input(row))} under domain id ${tag}, which is free to be given to the next domain`;
    }
  }
  return undefined;
}

/** Whether a domain id of a unit is taken, whether or not a device uses it. */
function isSomebodys(xen: Xen, unit: number, tag: number): boolean {
  if (xen.vtd !== undefined) return isKnownDid(xen, unit, tag);
  if (xen.amdvi !== undefined) return xen.slotOf(tag) >= 0;
  for (let slot = 0; xen.smmuContext !== undefined && slot < xen.domIo; slot++)
    if (xen.smmuContext.vmid.get(slot) === tag) return true;
  return false;
}

export const I4: Invariant = {
  id: 'I4',
  states: ['INV-TLB'],
  title: 'no IOMMU remembers for a device what its tables do not give any more',
  reason: 'a frame must not be reused while a device can still get at it as what it was',
  harm: 'isolation broken',
  otherHarms: {
    'mapping lost': 'it remembers that there is nothing, or the tables of the device’s quarantine',
  },
  violation: staleTranslation,
};

function freedInUse(xen: Xen): string | undefined {
  const pdx = xen.host.freedInUse.get(0) - 1;
  return pdx < 0
    ? undefined
    : `${pageText(xen, pdx)} was given back while an IOMMU remembered a way to it or through it`;
}

export const FREED: Invariant = {
  id: 'FREED',
  states: ['INV-TLB', 'INV-PTSTRUCT'],
  title: 'nothing is freed that a device can still reach, or is led through, by what an IOMMU remembers',
  reason: 'between the two anybody can get the page, and the flush comes too late',
  harm: 'isolation broken',
  violation: freedInUse,
};

export const DID: Invariant = {
  id: 'INV-DID',
  title: 'an IOMMU’s domain id stands for one owner, and nothing is remembered under a free one',
  reason: 'whoever gets the id next would have the translations of whoever had it before',
  harm: 'isolation broken',
  violation: wrongTag,
};
