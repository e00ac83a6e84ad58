import { GNTTABOP, UNMAP_GRANT_REF } from './abi/grant-table.js';
import { DOMID, HYPERCALL } from './abi/hypercalls.js';
import { MMUEXT } from './abi/mmu.js';
import { assignment } from './assignments.js';
import type { Dom0 } from './dom0.js';
import { destroyDomain, listDomains } from './domains.js';
import type { GrantMapping, Holdings } from './holdings.js';
import { nap } from './nap.js';
import { decreaseOwn } from './own-pages.js';
import { mmuextOp, updateVaMapping } from './page-tables.js';
import type { StatusResult } from './protocol.js';

const TIMEOUT_MS = 2000;
const EBUSY = 16;

/**
 * Gives back all that calls have left: dom0's mappings first, as they hold on to the pages of domains, those of grants
 * before anything is written over them; then the domains; then devices, which come from quarantine; then pages of dom0's
 * own. `rc` is -EBUSY when something stays behind.
 */
export function reset(holdings: Holdings): StatusResult {
  const { dom0 } = holdings;
  unmapGrants(holdings);
  clearSlots(holdings);
  const mine = new Set(holdings.domains.keys());
  for (const domid of new Set([...mine, ...grantFrameOwners(holdings)])) holdings.dropMaps(domid);
  const doomed = (domid: number): boolean => !holdings.sparing || mine.has(domid);

  const deadline = performance.now() + TIMEOUT_MS;
  let clean = false;
  for (let round = 0; !clean && performance.now() < deadline; round++) {
    dom0.area.clear();
    const left = listDomains(dom0).filter(({ domid }) => doomed(domid));
    for (const { domid, dying } of left) if (!dying) destroyDomain(holdings, domid);
    clean = giveBackDevices(holdings) && giveBackPages(holdings) && left.length === 0;
    if (clean) break;
    // Xen frees a domain when its CPUs have passed a quiet moment.
    if (round < 20) dom0.yield();
    else nap(1);
  }
  return { rc: clean && holdings.endlessMappings === 0 ? 0 : -EBUSY };
}

function clearSlots({ dom0, slotsInUse, windows }: Holdings): void {
  for (const slot of slotsInUse) updateVaMapping(dom0, windows.slots.address(slot), 0n);
  slotsInUse.clear();
}

/**
 * A guest's grants are unmapped by Xen when it dies; dom0's have to be by dom0. Where something else has been written over
 * an entry, Xen refuses to (put_page_from_l1e has dropped what the entry held), and of a granter that is gone dom0 must not
 * even ask: Xen would crash it (unmap_common). Such a handle stays, and the page stays with the devices of a strict dom0.
 */
function unmapGrants(holdings: Holdings): void {
  const { dom0, grantMappings, grantSlots } = holdings;
  for (const mapping of grantMappings.values())
    if (mapping.domid === 0 && !(isThere(dom0, mapping.granter) && unmap(dom0, mapping)))
      holdings.endlessMappings++;
  grantMappings.clear();
  grantSlots.clear();
}

/** Asked for each mapping: a dying granter is gone with the last of its pages that is unmapped. */
function isThere(dom0: Dom0, domid: number): boolean {
  dom0.area.clear();
  return dom0.reservation(domid) !== undefined;
}

/** Ends what is left of a mapping of dom0's, half by half: the host's stays where the device's cannot be ended. */
function unmap(dom0: Dom0, { handle, address, device, busAddress }: GrantMapping): boolean {
  const halves = [
    { host_addr: 0, dev_bus_addr: device ? busAddress : 0 },
    { host_addr: address, dev_bus_addr: 0 },
  ];
  return halves
    .filter(({ host_addr, dev_bus_addr }) => host_addr !== 0 || dev_bus_addr !== 0)
    .every((half) => {
      dom0.area.clear();
      const op = dom0.area.put(UNMAP_GRANT_REF, { ...half, handle });
      const rc = dom0.hypercall(HYPERCALL.grant_table_op, GNTTABOP.unmap_grant_ref, op.address, 1);
      return rc >= 0 && op.get('status') === 0;
    });
}

const grantFrameOwners = ({ grantFrames }: Holdings): number[] =>
  [...grantFrames.keys()].map((key) => Number.parseInt(key, 10));

/** Deassigning from DOM_IO gives a device back to dom0; elsewhere than there it is refused. */
function giveBackDevices({ dom0, takenDevices }: Holdings): boolean {
  for (const sbdf of takenDevices) {
    dom0.area.clear();
    assignment(dom0, 'deassign_device', DOMID.io, sbdf, 0);
  }
  takenDevices.clear();
  return true;
}

/** Tables among the pages may hold on to others: again until nothing changes. */
function giveBackPages(holdings: Holdings): boolean {
  const { dom0, ownPages } = holdings;
  for (let before = -1; ownPages.size !== before && ownPages.size > 0; ) {
    before = ownPages.size;
    for (const mfn of ownPages) {
      dom0.area.clear();
      if (decreaseOwn(holdings, mfn) === 1) continue;
      mmuextOp(dom0, [{ cmd: MMUEXT.unpin_table, mfn }]);
      decreaseOwn(holdings, mfn);
    }
  }
  return ownPages.size === 0;
}
