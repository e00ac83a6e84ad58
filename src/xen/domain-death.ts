import { PGT, PGT_PARTIAL, PGT_PINNED, PGT_VALIDATED } from '../formats/x86-page-info.js';
import { callerOf, domainOf, goOn, type StepFunction } from './calls/call.js';
import { STEP_NAMES, Step, type StepName } from './calls/steps.js';
import { dropClaim } from './claims.js';
import { isDeviceTree } from './devices.js';
import { releaseDtDevices } from './dt-assign.js';
import { Errno } from './errno.js';
import { dropBitmap } from './exclusions.js';
import { dropAllocation, freeXenFrame, getPage, isSpecialPage, ownerOf, putPage } from './frames.js';
import { forgetGrantTable, grantTableFrames } from './grant-frames.js';
import { releaseGrantMappings } from './grant-unmap.js';
import { forgetRegions } from './identity-map.js';
import { freeIommuTables } from './iommu-map.js';
import { mustWait } from './locks.js';
import { p2mFree } from './p2m.js';
import { COUNT_MASK, extentOrder, typeOf } from './page-info.js';
import { dropVaMappings } from './page-table.js';
import { putPageAndType } from './page-type.js';
import { releasePciDevices } from './pci-release.js';
import { lookForPreemption } from './preemption.js';
import type { Xen } from './state.js';
import { devalidateLastEntry, devalidatePartial } from './table-contents.js';
import { Life } from './tables/domain.js';
import { dropVcpuTables } from './vcpu.js';
import { forgetDid } from './vtd-domain-ids.js';

/**
 * XEN_DOMCTL_destroydomain, run to its end (dossier §6.6). -ESRCH when there is no such domain, -EINVAL for oneself. A
 * zombie is destroyed already, which is no error; one whose device did not leave is tried again.
 * @param call row of the caller's in the table `call`.
 */
export function destroyDomain(xen: Xen, call: number, slot: number): number {
  // As a whole it cannot come to its end while another hypercall has the devices.
  if (xen.exists(slot) && mustWait(xen, xen.lock.pcidevs, 0)) return 0;
  const next = beginToDie(xen, call, slot);
  if (next <= 0) return next;
  let stage: number = next;
  while (stage > 0) stage = runStage(xen, call, slot, stage);
  return stage;
}

/** The same in steps: a stage each, but for the domain's memory, which is a page each. */
export function beginDestroyDomain(xen: Xen, call: number, slot: number): number {
  xen.call.domain.set(call, slot + 1);
  return goOn(xen, call, beginToDie(xen, call, slot));
}

/** Marks the domain as dying. Returns the stage that comes next, which after a failure is the one that failed. */
function beginToDie(xen: Xen, call: number, slot: number): number {
  if (!xen.exists(slot)) return -Errno.ESRCH;
  if (slot === callerOf(xen, call)) return -Errno.EINVAL;
  if (xen.domain.life.get(slot) === Life.dead) return 0;
  if (xen.domain.teardown.get(slot) !== 0) return xen.domain.teardown.get(slot);
  xen.domain.life.set(slot, Life.dying);
  dropClaim(xen, slot);
  if (xen.profile.grantsReleasedAtDeath === 'as-it-dies') releaseGrantMappings(xen, slot);
  return resumeAt(xen, slot, firstStage(xen));
}

function firstStage(xen: Xen): number {
  return xen.profile.grantsReleasedAtDeath === 'preemptibly' ? Step.release_grants : Step.release_devices;
}

/** Where the destruction goes on, in this hypercall or, should this stage fail, in the next. */
function resumeAt(xen: Xen, slot: number, stage: number): number {
  xen.domain.teardown.set(slot, stage);
  return stage;
}

type Stage = (xen: Xen, call: number, slot: number) => number;

/** Runs a stage: the next one, 0 at the end, or the errno of a device that does not leave (f591755823). */
function runStage(xen: Xen, call: number, slot: number, stage: number): number {
  const next = STAGES[stage]!(xen, call, slot);
  return next > 0 ? resumeAt(xen, slot, next) : next;
}

/** Devices leave first, so that no tables or pages go while one uses them. */
function leaveDevices(xen: Xen, _call: number, slot: number): number {
  if (mustWait(xen, xen.lock.pcidevs, 0)) return 0;
  const next = isDeviceTree(xen) ? Step.xen_pages : Step.free_iommu;
  const status = isDeviceTree(xen) ? releaseDtDevices(xen, slot) : releasePciDevices(xen, slot);
  return status === 0 || xen.profile.deviceStays === 'goes-on' ? next : status;
}

/** On Arm the p2m goes last, elsewhere before what the domain's CPUs run on. */
function tearDownPaging(xen: Xen, _call: number, slot: number): number {
  dropBitmap(xen, slot);
  const arm = xen.spec.arch === 'arm';
  if (arm || xen.profile.p2mFreed === 'at-relinquish') p2mFree(xen, slot);
  return arm ? Step.dead : Step.vcpu_pagetables;
}

function dropSharedFrames(xen: Xen, _call: number, slot: number): number {
  for (const pdx of sharedFrames(xen, slot)) dropAllocation(xen, pdx);
  return Step.l4;
}

/** One page of the domain's memory, then the next; behind the last one `after`. */
function relinquishMemory(type: number, stage: number, after: number): Stage {
  return (xen, _call, slot) => {
    const tables = xen.isPv(slot);
    let pdx = type === PGT.l4 || tables ? xen.domain.teardownPage.get(slot) : xen.ram.frames;
    while (pdx < xen.ram.frames && (ownerOf(xen, pdx) !== slot || isSpecialPage(xen, pdx))) pdx++;
    const done = pdx >= xen.ram.frames;
    const left = done || relinquishPage(xen, pdx, slot, type);
    xen.domain.teardownPage.set(slot, done ? 0 : left ? pdx + 1 : pdx);
    if (!done) return stage;
    return xen.spec.arch === 'arm' ? Step.paging : after;
  };
}

/**
 * relinquish_memory: the pin goes, then the allocation's reference. The page is free unless others hold it. A table of
 * this level that is valid even then is held by tables of the same level, and is emptied, an entry first and then the others.
 * False when it is not done.
 */
function relinquishPage(xen: Xen, pdx: number, slot: number, type: number): boolean {
  lookForPreemption(xen);
  if (extentOrder(xen.frame.countInfo.get(pdx)) !== 0) {
    dropAllocation(xen, pdx);
    return true;
  }
  if (!getPage(xen, pdx, slot)) return true;
  const pinned = xen.frame.typeInfo.get(pdx);
  if ((pinned & PGT_PINNED) !== 0) {
    xen.frame.typeInfo.set(pdx, pinned & ~PGT_PINNED);
    putPageAndType(xen, pdx);
  }
  dropAllocation(xen, pdx);
  const info = xen.frame.typeInfo.get(pdx);
  if (typeOf(info) === type && (info & PGT_PARTIAL) !== 0) dropPartial(xen, pdx, type);
  else if (typeOf(info) === type && (info & PGT_VALIDATED) !== 0) {
    xen.frame.typeInfo.set(pdx, info & ~PGT_VALIDATED);
    if (devalidateLastEntry(xen, pdx, type)) {
      keepPartial(xen, pdx);
      return false;
    }
  }
  putPage(xen, pdx);
  return true;
}

/**
 * Emptying a table was interrupted. Being partial holds the general reference that was taken for looking, and a type
 * reference of its own (66bdc16aee, XSA-310).
 */
function keepPartial(xen: Xen, pdx: number): void {
  const counted = xen.profile.partialTeardown === 'counted' ? 1 : 0;
  xen.frame.typeInfo.set(pdx, (xen.frame.typeInfo.get(pdx) + counted) | PGT_PARTIAL);
}

/** A table whose validation nobody will complete: its entries go, and both references that it held for being partial. */
function dropPartial(xen: Xen, pdx: number, type: number): void {
  xen.frame.typeInfo.set(pdx, xen.frame.typeInfo.get(pdx) & ~PGT_PARTIAL);
  devalidatePartial(xen, pdx, type);
  xen.frame.typeInfo.add(pdx, -1);
  putPage(xen, pdx);
}

function finishDeath(xen: Xen, _call: number, slot: number): number {
  xen.domain.teardown.set(slot, 0);
  xen.domain.life.set(slot, Life.dead);
  vanishIfUnreferenced(xen, slot);
  return 0;
}

/** domain_teardown and domain_relinquish_resources, stage by stage, in their order (dossier §6.6). */
const DEATH = {
  release_grants: (xen, _call, slot) => {
    releaseGrantMappings(xen, slot);
    return Step.release_devices;
  },
  release_devices: leaveDevices,
  free_iommu: (xen, _call, slot) => {
    forgetDid(xen, slot);
    if (xen.profile.iommuTablesFreed === 'at-relinquish') freeIommuTables(xen, slot);
    return Step.paging;
  },
  paging: tearDownPaging,
  vcpu_pagetables: (xen, _call, slot) => {
    dropVcpuTables(xen, slot);
    dropVaMappings(xen, slot);
    return Step.xen_pages;
  },
  xen_pages: dropSharedFrames,
  l4: relinquishMemory(PGT.l4, Step.l4, Step.l3),
  l3: relinquishMemory(PGT.l3, Step.l3, Step.l2),
  l2: relinquishMemory(PGT.l2, Step.l2, Step.dead),
  dead: finishDeath,
} as const satisfies Readonly<Record<string, Stage>>;

const STAGES: readonly (Stage | undefined)[] = STEP_NAMES.map((name) =>
  Object.hasOwn(DEATH, name) ? DEATH[name as keyof typeof DEATH] : undefined,
);

/** The stages as steps of the hypercall. */
export const DESTROY_DOMAIN = Object.fromEntries(
  Object.keys(DEATH).map((name) => [
    name,
    (xen: Xen, call: number) => runStage(xen, call, domainOf(xen, call), Step[name as StepName]),
  ]),
) as Readonly<Record<keyof typeof DEATH, StepFunction>>;

/** Frames of Xen's heap that it shares with a domain. */
function sharedFrames(xen: Xen, slot: number): number[] {
  const frames = grantTableFrames(xen, slot);
  const sharedInfo = xen.domain.sharedInfo.get(slot) - 1;
  if (sharedInfo >= 0) frames.push(sharedInfo);
  return frames;
}

/** A dead domain vanishes when nobody holds a page of it; then its domid is free again. */
export function vanishIfUnreferenced(xen: Xen, slot: number): void {
  if (xen.domain.life.get(slot) !== Life.dead || xen.domain.totPages.get(slot) !== 0) return;
  if (xen.domain.held.get(slot) !== 0) return;
  const shared = sharedFrames(xen, slot);
  if (shared.some((pdx) => (xen.frame.countInfo.get(pdx) & COUNT_MASK) !== 0)) return;
  freeIommuTables(xen, slot);
  p2mFree(xen, slot);
  for (const pdx of shared) freeXenFrame(xen, pdx);
  forgetGrantTable(xen, slot);
  forgetRegions(xen, slot);
  for (const column of Object.values(xen.domain)) column.set(slot, 0);
}
