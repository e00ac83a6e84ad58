import { PGT_PINNED } from '../formats/x86-page-info.js';
import { Step } from './call-steps.js';
import { Errno } from './errno.js';
import { dropAllocation, freeXenFrame, isSpecialPage, ownerOf } from './frames.js';
import { forgetGrantTable, grantTableFrames } from './grant-frames.js';
import { releaseGrantMappings } from './grant-unmap.js';
import { freeIommuTables } from './iommu-map.js';
import { p2mFree } from './p2m.js';
import { COUNT_MASK } from './page-info.js';
import { dropVaMappings } from './page-table.js';
import { putPageAndType } from './page-type.js';
import { releaseDevices } from './pci-release.js';
import { Life, type Xen } from './state.js';

/**
 * XEN_DOMCTL_destroydomain, run to its end (dossier §6.6). -ESRCH when there is no such domain, -EINVAL for oneself. A
 * zombie is destroyed already, which is no error; one whose device did not leave is tried again.
 */
export function destroyDomain(xen: Xen, caller: number, slot: number): number {
  if (!xen.exists(slot)) return -Errno.ESRCH;
  if (slot === caller) return -Errno.EINVAL;
  if (waitsForDomctl(xen, caller)) return 0;
  if (xen.domain.life.get(slot) === Life.dead) return 0;
  xen.domain.life.set(slot, Life.dying);
  releaseGrantMappings(xen, slot);
  const status = relinquishResources(xen, slot);
  if (status !== 0) return status;
  xen.domain.life.set(slot, Life.dead);
  vanishIfUnreferenced(xen, slot);
  return 0;
}

/** Another vCPU of the toolstack can destroy a domain between two slices of a hypercall, not within one. */
function waitsForDomctl(xen: Xen, caller: number): boolean {
  const step = xen.call.step.get(caller);
  if (step === Step.none || step === Step.domctl) return false;
  xen.blocked = true;
  return true;
}

/**
 * domain_relinquish_resources: devices leave first, so that no tables or pages go while one uses them. An errno leaves
 * the rest of the domain as it is (dossier §6.6, f591755823).
 */
function relinquishResources(xen: Xen, slot: number): number {
  const status = releaseDevices(xen, slot);
  if (status !== 0) return status;
  if (xen.profile.iommuTablesFreed === 'at-relinquish') freeIommuTables(xen, slot);
  if (xen.spec.arch === 'arm' || xen.profile.p2mFreed === 'at-relinquish') p2mFree(xen, slot);
  dropVaMappings(xen, slot);
  for (const pdx of sharedFrames(xen, slot)) dropAllocation(xen, pdx);
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    if (ownerOf(xen, pdx) === slot && !isSpecialPage(xen, pdx)) relinquishPage(xen, pdx);
  }
  return 0;
}

/** relinquish_memory: the pin goes, then the allocation's reference. The page is free unless others hold it. */
function relinquishPage(xen: Xen, pdx: number): void {
  const info = xen.frame.typeInfo.get(pdx);
  if ((info & PGT_PINNED) !== 0) {
    xen.frame.typeInfo.set(pdx, info & ~PGT_PINNED);
    putPageAndType(xen, pdx);
  }
  dropAllocation(xen, pdx);
}

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
  const shared = sharedFrames(xen, slot);
  if (shared.some((pdx) => (xen.frame.countInfo.get(pdx) & COUNT_MASK) !== 0)) return;
  freeIommuTables(xen, slot);
  p2mFree(xen, slot);
  for (const pdx of shared) freeXenFrame(xen, pdx);
  forgetGrantTable(xen, slot);
  for (const column of Object.values(xen.domain)) column.set(slot, 0);
}
