import type { VtdUnit } from '../hardware/vtd-unit.js';
import { Errno } from './errno.js';
import { fails } from './failures.js';
import { smmuV3Vmid } from './smmuv3-context.js';
import type { Xen } from './state.js';
import { didOf } from './vtd-domain-ids.js';

/** What a flush is for (dossier §4.4). */
export const Flush = { added: 1, modified: 2, all: 4 } as const;

/**
 * Tells the units that `count` entries from `input` changed, or with {@link Flush.all} that any may have. 0, or
 * -ETIMEDOUT when a unit does not answer, which costs any domain but the hardware domain its life (dossier §4.4, §7.1 to
 * §7.3).
 */
export function iommuFlush(xen: Xen, slot: number, input: number, count: number, flags: number): number {
  if (xen.vtd !== undefined) return flushed(xen, slot, flushVtd(xen, slot, input, count, flags));
  if (xen.amdvi !== undefined) flushAmdvi(xen, slot, input, count, flags);
  else flushSmmu(xen, slot);
  return 0;
}

function flushed(xen: Xen, slot: number, status: number): number {
  if (status !== 0 && !xen.isHardwareDomain(slot)) xen.domain.crashed.set(slot, 1);
  return status;
}

/**
 * iommu_flush_iotlb: in the units that the domain has devices behind. Pages whose number is a power of two, and which are
 * aligned to it, are invalidated by themselves where the unit can; everything else as the whole domain (§7.1).
 */
function flushVtd(xen: Xen, slot: number, input: number, count: number, flags: number): number {
  const bitmap = xen.domain.iommuBitmap.get(slot);
  let status = 0;
  const lastSays = xen.profile.vtdFlushStatus === 'last-unit';
  for (let unit = 0; unit < xen.vtds.length; unit++) {
    if ((bitmap & (1 << unit)) === 0) continue;
    const did = didOf(xen, unit, slot);
    if (did < 0) continue;
    const vtd = xen.vtds[unit]!;
    const whole = (flags & Flush.all) !== 0 || !isSelective(xen, input, count);
    const done = whole
      ? flushDomain(xen, vtd, did, false)
      : flushPages(xen, vtd, did, input, count, (flags & Flush.modified) === 0);
    if (done !== 0 || lastSays) status = done;
  }
  return status;
}

/** Whether the pages can be named in one invalidation; before 5fe515a0fede only a page alone was. */
function isSelective(xen: Xen, input: number, count: number): boolean {
  if (count === 1) return true;
  if (xen.profile.vtdFlushRange === 'single-page' || count <= 0) return false;
  return Number.isInteger(Math.log2(count)) && input % count === 0;
}

/** iommu_flush_iotlb_psi, which turns into the other where the unit knows no pages, or not so many. */
function flushPages(
  xen: Xen,
  vtd: VtdUnit,
  did: number,
  input: number,
  count: number,
  wasAbsent: boolean,
): number {
  const { pageSelective, maxOrder } = vtd.capabilities;
  if (!pageSelective || (count > 1 && count > 2 ** maxOrder)) return flushDomain(xen, vtd, did, wasAbsent);
  const tag = absentTag(xen, vtd, did, wasAbsent);
  if (tag < 0) return 0;
  if (fails(xen, 'flush')) return unanswered(xen, vtd);
  vtd.invalidatePages(tag, input, count);
  return 0;
}

/**
 * iommu_flush_iotlb_dsi. What was absent before needs no invalidation but in caching mode: all that is left to do is to
 * let the write reach the unit.
 */
export function flushDomain(xen: Xen, vtd: VtdUnit, did: number, wasAbsent: boolean): number {
  const tag = absentTag(xen, vtd, did, wasAbsent);
  if (tag < 0) return 0;
  if (fails(xen, 'flush')) return unanswered(xen, vtd);
  vtd.invalidateDomain(tag);
  return 0;
}

/**
 * The domain id to invalidate under, or -1 for none, after which the write buffer has been drained. Before c5c84e9766b9
 * absent translations were taken to be remembered under domain id 0, as absent context entries are: in caching mode a new
 * entry then does not reach a device that had tried before.
 */
function absentTag(xen: Xen, vtd: VtdUnit, did: number, wasAbsent: boolean): number {
  if (!wasAbsent) return did;
  if (vtd.capabilities.cachingMode) return xen.profile.vtdAbsentTag === 'domain-zero' ? 0 : did;
  drain(vtd);
  return -1;
}

/** iommu_flush_write_buffer, of units that have one. */
function drain(vtd: VtdUnit): void {
  if (vtd.capabilities.writeBuffer) vtd.flushWrites();
}

/** iommu_flush_context_device: absent entries are remembered under domain id 0, and in caching mode only. */
export function flushContext(
  xen: Xen,
  vtd: VtdUnit,
  did: number,
  requester: number,
  wasAbsent: boolean,
): number {
  if (wasAbsent && !vtd.capabilities.cachingMode) {
    drain(vtd);
    return 0;
  }
  if (fails(xen, 'flush')) return unanswered(xen, vtd);
  vtd.invalidateContext(wasAbsent ? 0 : did, requester);
  return 0;
}

/** The end of a queue that does not come is an errno; of a register that does not change, Xen's (IOMMU_FLUSH_WAIT). */
function unanswered(xen: Xen, vtd: VtdUnit): number {
  if (!vtd.capabilities.queuedInvalidation) xen.bug('DMAR hardware is malfunctional');
  return -Errno.ETIMEDOUT;
}

/** Orders in which AMD-Vi invalidates: a page, 2 MiB, 1 GiB. */
const AMDVI_ORDERS = [0, 9, 18];

/**
 * amd_iommu_flush_iotlb_pages: nothing unless an entry was modified; then the least of a page, 2 MiB, 1 GiB and
 * everything that covers them all, in every unit. Since 79faa321f2f3 everything is no exception (dossier §7.2).
 */
function flushAmdvi(xen: Xen, slot: number, input: number, count: number, flags: number): void {
  const all = (flags & Flush.all) !== 0;
  const forced = all && xen.profile.amdFlushAll === 'always';
  if ((flags & Flush.modified) === 0 && !forced) return;
  const did = xen.domidOf(slot);
  const order = all ? undefined : AMDVI_ORDERS.find((order) => coversAll(input, count, 2 ** order));
  for (const unit of xen.amdvis) {
    if (order === undefined) unit.iotlb.invalidateDomain(did);
    else unit.iotlb.invalidatePages(did, input - (input % 2 ** order), 2 ** order);
  }
}

/** Whether `count` pages from `input` lie in one aligned piece of `span`; a piece of one page has no other. */
function coversAll(input: number, count: number, span: number): boolean {
  return Math.floor(input / span) === Math.floor((input + count - 1) / span);
}

/** Any change: everything under the domain's VMID. */
function flushSmmu(xen: Xen, slot: number): void {
  if (xen.smmu !== undefined) {
    const root = xen.domain.p2mRoot.get(slot);
    const vmid = root === 0 ? -1 : xen.smmu.vmidOfRoot(xen.ram.frameAt(root - 1));
    if (vmid >= 0) xen.smmu.iotlb.invalidateDomain(vmid);
  } else if (xen.smmuv3 !== undefined && slot < xen.domIo) {
    const vmid = smmuV3Vmid(xen, slot);
    if (vmid >= 0) xen.smmuv3.iotlb.invalidateDomain(vmid);
  }
}
