import {
  GNTMAP_DEVICE_MAP,
  GNTMAP_HOST_MAP,
  GNTTABOP,
  MAP_GRANT_REF,
  UNMAP_AND_REPLACE,
  UNMAP_GRANT_REF,
} from './abi/grant-table.js';
import { HYPERCALL } from './abi/hypercalls.js';
import type { Caller } from './caller.js';
import { isDom0 } from './dom0.js';
import { guestSlotAddress } from './guest.js';
import { type GrantMapping, type Holdings, takeSlot } from './holdings.js';
import { GRANT_SLOTS, PAGE_BYTES, SLOTS } from './process-slots.js';
import type { CallOf, GrantOpResult, GrantResult, Place } from './protocol.js';

const ENOSYS = 38;

const refused = (rc: number): GrantResult => ({ rc, status: 0, handle: -1, busAddress: 0 });

/** Statuses are signed. */
const signed = (status: number): number => (status << 16) >> 16;

/** Who issues a domain's grant operations, and where it maps grants. */
interface Mapper {
  readonly caller: Caller;
  /** Slots of grants that are in use. */
  readonly used: Set<number>;
  /** Address of a slot, of the program's or (from {@link SLOTS} on) of a grant's. */
  address(slot: number): number;
}

/** Undefined when nobody can. */
function mapperOf(holdings: Holdings, domid: number): Mapper | undefined {
  if (isDom0(domid)) {
    const { slots } = holdings.windows;
    return {
      caller: holdings.dom0,
      used: holdings.grantSlots,
      address: (slot) => slots.address(slot),
    };
  }
  const domain = holdings.domains.get(domid);
  if (domain?.guest === undefined) return undefined;
  domain.guest.area.clear();
  return { caller: domain.guest, used: domain.grantSlots, address: guestSlotAddress };
}

/** The address that a place stands for, or -1 where none is named. */
function addressOf(mapper: Mapper, { slot, pte }: Place): number {
  if (pte >= 0) return pte;
  return slot >= 0 ? mapper.address(slot) : -1;
}

/** GNTTABOP_map_grant_ref of one grant; a host mapping without a place goes to a slot of the agent's choice. */
export function mapGrant(holdings: Holdings, call: CallOf<'map_grant_ref'>): GrantResult {
  const { domid, granter, ref, flags } = call;
  const mapper = mapperOf(holdings, domid);
  if (mapper === undefined) return refused(-ENOSYS);
  const named = addressOf(mapper, call);
  const isHost = (flags & GNTMAP_HOST_MAP) !== 0;
  const slot = !isHost || named >= 0 ? -1 : takeSlot(mapper.used, GRANT_SLOTS);
  const address = slot >= 0 ? mapper.address(SLOTS + slot) : isHost ? named : 0;
  const op = mapper.caller.area.put(MAP_GRANT_REF, { host_addr: address, flags, ref, dom: granter });
  const rc = mapper.caller.hypercall(HYPERCALL.grant_table_op, GNTTABOP.map_grant_ref, op.address, 1);
  const status = signed(op.get('status'));
  // Xen with XSA-316 says 1, and has mapped nothing.
  if (rc < 0 || status !== 0) {
    mapper.used.delete(slot);
    return { ...refused(rc), status };
  }
  const mapping: GrantMapping = {
    domid,
    granter,
    handle: op.get('handle'),
    address,
    slot,
    device: (flags & GNTMAP_DEVICE_MAP) !== 0,
    busAddress: op.get('dev_bus_addr'),
  };
  holdings.grantMappings.set(`${domid}:${mapping.handle}`, mapping);
  return { rc, status, handle: mapping.handle, busAddress: mapping.busAddress };
}

/** The address of a host mapping: the place that is named, or where it was made. One that maps nothing has to name one, too. */
function hostAddress(mapper: Mapper, mapping: GrantMapping | undefined, place: Place): number {
  const named = addressOf(mapper, place);
  return named >= 0 ? named : mapping?.address || mapper.address(SLOTS + GRANT_SLOTS - 1);
}

/** GNTTABOP_unmap_grant_ref of a host mapping, a device mapping, or both. */
export function unmapGrant(holdings: Holdings, call: CallOf<'unmap_grant_ref'>): GrantResult {
  const { domid, handle, host, device, busAddress: busFrame } = call;
  const mapper = mapperOf(holdings, domid);
  if (mapper === undefined) return refused(-ENOSYS);
  const mapping = holdings.grantMappings.get(`${domid}:${handle}`);
  const busAddress = busFrame >= 0 ? busFrame * PAGE_BYTES : (mapping?.busAddress ?? 0);
  const op = mapper.caller.area.put(UNMAP_GRANT_REF, {
    host_addr: host ? hostAddress(mapper, mapping, call) : 0,
    dev_bus_addr: device ? busAddress : 0,
    handle,
  });
  const rc = mapper.caller.hypercall(HYPERCALL.grant_table_op, GNTTABOP.unmap_grant_ref, op.address, 1);
  const status = signed(op.get('status'));
  if (rc >= 0 && status >= 0 && mapping !== undefined) forget(holdings, mapper, mapping, host, device);
  return { rc, status, handle, busAddress };
}

/** GNTTABOP_unmap_and_replace: ends the host mapping, and moves to its place what another slot maps. */
export function replaceGrant(holdings: Holdings, call: CallOf<'unmap_and_replace'>): GrantResult {
  const { domid, handle } = call;
  const mapper = mapperOf(holdings, domid);
  if (mapper === undefined) return refused(-ENOSYS);
  const mapping = holdings.grantMappings.get(`${domid}:${handle}`);
  const op = mapper.caller.area.put(UNMAP_AND_REPLACE, {
    host_addr: hostAddress(mapper, mapping, call),
    new_addr: mapper.address(call.with),
    handle,
  });
  const rc = mapper.caller.hypercall(HYPERCALL.grant_table_op, GNTTABOP.unmap_and_replace, op.address, 1);
  const status = signed(op.get('status'));
  if (rc >= 0 && status >= 0 && mapping !== undefined) forget(holdings, mapper, mapping, true, false);
  return { rc, status, handle, busAddress: 0 };
}

/** Half of a mapping is gone, or all of it. */
function forget(
  { grantMappings }: Holdings,
  mapper: Mapper,
  mapping: GrantMapping,
  host: boolean,
  device: boolean,
): void {
  const key = `${mapping.domid}:${mapping.handle}`;
  const left = { ...mapping, ...(host && { address: 0, slot: -1 }), ...(device && { device: false }) };
  if (host) mapper.used.delete(mapping.slot);
  if (left.address === 0 && !left.device) grantMappings.delete(key);
  else grantMappings.set(key, left);
}

/** grant_table_op of one operation, as it is. */
export function grantTableOp(holdings: Holdings, call: CallOf<'grant_table_op'>): GrantOpResult {
  const mapper = mapperOf(holdings, call.domid);
  if (mapper === undefined) return { rc: -ENOSYS, argument: call.argument };
  const { area } = mapper.caller;
  const bytes = Buffer.from(call.argument, 'hex');
  const at = area.reserve(bytes.length);
  bytes.forEach((byte, i) => {
    area.view.setUint8(at + i, byte);
  });
  if (call.frames > 0) {
    const list = area.putFrames(new Array<number>(call.frames).fill(0));
    area.view.setBigUint64(at + call.listAt, BigInt(list.address), true);
  }
  const rc = mapper.caller.hypercall(HYPERCALL.grant_table_op, call.command, area.address + at, 1);
  for (let i = 0; i < bytes.length; i++) bytes[i] = area.view.getUint8(at + i);
  return { rc, argument: bytes.toString('hex') };
}
