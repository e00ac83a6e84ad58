import { MMUEXT, PTE_READ_ONLY, pageTableEntry } from './abi/mmu.js';
import type { Holdings } from './holdings.js';
import { decreaseOwn, populateOwn } from './own-pages.js';
import { mmuextOp, mmuUpdate } from './page-tables.js';

/** Entries of a page table; more frames are not asked for at once. */
const ENTRIES = 512;
const ADDRESS_BITS = 0xf_ffff_ffff_f000n;

/**
 * The MFNs behind GFNs of a translated domain. Xen tells no one; but when dom0 writes an entry for a page of such a
 * domain into a page table, Xen puts the MFN in place of the GFN. So a page of dom0's becomes a table for as long as it
 * takes, its entries read-only, which types nothing. Empty where dom0 has no page tables of its own (PVH).
 */
export function framesBehind(holdings: Holdings, domid: number, gfns: readonly number[]): number[] {
  const { dom0, windows } = holdings;
  const table = gfns.length > ENTRIES ? undefined : populateOwn(holdings, 1).frames[0];
  if (table === undefined) return [];
  try {
    const make = [MMUEXT.clear_page, MMUEXT.pin_l1_table].map((cmd) => ({ cmd, mfn: table }));
    const updates = gfns.map((gfn, index) => ({
      mfn: table,
      index,
      entry: pageTableEntry(gfn, PTE_READ_ONLY),
    }));
    if (mmuextOp(dom0, make) !== 0 || mmuUpdate(dom0, updates, 0, domid) !== 0) return [];
    const window = windows.open(table, undefined, false);
    if (typeof window === 'number') return [];
    const words = new BigUint64Array(window.bytes);
    const frames = gfns.map((_, i) => Number((words[i]! & ADDRESS_BITS) >> 12n));
    windows.close(window);
    return frames;
  } finally {
    mmuextOp(dom0, [{ cmd: MMUEXT.unpin_table, mfn: table }]);
    decreaseOwn(holdings, table);
  }
}
