import { HYPERCALL } from './abi/hypercalls.js';
import { ADD_TO_PHYSMAP, XENMEM } from './abi/memory.js';
import { MMUEXT, PTE_READ_ONLY, PTE_WRITABLE, pageTableEntry } from './abi/mmu.js';
import { DEBUG_KEYS, SYSCTL } from './abi/sysctl.js';
import { assignment } from './assignments.js';
import type { Caller } from './caller.js';
import { isDom0 } from './dom0.js';
import { createDomain, destroyDomain, listDomains } from './domains.js';
import { dma } from './edu.js';
import { exec } from './exec.js';
import { clearGrant, writeGrant } from './grant-entries.js';
import { grantTableOp, mapGrant, replaceGrant, unmapGrant } from './grants.js';
import { guestSlotAddress } from './guest.js';
import { helloOf } from './hello.js';
import type { Holdings } from './holdings.js';
import { decreaseOwn, OWN_GFN, populateOwn } from './own-pages.js';
import { mmuextOp, mmuUpdate, updateVaMapping } from './page-tables.js';
import { enableDevice } from './pci.js';
import type { CallName, CallOf, Issuer, PagesResult, Results, StatusResult } from './protocol.js';
import { decrease, exchange, populate, setMaxMem } from './reservations.js';
import { reset } from './reset.js';
import { framesBehind } from './translation.js';

const ESRCH = 3;
const EINVAL = 22;

type Handler<N extends CallName> = (holdings: Holdings, call: CallOf<N>) => Results[N];

const HANDLERS: { readonly [N in CallName]: Handler<N> } = {
  createdomain: createDomain,
  destroydomain: (holdings, { domid }) => destroyDomain(holdings, domid),
  max_mem: ({ dom0, domains }, { domid, pages }) => ({
    rc: setMaxMem(dom0, domid, pages + (domains.get(domid)?.ownPages.length ?? 0)),
  }),
  populate_physmap: populatePhysmap,
  decrease_reservation: (holdings, { domid, frame }) => {
    const done = isDom0(domid) ? decreaseOwn(holdings, frame) : decrease(holdings.dom0, domid, frame);
    return { rc: done === 0 ? -EINVAL : Math.min(done, 0) };
  },
  memory_exchange: memoryExchange,
  add_to_physmap: ({ dom0 }, { domid, space, index, gfn }) => {
    const { address } = dom0.area.put(ADD_TO_PHYSMAP, { domid, space, idx: index, gpfn: gfn });
    return { rc: dom0.hypercall(HYPERCALL.memory_op, XENMEM.add_to_physmap, address) };
  },
  assign_device: (holdings, { domid, sbdf, flags }) => {
    const result = assignment(holdings.dom0, 'assign_device', domid, sbdf, flags);
    if (result.rc === 0) holdings.takenDevices.add(sbdf);
    return result;
  },
  test_assign_device: ({ dom0 }, { domid, sbdf, flags }) =>
    assignment(dom0, 'test_assign_device', domid, sbdf, flags),
  deassign_device: ({ dom0 }, { domid, sbdf, flags }) =>
    assignment(dom0, 'deassign_device', domid, sbdf, flags),
  mmuext_op: (holdings, { domid, command, mfn, issuer }) =>
    issued(holdings, domid, issuer, (caller, owner) => mmuextOp(caller, [{ cmd: command, mfn }], owner)),
  mmu_update: (holdings, { domid, mfn, index, entry, issuer }) =>
    issued(holdings, domid, issuer, (caller, owner) =>
      mmuUpdate(caller, [{ mfn, index, entry: BigInt(`0x${entry}`) }], owner),
    ),
  update_va_mapping: mapAtSlot,
  grant: (holdings, { domid, ref, entry }) => ({ rc: writeGrant(holdings, domid, ref, entry) }),
  end_grant: (holdings, { domid, ref, version }) => ({ rc: clearGrant(holdings, domid, ref, version) }),
  map_grant_ref: mapGrant,
  unmap_grant_ref: unmapGrant,
  unmap_and_replace: replaceGrant,
  grant_table_op: grantTableOp,
  dma: ({ dom0 }, { sbdf, write, address }) => dma(dom0.native, sbdf, write, address),
  device: (_, { sbdf }) => enableDevice(sbdf),
  debug_keys: ({ dom0 }, { keys }) => ({
    rc: dom0.sysctl(SYSCTL.debug_keys, DEBUG_KEYS, { keys: dom0.area.putText(keys), nr_keys: keys.length })
      .rc,
  }),
  exec: (_, { argv, timeoutSeconds, files }) => exec(argv, timeoutSeconds, files),
  domains: ({ dom0 }) => ({ rc: 0, domids: listDomains(dom0).map(({ domid }) => domid) }),
  reset,
  hello: ({ dom0 }) => helloOf(dom0),
};

/** Carries out one call. @throws Error when it cannot be carried out at all. */
export function perform<N extends CallName>(holdings: Holdings, call: CallOf<N>): Results[N] {
  holdings.dom0.area.clear();
  const handler = HANDLERS[call.call as N] as Handler<N>;
  return handler(holdings, call);
}

/** Has dom0 issue a hypercall in the name of `domid`, or a guest issue it for itself. */
function issued(
  { dom0, domains }: Holdings,
  domid: number,
  issuer: Issuer,
  hypercall: (caller: Caller, owner?: number) => number,
): StatusResult {
  if (issuer === 'toolstack' || isDom0(domid)) return { rc: hypercall(dom0, domid) };
  const guest = domains.get(domid)?.guest;
  if (guest === undefined) return { rc: -ESRCH };
  guest.area.clear();
  return { rc: hypercall(guest) };
}

function mapAtSlot(holdings: Holdings, call: CallOf<'update_va_mapping'>): StatusResult {
  const { domid, slot, mfn, of } = call;
  const { dom0, domains, slotsInUse, windows } = holdings;
  const entry = mfn < 0 ? 0n : pageTableEntry(mfn, call.writable ? PTE_WRITABLE : PTE_READ_ONLY);
  const owner = of === domid ? undefined : of;
  if (isDom0(domid)) {
    const rc = updateVaMapping(dom0, windows.slots.address(slot), entry, owner);
    if (rc === 0 && mfn < 0) slotsInUse.delete(slot);
    else if (rc === 0) slotsInUse.add(slot);
    return { rc };
  }
  const domain = domains.get(domid);
  if (domain === undefined || domain.slotTable < 0) return { rc: -ESRCH };
  if (call.issuer === 'toolstack')
    return { rc: mmuUpdate(dom0, [{ mfn: domain.slotTable, index: slot, entry }], domid, of) };
  if (domain.guest === undefined) return { rc: -ESRCH };
  domain.guest.area.clear();
  return { rc: updateVaMapping(domain.guest, guestSlotAddress(slot), entry, owner) };
}

function populatePhysmap(
  holdings: Holdings,
  { domid, count, gfn, zero }: CallOf<'populate_physmap'>,
): PagesResult {
  const { dom0, domains } = holdings;
  const translated = domains.get(domid)?.translated === true;
  const gfns = Array.from({ length: count }, (_, i) => gfn + i);
  const { rc, frames } = isDom0(domid) ? populateOwn(holdings, count) : populate(dom0, domid, gfns);
  if (zero === true && frames.length > 0) {
    if (translated) zeroMapped(holdings, domid, frames);
    else
      mmuextOp(
        dom0,
        frames.map((mfn) => ({ cmd: MMUEXT.clear_page, mfn })),
        domid,
      );
  }
  return { rc, mfns: translated ? framesBehind(holdings, domid, frames) : frames };
}

function zeroMapped({ windows }: Holdings, domid: number, frames: readonly number[]): void {
  for (const frame of frames) {
    const window = windows.openOrThrow(frame, domid);
    new Uint8Array(window.bytes).fill(0);
    windows.close(window);
  }
}

function memoryExchange(holdings: Holdings, { domid, frame }: CallOf<'memory_exchange'>): PagesResult {
  const own = isDom0(domid);
  const { rc, frames } = exchange(holdings.dom0, domid, frame, own ? OWN_GFN : 0);
  if (own && rc === 0) {
    holdings.ownPages.delete(frame);
    for (const mfn of frames) holdings.ownPages.add(mfn);
  }
  return { rc, mfns: frames };
}
