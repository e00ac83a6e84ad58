import {
  GNTTABOP,
  GRANT_ENTRY_BYTES,
  GRANT_ENTRY_V2_BYTES,
  GRANT_STATUS_BYTES,
  GTF_IN_USE,
  SETUP_TABLE,
} from './abi/grant-table.js';
import { HYPERCALL } from './abi/hypercalls.js';
import {
  ACQUIRE_RESOURCE,
  GRANT_TABLE_SHARED,
  GRANT_TABLE_STATUS,
  RESOURCE_GRANT_TABLE,
  XENMEM,
} from './abi/memory.js';
import { type Dom0, isDom0 } from './dom0.js';
import type { Holdings } from './holdings.js';
import type { MappedResource } from './native.js';
import { PAGE_BYTES } from './process-slots.js';

const EBUSY = 16;
const EINVAL = 22;
const ENOSYS = 38;
const EOPNOTSUPP = 95;

/** The entry of a grant reference, in memory that we share with Xen and the domain; below 0 is -errno. */
function grantEntry(holdings: Holdings, domid: number, ref: number, bytes: number): DataView | number {
  if (isDom0(domid)) return -ENOSYS;
  const perFrame = PAGE_BYTES / bytes;
  const frame = Math.floor(ref / perFrame);
  const key = `${domid}:${frame}`;
  let mapped = holdings.grantFrames.get(key);
  if (mapped === undefined) {
    const window = openGrantFrame(holdings, domid, GRANT_TABLE_SHARED, frame);
    if (typeof window === 'number') return window;
    holdings.grantFrames.set(key, window);
    mapped = window;
  }
  return new DataView(mapped.bytes, (ref % perFrame) * bytes, bytes);
}

/**
 * A frame of a domain's grant table, which Xen makes if it is not there yet. Where the domain is translated, a hypercall
 * would take the MFN for a GFN: there the kernel has to map it.
 */
function openGrantFrame(
  holdings: Holdings,
  domid: number,
  id: number,
  frame: number,
): MappedResource | number {
  const { dom0, windows, domains } = holdings;
  if (domains.get(domid)?.translated === true)
    return dom0.native.mapResource(domid, RESOURCE_GRANT_TABLE, id, frame);
  const mfn = grantFrameMfn(dom0, domid, frame, id);
  if (mfn < 0) return mfn;
  const window = windows.open(mfn, domid);
  return typeof window === 'number' ? window : { bytes: window.bytes, close: () => windows.close(window) };
}

/** The MFN of a frame of a PV domain's grant table, which Xen makes if it is not there yet; below 0 is -errno. */
export function grantFrameMfn(dom0: Dom0, domid: number, frame: number, id = GRANT_TABLE_SHARED): number {
  const list = dom0.area.putFrames([0]);
  const { address } = dom0.area.put(ACQUIRE_RESOURCE, {
    domid,
    type: RESOURCE_GRANT_TABLE,
    id,
    nr_frames: 1,
    frame,
    frame_list: list.address,
  });
  const rc = dom0.hypercall(HYPERCALL.memory_op, XENMEM.acquire_resource, address);
  if (rc === -EOPNOTSUPP && id === GRANT_TABLE_SHARED) return setUpGrantFrame(dom0, domid, frame);
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

/** Writes an entry of a domain's grant table the way its kernel would: the flags, which make it valid, come last. */
export function writeGrant(holdings: Holdings, domid: number, ref: number, text: string): number {
  const bytes = Buffer.from(text, 'hex');
  const size = bytes.length === GRANT_ENTRY_BYTES ? GRANT_ENTRY_BYTES : GRANT_ENTRY_V2_BYTES;
  const entry = grantEntry(holdings, domid, ref, size);
  if (typeof entry === 'number') return entry;
  for (let at = 2; at < size; at += 2) entry.setUint16(at, bytes.readUInt16LE(at), true);
  entry.setUint16(0, bytes.readUInt16LE(0), true);
  return 0;
}

/** Ends a grant, unless it is in use. */
export function clearGrant(holdings: Holdings, domid: number, ref: number, version: number): number {
  const size = version === 1 ? GRANT_ENTRY_BYTES : GRANT_ENTRY_V2_BYTES;
  const entry = grantEntry(holdings, domid, ref, size);
  if (typeof entry === 'number') return entry;
  const use = version === 1 ? entry.getUint16(0, true) : grantStatus(holdings, domid, ref);
  if (use < 0) return use;
  if ((use & GTF_IN_USE) !== 0) return -EBUSY;
  entry.setUint16(0, 0, true);
  return 0;
}

/** The use flags of a version 2 entry. Nothing of it stays mapped: set_version takes the frames back. */
function grantStatus(holdings: Holdings, domid: number, ref: number): number {
  const perFrame = PAGE_BYTES / GRANT_STATUS_BYTES;
  const frame = openGrantFrame(holdings, domid, GRANT_TABLE_STATUS, Math.floor(ref / perFrame));
  if (typeof frame === 'number') return frame;
  const status = new DataView(frame.bytes).getUint16((ref % perFrame) * GRANT_STATUS_BYTES, true);
  frame.close();
  return status;
}
