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
import { Ground, on, type Ruling, rightsOf, within } from './ruling.js';
import type { Xen } from './state.js';

/**
 * The one rule (dossier §3.3, §4, §5.4): what devices of a domain may do with the host frame `frame` when they use
 * input frame `input`, and on what ground. PV: the domain's own pages of writable type, at their machine address.
 * Translated: what the p2m says there. Besides: pages it has mapped through grants, its devices' reserved regions, and for
 * dom0 what boot maps.
 *
 * The rule is stated over the hypervisor's records, never over IOMMU tables, which are what it judges.
 */
export function ruling(xen: Xen, slot: number, input: number, frame: number): Ruling {
  // A hidden device is dom_xen's in name only: it works for the hardware domain.
  if (slot === xen.domXen) return ruling(xen, 0, input, frame);
  if (slot === xen.domIo) {
    return input === frame && reservesFrame(xen, slot, frame)
      ? on(Ground.quarantineReserved, R | W)
      : on(Ground.quarantine, scratchRights(xen, frame));
  }
  if (isUntranslatedHwdom(xen, slot))
    return isForHwdom(xen, frame) ? on(Ground.hwdomTrusted, R | W) : on(Ground.xensOwn, 0);
  if (input === frame && xen.spec.reserved.length !== 0 && keepsReserved(xen, slot, frame))
    return on(Ground.reserved, R | W);
  const pdx = xen.ram.indexOf(frame);
  if (pdx < 0) {
    if (isDeviceMemory(xen, slot, input, frame))
      return on(Ground.deviceMemory, p2mDeviceRights(xen, slot, input));
    return xen.isHardwareDomain(slot) && input === frame
      ? on(Ground.hostMap, hwdomFrameRights(xen, frame))
      : on(Ground.noMemory, 0);
  }
  if (isFree(xen, pdx)) return on(Ground.free, 0);
  const translated = xen.isTranslated(slot);
  if (translated ? p2mLookup(xen, slot, input) !== frame : input !== frame) {
    if (isLeftBehind(xen, slot, pdx)) return on(Ground.leftBehind, R | W);
    return on(translated ? Ground.elsewhere : Ground.notIdentity, 0);
  }
  const own = translated ? memoryRuling(xen, slot, input, pdx) : ownRuling(xen, slot, pdx);
  const held = rightsOf(own) === (R | W) ? 0 : handleRights(xen, slot, -1, pdx);
  const all = held === 0 ? own : on(translated ? Ground.p2mGrant : Ground.grant, rightsOf(own) | held);
  return translated ? within(all, p2mDeviceRights(xen, slot, input)) : all;
}

/** What the one rule ({@link ruling}) permits. */
export function permittedRights(xen: Xen, slot: number, input: number, frame: number): Rights {
  return rightsOf(ruling(xen, slot, input, frame));
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
function memoryRuling(xen: Xen, slot: number, input: number, pdx: number): Ruling {
  if (ownerOf(xen, pdx) === slot) return on(Ground.p2mOwn, R | W);
  return xen.domain.foreignMaps.get(slot) !== 0 && isForeignType(p2mType(xen, slot, input))
    ? on(Ground.p2mForeign, R | W)
    : on(Ground.p2mStranger, 0);
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
function ownRuling(xen: Xen, slot: number, pdx: number): Ruling {
  if (ownerOf(xen, pdx) !== slot) return on(Ground.stranger, 0);
  if (isSpecialPage(xen, pdx)) return on(Ground.special, 0);
  const type = typeOf(xen.frame.typeInfo.get(pdx));
  if (type === PGT.writable || isChangingType(xen, pdx)) return on(Ground.writable, R | W);
  const { pvPageAdded, strictHwdomPages } = xen.profile;
  if (type === PGT.none && pvPageAdded === 'mapped-untyped') return on(Ground.untyped, R | W);
  if (!xen.isHardwareDomain(slot)) return on(Ground.notWritable, 0);
  if (strictHwdomPages === 'every-page') return on(Ground.hwdomPages, type === PGT.none ? R | W : R);
  return strictHwdomPages === 'writable-or-untyped' && type === PGT.none
    ? on(Ground.hwdomPages, R | W)
    : on(Ground.notWritable, 0);
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
