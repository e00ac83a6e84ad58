import { R, type Rights, W } from '../formats/address.js';
import { FOUR_LEVELS } from '../formats/radix.js';
import { VTD_SECOND_LEVEL } from '../formats/vtd.js';
import { Errno } from './errno.js';
import { allocXenFrame } from './frames.js';
import { P2mType, p2mRemove, p2mSet } from './p2m.js';
import { RadixWriter } from './radix-writer.js';
import { IommuStatus, Kind, type Xen } from './state.js';

/** What a flush is for (dossier §4.4). */
export const Flush = { added: 1, modified: 2, all: 4 } as const;

const secondLevel = new RadixWriter(VTD_SECOND_LEVEL, FOUR_LEVELS);

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
  const pdx = secondLevel.allocRoot(xen);
  if (pdx < 0) return -1;
  xen.domain.iommuRoot.set(slot, pdx + 1);
  return xen.ram.frameAt(pdx);
}

/**
 * iommu_map of one page: 0, or -ENOMEM. Does nothing for a domain without a context, and since 4.15 on x86 for a dying
 * one.
 * A failure crashes the domain unless it is the hardware domain (dossier §4.4).
 */
export function iommuMap(xen: Xen, slot: number, input: number, frame: number, rights: Rights): number {
  if (!isMappable(xen, slot)) return 0;
  if (xen.domain.kind.get(slot) === Kind.arm) return armMap(xen, slot, input, frame, rights);
  if (xen.profile.dyingMap === 'ignored' && xen.isDying(slot)) return 0;
  const root = iommuRoot(xen, slot);
  if (root < 0 || !secondLevel.map(xen, root, input, frame, rights)) {
    if (!xen.isHardwareDomain(slot)) xen.domain.crashed.set(slot, 1);
    return -Errno.ENOMEM;
  }
  const flags = Flush.added | (secondLevel.wasPresent ? Flush.modified : 0);
  iommuFlush(xen, slot, input, 1, flags);
  return 0;
}

/** iommu_unmap of one page. */
export function iommuUnmap(xen: Xen, slot: number, input: number): number {
  if (!isMappable(xen, slot)) return 0;
  if (xen.domain.kind.get(slot) === Kind.arm) {
    p2mRemove(xen, slot, input);
    return 0;
  }
  const root = xen.domain.iommuRoot.get(slot);
  if (root === 0) return 0;
  secondLevel.unmap(xen, xen.ram.frameAt(root - 1), input);
  if (secondLevel.wasPresent) iommuFlush(xen, slot, input, 1, Flush.modified);
  return 0;
}

/** Arm has no tables of its own: the mapping enters the p2m at GFN = MFN (dossier §9 item 3). */
function armMap(xen: Xen, slot: number, input: number, frame: number, rights: Rights): number {
  if ((rights & (R | W)) === 0) return -Errno.EINVAL;
  return p2mSet(xen, slot, input, frame, rights & W ? P2mType.iommuMapRw : P2mType.iommuMapRo);
}

/** Rights of the entry for `input` in a domain's own tables; 0 when absent. Its frame is then in `entryFrame`. */
export function tableRights(xen: Xen, slot: number, input: number): Rights {
  const root = xen.domain.iommuRoot.get(slot);
  if (root === 0 || !secondLevel.read(xen, xen.ram.frameAt(root - 1), input)) return 0;
  return secondLevel.rights;
}

/** Frees a domain's own tables. */
export function freeIommuTables(xen: Xen, slot: number): void {
  const root = xen.domain.iommuRoot.get(slot);
  if (root === 0) return;
  xen.domain.iommuRoot.set(slot, 0);
  secondLevel.free(xen, xen.ram.frameAt(root - 1));
  iommuFlush(xen, slot, 0, 0, Flush.all);
}

/**
 * Tells the unit that entries changed. VT-d: page-selective, and a pure addition needs nothing as absent entries are
 * not remembered. SMMU: everything under the domain's VMID (dossier §7.1, §7.3).
 */
export function iommuFlush(xen: Xen, slot: number, input: number, count: number, flags: number): void {
  if (xen.vtd !== undefined) {
    if (flags === Flush.added) return;
    if (flags & Flush.all) xen.vtd.iotlb.invalidateDomain(xen.domidOf(slot));
    else xen.vtd.iotlb.invalidatePages(xen.domidOf(slot), input, count);
  } else if (xen.smmu !== undefined) {
    const root = xen.domain.p2mRoot.get(slot);
    const vmid = root === 0 ? -1 : xen.smmu.vmidOfRoot(xen.ram.frameAt(root - 1));
    if (vmid >= 0) xen.smmu.iotlb.invalidateDomain(vmid);
  }
}

/** A frame for a context table or another structure of the unit. */
export function allocUnitFrame(xen: Xen): number {
  const pdx = allocXenFrame(xen);
  return pdx < 0 ? -1 : xen.ram.frameAt(pdx);
}
