import { PGT } from '../formats/x86-page-info.js';
import { flushCpuTlb, remembersWritable, rememberWritable } from './cpu-tlb.js';
import { Errno } from './errno.js';
import { getPage, ownerOf, putPage } from './frames.js';
import { PTE_PRESENT, PTE_RW, writeEntry } from './page-table.js';
import { getPageAndType, getPageType, putPageAndType, putPageType } from './page-type.js';
import { lookForPreemption } from './preemption.js';
import type { Xen } from './state.js';

/**
 * What a PV domain's vCPU runs on: its page tables and its descriptors (dossier §3.2, §3.3; arch/x86/mm.c
 * new_guest_cr3, arch/x86/pv/descriptor-tables.c). Each holds a general and a type reference.
 */

/** The kernel's page tables, or the ones of its processes. */
export type Baseptr = 'baseptr' | 'userBaseptr';

/**
 * MMUEXT_NEW_BASEPTR, MMUEXT_NEW_USER_BASEPTR: the vCPU runs on the L4 table `pdx`, -1 for none (user tables only). CPUs
 * forget what they knew of the old ones. -EINVAL no page of the domain's, or none that is an L4; otherwise the errno of
 * validating it.
 */
export function newBaseptr(xen: Xen, slot: number, pdx: number, which: Baseptr): number {
  if (!xen.isPv(slot) || (pdx < 0 && which === 'baseptr')) return -Errno.EINVAL;
  // What a 32-bit guest runs on is not in the model (docs/limits.md).
  if (xen.domain.compat.get(slot) !== 0) return -Errno.EINVAL;
  const column = xen.domain[which];
  const old = column.get(slot) - 1;
  lookForPreemption(xen);
  if (old !== pdx) {
    const status = pdx < 0 ? 0 : getPageAndType(xen, pdx, slot, PGT.l4);
    if (status !== 0) return status;
    column.set(slot, pdx + 1);
    lookForPreemption(xen);
    if (old >= 0) putPageAndType(xen, old);
  }
  if (which === 'baseptr') flushCpuTlb(xen, slot);
  return 0;
}

/** Entries of a descriptor table that are the guest's; Xen's stand behind them. */
const GDT_ENTRIES = 7168;
const ENTRIES_OF_A_FRAME = 512;

/**
 * set_gdt of one frame: the descriptors in `pdx` are the domain's. -EINVAL more entries than a frame holds, no page of the
 * domain's, another type, or a descriptor that leads into Xen.
 */
export function setGdt(xen: Xen, slot: number, pdx: number, entries: number): number {
  if (!xen.isPv(slot)) return -Errno.ENOSYS;
  if (entries > GDT_ENTRIES || entries > ENTRIES_OF_A_FRAME) return -Errno.EINVAL;
  if (entries > 0 && getPageAndType(xen, pdx, slot, PGT.segDesc) !== 0) return -Errno.EINVAL;
  dropGdt(xen, slot);
  if (entries > 0) xen.domain.gdt.set(slot, pdx + 1);
  flushCpuTlb(xen, slot);
  return 0;
}

function dropGdt(xen: Xen, slot: number): void {
  const old = xen.domain.gdt.get(slot) - 1;
  if (old < 0) return;
  xen.domain.gdt.set(slot, 0);
  putPageAndType(xen, old);
}

/** vcpu_destroy_pagetables, pv_destroy_gdt: a dying domain's vCPU runs on nothing any more. */
export function dropVcpuTables(xen: Xen, slot: number): void {
  xen.domain.linearTable.set(slot, 0);
  for (const column of [xen.domain.baseptr, xen.domain.userBaseptr]) {
    const pdx = column.get(slot) - 1;
    if (pdx < 0) continue;
    column.set(slot, 0);
    lookForPreemption(xen);
    putPageAndType(xen, pdx);
  }
  dropGdt(xen, slot);
}

/**
 * MMUEXT_CLEAR_PAGE; MMUEXT_COPY_PAGE of the page `source`, -1 for clearing. -EINVAL not the domain's pages, or the type of
 * the one to be written forbids it.
 */
export function clearOrCopyPage(xen: Xen, slot: number, pdx: number, source = -1): number {
  if (!xen.isPv(slot)) return -Errno.ENOSYS;
  if (source >= 0 && !getPage(xen, source, slot)) return -Errno.EINVAL;
  const written = getPage(xen, pdx, slot);
  const status = written && getPageType(xen, pdx, PGT.writable) === 0 ? 0 : -Errno.EINVAL;
  if (status === 0) {
    const [to, from] = [xen.ram.frameAt(pdx) * 4096, source < 0 ? -1 : xen.ram.frameAt(source) * 4096];
    for (let at = 0; at < 4096; at += 4) xen.ram.write32(to + at, from < 0 ? 0 : xen.ram.read32(from + at));
    putPageType(xen, pdx);
  }
  if (written) putPage(xen, pdx);
  if (source >= 0) putPage(xen, source);
  return status;
}

/**
 * The guest's CPU stores an entry into one of its pages. -EFAULT when it cannot write there, for the page fault that the
 * guest would take.
 */
export function guestStore(
  xen: Xen,
  slot: number,
  pdx: number,
  index: number,
  lo: number,
  hi: number,
): number {
  const translated = xen.isTranslated(slot);
  if (translated ? ownerOf(xen, pdx) !== slot : !cpuCanWrite(xen, slot, pdx)) return -Errno.EFAULT;
  writeEntry(xen, xen.ram.frameAt(pdx) * 4096 + index * 8, lo, hi);
  return 0;
}

/**
 * Whether the domain's CPU can write the frame: through a virtual page of its kernel, through the tables it runs on, or
 * because it remembers that it could. What it uses, it remembers.
 */
export function cpuCanWrite(xen: Xen, slot: number, pdx: number): boolean {
  if (!hasWritableVa(xen, slot, pdx) && !runsOnMappingOf(xen, slot, pdx))
    return remembersWritable(xen, slot, pdx);
  rememberWritable(xen, slot, pdx);
  return true;
}

function hasWritableVa(xen: Xen, slot: number, pdx: number): boolean {
  const { vaSlots } = xen.spec.limits;
  for (let row = slot * vaSlots; row < (slot + 1) * vaSlots; row++) {
    if (xen.va.frame.get(row) === pdx + 1 && xen.va.writable.get(row) !== 0) return true;
  }
  return false;
}

function runsOnMappingOf(xen: Xen, slot: number, pdx: number): boolean {
  const [kernel, user] = [xen.domain.baseptr.get(slot) - 1, xen.domain.userBaseptr.get(slot) - 1];
  return (kernel >= 0 && leadsTo(xen, kernel, 4, pdx)) || (user >= 0 && leadsTo(xen, user, 4, pdx));
}

/** Whether a table leads to the frame through entries that let writes pass, all the way down. */
function leadsTo(xen: Xen, table: number, level: number, pdx: number): boolean {
  const words = xen.ram.wordsOf(table);
  if (words < 0) return false;
  for (let index = 0; index < ENTRIES_OF_A_FRAME; index++) {
    const lo = xen.store.read(words + index * 2);
    if ((lo & (PTE_PRESENT | PTE_RW)) !== (PTE_PRESENT | PTE_RW)) continue;
    const hi = xen.store.read(words + index * 2 + 1);
    const next = xen.ram.indexOf((lo >>> 12) + (hi & 0xf_ffff) * 0x10_0000);
    if (level === 1 ? next === pdx : next >= 0 && leadsTo(xen, next, level - 1, pdx)) return true;
  }
  return false;
}
