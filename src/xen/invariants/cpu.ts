import { PGT, PGT_NAMES, PGT_VALIDATED } from '../../formats/x86-page-info.js';
import { isFree, isSpecialPage, ownerOf } from '../frames.js';
import { firstL1Table } from '../linear-mapping.js';
import { isPageTable, typeCount, typeOf } from '../page-info.js';
import { isXenL4Slot, PTE_PRESENT, PTE_RW, tableEntryFrame } from '../page-table.js';
import type { Xen } from '../state.js';
import type { Invariant } from './invariant.js';
import { isTableInUse } from './reach.js';
import { pageText } from './words.js';

/** What the CPUs of PV guests can write. */

/**
 * A page that a PV domain's CPU must not have mapped writable: one of a PV domain whose type is another, or one of Xen's that
 * is not shared with a domain.
 */
function isWriteProtected(xen: Xen, pdx: number): boolean {
  const owner = ownerOf(xen, pdx);
  const isXens = pdx >= xen.xenHeap.first && pdx < xen.xenHeap.end;
  if (isXens && (!isSpecialPage(xen, pdx) || owner === xen.domXen)) return true;
  if (owner >= 0 && xen.isTranslated(owner)) return false;
  const info = xen.frame.typeInfo.get(pdx);
  return typeOf(info) !== PGT.writable || typeCount(info) === 0;
}

function writtenByCpu(xen: Xen): string | undefined {
  const { vaSlots } = xen.spec.limits;
  for (let row = 0; row < xen.domIo * vaSlots; row++) {
    const pdx = xen.va.frame.get(row) - 1;
    if (pdx >= 0 && xen.va.writable.get(row) !== 0 && isWriteProtected(xen, pdx))
      return `${xen.domainName(Math.floor(row / vaSlots))} has ${pageText(xen, pdx)} mapped writable at va ${row % vaSlots}`;
  }
  for (let table = 0; table < xen.ram.frames; table++) {
    const info = xen.frame.typeInfo.get(table);
    // What a table holds counts once it has been looked into.
    if (!isPageTable(typeOf(info)) || typeCount(info) === 0 || (info & PGT_VALIDATED) === 0) continue;
    const found =
      typeOf(info) === PGT.l1 ? writtenThroughTable(xen, table) : writtenThroughLinear(xen, table);
    if (found !== undefined) return found;
  }
  const remembered = xen.spec.limits.cpuTlb === 0 ? undefined : rememberedByCpu(xen);
  return remembered ?? writtenByXen(xen);
}

/** A CPU that remembers as writable what has become a page table or descriptors meanwhile (XSA-401). */
function rememberedByCpu(xen: Xen): string | undefined {
  const { cpuTlb } = xen.spec.limits;
  for (let row = 0; row < xen.domIo * cpuTlb; row++) {
    const pdx = xen.cpuTlb.frame.get(row) - 1;
    if (pdx < 0 || isFree(xen, pdx)) continue;
    const slot = Math.floor(row / cpuTlb);
    if (isTableInUse(xen, pdx))
      return `the CPU of ${xen.domainName(slot)} still writes ${pageText(xen, pdx)}`;
  }
  return undefined;
}

/** What Xen writes for a guest it must hold as writable meanwhile (XSA-500, XSA-98). */
function writtenByXen(xen: Xen): string | undefined {
  const misdeed = xen.hostMisdeed;
  return misdeed === 'a copy wrote a page that it did not hold as writable' ||
    misdeed === 'Xen wrote for a guest what the guest may only read'
    ? misdeed
    : undefined;
}

function writtenThroughTable(xen: Xen, table: number): string | undefined {
  const words = xen.ram.wordsOf(table);
  if (words < 0) return undefined;
  const { store } = xen;
  for (let index = 0; index < 512; index++) {
    const lo = store.read(words + index * 2);
    if ((lo & (PTE_PRESENT | PTE_RW)) !== (PTE_PRESENT | PTE_RW)) continue;
    const pdx = xen.ram.indexOf((lo >>> 12) + (store.read(words + index * 2 + 1) & 0xf_ffff) * 0x10_0000);
    if (pdx >= 0 && isWriteProtected(xen, pdx))
      return `entry ${index} of the l1 table ${xen.frameName(table)} of ${xen.domainName(ownerOf(xen, table))} maps ${pageText(xen, pdx)} writable`;
  }
  return undefined;
}

/** An entry that leads to a table of its own level: what it lets pass are writes to page tables (XSA-182). */
function writtenThroughLinear(xen: Xen, table: number): string | undefined {
  const words = xen.ram.wordsOf(table);
  if (words < 0) return undefined;
  const type = typeOf(xen.frame.typeInfo.get(table));
  const { store } = xen;
  for (let index = 0; index < 512; index++) {
    const lo = store.read(words + index * 2);
    if ((lo & (PTE_PRESENT | PTE_RW)) !== (PTE_PRESENT | PTE_RW)) continue;
    const pdx = tableEntryFrame(xen, lo, store.read(words + index * 2 + 1));
    if (pdx >= 0 && typeOf(xen.frame.typeInfo.get(pdx)) === type && !(type === PGT.l4 && isXenL4Slot(index)))
      return `entry ${index} of the ${PGT_NAMES[type]} table ${xen.frameName(table)} of ${xen.domainName(ownerOf(xen, table))} leads to ${pageText(xen, pdx)} writable`;
  }
  return undefined;
}

/** What Xen finds a guest's L1 tables by: what the CPU remembers of the tables above them. */
function staleTable(xen: Xen): string | undefined {
  if (xen.spec.limits.cpuTlb === 0) return undefined;
  for (let slot = 0; slot < xen.domIo; slot++) {
    const table = xen.domain.linearTable.get(slot) - 1;
    const now = table < 0 ? -1 : firstL1Table(xen, slot);
    if (now === table) continue;
    const found = now < 0 ? 'none' : xen.frameName(now);
    return `Xen takes ${pageText(xen, table)} for the first L1 table of ${xen.domainName(slot)}, where its tables have ${found}`;
  }
  return undefined;
}

export const STALE_TABLE: Invariant = {
  id: 'STALE-TABLE',
  states: ['INV-TLB'],
  title: 'Xen finds a page table of a guest’s where the guest’s tables have it',
  reason: 'otherwise it looks at one table and lets the guest write another (XSA-286)',
  harm: 'isolation broken',
  violation: staleTable,
};

export const CPU_WRITE: Invariant = {
  id: 'INV-CPU-WRITE',
  title:
    'no CPU of a PV guest can write a page whose type is another, through a mapping, what it remembers of one, or a copy that Xen makes',
  reason: 'a guest that writes its page tables maps any memory it likes',
  harm: 'isolation broken',
  violation: writtenByCpu,
};
