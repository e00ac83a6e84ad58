import { R, type Rights, rightsText, W } from '../../formats/address.js';
import { deviceOwner } from '../devices.js';
import { ownerOf } from '../frames.js';
import { sharesP2m } from '../iommu-map.js';
import { tableRights } from '../iommu-tables.js';
import { p2mRights } from '../p2m.js';
import { COUNT_MASK } from '../page-info.js';
import type { Xen } from '../state.js';
import { Life } from '../tables/domain.js';
import { type Breach, breach, graverOf } from './harm.js';
import type { Invariant } from './invariant.js';
import type { Notes } from './notes.js';
import { deviceText, frameText } from './words.js';

/** Domains that die, and what they leave. */

/** What a domain's tables, its own or its p2m, give its devices on an input frame. */
function givenRights(xen: Xen, slot: number, input: number): Rights {
  const shared = sharesP2m(xen, slot) ? p2mRights(xen, slot, input) & (R | W) : 0;
  return shared | tableRights(xen, slot, input);
}

function rememberDying(xen: Xen, inputs: readonly number[], notes: Notes): void {
  for (let slot = 0; slot < xen.domIo; slot++) {
    const dying = xen.isDying(slot);
    notes.dying[slot] = dying ? 1 : 0;
    if (!dying) continue;
    const base = slot * inputs.length;
    for (let i = 0; i < inputs.length; i++) notes.rights[base + i] = givenRights(xen, slot, inputs[i]!);
  }
}

function grownWhileDying(xen: Xen, inputs: readonly number[], notes: Notes): string | undefined {
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (notes.dying[slot] === 0 || !xen.isDying(slot)) continue;
    const base = slot * inputs.length;
    for (let i = 0; i < inputs.length; i++) {
      const now = givenRights(xen, slot, inputs[i]!);
      const before = notes.rights[base + i]!;
      if ((now & ~before) !== 0)
        return `${xen.domainName(slot)} is dying, and its tables had ${rightsText(before)} at ${frameText(inputs[i]!)} and now have ${rightsText(now)}`;
    }
  }
  return undefined;
}

function deadWithDevice(xen: Xen): string | undefined {
  for (let device = 0; device < xen.spec.devices.length; device++) {
    const slot = deviceOwner(xen, device);
    if (slot >= 0 && slot < xen.domIo && xen.domain.life.get(slot) === Life.dead)
      return `${deviceText(xen, device)} is still ${xen.domainName(slot)}'s, whose memory has been given back`;
  }
  return undefined;
}

/** Whether there is room for a page of a domain that is no more, or is not any longer. */
function hasUnlivingDomain(xen: Xen): boolean {
  for (let slot = 0; slot < xen.domIo; slot++) if (xen.domain.life.get(slot) !== Life.alive) return true;
  return false;
}

/** Memory that is set aside for nobody, or claimed and not set aside. */
function wrongClaim(xen: Xen): Breach | undefined {
  let claimed = 0;
  for (let slot = 0; slot < xen.domIo; slot++) claimed += xen.domain.claimed.get(slot);
  const all = xen.host.claimed.get(0);
  if (claimed === all) return undefined;
  return claimed < all
    ? breach(
        'leak',
        `more pages are set aside than domains claim, ${all} instead of ${claimed}: nobody can have the others`,
      )
    : breach(
        'crash',
        `fewer pages are set aside than domains claim, ${all} instead of ${claimed}: the sum goes below 0 as they are used`,
      );
}

/** A page whose owner is gone, a dead domain that nothing holds, or claims that do not add up. */
function remains(xen: Xen): Breach | undefined {
  const left = remainsOfDomains(xen);
  return graverOf(wrongClaim(xen), left === undefined ? undefined : breach('leak', left));
}

function remainsOfDomains(xen: Xen): string | undefined {
  if (!hasUnlivingDomain(xen)) return undefined;
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    const slot = ownerOf(xen, pdx);
    if (slot >= 0 && xen.domain.life.get(slot) === Life.absent)
      return `frame ${xen.frameName(pdx)} belongs to ${xen.domainName(slot)}, which is gone`;
  }
  for (let slot = 0; slot < xen.domIo; slot++) {
    const dead = xen.domain.life.get(slot) === Life.dead;
    if (dead && xen.domain.totPages.get(slot) === 0 && !isHeldBySharedFrames(xen, slot))
      return `nothing of the dead ${xen.domainName(slot)} is held by anybody, and it is still there`;
  }
  return undefined;
}

function isHeldBySharedFrames(xen: Xen, slot: number): boolean {
  for (let pdx = xen.xenHeap.first; pdx < xen.xenHeap.end; pdx++)
    if (ownerOf(xen, pdx) === slot && (xen.frame.countInfo.get(pdx) & COUNT_MASK) !== 0) return true;
  return false;
}

function uncharged(xen: Xen, _inputs: readonly number[], notes: Notes): string | undefined {
  const { domains } = notes;
  domains.fill(0);
  const { first, end } = xen.xenHeap;
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    if (pdx === first) pdx = end;
    const slot = pdx < xen.ram.frames ? ownerOf(xen, pdx) : -1;
    if (slot >= 0) domains[slot]!++;
  }
  for (let slot = 0; slot < xen.domIo; slot++) {
    const charged = xen.domain.totPages.get(slot);
    if (charged !== domains[slot])
      return `${xen.domainName(slot)} owns ${domains[slot]} pages and is charged for ${charged}`;
  }
  return undefined;
}

export const I15: Invariant = {
  id: 'I15',
  title: 'a dying domain’s tables only lose mappings',
  reason: 'they are freed piece by piece: what is added behind that is never removed',
  harm: 'isolation broken',
  violation: grownWhileDying,
  remember: rememberDying,
};

export const I18: Invariant = {
  id: 'I18',
  title: 'a domain does not end before its devices have left',
  reason: 'a device that could not be taken away may still access the memory',
  harm: 'isolation broken',
  violation: deadWithDevice,
};

export const LEAK: Invariant = {
  id: 'INV-LEAK',
  title: 'a dead domain is there only while somebody holds a page of it, and leaves none behind',
  reason: 'a domain that never goes keeps its memory and its domid',
  harm: 'leak',
  otherHarms: { crash: 'less memory is set aside than domains claim' },
  violation: remains,
};

export const QUOTA: Invariant = {
  id: 'INV-QUOTA',
  title: 'a domain is charged for the pages it owns, no more and no less',
  reason: 'what is not charged is no bound to what a guest can take',
  harm: 'leak',
  violation: uncharged,
};
