import { R, type Rights, W } from '../formats/address.js';
import { P2M_STAGE2, stage2Type, withStage2Type } from '../formats/arm-stage2.js';
import { EPT } from '../formats/ept.js';
import { NPT } from '../formats/npt.js';
import { ENTRY_SPAN, EntryWords, FOUR_LEVELS, type RadixFormat, type RootShape } from '../formats/radix.js';
import { SMMU_SHAPE } from '../hardware/smmu-unit.js';
import { Errno } from './errno.js';
import { putPage } from './frames.js';
import { Flush, iommuFlush } from './iommu-flush.js';
import { iommuMap, iommuUnmap, mirrors, sharesP2m } from './iommu-map.js';
import type { TreeKind } from './iommu-tables.js';
import {
  Access,
  armRights,
  hasFrame,
  iommuRights,
  isForeignType,
  numberInX86,
  P2mType,
  typeOfX86,
  x86Rights,
} from './p2m-types.js';
import { RadixWriter } from './radix-writer.js';
import type { Xen } from './state.js';
import { Kind } from './tables/domain.js';

/** A p2m: its format, and what writes it. */
interface P2mKind extends TreeKind {
  readonly writer: RadixWriter;
}

const kind = (format: RadixFormat, shape: RootShape): P2mKind => ({
  format,
  shape,
  writer: new RadixWriter(format, shape),
});

const EPT_P2M = kind(EPT, FOUR_LEVELS);
const NPT_P2M = kind(NPT, FOUR_LEVELS);
const ARM_P2M = kind(P2M_STAGE2, SMMU_SHAPE);

const words = new EntryWords();

/**
 * EPT where an Intel processor translates; otherwise x86 page tables: AMD's nested paging, and shadow-mode guests, for
 * whom Xen alone reads the p2m (p2m-pt).
 */
function kindOf(xen: Xen, slot: number): P2mKind {
  if (xen.domain.kind.get(slot) === Kind.arm) return ARM_P2M;
  return xen.domain.hap.get(slot) !== 0 && xen.amdvi === undefined ? EPT_P2M : NPT_P2M;
}

/** How a domain's p2m is laid out, as Xen reads it. */
export const p2mTree: (xen: Xen, slot: number) => TreeKind = kindOf;

/** Whether the domain's p2m keeps access types in its entries: EPT's does. */
export function keepsAccess(xen: Xen, slot: number): boolean {
  return kindOf(xen, slot) === EPT_P2M;
}

/** Makes an empty p2m. -ENOMEM when the Xen heap is empty. */
export function p2mInit(xen: Xen, slot: number): number {
  const pdx = kindOf(xen, slot).writer.allocRoot(xen);
  if (pdx < 0) return -Errno.ENOMEM;
  xen.domain.p2mRoot.set(slot, pdx + 1);
  return 0;
}

/** Frees the p2m of a dying domain. Nothing is in it from then on. */
export function p2mFree(xen: Xen, slot: number): void {
  const root = xen.domain.p2mRoot.get(slot);
  if (root === 0) return;
  const { shape, writer } = kindOf(xen, slot);
  if (xen.domain.foreignMaps.get(slot) !== 0) dropAllForeign(xen, slot);
  for (let i = 0; i < shape.concatenated; i++) writer.free(xen, xen.ram.frameAt(root - 1 + i));
  iommuFlush(xen, slot, 0, 0, Flush.all);
  xen.domain.p2mRoot.set(slot, 0);
}

/** relinquish_p2m_mapping, as far as others are concerned: the references of foreign pages go. */
function dropAllForeign(xen: Xen, slot: number): void {
  const { writer, shape } = ARM_P2M;
  const end = shape.concatenated * 512 ** shape.topLevel;
  for (let gfn = 0; gfn < end && xen.domain.foreignMaps.get(slot) !== 0; ) {
    const present = writer.read(xen, rootOf(xen, slot), gfn);
    const span = ENTRY_SPAN[writer.level]!;
    if (present && isForeignType(stage2Type(writer.hi))) {
      xen.domain.foreignMaps.add(slot, -1);
      if (xen.profile.foreignReference === 'held') putPage(xen, xen.ram.indexOf(writer.frame));
    }
    gfn += span - (gfn % span);
  }
}

/** Whether the domain has a p2m with room for this gfn: 2^28 of them on Arm, 2^36 on x86. */
export function holdsGfn(xen: Xen, slot: number, gfn: number): boolean {
  const { topLevel, concatenated } = kindOf(xen, slot).shape;
  return xen.domain.p2mRoot.get(slot) !== 0 && gfn >= 0 && gfn < concatenated * 512 ** topLevel;
}

function rootOf(xen: Xen, slot: number): number {
  return xen.ram.frameAt(xen.domain.p2mRoot.get(slot) - 1);
}

/** Whether somebody has left the p2m's lock taken: who needs it waits, for ever. Within a step nobody meets it. */
export function p2mIsLocked(xen: Xen, slot: number): boolean {
  if (xen.domain.p2mLock.get(slot) === 0) return false;
  xen.blocked = true;
  return true;
}

/** The access that new entries of the domain get. */
export function defaultAccess(xen: Xen, slot: number): number {
  const access = xen.domain.defaultAccess.get(slot);
  return access === 0 ? Access.rwx : access - 1;
}

/** The level of the largest page that may stand at `gfn` and `frame`, both aligned to it, and covers no more than `count`. */
function pageLevel(gfn: number, frame: number, count: number): number {
  let level = 3;
  while (count < ENTRY_SPAN[level]! || gfn % ENTRY_SPAN[level]! !== 0 || frame % ENTRY_SPAN[level]! !== 0)
    level--;
  return level;
}

/**
 * Sets 2^order p2m entries from `gfn` on to the frames from `frame` on, in pages as large as fit, and lets the IOMMU
 * follow each (dossier §4.3). `access` is that of the domain's new entries unless said otherwise. -EINVAL where no gfn
 * is; a dying domain is refused with -ENOMEM without its p2m, and on Arm in the releases that look (3ebe773293). The errno
 * may be the IOMMU's: then the p2m has changed.
 */
export function p2mSet(
  xen: Xen,
  slot: number,
  gfn: number,
  frame: number,
  type: number,
  order = 0,
  access = defaultAccess(xen, slot),
): number {
  const arm = xen.domain.kind.get(slot) === Kind.arm;
  if (arm && xen.isDying(slot) && xen.profile.armPageAddedDying === 'ENOMEM') return -Errno.ENOMEM;
  const count = 2 ** order;
  if (!holdsGfn(xen, slot, gfn) || !holdsGfn(xen, slot, gfn + count - 1)) {
    return xen.isDying(slot) ? -Errno.ENOMEM : -Errno.EINVAL;
  }
  if (p2mIsLocked(xen, slot)) return 0;
  let failed = 0;
  const step = hasFrame(type) ? 1 : 0;
  for (let done = 0; done < count; ) {
    const at = frame + done * step;
    const level = count === 1 ? 1 : pageLevel(gfn + done, at, count - done);
    const status = arm
      ? setStage2(xen, slot, gfn + done, at, type, access, level)
      : setX86(xen, slot, gfn + done, at, type, access, level);
    if (status !== 0) {
      failed = status;
      // x86 goes on with the rest (p2m_set_entry); Arm does not.
      if (arm) break;
    }
    done += ENTRY_SPAN[level]!;
  }
  return failed;
}

/** Takes 2^order entries from `gfn` on away: 0 or what the IOMMU said. */
export function p2mRemove(xen: Xen, slot: number, gfn: number, order = 0): number {
  if (!holdsGfn(xen, slot, gfn)) return 0;
  if (p2mIsLocked(xen, slot)) return 0;
  const arm = xen.domain.kind.get(slot) === Kind.arm;
  let failed = 0;
  const count = 2 ** order;
  for (let done = 0; done < count; ) {
    const level = pageLevel(gfn + done, 0, count - done);
    const status = arm
      ? clearStage2(xen, slot, gfn + done, level)
      : setX86(xen, slot, gfn + done, 0, P2mType.invalid, defaultAccess(xen, slot), level);
    failed = status || failed;
    done += ENTRY_SPAN[level]!;
  }
  return failed;
}

/** Arm's p2m is always the IOMMU's, too: whatever was or is valid is flushed (dossier §4.5). */
function setStage2(
  xen: Xen,
  slot: number,
  gfn: number,
  frame: number,
  type: number,
  access: number,
  level: number,
): number {
  const { writer } = ARM_P2M;
  const rights = armRights(type, access);
  const software = withStage2Type(0, type);
  if (!writer.map(xen, rootOf(xen, slot), gfn, frame, rights, software, level)) return -Errno.ENOMEM;
  const flags = Flush.added | (wasValid(writer) || writer.split ? Flush.modified : 0);
  const early = xen.profile.armReplacedEntry === 'before-flush';
  if (early) giveBackReplaced(xen, slot, xen.profile.foreignReplaced === 'dropped');
  const status = followsArm(xen, slot) ? iommuFlush(xen, slot, gfn, ENTRY_SPAN[level]!, flags) : 0;
  if (!early) giveBackReplaced(xen, slot, xen.profile.foreignReplaced === 'dropped');
  if (isForeignType(type)) xen.domain.foreignMaps.add(slot, 1);
  return status;
}

/** p2m_put_l3_page: an entry for another domain's page holds a reference of it, which goes with the entry. */
function dropForeign(xen: Xen, slot: number): void {
  const { writer } = ARM_P2M;
  if (writer.level !== 1 || !writer.wasPresent || !isForeignType(stage2Type(writer.hi))) return;
  xen.domain.foreignMaps.add(slot, -1);
  if (xen.profile.foreignReference === 'held') putPage(xen, xen.ram.indexOf(writer.frame));
}

/** Whether the IOMMU is told of changes: where it walks the p2m, which is another thing than that tables mirror it. */
function followsArm(xen: Xen, slot: number): boolean {
  return xen.profile.armP2mFlush === 'mirrored' ? mirrors(xen, slot) : sharesP2m(xen, slot);
}

/** Whether the entry of a gfn is one that Xen goes by and the hardware does not (arm-set-way.ts). */
function isSetAside(xen: Xen, slot: number, gfn: number): boolean {
  const { writer } = ARM_P2M;
  return writer.read(xen, rootOf(xen, slot), gfn) && !wasValid(writer);
}

/** lpae_is_valid: whether the hardware could go by the entry before. */
const wasValid = (writer: RadixWriter): boolean => (writer.lo & 1) !== 0;

function clearStage2(xen: Xen, slot: number, gfn: number, level: number): number {
  const { writer } = ARM_P2M;
  if (xen.profile.armRemoval === 'hardware-valid' && isSetAside(xen, slot, gfn)) return 0;
  if (!writer.unmap(xen, rootOf(xen, slot), gfn, level)) return -Errno.ENOMEM;
  if (!writer.wasPresent) return 0;
  const shared = followsArm(xen, slot) && (wasValid(writer) || writer.split);
  const early = xen.profile.armReplacedEntry === 'before-flush';
  if (early) giveBackReplaced(xen, slot, true);
  const status = shared ? iommuFlush(xen, slot, gfn, ENTRY_SPAN[level]!, Flush.modified) : 0;
  if (!early) giveBackReplaced(xen, slot, true);
  return status;
}

/** p2m_free_entry of what the last write replaced: tables, and the reference of another domain's page. */
function giveBackReplaced(xen: Xen, slot: number, references: boolean): void {
  ARM_P2M.writer.freeReplaced(xen, sharesP2m(xen, slot) ? slot : -1);
  if (references) dropForeign(xen, slot);
}

/** An entry of an x86 p2m goes into `words`. */
function makeX86(
  xen: Xen,
  slot: number,
  p2m: P2mKind,
  frame: number,
  type: number,
  access: number,
  level: number,
): void {
  const ept = p2m === EPT_P2M;
  const rights = x86Rights(xen, slot, type, ept ? access : Access.rwx, frame);
  p2m.format.leafEntry(frame, rights, level, words);
  // Bits 52 to 57 hold the type, and in EPT bits 59 to 62 the access.
  words.hi |= (numberInX86(type) << 20) | (ept ? access << 27 : 0);
}

/** set_entry of EPT and p2m-pt: the entry, then the IOMMU, then the tables that a larger page replaced (dossier §4.3). */
function setX86(
  xen: Xen,
  slot: number,
  gfn: number,
  frame: number,
  type: number,
  access: number,
  level: number,
): number {
  const p2m = kindOf(xen, slot);
  const { writer } = p2m;
  const root = rootOf(xen, slot);
  const removes = type === P2mType.invalid;
  if (removes) {
    if (!writer.unmap(xen, root, gfn, level)) return -Errno.ENOMEM;
    if ((writer.lo | writer.hi) === 0) return 0;
  } else {
    makeX86(xen, slot, p2m, frame, type, access, level);
    if (!writer.put(xen, root, gfn, words.lo, words.hi, level)) return -Errno.ENOMEM;
  }
  const rights = iommuRights(xen, type, access, frame);
  const changed =
    p2m === EPT_P2M
      ? removes || eptChanged(xen, frame, rights)
      : xen.profile.nptIommuHook === 'follows' && ptChanged(xen, frame, rights, removes);
  const present = writer.wasPresent || writer.split;
  const watched = sharesP2m(xen, slot) ? slot : -1;
  const early = xen.profile.eptReplacedTable === 'before-flush';
  if (early) writer.freeReplaced(xen, watched);
  const status = changed ? followX86(xen, slot, gfn, frame, rights, present, ENTRY_SPAN[level]!) : 0;
  if (!early) writer.freeReplaced(xen, watched);
  return status;
}

/**
 * Whether EPT's set_entry finds that the IOMMU is concerned: by another frame, or other rights of the type that a mirror
 * would have. So a page that becomes log-dirty, or is restricted by mem_access, is not flushed even where the table is
 * shared.
 */
function eptChanged(xen: Xen, frame: number, rights: Rights): boolean {
  const { lo, hi } = EPT_P2M.writer;
  const before = EPT.frame(lo, hi);
  if (before !== frame) return true;
  const old = iommuRights(xen, typeOfX86((hi >>> 20) & 63), (hi >>> 27) & 15, before);
  return old !== rights && xen.profile.unchangedFrameHook === 'follows';
}

/** The same of p2m-pt: a table in the place of a page always is a change. */
function ptChanged(xen: Xen, frame: number, rights: Rights, removes: boolean): boolean {
  const { lo, hi } = NPT_P2M.writer;
  if (NPT_P2M.writer.wasPresent && !NPT_P2M.writer.wasPage) return true;
  if ((lo | hi) === 0) return rights !== 0;
  const before = NPT.frame(lo, hi);
  const access = NPT_P2M.writer.wasPresent ? NPT.rights(lo, hi, 1) & (R | W) : Access.n;
  const old = iommuRights(xen, typeOfX86((hi >>> 20) & 63), access, before);
  return removes || before !== frame || (old !== rights && xen.profile.unchangedFrameHook === 'follows');
}

/** What follows a change of an x86 p2m: a shared table is flushed, a mirror mapped or unmapped. */
function followX86(
  xen: Xen,
  slot: number,
  gfn: number,
  frame: number,
  rights: Rights,
  wasPresent: boolean,
  count: number,
): number {
  if (sharesP2m(xen, slot)) {
    if (xen.dontFlushIotlb && xen.profile.sharedFlush === 'in-batch') return 0;
    const flags = (rights !== 0 ? Flush.added : 0) | (wasPresent ? Flush.modified : 0);
    return flags === 0 ? 0 : iommuFlush(xen, slot, gfn, count, flags);
  }
  if (!mirrors(xen, slot)) return 0;
  return rights !== 0 ? iommuMap(xen, slot, gfn, frame, rights, count) : iommuUnmap(xen, slot, gfn, count);
}

/** Reads the entry of a gfn, whatever it is; false where nothing is. */
function readEntry(xen: Xen, slot: number, gfn: number): boolean {
  if (!holdsGfn(xen, slot, gfn)) return false;
  const { writer } = kindOf(xen, slot);
  return writer.read(xen, rootOf(xen, slot), gfn) || (writer.lo | writer.hi) !== 0;
}

/** The frame (not its index) that a gfn leads to, or -1. */
export function p2mLookup(xen: Xen, slot: number, gfn: number): number {
  if (!readEntry(xen, slot, gfn)) return -1;
  const { writer } = kindOf(xen, slot);
  return hasFrame(typeInEntry(xen, slot, writer.hi)) ? writer.frame : -1;
}

/** The rights the p2m gives on a gfn; 0 when absent. */
export function p2mRights(xen: Xen, slot: number, gfn: number): Rights {
  if (!readEntry(xen, slot, gfn)) return 0;
  const { writer } = kindOf(xen, slot);
  return writer.wasPresent ? writer.rights : 0;
}

/**
 * The rights that devices of the domain are to have on a gfn: those of the p2m where it is theirs, too; otherwise those
 * of the type (dossier §4.1, §4.2).
 */
export function p2mDeviceRights(xen: Xen, slot: number, gfn: number): Rights {
  if (!readEntry(xen, slot, gfn)) return 0;
  const p2m = kindOf(xen, slot);
  const { writer } = p2m;
  if (p2m === ARM_P2M || sharesP2m(xen, slot)) return writer.wasPresent ? writer.rights & (R | W) : 0;
  const access = p2m === EPT_P2M ? (writer.hi >>> 27) & 15 : writer.wasPresent ? writer.rights & (R | W) : 0;
  return iommuRights(xen, typeInEntry(xen, slot, writer.hi), access, writer.frame);
}

/** The type that the high word of a p2m entry holds. */
export function typeInEntry(xen: Xen, slot: number, hi: number): number {
  return xen.domain.kind.get(slot) === Kind.arm ? stage2Type(hi) : typeOfX86((hi >>> 20) & 63);
}

/** The type of the p2m entry of a gfn. */
export function p2mType(xen: Xen, slot: number, gfn: number): number {
  return readEntry(xen, slot, gfn) ? typeInEntry(xen, slot, kindOf(xen, slot).writer.hi) : P2mType.invalid;
}

/** The access of the p2m entry of a gfn; the default where the p2m keeps none. */
export function p2mAccess(xen: Xen, slot: number, gfn: number): number {
  const { writer } = kindOf(xen, slot);
  return readEntry(xen, slot, gfn) && keepsAccess(xen, slot)
    ? (writer.hi >>> 27) & 15
    : defaultAccess(xen, slot);
}

/** log2 of the frames that the entry of a gfn, present or not, stands for: 0, 9, 18, or more where a table is missing. */
export function p2mOrder(xen: Xen, slot: number, gfn: number): number {
  if (!holdsGfn(xen, slot, gfn)) return 0;
  const { writer } = kindOf(xen, slot);
  writer.read(xen, rootOf(xen, slot), gfn);
  return (writer.level - 1) * 9;
}
