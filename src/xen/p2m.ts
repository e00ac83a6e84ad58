import { R, type Rights, W, X } from '../formats/address.js';
import { ARM_STAGE2, withStage2Type } from '../formats/arm-stage2.js';
import { EPT } from '../formats/ept.js';
import { FOUR_LEVELS, type RootShape } from '../formats/radix.js';
import { SMMU_SHAPE } from '../hardware/smmu-unit.js';
import { Errno } from './errno.js';
import { Flush, iommuFlush } from './iommu-flush.js';
import { iommuMap, iommuUnmap, mirrors, sharesP2m } from './iommu-map.js';
import { RadixWriter } from './radix-writer.js';
import { Kind, type Xen } from './state.js';

/** Types of p2m entries, with the numbers that Arm keeps in bits 55 to 58 of its entries. */
export const P2mType = {
  invalid: 0,
  ramRw: 1,
  ramRo: 2,
  mmioDirect: 3,
  grantMapRw: 8,
  grantMapRo: 9,
  iommuMapRw: 10,
  iommuMapRo: 11,
} as const;

/** What the CPU, and a device that shares the table, may do with each type (dossier §4.2, §4.5). */
const RIGHTS: readonly Rights[] = [0, R | W | X, R | X, R | W, 0, 0, 0, 0, R | W, R, R | W, R];

const ept = new RadixWriter(EPT, FOUR_LEVELS);
const stage2 = new RadixWriter(ARM_STAGE2, SMMU_SHAPE);

function writerOf(xen: Xen, slot: number): RadixWriter {
  return xen.domain.kind.get(slot) === Kind.arm ? stage2 : ept;
}

function softwareBits(xen: Xen, slot: number, type: number): number {
  // EPT entries keep the type in bits 52 to 57.
  return xen.domain.kind.get(slot) === Kind.arm ? withStage2Type(0, type) : type << 20;
}

/** Makes an empty p2m. -ENOMEM when the Xen heap is empty. */
export function p2mInit(xen: Xen, slot: number): number {
  const pdx = writerOf(xen, slot).allocRoot(xen);
  if (pdx < 0) return -Errno.ENOMEM;
  xen.domain.p2mRoot.set(slot, pdx + 1);
  return 0;
}

/** Frees the p2m of a dying domain. Nothing is in it from then on. */
export function p2mFree(xen: Xen, slot: number): void {
  const root = xen.domain.p2mRoot.get(slot);
  if (root === 0) return;
  for (let i = 0; i < shapeOf(xen, slot).concatenated; i++)
    writerOf(xen, slot).free(xen, xen.ram.frameAt(root - 1 + i));
  iommuFlush(xen, slot, 0, 0, Flush.all);
  xen.domain.p2mRoot.set(slot, 0);
}

function shapeOf(xen: Xen, slot: number): RootShape {
  return xen.domain.kind.get(slot) === Kind.arm ? SMMU_SHAPE : FOUR_LEVELS;
}

/** Whether the domain has a p2m with room for this gfn: 2^28 of them on Arm, 2^36 on x86. */
export function holdsGfn(xen: Xen, slot: number, gfn: number): boolean {
  const { topLevel, concatenated } = shapeOf(xen, slot);
  return xen.domain.p2mRoot.get(slot) !== 0 && gfn >= 0 && gfn < concatenated * 512 ** topLevel;
}

function rootOf(xen: Xen, slot: number): number {
  return xen.ram.frameAt(xen.domain.p2mRoot.get(slot) - 1);
}

/**
 * Sets a p2m entry and lets the IOMMU follow (dossier §4.3): a shared table is flushed, a mirror is mapped with the
 * rights of the type. -EINVAL where no gfn is; a dying domain is refused with -ENOMEM without its p2m, and on Arm in the
 * releases that look (3ebe773293).
 */
export function p2mSet(xen: Xen, slot: number, gfn: number, frame: number, type: number): number {
  const arm = xen.domain.kind.get(slot) === Kind.arm;
  if (arm && xen.isDying(slot) && xen.profile.armPageAddedDying === 'ENOMEM') return -Errno.ENOMEM;
  if (!holdsGfn(xen, slot, gfn)) return xen.isDying(slot) ? -Errno.ENOMEM : -Errno.EINVAL;
  const writer = writerOf(xen, slot);
  const rights = RIGHTS[type]!;
  if (!writer.map(xen, rootOf(xen, slot), gfn, frame, rights, softwareBits(xen, slot, type))) {
    return -Errno.ENOMEM;
  }
  const flags = Flush.added | (writer.wasPresent ? Flush.modified : 0);
  if (sharesP2m(xen, slot)) iommuFlush(xen, slot, gfn, 1, flags);
  else if (mirrors(xen, slot)) return iommuMap(xen, slot, gfn, frame, rights & (R | W));
  return 0;
}

export function p2mRemove(xen: Xen, slot: number, gfn: number): void {
  if (!holdsGfn(xen, slot, gfn)) return;
  const writer = writerOf(xen, slot);
  writer.unmap(xen, rootOf(xen, slot), gfn);
  if (!writer.wasPresent) return;
  if (sharesP2m(xen, slot)) iommuFlush(xen, slot, gfn, 1, Flush.modified);
  else if (mirrors(xen, slot)) iommuUnmap(xen, slot, gfn);
}

/** The frame (not its index) that a gfn leads to, or -1. */
export function p2mLookup(xen: Xen, slot: number, gfn: number): number {
  const writer = writerOf(xen, slot);
  return holdsGfn(xen, slot, gfn) && writer.read(xen, rootOf(xen, slot), gfn) ? writer.frame : -1;
}

/** The rights the p2m gives on a gfn; 0 when absent. */
export function p2mRights(xen: Xen, slot: number, gfn: number): Rights {
  const writer = writerOf(xen, slot);
  return holdsGfn(xen, slot, gfn) && writer.read(xen, rootOf(xen, slot), gfn) ? writer.rights : 0;
}

/** The type of the p2m entry of a gfn. */
export function p2mType(xen: Xen, slot: number, gfn: number): number {
  const writer = writerOf(xen, slot);
  if (!holdsGfn(xen, slot, gfn) || !writer.read(xen, rootOf(xen, slot), gfn)) return P2mType.invalid;
  return xen.domain.kind.get(slot) === Kind.arm ? (writer.hi >>> 23) & 15 : (writer.hi >>> 20) & 63;
}
