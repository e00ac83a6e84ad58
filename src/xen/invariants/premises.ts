import { deviceOwner } from '../devices.js';
import { failuresAskedFor } from '../failures.js';
import { isDomainFrame, ownerOf } from '../frames.js';
import { mirrors, sharesP2m } from '../iommu-map.js';
import { isUntranslatedHwdom } from '../rule.js';
import type { Xen } from '../state.js';
import { Life } from '../tables/domain.js';
import { isTableInUse } from './reach.js';

/** What an invariant is about: where no state has it, the invariant holds of nothing. */
export interface Premise {
  /** Completes “no state had …”. */
  readonly text: string;
  readonly holds: (xen: Xen) => boolean;
}

function someDomain(xen: Xen, has: (slot: number) => boolean): boolean {
  for (let slot = 0; slot < xen.domIo; slot++) if (has(slot)) return true;
  return false;
}

function someDevice(xen: Xen, has: (slot: number, device: number) => boolean): boolean {
  for (let device = 0; device < xen.spec.devices.length; device++) {
    const slot = deviceOwner(xen, device);
    if (slot >= 0 && has(slot, device)) return true;
  }
  return false;
}

function someFrame(xen: Xen, has: (pdx: number) => boolean): boolean {
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) if (has(pdx)) return true;
  return false;
}

const isGuest = (xen: Xen, slot: number): boolean => slot > 0 && slot < xen.domIo;
const hasTables = (xen: Xen, slot: number): boolean => xen.domain.iommuRoot.get(slot) !== 0;

const boundDevice = (xen: Xen): boolean => someDevice(xen, (slot) => !isUntranslatedHwdom(xen, slot));
const sharing = (xen: Xen): boolean => someDomain(xen, (slot) => sharesP2m(xen, slot));

/** A handle in use of which `is` is true. */
function someHandle(xen: Xen, is: (mapper: number, granter: number) => boolean): boolean {
  const { handles } = xen.spec.limits;
  for (let row = 0; row < xen.domIo * handles; row++) {
    if (xen.maptrack.flags.get(row) === 0) continue;
    if (is(Math.floor(row / handles), xen.maptrack.granter.get(row) - 1)) return true;
  }
  return false;
}

function remembered(xen: Xen): boolean {
  for (const unit of xen.units)
    for (let row = 0; row < unit.iotlb.rows; row++) if (unit.iotlb.did(row) >= 0) return true;
  return false;
}

function isExcluding(xen: Xen, slot: number): boolean {
  const { logDirty, pagingEnabled, sharingEnabled, podEntries } = xen.domain;
  return (
    (logDirty.get(slot) | pagingEnabled.get(slot) | sharingEnabled.get(slot) | podEntries.get(slot)) !== 0
  );
}

const HANDLE: Premise = { text: 'a mapped grant', holds: (xen) => someHandle(xen, () => true) };
const SHARING: Premise = { text: 'a domain that shares its p2m with the IOMMU', holds: sharing };
const DYING: Premise = {
  text: 'a dying domain',
  holds: (xen) => someDomain(xen, (slot) => xen.isDying(slot)),
};

/** Premises of the invariants that have one, by id. */
export const PREMISES: Readonly<Record<string, Premise>> = {
  I2: {
    text: 'a page table in use, and a device held to the rule',
    holds: (xen) => boundDevice(xen) && someFrame(xen, (pdx) => isTableInUse(xen, pdx)),
  },
  'INV-CPU-WRITE': {
    text: 'a PV guest',
    holds: (xen) => someDomain(xen, (slot) => isGuest(xen, slot) && xen.isPv(slot)),
  },
  I3: {
    text: 'a free page',
    holds: (xen) => someFrame(xen, (pdx) => isDomainFrame(xen, pdx) && ownerOf(xen, pdx) < 0),
  },
  REACH: { text: 'a device held to the rule', holds: boundDevice },
  I4: { text: 'anything in an IOTLB', holds: remembered },
  'INV-DID': {
    text: 'a device behind a VT-d unit, held to the rule',
    holds: (xen) => xen.vtd !== undefined && boundDevice(xen),
  },
  I9: {
    text: 'a device of a domain with an IOMMU context',
    holds: (xen) =>
      someDevice(xen, (slot) => slot < xen.domIo && (hasTables(xen, slot) || sharesP2m(xen, slot))),
  },
  I10: { text: 'a device of a guest', holds: (xen) => someDevice(xen, (slot) => isGuest(xen, slot)) },
  I14: { text: 'tables of the hardware domain’s own', holds: (xen) => hasTables(xen, 0) },
  I16: {
    text: 'a PV domain with IOMMU tables',
    holds: (xen) => someDomain(xen, (slot) => xen.isPv(slot) && hasTables(xen, slot)),
  },
  I5: SHARING,
  I6: SHARING,
  I7: {
    text: 'a domain whose IOMMU context was declared when it was created',
    holds: (xen) =>
      xen.profile.iommuContext === 'at-creation' &&
      someDomain(xen, (slot) => xen.domain.cdfIommu.get(slot) !== 0),
  },
  I15: DYING,
  I18: DYING,
  'INV-PIN': HANDLE,
  COUNTERS: HANDLE,
  I17: {
    text: 'an IOMMU operation that failed',
    holds: (xen) => failuresAskedFor(xen) > 0,
  },
  I12: HANDLE,
  I13: {
    text: 'a mapped grant of one’s own page',
    holds: (xen) => someHandle(xen, (mapper, granter) => mapper === granter),
  },
  I19: {
    text: 'a direct-mapped Arm domain that has mapped another’s grant',
    holds: (xen) =>
      someHandle(xen, (mapper, granter) => mapper !== granter && xen.domain.directMapped.get(mapper) !== 0),
  },
  I11: { text: 'a device with a reserved region', holds: (xen) => xen.spec.reserved.length > 0 },
  I8: {
    text: 'a domain with log-dirty mode, paging, sharing or populate on demand',
    holds: (xen) => someDomain(xen, (slot) => isExcluding(xen, slot)),
  },
  'INV-SYNC': {
    text: 'a translated domain whose IOMMU tables mirror its p2m',
    holds: (xen) => someDomain(xen, (slot) => xen.isTranslated(slot) && mirrors(xen, slot)),
  },
  I1: {
    text: 'a PV domain whose IOMMU tables are kept in step',
    holds: (xen) => someDomain(xen, (slot) => xen.isPv(slot) && mirrors(xen, slot)),
  },
  'INV-M2P': { text: 'a translated domain', holds: (xen) => xen.hasTranslatedDomains },
  'INV-LEAK': {
    text: 'a dead domain',
    holds: (xen) => someDomain(xen, (slot) => xen.domain.life.get(slot) === Life.dead),
  },
};
