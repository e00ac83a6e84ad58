import { PGT, PGT_VALIDATED } from '../../formats/x86-page-info.js';
import { isPageTable, typeCount, typeOf } from '../page-info.js';
import { PTE_PRESENT, tableEntryFrame } from '../page-table.js';
import type { Xen } from '../state.js';
import type { Invariant } from './invariant.js';

/** That everything ends soon, or can be left. */

function longWork(xen: Xen): string | undefined {
  const longest = xen.host.longestStretch.get(0);
  return longest === 0
    ? undefined
    : `Xen went through ${longest} tables or pages without a look whether something else wants the CPU`;
}

/** A table in use of one of the levels that can have linear entries: l2 to l4. */
function canBeLinear(info: number): boolean {
  const type = typeOf(info);
  return isPageTable(type) && type !== PGT.l1 && typeCount(info) !== 0 && (info & PGT_VALIDATED) !== 0;
}

const isOfLevel = (xen: Xen, pdx: number, type: number): boolean =>
  typeOf(xen.frame.typeInfo.get(pdx)) === type && canBeLinear(xen.frame.typeInfo.get(pdx));

/** The first table of the same level, but itself, to which an entry of the table leads; -1 for none. */
function linearTarget(xen: Xen, table: number): number {
  const words = xen.ram.wordsOf(table);
  if (words < 0) return -1;
  const type = typeOf(xen.frame.typeInfo.get(table));
  const { store } = xen;
  for (let index = 0; index < 512; index++) {
    const lo = store.read(words + index * 2);
    if ((lo & PTE_PRESENT) === 0) continue;
    const to = tableEntryFrame(xen, lo, store.read(words + index * 2 + 1));
    if (to >= 0 && to !== table && isOfLevel(xen, to, type)) return to;
  }
  return -1;
}

/** Whether there are two tables of one level in use, without which there is no chain. */
function hasTwoOfALevel(xen: Xen): boolean {
  let levels = 0;
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    const info = xen.frame.typeInfo.get(pdx);
    if (!canBeLinear(info)) continue;
    const level = 1 << typeOf(info);
    if ((levels & level) !== 0) return true;
    levels |= level;
  }
  return false;
}

function longChain(xen: Xen): string | undefined {
  if (!hasTwoOfALevel(xen)) return undefined;
  for (let table = 0; table < xen.ram.frames; table++) {
    const next = canBeLinear(xen.frame.typeInfo.get(table)) ? linearTarget(xen, table) : -1;
    const third = next < 0 ? -1 : linearTarget(xen, next);
    if (third >= 0)
      return `page table ${xen.frameName(table)} leads to ${xen.frameName(next)}, and that to ${xen.frameName(third)}, all of one level`;
  }
  return undefined;
}

export const PROGRESS: Invariant = {
  id: 'INV-PROGRESS',
  title: 'nothing keeps Xen busy for long without a look whether something else wants the CPU',
  reason: 'a guest that makes the work as long as it likes has the CPU for itself (XSA-45)',
  harm: 'livelock',
  violation: longWork,
};

export const LINEAR: Invariant = {
  id: 'LINEAR',
  states: ['INV-PROGRESS', 'INV-NOCRASH'],
  title: 'no linear page table leads to another one’s',
  reason:
    'dropping the first of a chain drops the others, each within the one before, until Xen’s stack is full (XSA-240)',
  harm: 'crash',
  violation: longChain,
};
