import { PGT_VALIDATED } from '../formats/x86-page-info.js';
import { getPage, ownerOf, putPage } from './frames.js';
import { typeOf } from './page-info.js';
import type { Xen } from './state.js';

/**
 * Linear page tables (arch/x86/mm.c, `pv-linear-pt`, on by default since 4.10): an entry of an L2, L3 or L4 may point,
 * read-only, to a page table of the same level. To itself that costs nothing; another table gets a general and a type
 * reference as from any entry. Chains are forbidden, since dropping a long one would never end (XSA-240): `linear_pt_count`
 * is how many linear entries a table has, or, below 0, how many point to it, and no table may have both.
 */

/** linear_pt_count is a signed 16-bit number. */
const MOST = 0x7fff;
const LEAST = -0x8000;

/**
 * Takes what a linear entry of `table` holds on the table `pdx` of the same level `type`. False when there is none to be
 * had, and nothing was taken: `pdx` is no page of `slot`, is no validated table of this level, has linear entries itself,
 * or `table` is the target of some.
 */
export function getLinear(xen: Xen, table: number, pdx: number, slot: number, type: number): boolean {
  if (ownerOf(xen, table) !== slot || !getPage(xen, pdx, slot)) return false;
  const info = xen.frame.typeInfo.get(pdx);
  const entries = xen.frame.linearPtCount.get(table);
  const uses = xen.frame.linearPtCount.get(pdx);
  const unlimited = xen.profile.linearChains === 'any-length';
  const countable = unlimited || (entries >= 0 && entries < MOST && uses <= 0 && uses > LEAST);
  if (!countable || typeOf(info) !== type || (info & PGT_VALIDATED) === 0) {
    putPage(xen, pdx);
    return false;
  }
  count(xen, table, pdx, 1);
  xen.frame.typeInfo.add(pdx, 1);
  return true;
}

/** A type reference that an entry of `table` held on `pdx`, then of type `type`, was dropped: if it was linear, counts it off. */
export function dropLinear(xen: Xen, table: number, pdx: number, type: number): void {
  if (typeOf(xen.frame.typeInfo.get(table)) === type) count(xen, table, pdx, -1);
}

function count(xen: Xen, table: number, pdx: number, by: number): void {
  if (xen.profile.linearChains === 'any-length') return;
  const { linearPtCount } = xen.frame;
  linearPtCount.set(pdx, int16(linearPtCount.get(pdx) - by));
  linearPtCount.set(table, int16(linearPtCount.get(table) + by));
}

/** Only entries that a device forged go so far below 0 or above that it matters. */
const int16 = (value: number): number => (value << 16) >> 16;
