import { Errno } from './errno.js';
import { rollbackAfterFailure } from './failures.js';
import { initGrantTable } from './grant-frames.js';
import { limitGrantVersion } from './grant-version.js';
import { p2mInit } from './p2m.js';
import type { Xen } from './state.js';
import { IommuStatus, Kind, Life } from './tables/domain.js';

/** createdomain flags (dossier §2.1). */
export const CDF = {
  hvm: 1 << 0,
  hap: 1 << 1,
  s3_integrity: 1 << 2,
  oos_off: 1 << 3,
  xs_domain: 1 << 4,
  iommu: 1 << 5,
  nested_virt: 1 << 6,
  vpmu: 1 << 7,
  trap_unmapped_accesses: 1 << 8,
} as const;

export type CreateFlag = keyof typeof CDF;

/** iommu_opts bit 0: do not share the p2m with the IOMMU. */
export const IOMMU_NO_SHAREPT = 1;

/**
 * XEN_DOMCTL_set_address_size: a PV domain that has no pages yet runs in 32 bits, or in 64 again. -ESRCH; -EINVAL for
 * another size; -EACCES a domain of another kind, or one with pages (arch/x86/pv/domain.c switch_compat, switch_native).
 */
export function setAddressSize(xen: Xen, slot: number, bits: number): number {
  if (!xen.exists(slot)) return -Errno.ESRCH;
  if (bits !== 32 && bits !== 64) return -Errno.EINVAL;
  const compat = bits === 32 ? 1 : 0;
  if (xen.isPv(slot) && xen.domain.compat.get(slot) === compat) return 0;
  if (!xen.isPv(slot) || xen.domain.totPages.get(slot) !== 0) return -Errno.EACCES;
  xen.domain.compat.set(slot, compat);
  return 0;
}

export interface CreateDomain {
  readonly flags: number;
  readonly iommuOpts: number;
  readonly maxVcpus: number;
  /** Pages the domain may own (max_mem). */
  readonly maxPages: number;
  /** Arm: memory is mapped 1:1. dom0 is. */
  readonly directMapped: boolean;
  /** The highest version of its grant table, where it is named. */
  readonly maxGrantVersion?: number | undefined;
}

const OTHER_FLAGS = {
  xs_domain: 0x1f,
  nested_virt: 0x5f,
  vpmu: 0xdf,
  trap_unmapped_accesses: 0x1df,
} as const;

/** Largest numbers of vCPUs: PV, HVM, Arm. */
const MAX_VCPUS = { pv: 8192, hvm: 128, arm: 128 };

function knownFlags(xen: Xen): number {
  const { createFlags, iommuContext } = xen.profile;
  return OTHER_FLAGS[createFlags] | (iommuContext === 'at-creation' ? CDF.iommu : 0);
}

/**
 * Sanitises createdomain's arguments in Xen's order (dossier §2.2). Every failure is -EINVAL; which check fails first
 * cannot be told apart, but the list reads as Xen's does.
 */
export function sanitiseDomainConfig(xen: Xen, config: CreateDomain): number {
  const { flags, iommuOpts, maxVcpus } = config;
  const iommu = (flags & CDF.iommu) !== 0;
  const refused =
    (flags & ~knownFlags(xen)) !== 0 ||
    (!iommu && iommuOpts !== 0) ||
    maxVcpus < 1 ||
    ((flags & CDF.hap) !== 0 && (flags & CDF.hvm) === 0 && xen.profile.hapWithoutHvm === 'EINVAL') ||
    (iommu && xen.profile.unknownIommuOpts === 'EINVAL' && (iommuOpts & ~IOMMU_NO_SHAREPT) !== 0) ||
    (iommu && !xen.iommuOn) ||
    (xen.spec.arch === 'x86' ? archRefusesX86(config) : archRefusesArm(xen, config));
  return refused ? -Errno.EINVAL : 0;
}

/**
 * x86 has no rule about the IOMMU: no_sharept is legal for PV, without effect. Xen is built without TBOOT, with shadow
 * paging, on a CPU with HAP; vPMUs and traps of unmapped accesses are for Arm to choose.
 */
function archRefusesX86({ flags, maxVcpus }: CreateDomain): boolean {
  const hvm = (flags & CDF.hvm) !== 0;
  return (
    maxVcpus > (hvm ? MAX_VCPUS.hvm : MAX_VCPUS.pv) ||
    (flags & (CDF.s3_integrity | CDF.vpmu | CDF.trap_unmapped_accesses)) !== 0 ||
    ((flags & CDF.nested_virt) !== 0 && (flags & CDF.hap) === 0)
  );
}

/** Flags that are optional on Arm, by the newest flag that Xen knows; before 4.13 the IOMMU's is known to none. */
const ARM_OPTIONAL_FLAGS = {
  xs_domain: CDF.iommu,
  nested_virt: CDF.iommu,
  vpmu: CDF.iommu | CDF.vpmu,
  trap_unmapped_accesses: CDF.iommu | CDF.vpmu | CDF.xs_domain | CDF.trap_unmapped_accesses,
} as const;

/** Arm: besides optional flags exactly hvm and hap; the p2m is always shared, so no_sharept is refused. */
function archRefusesArm(xen: Xen, { flags, iommuOpts, maxVcpus }: CreateDomain): boolean {
  const optional = ARM_OPTIONAL_FLAGS[xen.profile.createFlags];
  return (
    (flags & ~optional) !== (CDF.hvm | CDF.hap) ||
    (iommuOpts & IOMMU_NO_SHAREPT) !== 0 ||
    maxVcpus > MAX_VCPUS.arm
  );
}

/** Domids from here up are reserved. */
const DOMID_FIRST_RESERVED = 0x7ff0;

/**
 * createdomain. Returns the domid, or -EEXIST (-EINVAL up to 4.13) when it is taken, -EINVAL from
 * {@link sanitiseDomainConfig}, or -ENOMEM: then nothing of the domain remains.
 */
export function createDomain(xen: Xen, domid: number, config: CreateDomain): number {
  const slot = chooseDomid(xen, domid);
  if (slot < 0) return slot;
  const status = sanitiseDomainConfig(xen, config);
  if (status !== 0) return status;
  const before = xen.store.mark();
  const { maxGrantVersion } = config;
  const made = makeDomain(xen, slot, config);
  const limited = !made || maxGrantVersion === undefined ? 0 : limitGrantVersion(xen, slot, maxGrantVersion);
  if (made && limited === 0) return slot;
  rollbackAfterFailure(xen, before);
  return made ? limited : -Errno.ENOMEM;
}

/**
 * A number from 1 on that is not reserved asks for itself; any other asks for the lowest free one. dom0 is made at boot,
 * when nobody has 0. The model has no domain beyond its limit: -ENOMEM.
 */
function chooseDomid(xen: Xen, domid: number): number {
  const isFree = (slot: number) => xen.domain.life.get(slot) === Life.absent;
  if (domid === 0 && isFree(0)) return 0;
  if (domid > 0 && domid < DOMID_FIRST_RESERVED) {
    if (domid >= xen.domIo) return -Errno.ENOMEM;
    return isFree(domid) ? domid : -Errno[xen.profile.takenDomidErrno];
  }
  for (let slot = 1; slot < xen.domIo; slot++) if (isFree(slot)) return slot;
  return -Errno.ENOMEM;
}

/** False when memory is short. */
function makeDomain(xen: Xen, slot: number, config: CreateDomain): boolean {
  const kind = xen.spec.arch === 'arm' ? Kind.arm : config.flags & CDF.hvm ? Kind.hvm : Kind.pv;
  xen.domain.life.set(slot, Life.alive);
  xen.domain.kind.set(slot, kind);
  xen.domain.hap.set(slot, config.flags & CDF.hap ? 1 : 0);
  xen.domain.cdfIommu.set(slot, config.flags & CDF.iommu ? 1 : 0);
  xen.domain.iommuOpts.set(slot, config.iommuOpts);
  xen.domain.directMapped.set(slot, config.directMapped ? 1 : 0);
  xen.domain.maxPages.set(slot, config.maxPages);
  if (xen.isTranslated(slot) && p2mInit(xen, slot) !== 0) return false;
  iommuDomainInit(xen, slot);
  return initGrantTable(xen, slot);
}

/**
 * iommu_domain_init: decides the context (dossier §2.3, §2.4). Where contexts are built late, nothing is decided here
 * but for the hardware domain.
 */
function iommuDomainInit(xen: Xen, slot: number): void {
  const hardware = xen.isHardwareDomain(slot);
  if (xen.profile.iommuContext === 'at-first-assignment') {
    if (hardware && xen.iommuOn) lateHardwareDomainInit(xen, slot);
    return;
  }
  if (!xen.domain.cdfIommu.get(slot)) return;
  xen.domain.iommuStatus.set(slot, IommuStatus.initialized);
  const share = canShare(xen, slot) && (xen.domain.iommuOpts.get(slot) & IOMMU_NO_SHAREPT) === 0;
  xen.domain.share.set(slot, share ? 1 : 0);
  if (!hardware || xen.spec.hwdomMode === 'strict') xen.domain.needSync.set(slot, share ? 0 : 1);
}

/** Late contexts: 4.11's need_iommu is set for a strict hardware domain only; since 4.12 its status always is. */
function lateHardwareDomainInit(xen: Xen, slot: number): void {
  const strict = xen.spec.hwdomMode === 'strict';
  const share = canShare(xen, slot);
  const enabled = xen.profile.hasMappings === 'need_sync' || strict || xen.domain.kind.get(slot) === Kind.arm;
  if (!enabled) return;
  xen.domain.iommuStatus.set(slot, IommuStatus.initialized);
  xen.domain.share.set(slot, share ? 1 : 0);
  xen.domain.needSync.set(slot, strict && !share ? 1 : 0);
}

/** Whether hardware lets the IOMMU use the domain's p2m: on Arm always, on Intel with HAP (dossier §2.4). */
export function canShare(xen: Xen, slot: number): boolean {
  const kind = xen.domain.kind.get(slot);
  if (kind === Kind.arm) return true;
  return kind === Kind.hvm && xen.domain.hap.get(slot) !== 0 && xen.spec.sharept && xen.vtd !== undefined;
}
