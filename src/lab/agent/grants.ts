import {
  GNTMAP_DEVICE_MAP,
  GNTMAP_HOST_MAP,
  GNTTABOP,
  GRANT_ENTRIES_PER_FRAME,
  GRANT_ENTRY,
  GTF_IN_USE,
  MAP_GRANT_REF,
  SETUP_TABLE,
  UNMAP_GRANT_REF,
} from './abi/grant-table.js';
import { HYPERCALL } from './abi/hypercalls.js';
import { ACQUIRE_RESOURCE, RESOURCE_GRANT_TABLE, XENMEM } from './abi/memory.js';
import type { Caller } from './caller.js';
import { type Dom0, isDom0 } from './dom0.js';
import { guestSlotAddress } from './guest.js';
import { type GrantMapping, type Holdings, takeSlot } from './holdings.js';
import type { MappedResource } from './native.js';
import { GRANT_SLOTS, PAGE_BYTES, SLOTS } from './process-slots.js';
import type { GrantResult } from './protocol.js';

const EBUSY = 16;
const EINVAL = 22;
const ENOSYS = 38;
const EOPNOTSUPP = 95;

/** The entry of a grant reference, in memory that we share with Xen and the domain; below 0 is -errno. */
function grantEntry(holdings: Holdings, domid: number, ref: number): DataView | number {
  if (isDom0(domid)) return -ENOSYS;
  const frame = Math.floor(ref / GRANT_ENTRIES_PER_FRAME);
  const key = `${domid}:${frame}`;
  let mapped = holdings.grantFrames.get(key);
  if (mapped === undefined) {
    const window = openGrantFrame(holdings, domid, frame);
    if (typeof window === 'number') return window;
    holdings.grantFrames.set(key, window);
    mapped = window;
  }
  return new DataView(mapped.bytes, (ref % GRANT_ENTRIES_PER_FRAME) * GRANT_ENTRY.size, GRANT_ENTRY.size);
}

/**
 * A frame of a domain's grant table, which Xen makes if it is not there yet. Where the domain is translated, a hypercall
 * would take the MFN for a GFN: there the kernel has to map it.
 */
function openGrantFrame(holdings: Holdings, domid: number, frame: number): MappedResource | number {
  const { dom0, windows, domains } = holdings;
  if (domains.get(domid)?.translated === true)
    return dom0.native.mapResource(domid, RESOURCE_GRANT_TABLE, frame);
  const mfn = grantFrameMfn(dom0, domid, frame);
  if (mfn < 0) return mfn;
  const window = windows.open(mfn, domid);
  return typeof window === 'number' ? window : { bytes: window.bytes, close: () => windows.close(window) };
}

/** The MFN of a frame of a PV domain's grant table, which Xen makes if it is not there yet; below 0 is -errno. */
export function grantFrameMfn(dom0: Dom0, domid: number, frame: number): number {
  const list = dom0.area.putFrames([0]);
  const { address } = dom0.area.put(ACQUIRE_RESOURCE, {
    domid,
    type: RESOURCE_GRANT_TABLE,
    nr_frames: 1,
    frame,
    frame_list: list.address,
  });
  const rc = dom0.hypercall(HYPERCALL.memory_op, XENMEM.acquire_resource, address);
  if (rc === -EOPNOTSUPP) return setUpGrantFrame(dom0, domid, frame);
  return rc < 0 ? rc : list.read(0);
}

/** The same for Xen up to 4.11, which has no such resource: the table is set up for the domain, up to that frame. */
function setUpGrantFrame(dom0: Dom0, domid: number, frame: number): number {
  const list = dom0.area.putFrames(new Array(frame + 1).fill(0));
  const op = dom0.area.put(SETUP_TABLE, { dom: domid, nr_frames: frame + 1, frame_list: list.address });
  const rc = dom0.hypercall(HYPERCALL.grant_table_op, GNTTABOP.setup_table, op.address, 1);
  if (rc < 0) return rc;
  return op.get('status') === 0 ? list.read(frame) : -EINVAL;
}

const AT = {
  flags: GRANT_ENTRY.fields.flags[0],
  domid: GRANT_ENTRY.fields.domid[0],
  frame: GRANT_ENTRY.fields.frame[0],
} as const;

/** Writes an entry of a domain's grant table the way its kernel would: what makes it valid comes last. */
export function writeGrant(
  holdings: Holdings,
  domid: number,
  ref: number,
  flags: number,
  to: number,
  frame: number,
): number {
  const entry = grantEntry(holdings, domid, ref);
  if (typeof entry === 'number') return entry;
  entry.setUint32(AT.frame, frame, true);
  entry.setUint16(AT.domid, to, true);
  entry.setUint16(AT.flags, flags, true);
  return 0;
}

/** Ends a grant, unless it is mapped. */
export function clearGrant(holdings: Holdings, domid: number, ref: number): number {
  const entry = grantEntry(holdings, domid, ref);
  if (typeof entry === 'number') return entry;
  if ((entry.getUint16(AT.flags, true) & GTF_IN_USE) !== 0) return -EBUSY;
  entry.setUint16(AT.flags, 0, true);
  return 0;
}

const refused = (rc: number): GrantResult => ({ rc, status: 0, handle: -1, busAddress: 0 });

/** Who maps grants for a domain, and its slots for them; undefined when nobody can. */
function mapperOf(
  holdings: Holdings,
  domid: number,
): { caller: Caller; used: Set<number>; address(slot: number): number } | undefined {
  if (isDom0(domid)) {
    const { slots } = holdings.windows;
    return {
      caller: holdings.dom0,
      used: holdings.grantSlots,
      address: (slot) => slots.address(SLOTS + slot),
    };
  }
  const domain = holdings.domains.get(domid);
  if (domain?.guest === undefined) return undefined;
  return { caller: domain.guest, used: domain.grantSlots, address: (slot) => guestSlotAddress(SLOTS + slot) };
}

/** GNTTABOP_map_grant_ref of one grant; a host mapping goes to a slot of the agent's choice. */
export function mapGrant(
  holdings: Holdings,
  domid: number,
  granter: number,
  ref: number,
  flags: number,
): GrantResult {
  const mapper = mapperOf(holdings, domid);
  if (mapper === undefined) return refused(-ENOSYS);
  const slot = (flags & GNTMAP_HOST_MAP) === 0 ? -1 : takeSlot(mapper.used, GRANT_SLOTS);
  const address = slot < 0 ? 0 : mapper.address(slot);
  const op = mapper.caller.area.put(MAP_GRANT_REF, { host_addr: address, flags, ref, dom: granter });
  const rc = mapper.caller.hypercall(HYPERCALL.grant_table_op, GNTTABOP.map_grant_ref, op.address, 1);
  const status = (op.get('status') << 16) >> 16;
  // Xen with XSA-316 says 1, and has mapped nothing.
  if (rc < 0 || status !== 0) {
    mapper.used.delete(slot);
    return { ...refused(rc), status };
  }
  const mapping: GrantMapping = {
    domid,
    handle: op.get('handle'),
    address,
    slot,
    device: (flags & GNTMAP_DEVICE_MAP) !== 0,
    busAddress: op.get('dev_bus_addr'),
  };
  holdings.grantMappings.set(`${domid}:${mapping.handle}`, mapping);
  return { rc, status, handle: mapping.handle, busAddress: mapping.busAddress };
}

/** GNTTABOP_unmap_grant_ref of a host mapping, a device mapping, or both; `busFrame` -1 takes the one it was mapped at. */
export function unmapGrant(
  holdings: Holdings,
  domid: number,
  handle: number,
  host: boolean,
  device: boolean,
  busFrame: number,
): GrantResult {
  const mapper = mapperOf(holdings, domid);
  if (mapper === undefined) return refused(-ENOSYS);
  const key = `${domid}:${handle}`;
  const mapping = holdings.grantMappings.get(key);
  const busAddress = busFrame >= 0 ? busFrame * PAGE_BYTES : (mapping?.busAddress ?? 0);
  const op = mapper.caller.area.put(UNMAP_GRANT_REF, {
    // A handle that maps nothing at an address still has to name one: the last slot's.
    host_addr: host ? mapping?.address || mapper.address(GRANT_SLOTS - 1) : 0,
    dev_bus_addr: device ? busAddress : 0,
    handle,
  });
  const rc = mapper.caller.hypercall(HYPERCALL.grant_table_op, GNTTABOP.unmap_grant_ref, op.address, 1);
  const status = (op.get('status') << 16) >> 16;
  if (rc >= 0 && status >= 0 && mapping !== undefined) {
    const left = { ...mapping, ...(host && { address: 0, slot: -1 }), ...(device && { device: false }) };
    if (host) mapper.used.delete(mapping.slot);
    if (left.address === 0 && !left.device) holdings.grantMappings.delete(key);
    else holdings.grantMappings.set(key, left);
  }
  return { rc, status, handle, busAddress };
}
