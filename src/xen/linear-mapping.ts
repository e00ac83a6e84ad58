import { PGT, PGT_VALIDATED } from '../formats/x86-page-info.js';
import { Errno } from './errno.js';
import { typeCount, typeOf } from './page-info.js';
import { mmuUpdate, PTE_PRESENT, tableEntryFrame } from './page-table.js';
import type { Xen } from './state.js';

/**
 * Xen finds the page tables that a PV guest runs on by a mapping of them that is itself made of them (the linear page
 * tables; arch/x86/pv/mm.c map_guest_l1e). The CPU remembers what it found (with `limits cpu_tlb`), here for the addresses
 * below entry 0 of L4, L3 and L2, until it is flushed.
 */

/** The L1 table below entry 0 of the tables that the domain runs on, as hardware walks them now; -1 when there is none. */
export function firstL1Table(xen: Xen, slot: number): number {
  let table = xen.domain.baseptr.get(slot) - 1;
  for (let level = 4; level > 1 && table >= 0; level--) {
    const words = xen.ram.wordsOf(table);
    const lo = words < 0 ? 0 : xen.store.read(words);
    table = (lo & PTE_PRESENT) === 0 ? -1 : tableEntryFrame(xen, lo, xen.store.read(words + 1));
  }
  return table;
}

/** The same as Xen finds it: as the CPU remembers it, or by a walk, which it then remembers. */
function linearL1Table(xen: Xen, slot: number): number {
  const remembered = xen.domain.linearTable.get(slot) - 1;
  if (remembered >= 0) return remembered;
  const found = firstL1Table(xen, slot);
  if (xen.spec.limits.cpuTlb !== 0) xen.domain.linearTable.set(slot, found + 1);
  return found;
}

/**
 * update_va_mapping of an address in the tables that the domain runs on: entry `index` of the first L1 table. -EINVAL when
 * there is no such table, or what is found is no L1; otherwise as {@link mmuUpdate}.
 */
export function updateLinearMapping(xen: Xen, slot: number, index: number, lo: number, hi: number): number {
  if (!xen.isPv(slot)) return -Errno.ENOSYS;
  const table = linearL1Table(xen, slot);
  const info = table < 0 ? 0 : xen.frame.typeInfo.get(table);
  if (typeOf(info) !== PGT.l1 || typeCount(info) === 0 || (info & PGT_VALIDATED) === 0) return -Errno.EINVAL;
  return mmuUpdate(xen, slot, table, index, lo, hi);
}
