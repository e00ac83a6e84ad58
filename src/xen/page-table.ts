import { PGT, PGT_PINNED, PGT_VALIDATED } from '../formats/x86-page-info.js';
import { adjustedL3, COMPAT_L3_ENTRIES, isCompatL3 } from './compat-l3.js';
import { flushCpuTlb } from './cpu-tlb.js';
import { isLocked } from './entry-steps.js';
import { Errno } from './errno.js';
import { getPage, ownerOf, putPage } from './frames.js';
import { getLinear } from './linear-table.js';
import { typeCount, typeOf } from './page-info.js';
import { getPageAndType, getPageType, putPageAndType, putPageType } from './page-type.js';
import { lookForPreemption } from './preemption.js';
import type { Xen } from './state.js';

/** Bits of an x86-64 entry that decide references (Intel SDM 3A §4.5). */
export const PTE_PRESENT = 1;
export const PTE_RW = 2;

/**
 * Flags that a PV guest may not set in an entry it hands to Xen: PWT, PCD, PSE and global in a table entry; in an L1
 * entry the ones that choose caching (PWT, PCD, PAT), unless the domain has access to a device.
 */
const DISALLOWED_TABLE = 0x198;
const CACHING = 0x98;

/**
 * What an update may change of an entry without its being validated anew, if nothing else changes: user, accessed, dirty,
 * global, the bits left to software (9 to 11, 52 to 62), no-execute.
 */
const UNCHECKED_LOW = 0xf64;
const UNCHECKED_HIGH = 0xfff0_0000;

/** Slots of an L4 that Xen keeps for itself (is_guest_l4_slot). */
export const XEN_L4_SLOTS = { first: 256, last: 271 } as const;
export const isXenL4Slot = (index: number): boolean =>
  index >= XEN_L4_SLOTS.first && index <= XEN_L4_SLOTS.last;

/** Index among the frames of RAM of the frame an entry points to, or -1 when it is no RAM. */
export function tableEntryFrame(xen: Xen, lo: number, hi: number): number {
  return xen.ram.indexOf((lo >>> 12) + (hi & 0xf_ffff) * 0x10_0000);
}

/**
 * Takes what an L1 entry of `slot` holds: a general reference, and a writable type reference if writes pass
 * (dossier §3.2, arch/x86/mm.c get_page_from_l1e). `pageOwner` is the domain whose page the caller says it is.
 * -EINVAL bad flags; -EPERM no RAM and no right to it; -EBUSY the page is another's or of another type.
 */
export function getFromL1Entry(xen: Xen, lo: number, hi: number, slot: number, pageOwner: number): number {
  if (hasBadFlags(xen, lo, slot, PGT.l1)) return -Errno.EINVAL;
  const pdx = tableEntryFrame(xen, lo, hi);
  if (pdx < 0) return xen.isHardwareDomain(slot) ? 0 : -Errno.EPERM;
  if (!getPage(xen, pdx, pageOwner)) return -Errno.EBUSY;
  if (countsAsWritable(xen, lo, slot, pageOwner) && getPageType(xen, pdx, PGT.writable) !== 0) {
    putPage(xen, pdx);
    return -Errno.EBUSY;
  }
  return 0;
}

export function hasBadFlags(xen: Xen, lo: number, slot: number, type: number): boolean {
  if (type !== PGT.l1) return (lo & DISALLOWED_TABLE) !== 0;
  return (lo & CACHING) !== 0 && !mayChooseCaching(xen, slot);
}

/** The hardware domain, and who has been given a device, may choose how memory is cached. */
function mayChooseCaching(xen: Xen, slot: number): boolean {
  if (xen.isHardwareDomain(slot)) return true;
  for (let device = 0; device < xen.spec.devices.length; device++) {
    if (xen.device.owner.get(device) === slot + 1) return true;
  }
  return false;
}

/** Mappings into translated domains do not count as writable references of theirs. */
function countsAsWritable(xen: Xen, lo: number, slot: number, owner: number): boolean {
  return (lo & PTE_RW) !== 0 && (owner === slot || !xen.isTranslated(owner));
}

/** Drops what an L1 entry of `slot` holds. */
export function putFromL1Entry(xen: Xen, lo: number, hi: number, slot: number): void {
  const pdx = tableEntryFrame(xen, lo, hi);
  if (pdx < 0) return;
  if (countsAsWritable(xen, lo, slot, ownerOf(xen, pdx))) putPageType(xen, pdx);
  putPage(xen, pdx);
}

/**
 * Takes what an entry of `table`, of type `type` (l2 to l4), holds: a reference of the type one level down. Where that is
 * -EINVAL, as for a table of the same level, a read-only entry is tried as a linear one; to the table itself it holds
 * nothing. -EINVAL bad flags, no RAM, another's page, another type; otherwise the errno of validating the page.
 */
function getFromTableEntry(
  xen: Xen,
  lo: number,
  hi: number,
  slot: number,
  table: number,
  type: number,
): number {
  if (hasBadFlags(xen, lo, slot, type)) return -Errno.EINVAL;
  const pdx = tableEntryFrame(xen, lo, hi);
  if (pdx < 0) return -Errno.EINVAL;
  const status = getPageAndType(xen, pdx, slot, type - 1);
  const linear = (lo & PTE_RW) === 0 && mayBeLinear(xen, slot, type);
  if (status === -Errno.EINVAL && linear) {
    if (pdx === table || getLinear(xen, table, pdx, slot, type)) return 0;
  }
  // Up to 4.11.0 get_page_type said no more than that it failed (c612481d1c).
  return status !== 0 && type === PGT.l2 && xen.profile.l2EntryErrno === 'EINVAL' ? -Errno.EINVAL : status;
}

/** The L3 of a 32-bit guest has none: Xen makes all its entries writable (c844d637d9). */
function mayBeLinear(xen: Xen, slot: number, type: number): boolean {
  return !isCompatL3(xen, slot, type) || xen.profile.l3Recursion === 'allowed';
}

/** What a present entry takes; one that is not present takes nothing. */
export function getFromEntry(
  xen: Xen,
  lo: number,
  hi: number,
  slot: number,
  table: number,
  type: number,
): number {
  if ((lo & PTE_PRESENT) === 0) return 0;
  return type === PGT.l1
    ? getFromL1Entry(xen, lo, hi, slot, slot)
    : getFromTableEntry(xen, lo, hi, slot, table, type);
}

/** Drops what an entry of `table` holds: nothing, if it points to the table itself and is no L1 entry. */
export function putFromEntry(
  xen: Xen,
  lo: number,
  hi: number,
  slot: number,
  table: number,
  type: number,
): void {
  if ((lo & PTE_PRESENT) === 0) return;
  if (type === PGT.l1) {
    putFromL1Entry(xen, lo, hi, slot);
    return;
  }
  const pdx = tableEntryFrame(xen, lo, hi);
  if (pdx === table) return;
  putPageType(xen, pdx, table);
  putPage(xen, pdx);
}

/**
 * mmu_update (MMU_NORMAL_PT_UPDATE): sets entry `index` of the page `pdx` of `slot`. A page in use as a page table
 * has the new entry validated; another page is written like memory, under a passing writable reference.
 * -EINVAL not the caller's page or its type forbids writing; otherwise the errno of validating the entry.
 */
export function mmuUpdate(
  xen: Xen,
  slot: number,
  pdx: number,
  index: number,
  lo: number,
  hi: number,
): number {
  if (!xen.isPv(slot)) return -Errno.ENOSYS;
  lookForPreemption(xen);
  // page_lock waits for whoever has it.
  if (isLocked(xen, pdx)) {
    xen.blocked = true;
    return 0;
  }
  if (!getPage(xen, pdx, slot)) return -Errno.EINVAL;
  const status = updateTableEntry(xen, slot, pdx, index, lo, hi);
  putPage(xen, pdx);
  return status;
}

/** {@link mmuUpdate} of a page of the domain's that is referenced. */
export function updateTableEntry(
  xen: Xen,
  slot: number,
  pdx: number,
  index: number,
  lo: number,
  hi: number,
): number {
  const info = xen.frame.typeInfo.get(pdx);
  const type = typeOf(info);
  const pa = xen.ram.frameAt(pdx) * 4096 + index * 8;
  if (typeCount(info) !== 0 && (info & PGT_VALIDATED) !== 0 && type !== PGT.writable) {
    if (type > PGT.l4 || (type === PGT.l4 && isXenL4Slot(index))) return -Errno.EINVAL;
    const compat = isCompatL3(xen, slot, type);
    if (compat && index >= COMPAT_L3_ENTRIES - 1) return -Errno.EINVAL;
    const oldLo = xen.ram.read32(pa);
    const oldHi = xen.ram.read32(pa + 4);
    const adjusted = compat ? adjustedL3(lo) : lo;
    if (isSimilar(xen, oldLo, oldHi, adjusted, hi, type) && !hasBadFlags(xen, lo, slot, type)) {
      writeEntry(xen, pa, adjusted, hi);
      flushForUpperLevel(xen, slot, type);
      return 0;
    }
    const status = getFromEntry(xen, adjusted, hi, slot, pdx, type);
    if (status !== 0) return status;
    writeEntry(xen, pa, adjusted, hi);
    putFromEntry(xen, oldLo, oldHi, slot, pdx, type);
    flushForUpperLevel(xen, slot, type);
    return 0;
  }
  if (getPageType(xen, pdx, PGT.writable) !== 0) return -Errno.EINVAL;
  writeEntry(xen, pa, lo, hi);
  putPageType(xen, pdx);
  return 0;
}

/** What Xen finds L1 tables by is to be found anew (16a20963b3, XSA-286). */
function flushForUpperLevel(xen: Xen, slot: number, type: number): void {
  if (type !== PGT.l1 && xen.profile.upperLevelFlush === 'yes') flushCpuTlb(xen, slot);
}

/**
 * Whether an update leaves a present entry its frame and all flags that decide anything: Xen's fast path. Above the lowest
 * level it once took no flag to decide anything but present (XSA-182).
 */
function isSimilar(xen: Xen, oldLo: number, oldHi: number, lo: number, hi: number, type: number): boolean {
  if ((lo & PTE_PRESENT) === 0) return false;
  const lax = type !== PGT.l1 && xen.profile.entryFastPath === 'same-frame';
  const unchecked = lax ? 0xfff & ~PTE_PRESENT : UNCHECKED_LOW;
  return ((oldLo ^ lo) & ~unchecked) === 0 && ((oldHi ^ hi) & ~UNCHECKED_HIGH) === 0;
}

export function writeEntry(xen: Xen, pa: number, lo: number, hi: number): void {
  xen.ram.write32(pa, lo);
  xen.ram.write32(pa + 4, hi);
}

/** Words of a present entry for a frame of RAM. */
export function entryLow(xen: Xen, pdx: number, writable: boolean): number {
  return (xen.ram.frameAt(pdx) << 12) | PTE_PRESENT | (writable ? PTE_RW : 0);
}
export function entryHigh(xen: Xen, pdx: number): number {
  return Math.floor(xen.ram.frameAt(pdx) / 0x10_0000);
}

/**
 * update_va_mapping: sets the L1 entry behind virtual page `va` of a PV domain, in the tables that the domain builder
 * made. Those are none of the frames a program names; a row of the table `va` stands for each entry.
 * `pageOwner` is the domain whose page is mapped: the caller, or for dom0 another (a foreign mapping). -EINVAL where no L1
 * table is behind `va`.
 */
export function updateVaMapping(
  xen: Xen,
  slot: number,
  va: number,
  pdx: number,
  writable: boolean,
  pageOwner: number,
): number {
  if (!xen.isPv(slot)) return -Errno.ENOSYS;
  if (pageOwner !== slot && !xen.isHardwareDomain(slot)) return -Errno.EPERM;
  if (!hasEntryAt(xen, va)) return -Errno.EINVAL;
  const row = slot * xen.spec.limits.vaSlots + va;
  const old = xen.va.frame.get(row) - 1;
  if (pdx >= 0) {
    const again = pdx === old && writable === (xen.va.writable.get(row) !== 0);
    // The fast path asks nobody whose page it is, unless a p2m must be asked where it is.
    if (again && !xen.isTranslated(pageOwner)) return 0;
    const status = getFromL1Entry(xen, entryLow(xen, pdx, writable), entryHigh(xen, pdx), slot, pageOwner);
    if (status !== 0) return status;
  }
  setVaEntry(xen, slot, va, pdx, writable);
  return 0;
}

/**
 * mmu_update (MMU_MACHPHYS_UPDATE): a PV domain, or dom0 for another, tells Xen which guest frame a page is; nothing follows
 * from it in the model. -EPERM not one's own page and not dom0; -EINVAL the owner is translated, or it is not its page.
 */
export function machphysUpdate(xen: Xen, slot: number, pdx: number, owner: number): number {
  if (!xen.isPv(slot)) return -Errno.ENOSYS;
  if (owner !== slot && !xen.isHardwareDomain(slot)) return -Errno.EPERM;
  if (xen.isTranslated(owner)) {
    if (xen.profile.machphysRefusal === 'keeps-reference') getPage(xen, pdx, owner);
    return -Errno.EINVAL;
  }
  if (!getPage(xen, pdx, owner)) return -Errno.EINVAL;
  putPage(xen, pdx);
  return 0;
}

/** Whether there is an L1 table behind a virtual page: beyond those that the domain builder made there is none. */
export const hasEntryAt = (xen: Xen, va: number): boolean => va >= 0 && va < xen.spec.limits.vaSlots;

/** Sets the L1 entry behind a virtual page, -1 for none; what it needs is held, what the old one held goes. */
export function setVaEntry(xen: Xen, slot: number, va: number, pdx: number, writable: boolean): void {
  const row = slot * xen.spec.limits.vaSlots + va;
  const old = xen.va.frame.get(row) - 1;
  const oldLow = old < 0 ? 0 : entryLow(xen, old, xen.va.writable.get(row) !== 0);
  xen.va.frame.set(row, pdx + 1);
  xen.va.writable.set(row, pdx >= 0 && writable ? 1 : 0);
  if (old >= 0) putFromL1Entry(xen, oldLow, entryHigh(xen, old), slot);
}

/** An L1 entry behind a virtual page goes; what it held stays held. */
export function clearVaEntry(xen: Xen, row: number): void {
  xen.va.frame.set(row, 0);
  xen.va.writable.set(row, 0);
}

/** The domain builder's tables of a dying domain go, and what their entries held. */
export function dropVaMappings(xen: Xen, slot: number): void {
  const { vaSlots } = xen.spec.limits;
  for (let row = slot * vaSlots; row < (slot + 1) * vaSlots; row++) {
    const pdx = xen.va.frame.get(row) - 1;
    if (pdx < 0) continue;
    const low = entryLow(xen, pdx, xen.va.writable.get(row) !== 0);
    xen.va.frame.set(row, 0);
    xen.va.writable.set(row, 0);
    putFromL1Entry(xen, low, entryHigh(xen, pdx), slot);
  }
}

/**
 * mmuext_op MMUEXT_PIN_Ln_TABLE: `type` is l1 to l4. -EINVAL not the caller's page, another type, already pinned. A page
 * of a dying domain, which only others can pin, is unpinned at once.
 */
export function pinTable(xen: Xen, slot: number, pdx: number, type: number): number {
  if (!xen.isPv(slot)) return -Errno.ENOSYS;
  lookForPreemption(xen);
  // 32-bit guests have no L4: that is ignored.
  if (type === PGT.l4 && xen.domain.compat.get(slot) !== 0) return 0;
  const status = getPageAndType(xen, pdx, slot, type);
  return status !== 0 ? status : keepPinned(xen, slot, pdx);
}

/** The pin keeps both references that have been taken; they go where it cannot. -EINVAL already pinned. */
export function keepPinned(xen: Xen, slot: number, pdx: number): number {
  const info = xen.frame.typeInfo.get(pdx);
  if ((info & PGT_PINNED) !== 0) {
    putPageAndType(xen, pdx);
    return -Errno.EINVAL;
  }
  if (xen.isDying(slot)) putPageAndType(xen, pdx);
  else xen.frame.typeInfo.set(pdx, info | PGT_PINNED);
  return 0;
}

/** mmuext_op MMUEXT_UNPIN_TABLE. -EINVAL not the caller's page, or not pinned. */
export function unpinTable(xen: Xen, slot: number, pdx: number): number {
  if (!xen.isPv(slot)) return -Errno.ENOSYS;
  lookForPreemption(xen);
  if (!getPage(xen, pdx, slot)) return -Errno.EINVAL;
  const info = xen.frame.typeInfo.get(pdx);
  if ((info & PGT_PINNED) === 0) {
    putPage(xen, pdx);
    return -Errno.EINVAL;
  }
  xen.frame.typeInfo.set(pdx, info & ~PGT_PINNED);
  putPageAndType(xen, pdx);
  putPage(xen, pdx);
  return 0;
}
