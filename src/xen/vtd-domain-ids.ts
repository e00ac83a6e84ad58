import { deviceOwner } from './devices.js';
import { Errno } from './errno.js';
import type { Xen } from './state.js';

/**
 * The domain ids (DIDs) under which VT-d units tag what they remember. Where a unit has enough of them a domain's is its
 * domid, the same in every unit; otherwise, and before 4.17 always, each unit has a map of its own (dossier §7.1).
 *
 * Whoever has one is called a holder here: a domain, by its slot, or a quarantined device, by {@link quarantineHolder}.
 */

/** domids have 15 bits; those from 0x8000 up stand for quarantined devices. */
const DOMID_MASK = 0x7fff;

/** The holder that a device in quarantine is, with a domain id to itself. */
export const quarantineHolder = (xen: Xen, device: number): number => xen.slots + device;

const rowOf = (xen: Xen, unit: number, holder: number): number =>
  unit * (xen.slots + xen.spec.devices.length) + holder;

/** domid_mapping: whether the unit's domain ids are given out one by one. */
export function mapsDomainIds(xen: Xen, unit: number): boolean {
  if (xen.profile.vtdDomainIds === 'mapped') return true;
  const { domainIds, cachingMode } = xen.vtds[unit]!.capabilities;
  return domainIds <= DOMID_MASK * 2 + (cachingMode ? 1 : 0);
}

/** convert_domid: complemented in caching mode, where 0 is for what is absent. The same in both directions. */
function converted(xen: Xen, unit: number, domid: number): number {
  return xen.vtds[unit]!.capabilities.cachingMode ? ~domid & 0xffff : domid;
}

/** get_iommu_did, domain_iommu_domid: a holder's domain id in a unit, or -1 when it has none. */
export function didOf(xen: Xen, unit: number, holder: number, domid = xen.domidOf(holder)): number {
  if (!mapsDomainIds(xen, unit)) return converted(xen, unit, domid);
  return xen.vtdDomainId.did.get(rowOf(xen, unit, holder)) - 1;
}

/**
 * context_set_domain_id: a holder's domain id in a unit, given out if it has none: the lowest that is free, where 0 never
 * is in caching mode. -EBUSY, before 4.17 -EFAULT, when there is none.
 */
export function takeDid(xen: Xen, unit: number, holder: number, domid = xen.domidOf(holder)): number {
  const held = didOf(xen, unit, holder, domid);
  if (held >= 0) return held;
  const { domainIds, cachingMode } = xen.vtds[unit]!.capabilities;
  for (let did = cachingMode ? 1 : 0; did < domainIds; did++) {
    if (holderOf(xen, unit, did) >= 0) continue;
    xen.vtdDomainId.did.set(rowOf(xen, unit, holder), did + 1);
    return did;
  }
  return -Errno[xen.profile.vtdNoDidErrno];
}

/** did_to_domain_id: whose a mapped domain id is, or -1. */
function holderOf(xen: Xen, unit: number, did: number): number {
  const holders = xen.slots + xen.spec.devices.length;
  for (let holder = 0; holder < holders; holder++) {
    if (xen.vtdDomainId.did.get(rowOf(xen, unit, holder)) === did + 1) return holder;
  }
  return -1;
}

/** Whether a domain id found in a context entry leads to anybody. */
export function isKnownDid(xen: Xen, unit: number, did: number): boolean {
  if (did >= xen.vtds[unit]!.capabilities.domainIds) return false;
  if (mapsDomainIds(xen, unit)) return holderOf(xen, unit, did) >= 0;
  const domid = converted(xen, unit, did);
  return domid > DOMID_MASK || xen.slotOf(domid) >= 0;
}

/** Whose a domain id found in a context entry is, by slot: dom_io's, of any device in quarantine; -1 of nobody. */
export function slotOfDid(xen: Xen, unit: number, did: number): number {
  if (mapsDomainIds(xen, unit)) return Math.min(holderOf(xen, unit, did), xen.domIo);
  const domid = converted(xen, unit, did);
  return domid > DOMID_MASK ? xen.domIo : xen.slotOf(domid);
}

/**
 * cleanup_domid_map: the holder's domain id is free again. Who it was is forgotten first (d9eca7bb6c66): it was not always,
 * and of a dying domain, for whose end no lock is held, another domain can have the id by then (XSA-399).
 */
export function releaseDid(xen: Xen, unit: number, holder: number): void {
  if (!mapsDomainIds(xen, unit)) return;
  const row = rowOf(xen, unit, holder);
  const forgetsLate = xen.profile.domainIdCleanup === 'id-first' && holder < xen.domIo && xen.isDying(holder);
  if (forgetsLate) xen.domain.didToForget.set(holder, xen.vtdDomainId.did.get(row));
  xen.vtdDomainId.did.set(row, 0);
}

/** The late half of {@link releaseDid}, whoever the id's holder is by now. */
export function forgetDid(xen: Xen, slot: number): void {
  const did = xen.domain.didToForget.get(slot) - 1;
  if (did < 0) return;
  xen.domain.didToForget.set(slot, 0);
  for (let unit = 0; unit < xen.vtds.length; unit++) {
    const holder = holderOf(xen, unit, did);
    if (holder >= 0) xen.vtdDomainId.did.set(rowOf(xen, unit, holder), 0);
  }
}

/**
 * check_cleanup_domid_map: a domain whose last device behind a unit leaves has nothing to do with the unit any more. The
 * hardware domain also has the devices of dom_xen. dom_io's domain ids are those of its devices.
 */
export function leaveUnit(xen: Xen, unit: number, slot: number, leaving: number): void {
  if (slot === xen.domIo && xen.profile.vtdReassign === 'directly') return;
  for (let device = 0; device < xen.spec.devices.length; device++) {
    if (device === leaving || xen.unitIndex(device) !== unit) continue;
    const owner = deviceOwner(xen, device);
    if (owner === slot || (owner === xen.domXen && xen.isHardwareDomain(slot))) return;
  }
  const { iommuBitmap } = xen.domain;
  iommuBitmap.set(slot, iommuBitmap.get(slot) & ~(1 << unit));
  releaseDid(xen, unit, slot);
}
