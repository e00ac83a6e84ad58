import { P2M_STAGE2 } from '../formats/arm-stage2.js';
import { ENTRY_SPAN, TABLE_ENTRIES } from '../formats/radix.js';
import { SMMU_SHAPE } from '../hardware/smmu-unit.js';
import { sharesP2m } from './iommu-map.js';
import { holdsGfn } from './p2m.js';
import type { Xen } from './state.js';
import { Kind } from './tables/domain.js';

/** The bit that the hardware goes by. An entry without it that says something is one that Xen has set aside. */
const VALID = 1;

/**
 * A guest's CPU cleans its caches by set and way, which no virtual machine can mean (dossier §9 item 4). True when it goes
 * on, false when it takes an undefined exception instead. In between Xen followed the guest's accesses by making the p2m
 * invalid, which the CPU's next access mends; a device's does not, and it faults (f253e88bec, mended by 2b45ff6030).
 */
export function cleanBySetWay(xen: Xen, slot: number): boolean {
  if (xen.domain.kind.get(slot) !== Kind.arm) return false;
  switch (xen.profile.armSetWay) {
    case 'untrapped':
      return true;
    case 'p2m-invalidated':
      invalidateTable(xen, rootOf(xen, slot));
      return true;
    case 'undefined':
      if (sharesP2m(xen, slot)) return false;
      invalidateTable(xen, rootOf(xen, slot));
      return true;
  }
}

function rootOf(xen: Xen, slot: number): number {
  return xen.ram.frameAt(xen.domain.p2mRoot.get(slot) - 1);
}

/**
 * p2m_invalidate_table. Of the root it is called for as many tables as the number of its level says, which is one of the
 * two: what lies above 512 GiB stays valid.
 */
function invalidateTable(xen: Xen, table: number): void {
  for (let at = table * 4096; at < (table + 1) * 4096; at += 8) {
    const lo = xen.ram.read32(at);
    if ((lo & VALID) !== 0) xen.ram.write32(at, lo & ~VALID);
  }
}

/**
 * A guest's CPU accesses a guest frame: p2m_resolve_translation_fault, over and over, until the way there is valid again. A
 * table that becomes valid passes on to its entries that they are not. False when nothing is there: a data abort.
 */
export function accessByCpu(xen: Xen, slot: number, gfn: number): boolean {
  if (xen.domain.kind.get(slot) !== Kind.arm || !holdsGfn(xen, slot, gfn)) return false;
  let table = rootOf(xen, slot);
  for (let level = SMMU_SHAPE.topLevel; ; level--) {
    const index = Math.floor(gfn / ENTRY_SPAN[level]!);
    const at = table * 4096 + (level === SMMU_SHAPE.topLevel ? index : index % TABLE_ENTRIES) * 8;
    const lo = xen.ram.read32(at);
    const hi = xen.ram.read32(at + 4);
    if (!P2M_STAGE2.present(lo, hi, level)) return false;
    const leaf = P2M_STAGE2.leaf(lo, hi, level);
    const next = P2M_STAGE2.frame(lo, hi);
    if ((lo & VALID) === 0) {
      if (!leaf) invalidateTable(xen, next);
      xen.ram.write32(at, lo | VALID);
    }
    if (leaf) return true;
    table = next;
  }
}
