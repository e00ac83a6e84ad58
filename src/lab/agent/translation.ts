import { MMUEXT, PTE_READ_ONLY, pageTableEntry } from './abi/mmu.js';
import type { Holdings } from './holdings.js';
import { decreaseOwn, populateOwn } from './own-pages.js';
import { mmuextOp, mmuUpdate, updateVaMapping } from './page-tables.js';
import { PAGE_BYTES, WINDOW } from './process-slots.js';

/** Entries of a page table; more frames are not asked for at once. */
const ENTRIES = 512;
const ADDRESS_BITS = 0xf_ffff_ffff_f000n;

/**
 * The MFNs behind GFNs of a translated domain. Xen tells no one; but when dom0 writes an entry for a page of such a
 * domain into a page table, Xen puts the MFN in place of the GFN. So a page of dom0's becomes a table for as long as it
 * takes, its entries read-only, which types nothing. Empty where dom0 has no page tables of its own (PVH).
 */
export function framesBehind(holdings: Holdings, domid: number, gfns: readonly number[]): number[] {
  const { dom0, processSlots } = holdings;
  const table = populateOwn(holdings, 1).frames[0];
  if (table === undefined || gfns.length > ENTRIES) return [];
  const window = processSlots.address(WINDOW);
  const frames: number[] = [];
  try {
    const updates = gfns.map((gfn, index) => ({
      mfn: table,
      index,
      entry: pageTableEntry(gfn, PTE_READ_ONLY),
    }));
    const refused =
      mmuextOp(dom0, MMUEXT.clear_page, [table]) ||
      mmuextOp(dom0, MMUEXT.pin_l1_table, [table]) ||
      mmuUpdate(dom0, updates, 0, domid) ||
      updateVaMapping(dom0, window, pageTableEntry(table, PTE_READ_ONLY));
    if (refused !== 0) return [];
    const words = new BigUint64Array(dom0.native.view(window, PAGE_BYTES));
    for (let i = 0; i < gfns.length; i++) frames.push(Number((words[i]! & ADDRESS_BITS) >> 12n));
    return frames;
  } finally {
    updateVaMapping(dom0, window, 0n);
    mmuextOp(dom0, MMUEXT.unpin_table, [table]);
    decreaseOwn(holdings, table);
  }
}
