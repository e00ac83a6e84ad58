import { R, type Rights, W } from '../formats/address.js';
import { PGT } from '../formats/x86-page-info.js';
import { domainOf, pageOf } from './calls/call.js';
import { Step } from './calls/steps.js';
import { deviceCount } from './devices.js';
import { canShare } from './domain.js';
import { Errno } from './errno.js';
import { appendToList, prependToList, removeFromList, restorePageList } from './frames.js';
import { forgetRegions } from './identity-map.js';
import { Flush, iommuFlush } from './iommu-flush.js';
import { freeIommuTables, hasIommu, iommuMap, iommuUnmap, sharesP2m } from './iommu-map.js';
import { drop, take } from './locks.js';
import { typeOf } from './page-info.js';
import type { Xen } from './state.js';
import { IommuStatus } from './tables/domain.js';
import { List } from './tables/frame.js';

/**
 * Building a context under a running domain (dossier §1), in the releases that did so. The walk runs in steps of the
 * hypercall that assigns the device, holding the domain's page-allocation lock from one step to the next; other vCPUs
 * run in between, and their type changes already edit the table that is being built. At preemption the lock is dropped
 * and the hypercall starts over, keeping its progress only in the list of pages already seen.
 */

/** Pages after which the walk looks whether something else wants the CPU; the model takes it that something does. */
const PAGES_BEFORE_PREEMPTION = 256;

/**
 * The first part of iommu_construct (dossier §1.2 item 3): the state becomes "initializing" before sharing is looked at.
 * Returns the step that comes next.
 */
export function beginConstruct(xen: Xen, call: number, slot: number): number {
  take(xen.lock.pcidevs, 0, call);
  xen.domain.iommuStatus.set(slot, IommuStatus.initializing);
  if (canShare(xen, slot)) {
    xen.domain.share.set(slot, 1);
    return Step.complete;
  }
  xen.domain.needSync.set(slot, 1);
  return Step.pop;
}

/**
 * Takes the head of the page list; what is no candidate needs no mapping (PV: any type but writable). The lock is taken
 * with the first page; that is when a dying domain is noticed (dossier §1.3 item 1).
 */
function popPage(xen: Xen, call: number): number {
  const slot = domainOf(xen, call);
  const locked = xen.domain.pageAllocLock.get(slot) !== 0;
  if (!locked && xen.isDying(slot)) return abandon(xen, slot, -Errno.ESRCH);
  const head = xen.domain.listHead.get(slot);
  xen.domain.pageAllocLock.set(slot, call + 1);
  if (head === 0) return Step.complete;
  removeFromList(xen, slot, head - 1);
  xen.call.page.set(call, head);
  return populateRights(xen, slot, head - 1) === 0 ? Step.append : Step.map;
}

/** arch_iommu_populate_page_table's test (dossier §3.5): PV pages whose type is writable, all of a translated domain. */
export function populateRights(xen: Xen, slot: number, pdx: number): Rights {
  return xen.isTranslated(slot) || isWritable(xen, pdx) ? R | W : 0;
}

function isWritable(xen: Xen, pdx: number): boolean {
  return typeOf(xen.frame.typeInfo.get(pdx)) === PGT.writable;
}

/** What is left of INVALID_GFN in 48 bits of address. */
const TOP_INPUT = 2 ** 36 - 1;

function inputOf(xen: Xen, slot: number, pdx: number): number {
  return xen.isTranslated(slot) ? xen.frame.gfn.get(pdx) - 1 : xen.ram.frameAt(pdx);
}

/** Where the walk maps a page; -1, which is nowhere, for one that is not in the p2m (7349efc69585). */
function lateInput(xen: Xen, slot: number, pdx: number): number {
  const input = inputOf(xen, slot, pdx);
  return input < 0 && xen.profile.latePagesWithoutGfn === 'mapped' ? TOP_INPUT : input;
}

function mapPage(xen: Xen, call: number): number {
  const slot = domainOf(xen, call);
  const pdx = pageOf(xen, call);
  const input = lateInput(xen, slot, pdx);
  const status = input < 0 ? 0 : iommuMap(xen, slot, input, xen.ram.frameAt(pdx), R | W);
  if (status !== 0) {
    prependToList(xen, slot, pdx);
    xen.call.page.set(call, 0);
    return abandon(xen, slot, status);
  }
  return xen.profile.lateMapRecheck === 'yes' && xen.isPv(slot) ? Step.recheck : Step.append;
}

/** XSA-285: the guest may have changed the page's type while it was being mapped. */
function recheckType(xen: Xen, call: number): number {
  const slot = domainOf(xen, call);
  const pdx = pageOf(xen, call);
  if (isWritable(xen, pdx)) return Step.append;
  iommuUnmap(xen, slot, inputOf(xen, slot, pdx));
  return Step.reread;
}

/**
 * … and may have changed it back while it was being unmapped. Then nobody knows whether the page is mapped, so the page
 * goes back to the head of the list and the hypercall starts over: the guest can make this happen for ever.
 */
function rereadType(xen: Xen, call: number): number {
  const slot = domainOf(xen, call);
  const pdx = pageOf(xen, call);
  if (!isWritable(xen, pdx)) return Step.append;
  prependToList(xen, slot, pdx);
  return restart(xen, call, slot);
}

function appendPage(xen: Xen, call: number): number {
  const slot = domainOf(xen, call);
  const pdx = pageOf(xen, call);
  appendToList(xen, slot, pdx, List.relinquished);
  xen.call.page.set(call, 0);
  xen.call.pagesInSlice.add(call, 1);
  const preempted = xen.call.pagesInSlice.get(call) === PAGES_BEFORE_PREEMPTION;
  return preempted && xen.domain.listHead.get(slot) !== 0 ? restart(xen, call, slot) : Step.pop;
}

/** Any other error ends the construction: the context is torn down, mirroring included (dossier §1.2 item 3.3). */
function abandon(xen: Xen, slot: number, status: number): number {
  xen.domain.pageAllocLock.set(slot, 0);
  teardownContext(xen, slot);
  xen.domain.needSync.set(slot, 0);
  return status;
}

/** -ERESTART: drops the lock and makes the vCPU execute the whole hypercall again. */
function restart(xen: Xen, call: number, slot: number): number {
  xen.domain.pageAllocLock.set(slot, 0);
  drop(xen.lock.pcidevs, 0, call);
  xen.call.page.set(call, 0);
  xen.call.pagesInSlice.set(call, 0);
  return Step.domctl;
}

function completeConstruct(xen: Xen, call: number): number {
  const slot = domainOf(xen, call);
  if (!sharesP2m(xen, slot)) {
    restorePageList(xen, slot);
    xen.domain.pageAllocLock.set(slot, 0);
    iommuFlush(xen, slot, 0, 0, Flush.all);
  }
  xen.domain.iommuStatus.set(slot, IommuStatus.initialized);
  return Step.assign;
}

/** The steps of arch_iommu_populate_page_table, with the end of iommu_construct. */
export const LATE_WALK = {
  pop: popPage,
  map: mapPage,
  recheck: recheckType,
  reread: rereadType,
  append: appendPage,
  complete: completeConstruct,
} as const;

/** iommu_teardown, when a domain's last device has left (dossier §1.2 item 4). Shared tables are not freed. */
function teardownContext(xen: Xen, slot: number): void {
  xen.domain.iommuStatus.set(slot, IommuStatus.disabled);
  if (xen.profile.needSyncAfterTeardown === 'cleared') xen.domain.needSync.set(slot, 0);
  forgetRegions(xen, slot);
  if (sharesP2m(xen, slot)) xen.domain.share.set(slot, 0);
  else freeIommuTables(xen, slot);
}

/** Tears a late context down when its domain has no device (any more) (dossier §1.2 items 4, 5). */
export function leaveIfUnused(xen: Xen, slot: number): void {
  if (xen.profile.iommuContext !== 'at-first-assignment' || slot >= xen.domIo) return;
  if (deviceCount(xen, slot) === 0 && hasIommu(xen, slot)) teardownContext(xen, slot);
}
