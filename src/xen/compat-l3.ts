import { PGT } from '../formats/x86-page-info.js';
import { PTE_PRESENT, PTE_RW } from './page-table.js';
import type { Xen } from './state.js';

/** The L3 table of a 32-bit PV guest, which really runs on four levels (arch/x86/mm.c, arch/x86/pv/mm.h). */

/** Entries of the L3 of a 32-bit guest; the last one leads to the L2 in which Xen has its own mappings. */
export const COMPAT_L3_ENTRIES = 4;

export const isCompatL3 = (xen: Xen, slot: number, type: number): boolean =>
  type === PGT.l3 && slot >= 0 && xen.domain.compat.get(slot) !== 0;

/** adjust_guest_l3e: on the four levels that a 32-bit guest really runs on, writes pass through its L3. */
export const adjustedL3 = (lo: number): number => ((lo & PTE_PRESENT) === 0 ? lo : lo | PTE_RW);
