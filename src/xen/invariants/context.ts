import { canShare, IOMMU_NO_SHAREPT } from '../domain.js';
import { hasIommu, isConstructed, mirrors, sharesP2m } from '../iommu-map.js';
import type { Xen } from '../state.js';
import type { Invariant } from './invariant.js';

/** What kind of context a domain has, and that it keeps it. */

function sharedAndMirrored(xen: Xen): string | undefined {
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (sharesP2m(xen, slot) && mirrors(xen, slot))
      return `${xen.domainName(slot)} shares its p2m with the IOMMU and mirrors it in tables of its own`;
  }
  return undefined;
}

function ownTablesBesideShared(xen: Xen): string | undefined {
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (sharesP2m(xen, slot) && xen.domain.iommuRoot.get(slot) !== 0)
      return `${xen.domainName(slot)} shares its p2m with the IOMMU and has tables of its own at ${xen.frameName(xen.domain.iommuRoot.get(slot) - 1)}`;
  }
  return undefined;
}

/** The context that createdomain's arguments come to (dossier §2.3), against the one the domain has. */
function changedContext(xen: Xen): string | undefined {
  if (xen.profile.iommuContext !== 'at-creation') return undefined;
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (!xen.exists(slot)) continue;
    const declared = xen.domain.cdfIommu.get(slot) !== 0;
    const noSharept = (xen.domain.iommuOpts.get(slot) & IOMMU_NO_SHAREPT) !== 0;
    const share = declared && !noSharept && canShare(xen, slot);
    const bound = !xen.isHardwareDomain(slot) || xen.spec.hwdomMode === 'strict';
    const sync = declared && !share && bound;
    const is = contextText(isConstructed(xen, slot), sharesP2m(xen, slot), mirrors(xen, slot));
    const was = contextText(declared, share, sync);
    if (is !== was || hasIommu(xen, slot) !== isConstructed(xen, slot))
      return `${xen.domainName(slot)} was created with ${was}, and has ${is}`;
  }
  return undefined;
}

function contextText(enabled: boolean, share: boolean, sync: boolean): string {
  if (!enabled) return 'no IOMMU context';
  if (share) return 'a context that shares the p2m';
  return sync ? 'tables kept in sync' : 'tables that follow nothing';
}

function crashedHardwareDomain(xen: Xen): string | undefined {
  return xen.domain.crashed.get(0) === 0
    ? undefined
    : `${xen.domainName(0)} was crashed for an IOMMU operation that failed`;
}

export const I5: Invariant = {
  id: 'I5',
  title: 'no domain both shares its p2m with the IOMMU and mirrors it',
  reason: 'two owners of one table would undo each other’s entries',
  harm: 'isolation broken',
  violation: sharedAndMirrored,
};

export const I6: Invariant = {
  id: 'I6',
  states: ['INV-SYNC'],
  title: 'a domain that shares its p2m with the IOMMU has no other tables',
  reason: 'its devices have the rights of its CPUs because they use the same table',
  harm: 'isolation broken',
  violation: ownTablesBesideShared,
};

export const I7: Invariant = {
  id: 'I7',
  title: 'a domain has the IOMMU context that it was created with',
  reason: 'a context that changes under a running domain races with everything the domain does',
  harm: 'isolation broken',
  violation: changedContext,
};

export const I17: Invariant = {
  id: 'I17',
  title: 'an IOMMU operation that fails never crashes the hardware domain',
  reason: 'a guest could make it fail, and the host goes down with its hardware domain',
  harm: 'crash',
  violation: crashedHardwareDomain,
};
