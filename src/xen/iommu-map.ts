import { R, type Rights, W } from '../formats/address.js';
import { ENTRY_SPAN } from '../formats/radix.js';
import { Errno } from './errno.js';
import { fails } from './failures.js';
import { Flush, iommuFlush } from './iommu-flush.js';
import { chunkLevel, covers, growTables, iommuRoot, tablesOf } from './iommu-tables.js';
import { p2mRemove, p2mSet } from './p2m.js';
import { P2mType } from './p2m-types.js';
import type { RadixWriter } from './radix-writer.js';
import type { Xen } from './state.js';
import { IommuStatus, Kind, Life } from './tables/domain.js';

/** Whether a domain has IOMMU tables of any kind: is_iommu_enabled, has_iommu_pt, need_iommu (dossier §1.1). */
export function hasIommu(xen: Xen, slot: number): boolean {
  return xen.domain.iommuStatus.get(slot) !== IommuStatus.disabled;
}

/** Whether those tables are complete: not while the late walk still fills them. */
export function isConstructed(xen: Xen, slot: number): boolean {
  return xen.domain.iommuStatus.get(slot) === IommuStatus.initialized;
}

/** Whether the IOMMU uses the domain's p2m itself (dossier §2.3 item 5). */
export function sharesP2m(xen: Xen, slot: number): boolean {
  return xen.domain.share.get(slot) !== 0;
}

/** Whether tables of the domain's own follow every change of its types or p2m: need_iommu_pt_sync (dossier §1.1). */
export function mirrors(xen: Xen, slot: number): boolean {
  if (slot >= xen.domIo) return false;
  if (xen.profile.hasMappings === 'need_iommu') return hasIommu(xen, slot) && !sharesP2m(xen, slot);
  return xen.domain.needSync.get(slot) !== 0;
}

/** Whether map and unmap requests for the domain go anywhere at all. */
function isMappable(xen: Xen, slot: number): boolean {
  if (!xen.iommuOn) return false;
  if (xen.isHardwareDomain(slot) && xen.spec.hwdomMode === 'passthrough') return false;
  // Late contexts attach the vendor's hooks to every domain, so tables can be written before the first assignment
  // and after the last device left (dossier §1.1, §12 T6).
  return xen.profile.iommuContext === 'at-first-assignment' || hasIommu(xen, slot);
}

/**
 * iommu_legacy_map of `count` pages: 0, or -ENOMEM; on AMD -EFAULT when a table below the root is missing. Does nothing
 * for a domain without a context, and since 4.15 on x86 for a dying one. A failure undoes what was mapped and crashes the
 * domain unless it is the hardware domain, which only AMD's driver does not spare (dossier §4.4, §7.2).
 */
export function iommuMap(
  xen: Xen,
  slot: number,
  input: number,
  frame: number,
  rights: Rights,
  count = 1,
): number {
  if (!isMappable(xen, slot)) return 0;
  if (xen.domain.kind.get(slot) === Kind.arm) return armMap(xen, slot, input, frame, rights, count);
  if (xen.profile.dyingMap === 'ignored' && xen.isDying(slot)) return 0;
  let flags = 0;
  for (let done = 0; done < count; ) {
    const level = chunkLevel(xen, input + done, frame + done, count - done);
    const status = writeEntry(xen, slot, input + done, frame + done, rights, level);
    if (status !== 0) {
      abandonMap(xen, slot, input, done, count);
      return status;
    }
    const tables = tablesOf(xen, slot);
    flags |= mapFlags(xen, slot, tables, frame + done);
    tables.freeReplaced(xen, -1);
    done += ENTRY_SPAN[level]!;
  }
  return legacyFlush(xen, slot, input, count, flags);
}

/** What the legacy wrappers flush after a success, unless a batch does it for all its changes (dossier §4.4). */
function legacyFlush(xen: Xen, slot: number, input: number, count: number, flags: number): number {
  return flags === 0 || xen.dontFlushIotlb ? 0 : iommuFlush(xen, slot, input, count, flags);
}

/** A map of `count` pages failed when `done` were mapped. */
function abandonMap(xen: Xen, slot: number, input: number, done: number, count: number): void {
  if (!xen.isHardwareDomain(slot) || xen.amdvi !== undefined) xen.domain.crashed.set(slot, 1);
  if (done > 0) clearEntries(xen, slot, input, done);
  if (count > 1) iommuFlush(xen, slot, 0, 0, Flush.modified | Flush.all);
}

/** map_page: one entry of `level`. */
function writeEntry(
  xen: Xen,
  slot: number,
  input: number,
  frame: number,
  rights: Rights,
  level: number,
): number {
  if (iommuRoot(xen, slot) < 0) return -Errno.ENOMEM;
  if (fails(xen, 'map')) return driverErrno(xen);
  const grown = growTables(xen, slot, input) && covers(xen, slot, input);
  const tables = tablesOf(xen, slot);
  return grown && tables.map(xen, iommuRoot(xen, slot), input, frame, rights, 0, level)
    ? 0
    : driverErrno(xen);
}

/**
 * What the driver says of the entry it wrote last (dossier §4.4): added, and modified if one was there, also where a page
 * was split to make room. An entry that was there already is nothing to VT-d and an addition to AMD-Vi; a table that a
 * page replaced concerns everything.
 */
function mapFlags(xen: Xen, slot: number, tables: RadixWriter, frame: number): number {
  if (tables.unchanged) return xen.amdvi === undefined ? 0 : Flush.added;
  const changed = tables.wasPresent && noticesChange(xen, slot, tables.frame, frame);
  const flags = Flush.added | (tables.split || changed ? Flush.modified : 0);
  return tables.coalesced ? flags | Flush.modified | Flush.all : flags;
}

/** What a driver says when it cannot write an entry, for want of a table or otherwise. */
function driverErrno(xen: Xen): number {
  return xen.amdvi === undefined ? -Errno.ENOMEM : -Errno.EFAULT;
}

/**
 * Whether the driver takes an entry that was present and is written again for a change. AMD's of 4.11.0 compares frames
 * only, not rights, and thinks that a PV domain's never change (XSA-275, 1a7ffe466c).
 */
function noticesChange(xen: Xen, slot: number, before: number, after: number): boolean {
  if (xen.amdvi === undefined || xen.profile.amdMapFlush === 'every-change') return true;
  return xen.isTranslated(slot) && before !== after;
}

/**
 * iommu_legacy_unmap of `count` pages: 0, or an errno when a superpage could not be split or the driver was made to fail;
 * the entry then stays. The first failure crashes the domain and ends the call, unless it is the hardware domain's
 * (dossier §4.4).
 */
export function iommuUnmap(xen: Xen, slot: number, input: number, count = 1): number {
  if (!isMappable(xen, slot)) return 0;
  if (xen.domain.kind.get(slot) === Kind.arm) return armUnmap(xen, slot, input, count);
  if (xen.domain.iommuRoot.get(slot) === 0) return 0;
  const flags = clearEntries(xen, slot, input, count);
  if (flags < 0) {
    if (count > 1) iommuFlush(xen, slot, 0, 0, Flush.modified | Flush.all);
    return flags;
  }
  return legacyFlush(xen, slot, input, count, flags);
}

/** unmap_page of each chunk: the flush flags, or the first errno. */
function clearEntries(xen: Xen, slot: number, input: number, count: number): number {
  let flags = 0;
  let failed = 0;
  for (let done = 0; done < count; ) {
    const level = chunkLevel(xen, input + done, 0, count - done);
    const status = clearEntry(xen, slot, input + done, level);
    if (status >= 0) flags |= status;
    else {
      if (failed === 0) failed = status;
      if (!xen.isHardwareDomain(slot)) {
        xen.domain.crashed.set(slot, 1);
        return failed;
      }
    }
    done += ENTRY_SPAN[level]!;
  }
  return failed === 0 ? flags : failed;
}

/** unmap_page: one entry of `level`. The flush flags, or an errno. */
function clearEntry(xen: Xen, slot: number, input: number, level: number): number {
  if (!covers(xen, slot, input)) return 0;
  if (fails(xen, 'unmap')) return driverErrno(xen);
  const tables = tablesOf(xen, slot);
  if (!tables.unmap(xen, iommuRoot(xen, slot), input, level)) return driverErrno(xen);
  if (!tables.wasPresent) return tables.split ? Flush.modified : 0;
  tables.freeReplaced(xen, -1);
  return tables.coalesced ? Flush.modified | Flush.all : unmapHint(xen);
}

/** What the driver says of a page's entry that was present and has been cleared (dossier §4.4). */
function unmapHint(xen: Xen): number {
  if (xen.vtd !== undefined) return xen.profile.vtdUnmapHint === 'absent' ? Flush.added : Flush.modified;
  return xen.profile.amdUnmapHint === 'high-word' ? 0 : Flush.modified;
}

/** Arm has no tables of its own: the mapping enters the p2m at GFN = MFN (dossier §9 item 3). */
function armMap(xen: Xen, slot: number, input: number, frame: number, rights: Rights, count: number): number {
  const forDirectMapped = xen.profile.armIommuMap === 'direct-mapped';
  if (forDirectMapped && (!xen.domain.directMapped.get(slot) || input !== frame)) {
    xen.bug('IOMMU map hook for no direct-mapped domain');
    return -Errno.EINVAL;
  }
  if ((rights & (R | W)) === 0) return -Errno.EINVAL;
  const type = rights & W ? P2mType.iommuMapRw : P2mType.iommuMapRo;
  for (let i = 0; i < count; i++) {
    const status = p2mSet(xen, slot, input + i, frame + i, type);
    if (status !== 0) return status;
  }
  return 0;
}

/** The other way round: -EINVAL for a domain that is not direct-mapped, in the releases that ask. */
function armUnmap(xen: Xen, slot: number, input: number, count: number): number {
  const refused = xen.profile.armIommuMap === 'direct-mapped' && !xen.domain.directMapped.get(slot);
  if (refused) return -Errno.EINVAL;
  for (let i = 0; i < count; i++) p2mRemove(xen, slot, input + i);
  return 0;
}

/** The p2m that the domain shared is not for the IOMMU to free, but once was: a test of what was off by then (0c0677f003c1). */
function freeSharedTables(xen: Xen, slot: number): void {
  const root = xen.domain.p2mRoot.get(slot);
  if (xen.profile.sharedTablesAtDeath === 'once' || !sharesP2m(xen, slot) || root === 0) return;
  tablesOf(xen, slot).free(xen, xen.ram.frameAt(root - 1));
}

/** Whether a zombie's tables went as it died, though it still knows where they were. */
function isFreedAlready(xen: Xen, slot: number): boolean {
  const atRelinquish = xen.profile.iommuTablesFreed === 'at-relinquish';
  return xen.profile.freedRoot === 'dangling' && atRelinquish && xen.domain.life.get(slot) === Life.dead;
}

/** XSA-207: tables were given back only by domains that had used the IOMMU, and all have them (93e1435290). */
function isForgottenTable(xen: Xen, slot: number): boolean {
  return xen.profile.tablesFreed === 'if-it-had-a-device' && xen.domain.hadDevice.get(slot) === 0;
}

/** Frees a domain's own tables. AMD's driver forgets since 4.15 to invalidate what was translated through them. */
export function freeIommuTables(xen: Xen, slot: number): void {
  const root = xen.domain.iommuRoot.get(slot);
  if (root === 0) {
    freeSharedTables(xen, slot);
    return;
  }
  if (isFreedAlready(xen, slot) || isForgottenTable(xen, slot)) return;
  // Nobody may go through them from now on, pages that leave the domain later included (9bd9695a8bc7).
  if (xen.profile.freedRoot === 'forgotten') xen.domain.iommuRoot.set(slot, 0);
  tablesOf(xen, slot).free(xen, xen.ram.frameAt(root - 1));
  if (xen.amdvi !== undefined && xen.profile.amdFreedTables === 'not-flushed') return;
  iommuFlush(xen, slot, 0, 0, Flush.all);
}
