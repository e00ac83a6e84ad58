import { GNTMAP } from '../formats/grant-v1.js';
import { flushCpuTlb } from './cpu-tlb.js';
import { activeRow, dropPins, pinsOf } from './grant-active.js';
import { replaceHostMapping } from './grant-host-mapping.js';
import { grantIommuUnmap } from './grant-iommu.js';
import { dropReferences } from './grant-map.js';
import { GNTST } from './grant-status.js';
import { SOMEWHERE } from './host-entry.js';
import { mustWait } from './locks.js';
import { forgetHandle, grantRefOf } from './maptrack.js';
import { haveWorked, lookForPreemption } from './preemption.js';
import type { Xen } from './state.js';

const HALVES = GNTMAP.host | GNTMAP.device;

/** Where a caller says that a mapping is: where it was made. */
export const WHERE_MAPPED = -1;

/**
 * GNTTABOP_unmap_grant_ref (dossier §5.5). `clear` says which of {@link GNTMAP}.host and .device the caller's addresses
 * name; naming neither clears nothing. `devBusAddr` is the frame number of dev_bus_addr, or -1 for none. `hostGfn` and
 * `hostEntry` are the host address; by default it is the one that was mapped. Returns a {@link GNTST}.
 */
export function unmapGrantRef(
  xen: Xen,
  caller: number,
  handle: number,
  clear: number,
  devBusAddr: number,
  hostGfn = WHERE_MAPPED,
  hostEntry = SOMEWHERE,
): number {
  return unmapOne(xen, caller, handle, clear, devBusAddr, hostGfn, hostEntry, SOMEWHERE);
}

/**
 * GNTTABOP_unmap_and_replace: the host mapping goes, and what is mapped at `replacement` comes in its place. general_error for
 * translated callers, and for mappings whose entry was named by machine address.
 */
export function unmapAndReplace(
  xen: Xen,
  caller: number,
  handle: number,
  hostEntry: number,
  replacement: number,
): number {
  return unmapOne(xen, caller, handle, GNTMAP.host, -1, WHERE_MAPPED, hostEntry, replacement);
}

/** A hypercall of one request, which flushes the mapper's TLBs also when it is refused. */
function unmapOne(
  xen: Xen,
  caller: number,
  handle: number,
  clear: number,
  devBusAddr: number,
  hostGfn: number,
  hostEntry: number,
  replacement: number,
): number {
  const row = caller * xen.spec.limits.handles + handle;
  const pdx = mappedFrame(xen, caller, handle);
  const granter = pdx < 0 ? -1 : xen.maptrack.granter.get(row) - 1;
  const ref = pdx < 0 ? -1 : grantRefOf(xen, row);
  const given = unmapPass(xen, caller, handle, clear, devBusAddr, hostGfn, hostEntry, replacement);
  flushMapper(xen, caller);
  if (given < 0) return given;
  completeUnmap(xen, caller, granter, ref, pdx, given);
  return unmapStatus(given);
}

/** gnttab_flush_tlb: a translated domain's mappings go with its p2m's. */
export function flushMapper(xen: Xen, slot: number): void {
  if (xen.spec.limits.cpuTlb !== 0 && !xen.isTranslated(slot)) flushCpuTlb(xen, slot);
}

/** The frame that a handle maps, by index, or -1. */
export function mappedFrame(xen: Xen, caller: number, handle: number): number {
  const { handles } = xen.spec.limits;
  const row = caller * handles + handle;
  if (handle < 0 || handle >= handles || xen.maptrack.flags.get(row) === 0) return -1;
  const granter = xen.maptrack.granter.get(row) - 1;
  return xen.grant.frame.get(activeRow(xen, granter, grantRefOf(xen, row))) - 1;
}

/** Beside the flags of what a pass has taken away: the IOMMU refused. */
const IOMMU_FAILED = 0x100;

/** What a request answers whose first pass came to `given`. */
export function unmapStatus(given: number): number {
  return (given & IOMMU_FAILED) === 0 ? GNTST.okay : GNTST.general_error;
}

/**
 * unmap_common, the first pass of one request: the mapping goes, from the CPU's tables and the devices', and the handle,
 * when nothing is mapped any more. Between it and
 * {@link completeUnmap} Xen flushes the mapper's TLBs, once for up to 32 requests of a hypercall, so that nothing is given
 * back that a CPU can still reach; a batch is therefore the same as its requests one after the other. Returns the GNTMAP
 * flags of what is to be given back, or a negative {@link GNTST}.
 */
export function unmapPass(
  xen: Xen,
  caller: number,
  handle: number,
  clear: number,
  devBusAddr: number,
  hostGfn: number,
  hostEntry: number,
  replacement: number,
): number {
  const { handles } = xen.spec.limits;
  if (handle < 0 || handle >= handles) return GNTST.bad_handle;
  const row = caller * handles + handle;
  const flags = xen.maptrack.flags.get(row);
  if (flags === 0) return GNTST.bad_handle;
  const granter = xen.maptrack.granter.get(row) - 1;
  if (!xen.exists(granter)) return crashFor(xen, caller);
  if (mustWait(xen, xen.domain.grantLock, granter)) return GNTST.general_error;
  const ref = grantRefOf(xen, row);
  const pdx = mappedFrame(xen, caller, handle);
  // The granter's domid is somebody else's by now: what the entry names is not what is mapped.
  if (pdx < 0) return GNTST.general_error;

  const wrongAddress = devBusAddr >= 0 && devBusAddr !== xen.ram.frameAt(pdx);
  if (wrongAddress && xen.profile.badDevBusAddr === 'general_error') return GNTST.general_error;
  if (wrongAddress && (flags & GNTMAP.device) !== 0) return GNTST.bad_dev_addr;

  const cleared = flags & clear & HALVES;
  if ((cleared & GNTMAP.host) !== 0) {
    const gfn = hostGfn === WHERE_MAPPED ? xen.maptrack.hostGfn.get(row) - 1 : hostGfn;
    const own = xen.maptrack.hostEntry.get(row);
    // What stands in an entry that the program does not name is not at any that it does, nor can it be replaced there.
    if (own === SOMEWHERE && (hostEntry !== SOMEWHERE || replacement !== SOMEWHERE))
      return GNTST.general_error;
    const entry = hostEntry === SOMEWHERE ? own : hostEntry;
    if (!replaceHostMapping(xen, caller, pdx, flags, gfn, entry, replacement)) return GNTST.general_error;
  }
  const left = flags & ~cleared;
  const released = (left & HALVES) === 0;
  const readonly = flags & GNTMAP.readonly;
  if (released) forgetHandle(xen, row);
  else xen.maptrack.flags.set(row, left);
  const status =
    released || xen.profile.grantCounterDrop === 'every-unmap'
      ? grantIommuUnmap(xen, caller, granter, ref, pdx, readonly !== 0)
      : 0;
  const device = xen.profile.deviceHalfAtUnmap === 'always' ? flags & GNTMAP.device : 0;
  const given = cleared | device | readonly;
  if (xen.profile.unmapPins === 'before-flush')
    xen.grant.pin.add(activeRow(xen, granter, ref), -pinsOf(given));
  return given | (status === 0 ? 0 : IOMMU_FAILED);
}

/**
 * unmap_common_complete: gives back the pins and references of what the first pass has taken away, `given`, also where the
 * IOMMU refused. `pdx` is the page that was mapped by grant `ref` of `granter`.
 */
export function completeUnmap(
  xen: Xen,
  caller: number,
  granter: number,
  ref: number,
  pdx: number,
  given: number,
): void {
  const halves = given & (HALVES | GNTMAP.readonly);
  if ((halves & HALVES) === 0) return;
  const pins = xen.profile.unmapPins === 'after-flush' ? pinsOf(halves) : 0;
  dropPins(xen, granter, ref, pins, (halves & GNTMAP.readonly) !== 0);
  // With its last page a dead granter vanishes, so nothing may look at it after.
  dropReferences(xen, caller, granter, pdx, halves);
}

/**
 * The granter is gone although it is mapped: the mapper overwrote its L1 entry instead of unmapping, which gave the page
 * back. Xen crashes it, and answers nothing that it would see.
 */
function crashFor(xen: Xen, caller: number): number {
  xen.domain.crashed.set(caller, 1);
  return GNTST.general_error;
}

/**
 * gnttab_release_mappings: a dying domain gives back what it has mapped, pins and references, and its per-frame counters
 * are forgotten. With many mappings it takes long; since 4.16 Xen looks between pages of handles whether something else wants
 * the CPU, the model at each handle (b1ee10be56, XSA-380). Its IOMMU tables are left as they are (dossier §5.7). What an L1 entry of a PV domain holds goes with the
 * domain's page tables; where the entry is none that the model has, it goes here, a little earlier in the same hypercall.
 */
export function releaseGrantMappings(xen: Xen, slot: number): void {
  const { handles } = xen.spec.limits;
  for (let handle = handles - 1; handle >= 0; handle--) {
    const row = slot * handles + handle;
    const flags = xen.maptrack.flags.get(row);
    if (flags === 0) continue;
    const granter = xen.maptrack.granter.get(row) - 1;
    const ref = grantRefOf(xen, row);
    const pdx = xen.grant.frame.get(activeRow(xen, granter, ref)) - 1;
    const inTables = xen.maptrack.hostEntry.get(row) !== SOMEWHERE;
    if (xen.profile.grantsReleasedAtDeath === 'preemptibly') lookForPreemption(xen);
    haveWorked(xen);
    forgetHandle(xen, row);
    if (!xen.exists(granter)) continue;
    if (pdx < 0) {
      xen.bug('grant pin underflow');
      continue;
    }
    dropPins(xen, granter, ref, pinsOf(flags), (flags & GNTMAP.readonly) !== 0);
    dropReferences(xen, slot, granter, pdx, inTables ? flags & ~GNTMAP.host : flags);
  }
  for (let row = slot * handles; row < (slot + 1) * handles; row++) {
    xen.grantCounter.frame.set(row, 0);
    xen.grantCounter.readers.set(row, 0);
    xen.grantCounter.writers.set(row, 0);
  }
}
