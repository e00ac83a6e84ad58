import { R, type Rights, W } from '../formats/address.js';
import { AMDVI_SHAPES, AMDVI_TABLES } from '../formats/amdvi.js';
import { EntryWords, FOUR_LEVELS, inputLimit } from '../formats/radix.js';
import { VTD_SECOND_LEVEL } from '../formats/vtd.js';
import { Errno } from './errno.js';
import { fails } from './failures.js';
import { allocXenFrame } from './frames.js';
import { Flush, iommuFlush } from './iommu-flush.js';
import { P2mType, p2mRemove, p2mSet } from './p2m.js';
import { RadixWriter } from './radix-writer.js';
import { IommuStatus, Kind, type Xen } from './state.js';

const secondLevel = new RadixWriter(VTD_SECOND_LEVEL, FOUR_LEVELS);
/** AMD-Vi's tables by their number of levels. */
const amdviTables = AMDVI_SHAPES.map((shape) => shape && new RadixWriter(AMDVI_TABLES, shape));

const entry = new EntryWords();

/** What writes a domain's own tables. */
function tablesOf(xen: Xen, slot: number): RadixWriter {
  return xen.amdvi === undefined ? secondLevel : amdviTables[amdviLevels(xen, slot)]!;
}

/** Frames that three levels cover: 512 GiB. */
const THREE_LEVEL_FRAMES = 2 ** 27;

/**
 * paging_mode: levels of a domain's AMD-Vi tables (dossier §7.2). PV, dom_io included: enough for all memory, which is
 * three at least on any real machine; translated: four, or two to begin with. Since 4.19 enough for the width of
 * addresses, here 48 bits.
 */
export function amdviLevels(xen: Xen, slot: number): number {
  const grown = xen.domain.iommuLevels.get(slot);
  if (grown !== 0) return grown;
  const { amdLevels } = xen.profile;
  if (amdLevels === 'by-width') return 4;
  if (xen.isTranslated(slot)) return amdLevels === 'growing' ? 2 : 4;
  const { ram, xenHeap, reserved } = xen.spec;
  const ranges = [...ram, xenHeap, ...reserved.map(({ range }) => range)];
  return ranges.some(({ base, count }) => base + count > THREE_LEVEL_FRAMES) ? 4 : 3;
}

/** Whether a domain's tables have a place for `input`. */
function covers(xen: Xen, slot: number, input: number): boolean {
  return xen.amdvi === undefined || input < inputLimit(AMDVI_SHAPES[amdviLevels(xen, slot)]!);
}

/** Whether a domain has IOMMU tables of any kind: is_iommu_enabled, has_iommu_pt, need_iommu (dossier §1.1). */
export function hasIommu(xen: Xen, slot: number): boolean {
  return xen.domain.iommuStatus.get(slot) !== IommuStatus.disabled;
}

/** Whether those tables are complete: not while the late walk still fills them. */
export function isConstructed(xen: Xen, slot: number): boolean {
  return xen.domain.iommuStatus.get(slot) === IommuStatus.initialized;
}

/** Whether the IOMMU uses the domain's p2m itself (dossier §2.3 item 5). */
export function sharesP2m(xen: Xen, slot: number): boolean {
  return xen.domain.share.get(slot) !== 0;
}

/** Whether tables of the domain's own follow every change of its types or p2m: need_iommu_pt_sync (dossier §1.1). */
export function mirrors(xen: Xen, slot: number): boolean {
  if (slot >= xen.domIo) return false;
  if (xen.profile.hasMappings === 'need_iommu') return hasIommu(xen, slot) && !sharesP2m(xen, slot);
  return xen.domain.needSync.get(slot) !== 0;
}

/** Whether map and unmap requests for the domain go anywhere at all. */
function isMappable(xen: Xen, slot: number): boolean {
  if (!xen.iommuOn) return false;
  if (xen.isHardwareDomain(slot) && xen.spec.hwdomMode === 'passthrough') return false;
  // Late contexts attach the vendor's hooks to every domain, so tables can be written before the first assignment
  // and after the last device left (dossier §1.1, §12 T6).
  return xen.profile.iommuContext === 'at-first-assignment' || hasIommu(xen, slot);
}

/** The root of a domain's own tables, made when there is none; -1 when the Xen heap is empty. */
export function iommuRoot(xen: Xen, slot: number): number {
  const root = xen.domain.iommuRoot.get(slot);
  if (root !== 0) return xen.ram.frameAt(root - 1);
  const pdx = tablesOf(xen, slot).allocRoot(xen);
  if (pdx < 0) return -1;
  xen.domain.iommuRoot.set(slot, pdx + 1);
  return xen.ram.frameAt(pdx);
}

/**
 * Up to 4.12 the AMD-Vi tables of a translated domain grow upwards until they have a place for `input`: each new root
 * leads to the one before, and the devices' entries are pointed at it. False when memory is short.
 */
function growTables(xen: Xen, slot: number, input: number): boolean {
  if (xen.amdvi === undefined || xen.profile.amdLevels !== 'growing' || !xen.isTranslated(slot)) return true;
  while (!covers(xen, slot, input)) {
    const root = allocUnitFrame(xen);
    if (root < 0) return false;
    const levels = amdviLevels(xen, slot) + 1;
    AMDVI_TABLES.tableEntry(iommuRoot(xen, slot), levels, entry);
    xen.ram.write32(root * 4096, entry.lo);
    xen.ram.write32(root * 4096 + 4, entry.hi);
    xen.domain.iommuRoot.set(slot, xen.ram.indexOf(root) + 1);
    xen.domain.iommuLevels.set(slot, levels);
    for (let device = 0; device < xen.spec.devices.length; device++) {
      if (xen.device.owner.get(device) - 1 !== slot) continue;
      xen.amdvi.setTables(xen.spec.devices[device]!.requester, root, levels, xen.domidOf(slot));
    }
    for (const unit of xen.amdvis) unit.iotlb.invalidateDomain(xen.domidOf(slot));
  }
  return true;
}

/**
 * iommu_map of one page: 0, or -ENOMEM; on AMD -EFAULT when a table below the root is missing. Does nothing for a domain
 * without a context, and since 4.15 on x86 for a dying one. A failure crashes the domain unless it is the hardware
 * domain, which only AMD's driver does not spare (dossier §4.4, §7.2).
 */
export function iommuMap(xen: Xen, slot: number, input: number, frame: number, rights: Rights): number {
  if (!isMappable(xen, slot)) return 0;
  if (xen.domain.kind.get(slot) === Kind.arm) return armMap(xen, slot, input, frame, rights);
  if (xen.profile.dyingMap === 'ignored' && xen.isDying(slot)) return 0;
  const status = writeEntry(xen, slot, input, frame, rights);
  if (status === 0) return 0;
  if (!xen.isHardwareDomain(slot) || xen.amdvi !== undefined) xen.domain.crashed.set(slot, 1);
  return status;
}

function writeEntry(xen: Xen, slot: number, input: number, frame: number, rights: Rights): number {
  if (iommuRoot(xen, slot) < 0) return -Errno.ENOMEM;
  if (fails(xen, 'map')) return driverErrno(xen);
  const grown = growTables(xen, slot, input) && covers(xen, slot, input);
  const tables = tablesOf(xen, slot);
  if (!grown || !tables.map(xen, iommuRoot(xen, slot), input, frame, rights)) {
    return driverErrno(xen);
  }
  const modified = tables.wasPresent && noticesChange(xen, slot, tables.frame, frame);
  return iommuFlush(xen, slot, input, 1, Flush.added | (modified ? Flush.modified : 0));
}

/** What a driver says when it cannot write an entry, for want of a table or otherwise. */
function driverErrno(xen: Xen): number {
  return xen.amdvi === undefined ? -Errno.ENOMEM : -Errno.EFAULT;
}

/**
 * Whether the driver takes an entry that was present and is written again for a change. AMD's of 4.11.0 compares frames
 * only, not rights, and thinks that a PV domain's never change (XSA-275, 1a7ffe466c).
 */
function noticesChange(xen: Xen, slot: number, before: number, after: number): boolean {
  if (xen.amdvi === undefined || xen.profile.amdMapFlush === 'every-change') return true;
  return xen.isTranslated(slot) && before !== after;
}

/** iommu_unmap of one page: 0, or an errno when the driver was made to fail; the entry then stays. */
export function iommuUnmap(xen: Xen, slot: number, input: number): number {
  if (!isMappable(xen, slot)) return 0;
  if (xen.domain.kind.get(slot) === Kind.arm) {
    p2mRemove(xen, slot, input);
    return 0;
  }
  const root = xen.domain.iommuRoot.get(slot);
  if (root === 0 || !covers(xen, slot, input)) return 0;
  if (fails(xen, 'unmap')) {
    if (!xen.isHardwareDomain(slot)) xen.domain.crashed.set(slot, 1);
    return driverErrno(xen);
  }
  const tables = tablesOf(xen, slot);
  tables.unmap(xen, xen.ram.frameAt(root - 1), input);
  return tables.wasPresent ? iommuFlush(xen, slot, input, 1, Flush.modified) : 0;
}

/** Arm has no tables of its own: the mapping enters the p2m at GFN = MFN (dossier §9 item 3). */
function armMap(xen: Xen, slot: number, input: number, frame: number, rights: Rights): number {
  if ((rights & (R | W)) === 0) return -Errno.EINVAL;
  return p2mSet(xen, slot, input, frame, rights & W ? P2mType.iommuMapRw : P2mType.iommuMapRo);
}

/** Rights of the entry for `input` in a domain's own tables; 0 when absent. Its frame is then in `entryFrame`. */
export function tableRights(xen: Xen, slot: number, input: number): Rights {
  const root = xen.domain.iommuRoot.get(slot);
  if (root === 0 || !covers(xen, slot, input)) return 0;
  const tables = tablesOf(xen, slot);
  return tables.read(xen, xen.ram.frameAt(root - 1), input) ? tables.rights : 0;
}

/** Frees a domain's own tables. AMD's driver forgets since 4.15 to invalidate what was translated through them. */
export function freeIommuTables(xen: Xen, slot: number): void {
  const root = xen.domain.iommuRoot.get(slot);
  if (root === 0) return;
  xen.domain.iommuRoot.set(slot, 0);
  tablesOf(xen, slot).free(xen, xen.ram.frameAt(root - 1));
  iommuFlush(xen, slot, 0, 0, Flush.all);
}

/** A frame for a context table or another structure of the unit. */
export function allocUnitFrame(xen: Xen): number {
  const pdx = allocXenFrame(xen);
  return pdx < 0 ? -1 : xen.ram.frameAt(pdx);
}
