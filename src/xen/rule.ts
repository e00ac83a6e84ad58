import { R, type Rights, W } from '../formats/address.js';
import { PGT } from '../formats/x86-page-info.js';
import { isChangingType } from './calls/changing.js';
import { isDomainFrame, isFree, isSpecialPage, ownerOf } from './frames.js';
import { handleRights } from './grant-iommu.js';
import { hwdomFrameRights } from './hwdom-map.js';
import { reservesFrame } from './identity-map.js';
import { isConstructed, mirrors } from './iommu-map.js';
import { p2mDeviceRights, p2mLookup, p2mType } from './p2m.js';
import { isForeignType, isRamType } from './p2m-types.js';
import { typeOf } from './page-info.js';
import { isHeldForFlush } from './physmap-range.js';
import { scratchRights } from './quarantine.js';
import type { Xen } from './state.js';

/** On what ground the rule gives rights, or gives none: the branch of it that decided, in words. */
export const GROUNDS = {
  quarantineReserved: 'a region that firmware reserves for a device in quarantine',
  quarantine: 'quarantine leads nowhere, or to its scratch page',
  hwdomTrusted: 'dom0 is not strict: its devices may use all but Xen’s own frames',
  xensOwn: 'a frame of Xen’s own',
  reserved: 'a region that firmware reserves for a device of the domain',
  deviceMemory: 'device memory that the p2m maps here',
  hostMap: 'what boot maps for dom0 of addresses that are no RAM',
  noMemory: 'no RAM, and nobody gave it to the domain',
  free: 'the frame is free',
  leftBehind: 'the page is held until what the IOMMU remembers of it is flushed',
  elsewhere: 'the p2m does not lead there',
  notIdentity: 'a PV domain’s devices use machine addresses',
  p2mOwn: 'the p2m leads to a page of the domain’s own',
  p2mForeign: 'the p2m leads to a page of another’s that it mapped as foreign',
  p2mGrant: 'the p2m leads to a page that a live grant handle gives it',
  p2mStranger: 'another’s page, and no grant handle for it lives',
  writable: 'its own page, of type writable',
  untyped: 'its own page without a type, which this release maps',
  hwdomPages: 'dom0’s own page, which this release maps whatever its type',
  grant: 'a live grant handle',
  notWritable: 'its own page, and its type is not writable',
  special: 'a frame that Xen shares with it: no device may have it',
  stranger: 'another’s page, and no grant handle for it lives',
} as const;
export type Ground = keyof typeof GROUNDS;

/** The ground of the last answer. Noted by the rule as it decides, so that nobody has to decide again to tell it. */
let lastGround: Ground = 'free';

function on(ground: Ground, rights: Rights): Rights {
  lastGround = ground;
  return rights;
}

/** On what ground {@link permittedRights} answered last as it did. */
export const groundOfLast = (): Ground => lastGround;

/** On what ground it answers as it does. */
export function permittedOn(xen: Xen, slot: number, input: number, frame: number): Ground {
  permittedRights(xen, slot, input, frame);
  return lastGround;
}

/**
 * The one rule (dossier §3.3, §4, §5.4): what devices of a domain may do with the host frame `frame` when they use
 * input frame `input`. PV: the domain's own pages of writable type, at their machine address. Translated: what the p2m
 * says there. Besides: pages it has mapped through grants, its devices' reserved regions, and for dom0 what boot maps.
 *
 * The rule is stated over the hypervisor's records, never over IOMMU tables, which are what it judges.
 */
export function permittedRights(xen: Xen, slot: number, input: number, frame: number): Rights {
  // A hidden device is dom_xen's in name only: it works for the hardware domain.
  if (slot === xen.domXen) return permittedRights(xen, 0, input, frame);
  if (slot === xen.domIo) {
    return input === frame && reservesFrame(xen, slot, frame)
      ? on('quarantineReserved', R | W)
      : on('quarantine', scratchRights(xen, frame));
  }
  if (isUntranslatedHwdom(xen, slot))
    return isForHwdom(xen, frame) ? on('hwdomTrusted', R | W) : on('xensOwn', 0);
  if (input === frame && xen.spec.reserved.length !== 0 && keepsReserved(xen, slot, frame))
    return on('reserved', R | W);
  const pdx = xen.ram.indexOf(frame);
  if (pdx < 0) {
    if (isDeviceMemory(xen, slot, input, frame)) return on('deviceMemory', p2mDeviceRights(xen, slot, input));
    return xen.isHardwareDomain(slot) && input === frame
      ? on('hostMap', hwdomFrameRights(xen, frame))
      : on('noMemory', 0);
  }
  if (isFree(xen, pdx)) return on('free', 0);
  const translated = xen.isTranslated(slot);
  if (translated ? p2mLookup(xen, slot, input) !== frame : input !== frame) {
    if (isLeftBehind(xen, slot, pdx)) return on('leftBehind', R | W);
    return on(translated ? 'elsewhere' : 'notIdentity', 0);
  }
  const own = translated ? memoryRights(xen, slot, input, pdx) : ownRights(xen, slot, pdx);
  if (own === (R | W)) return translated ? p2mDeviceRights(xen, slot, input) & own : own;
  const held = handleRights(xen, slot, -1, pdx);
  if (held !== 0) on(translated ? 'p2mGrant' : 'grant', held);
  return translated ? p2mDeviceRights(xen, slot, input) & (own | held) : own | held;
}

/**
 * A page of the domain's own that its devices reach where its p2m or tables do not lead: it has moved, and is held until it
 * is flushed; or an IOMMU did not do as it was told, the domain was crashed for it, and the page will not be given back.
 */
export function isLeftBehind(xen: Xen, slot: number, pdx: number): boolean {
  if (pdx >= 0 && slot >= 0 && isHeldForFlush(xen, slot, pdx)) return true;
  return pdx >= 0 && slot >= 0 && xen.domain.crashed.get(slot) !== 0 && ownerOf(xen, pdx) === slot;
}

/** A translated domain's own page, or another's that it has mapped as foreign: all that its p2m says. */
function memoryRights(xen: Xen, slot: number, input: number, pdx: number): Rights {
  if (ownerOf(xen, pdx) === slot) return on('p2mOwn', R | W);
  return xen.domain.foreignMaps.get(slot) !== 0 && isForeignType(p2mType(xen, slot, input))
    ? on('p2mForeign', R | W)
    : on('p2mStranger', 0);
}

/** What is no RAM is a translated domain's where the toolstack has mapped it into its p2m. */
function isDeviceMemory(xen: Xen, slot: number, input: number, frame: number): boolean {
  return (
    xen.isTranslated(slot) && p2mLookup(xen, slot, input) === frame && !isRamType(p2mType(xen, slot, input))
  );
}

/**
 * A PV domain's own page: all rights while its type is writable; never a page of Xen's heap. Releases that mapped pages
 * without typing them allow untyped ones, too, and those that filled a strict dom0's table at once let it read all of
 * its pages (dossier §3.4, §3.5): neither is what I1 wants, and neither reaches what the domain's own CPUs could not.
 */
function ownRights(xen: Xen, slot: number, pdx: number): Rights {
  if (ownerOf(xen, pdx) !== slot) return on('stranger', 0);
  if (isSpecialPage(xen, pdx)) return on('special', 0);
  const type = typeOf(xen.frame.typeInfo.get(pdx));
  if (type === PGT.writable || isChangingType(xen, pdx)) return on('writable', R | W);
  const { pvPageAdded, strictHwdomPages } = xen.profile;
  if (type === PGT.none && pvPageAdded === 'mapped-untyped') return on('untyped', R | W);
  if (!xen.isHardwareDomain(slot)) return on('notWritable', 0);
  if (strictHwdomPages === 'every-page') return on('hwdomPages', type === PGT.none ? R | W : R);
  return strictHwdomPages === 'writable-or-untyped' && type === PGT.none
    ? on('hwdomPages', R | W)
    : on('notWritable', 0);
}

/** Reserved regions of the domain's devices; from the hardware domain they are never taken again (dossier §6.4). */
function keepsReserved(xen: Xen, slot: number, frame: number): boolean {
  if (!xen.isHardwareDomain(slot)) return reservesFrame(xen, slot, frame);
  return xen.spec.reserved.some(({ range }) => frame >= range.base && frame < range.base + range.count);
}

/** The relaxed or passthrough hardware domain is trusted with the host's memory (dossier §2.4). */
export function isUntranslatedHwdom(xen: Xen, slot: number): boolean {
  return xen.isHardwareDomain(slot) && xen.isPv(slot) && xen.spec.hwdomMode !== 'strict';
}

/** All but Xen's own frames; with passthrough, everything. */
function isForHwdom(xen: Xen, frame: number): boolean {
  if (xen.spec.hwdomMode === 'passthrough') return true;
  const pdx = xen.ram.indexOf(frame);
  return pdx < 0 || isDomainFrame(xen, pdx);
}

/**
 * Whether a domain's tables are bound to the canonical rule now: kept in sync, built, and neither about to go with it nor
 * left as they are because an entry could not be written, for which the domain was crashed (dossier §4.4).
 */
export function isBoundByTypes(xen: Xen, slot: number): boolean {
  if (xen.isDying(slot) || !xen.isPv(slot) || xen.domain.crashed.get(slot) !== 0) return false;
  return mirrors(xen, slot) && isConstructed(xen, slot);
}

/** Input frames worth looking at: every frame of RAM and, where domains are translated, the guest frames in use. */
export function inputFrames(xen: Xen, gfns: number): number[] {
  const frames = Array.from({ length: xen.ram.frames }, (_, pdx) => xen.ram.frameAt(pdx));
  const reserved = xen.spec.reserved.flatMap(({ range }) =>
    Array.from({ length: range.count }, (_, i) => range.base + i),
  );
  const regions = (xen.spec.regions ?? []).flatMap(({ range }) =>
    Array.from({ length: range.count }, (_, i) => range.base + i),
  );
  const low = Array.from({ length: gfns }, (_, gfn) => gfn);
  // The last that there is: what INVALID_GFN comes to where somebody takes it for a frame.
  if (gfns > 0 && xen.profile.iommuContext === 'at-first-assignment' && xen.spec.arch === 'x86')
    low.push(2 ** 36 - 1);
  return [...new Set([...frames, ...reserved, ...regions, ...low])].sort((a, b) => a - b);
}
