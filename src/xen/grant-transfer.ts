import {
  GrantType,
  GTF_TRANSFER_COMMITTED,
  GTF_TRANSFER_COMPLETED,
  grantDomid,
  grantFlags,
} from '../formats/grant-v1.js';
import { flushCpuTlb } from './cpu-tlb.js';
import { Errno } from './errno.js';
import {
  appendToList,
  dropAllocation,
  isHeldByAllocationOnly,
  lowestFreeFrame,
  ownerOf,
  removeFromList,
  takeFrame,
} from './frames.js';
import { grantEntryFrame, grantEntryWord } from './grant-entry.js';
import { entryAddress, grantEntryCount, isVersion2 } from './grant-frames.js';
import { GNTST } from './grant-status.js';
import { iommuUnmap, mirrors } from './iommu-map.js';
import { mustWait } from './locks.js';
import { guestPhysmapAdd, stealPage } from './memory.js';
import { p2mLookup } from './p2m.js';
import type { Xen } from './state.js';
import { List } from './tables/frame.js';

/** Frames that an entry of version 1 has room for. */
const V1_FRAMES = 2 ** 32;

/**
 * GNTTABOP_transfer of one page (dossier §5.6): the caller's page becomes another domain's, which accepts it by a grant entry.
 * -EOPNOTSUPP where it is switched off, or not built; otherwise a {@link GNTST}. Once the page is stolen, every refusal loses
 * it: it is freed, and nobody has it.
 */
export function grantTransfer(xen: Xen, caller: number, frame: number, target: number, ref: number): number {
  if (!isOffered(xen)) return -Errno.EOPNOTSUPP;
  const pdx = pageToGive(xen, caller, frame);
  if (pdx < 0) return GNTST.bad_page;
  // steal_page does not know translated domains.
  if (xen.isTranslated(caller)) return GNTST.general_error;
  if (ownerOf(xen, pdx) !== caller || !isHeldByAllocationOnly(xen, pdx)) return GNTST.bad_page;
  if (stealPage(xen, caller, pdx) !== 0) return GNTST.general_error;
  if (xen.profile.pvPageAdded === 'mapped-untyped' && mirrors(xen, caller)) iommuUnmap(xen, caller, frame);
  if (xen.profile.transferFlush === 'giver') flushCpuTlb(xen, caller);
  if (!xen.exists(target)) return lose(xen, pdx, GNTST.bad_domain);
  const page = belowClamp(xen, target, pdx);
  if (page < 0) return lose(xen, pdx, GNTST.address_too_big);
  // A page that goes from a domain to itself is none of its pages meanwhile.
  const pages = xen.domain.totPages.get(target) - (target === caller ? 1 : 0);
  if (xen.isDying(target) || pages >= xen.domain.maxPages.get(target)) {
    return lose(xen, page, GNTST.general_error);
  }
  if (!commit(xen, caller, target, ref)) return lose(xen, page, GNTST.general_error);
  handOver(xen, caller, target, page);
  return complete(xen, target, ref, xen.profile.transferCopy === 'copy' ? page : pdx);
}

/** `gnttab=no-transfer` since 4.17, when builds without PV lost it, too: that is Arm (185250ec78). */
function isOffered(xen: Xen): boolean {
  if (xen.profile.transferOption === 'unknown') return true;
  return xen.spec.arch !== 'arm' && !(xen.spec.gnttab?.noTransfer ?? false);
}

/** Index of a frame of RAM that the caller names, or -1. */
function pageToGive(xen: Xen, caller: number, frame: number): number {
  return xen.ram.indexOf(xen.isTranslated(caller) ? p2mLookup(xen, caller, frame) : frame);
}

function lose(xen: Xen, pdx: number, status: number): number {
  dropAllocation(xen, pdx);
  return status;
}

/**
 * A PV domain whose table has version 1 can be told of 32 bits of frame: a page beyond is copied into a free one below.
 * Index of the page to go on with, or -1 when there is none.
 */
function belowClamp(xen: Xen, target: number, pdx: number): number {
  const wide = isVersion2(xen, target) || xen.isTranslated(target);
  if (wide || xen.ram.frameAt(pdx) < V1_FRAMES) return pdx;
  const fresh = lowestFreeFrame(xen);
  if (fresh < 0 || xen.ram.frameAt(fresh) >= V1_FRAMES) return -1;
  const giver = ownerOf(xen, pdx);
  takeFrame(xen, fresh, giver);
  if (xen.profile.transferCopy === 'old-frame') xen.frame.countInfo.set(fresh, 0);
  for (let at = 0; at < 4096; at += 4) {
    xen.ram.write32(xen.ram.frameAt(fresh) * 4096 + at, xen.ram.read32(xen.ram.frameAt(pdx) * 4096 + at));
  }
  dropAllocation(xen, pdx);
  return fresh;
}

/** gnttab_prepare_for_transfer: the entry must accept a page from the caller, and say nothing else. */
function commit(xen: Xen, caller: number, target: number, ref: number): boolean {
  if (mustWait(xen, xen.domain.grantLock, target)) return false;
  if (ref < 0 || ref >= grantEntryCount(xen, target)) return false;
  const word = grantEntryWord(xen, target, ref);
  if (grantFlags(word) !== GrantType.ACCEPT_TRANSFER || grantDomid(word) !== xen.domidOf(caller))
    return false;
  xen.ram.write32(entryAddress(xen, target, ref), word | GTF_TRANSFER_COMMITTED);
  return true;
}

/** assign_pages: the page, with what is in it, is the target's. */
function handOver(xen: Xen, caller: number, target: number, pdx: number): void {
  removeFromList(xen, caller, pdx);
  xen.domain.totPages.add(caller, -1);
  xen.frame.owner.set(pdx, target + 1);
  xen.domain.totPages.add(target, 1);
  appendToList(xen, target, pdx, List.pages);
}

/** The new owner and its devices come to know the page, and a PV one is told which it is. */
function complete(xen: Xen, target: number, ref: number, pdx: number): number {
  const status = guestPhysmapAdd(xen, target, grantEntryFrame(xen, target, ref), pdx);
  const at = entryAddress(xen, target, ref);
  if (!xen.isTranslated(target)) {
    const frame = xen.ram.frameAt(pdx);
    if (isVersion2(xen, target)) {
      xen.ram.write32(at + 8, frame);
      xen.ram.write32(at + 12, Math.floor(frame / 2 ** 32));
    } else {
      xen.ram.write32(at + 4, frame);
    }
  }
  xen.ram.write32(at, xen.ram.read32(at) | GTF_TRANSFER_COMPLETED);
  return status !== 0 && xen.profile.transferredPage === 'general_error' ? GNTST.general_error : GNTST.okay;
}
