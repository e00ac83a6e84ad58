import { entryHigh, entryLow, mmuUpdate, pinTable, unpinTable, updateVaMapping } from '../xen/page-table.js';
import { guestStore } from '../xen/vcpu.js';
import { type ActionScene, answered } from './alphabet-action.js';
import type { Argument } from './program.js';

/** A PV guest makes pages page tables and changes their entries. */
export function addPageTables(scene: ActionScene, slot: number): void {
  const { xen, names, bounds, frames, add } = scene;
  const domain = names.domain(slot);
  for (const pdx of frames) {
    const page = xen.ram.frameAt(pdx);
    for (const level of bounds.levels) {
      add(`pin_l${level}_table`, domain, { domain, page }, () => answered(pinTable(xen, slot, pdx, level)));
    }
    add('unpin_table', domain, { domain, page }, () => answered(unpinTable(xen, slot, pdx)));
    for (let va = 0; va < bounds.vaSlots; va++) {
      for (const writable of [true, false]) {
        const args = { domain, va, page, rights: writable ? 'rw' : 'ro' };
        add('update_va_mapping', domain, args, () =>
          answered(updateVaMapping(xen, slot, va, pdx, writable, slot)),
        );
      }
    }
    for (let index = 0; index < bounds.entries; index++) addEntryWrites(scene, slot, pdx, index);
  }
  for (let va = 0; va < bounds.vaSlots; va++) {
    add('update_va_mapping', domain, { domain, va }, () =>
      answered(updateVaMapping(xen, slot, va, -1, false, slot)),
    );
  }
}

/** Writing an entry, as memory or by mmu_update: to nothing, or to map any frame writable. */
function addEntryWrites(scene: ActionScene, slot: number, pdx: number, index: number): void {
  const { xen, names, frames, add } = scene;
  const domain = names.domain(slot);
  const entry = `0x${xen.ram.frameAt(pdx).toString(16)}[${index}]`;
  const write = (lo: number, hi: number, args: Record<string, Argument>) => {
    add('store', domain, args, () => answered(guestStore(xen, slot, pdx, index, lo, hi)));
    add('mmu_update', domain, args, () => answered(mmuUpdate(xen, slot, pdx, index, lo, hi)));
  };
  write(0, 0, { domain, entry });
  for (const target of frames) {
    const args = { domain, entry, page: xen.ram.frameAt(target), rights: 'rw' };
    write(entryLow(xen, target, true), entryHigh(xen, target), args);
  }
}
