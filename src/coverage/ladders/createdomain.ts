import { createFlags } from '../../program/handlers/domains.js';
import { CDF, IOMMU_NO_SHAREPT } from '../../xen/domain.js';
import { Life } from '../../xen/tables/domain.js';
import { ladder, type Rung } from '../rule.js';
import type { Situation } from '../situation.js';

const flagsOf = (s: Situation): number => createFlags(s.xen, s.args);
const asks = (flag: number) => (s: Situation) => (flagsOf(s) & flag) !== 0;
const optsOf = (s: Situation): number => s.number('iommu_opts', 0);
const vcpus = (s: Situation): number => s.number('max_vcpus', 1);

/** Flag bits that a release knows (§2.1), besides CDF_iommu. */
const KNOWN = { xs_domain: 0x1f, nested_virt: 0x5f, vpmu: 0xdf, trap_unmapped_accesses: 0x1df } as const;

const unknownFlags = (s: Situation): boolean => {
  const iommu = s.profile.iommuContext === 'at-creation' ? CDF.iommu : 0;
  return (flagsOf(s) & ~(KNOWN[s.profile.createFlags] | iommu)) !== 0;
};

const domidTaken = (s: Situation): boolean => {
  const domid = s.number('domid', 0);
  return domid > 0 && domid < s.xen.domIo && s.xen.domain.life.get(domid) !== Life.absent;
};

/** Common to both architectures, in Xen’s order (dossier §2.2). Where one step fails two checks, the first counts. */
const COMMON: readonly Rung[] = [
  {
    row: 'domid',
    what: 'it is in use',
    status: 'EINVAL',
    fn: 'chooseDomid',
    by: { takenDomidErrno: 'EINVAL' },
    when: domidTaken,
  },
  {
    row: 'domid',
    what: 'it is in use',
    status: 'EEXIST',
    fn: 'chooseDomid',
    by: { takenDomidErrno: 'EEXIST' },
    when: domidTaken,
  },
  {
    row: '(1)',
    what: 'a flag that nobody knows',
    status: 'EINVAL',
    fn: 'sanitiseDomainConfig',
    when: unknownFlags,
  },
  {
    row: '(2)',
    what: 'unknown grant_opts (4.16 on)',
    status: 'EINVAL',
    fn: 'sanitiseDomainConfig',
    excuse: 'createdomain’s grant_opts are no argument of the operation',
  },
  {
    row: '(2)',
    what: 'IOMMU options without CDF_iommu',
    status: 'EINVAL',
    fn: 'sanitiseDomainConfig',
    by: { unknownIommuOpts: 'ignored' },
    when: (s) => !asks(CDF.iommu)(s) && optsOf(s) !== 0,
  },
  {
    row: '(3)',
    what: 'no vCPU',
    status: 'EINVAL',
    fn: 'sanitiseDomainConfig',
    when: (s) => vcpus(s) < 1,
  },
  {
    row: '(4)',
    what: 'HAP without HVM',
    status: 'EINVAL',
    fn: 'sanitiseDomainConfig',
    by: { hapWithoutHvm: 'EINVAL' },
    when: (s) => asks(CDF.hap)(s) && !asks(CDF.hvm)(s),
  },
  {
    row: '(5)',
    what: 'unknown IOMMU options',
    status: 'EINVAL',
    fn: 'sanitiseDomainConfig',
    by: { unknownIommuOpts: 'EINVAL' },
    when: (s) => asks(CDF.iommu)(s) && (optsOf(s) & ~IOMMU_NO_SHAREPT) !== 0,
  },
  {
    row: '(5)',
    what: 'CDF_iommu where the IOMMU is off',
    status: 'EINVAL',
    fn: 'sanitiseDomainConfig',
    by: { iommuContext: 'at-creation' },
    when: (s) => asks(CDF.iommu)(s) && !s.xen.iommuOn,
  },
  {
    row: '(5)',
    what: 'IOMMU options without CDF_iommu',
    status: 'EINVAL',
    fn: 'sanitiseDomainConfig',
    by: { unknownIommuOpts: 'EINVAL' },
    when: (s) => !asks(CDF.iommu)(s) && optsOf(s) !== 0,
  },
  {
    row: '(6)',
    what: 'vmtrace where the CPU has none',
    status: 'EINVAL',
    fn: 'sanitiseDomainConfig',
    excuse: 'vmtrace is no argument of the operation',
  },
];

const MADE: readonly Rung[] = [
  { row: '', what: 'memory runs out in vendor init or the p2m', status: 'ENOMEM', fn: 'createDomain' },
  {
    row: '',
    what: 'a domain without a context',
    status: 'ok',
    fn: 'makeDomain',
    when: (s) => !asks(CDF.iommu)(s),
  },
  { row: '', what: 'a domain with a context', status: 'ok', fn: 'makeDomain', when: asks(CDF.iommu) },
];

const isArm = ({ xen }: Situation): boolean => xen.spec.arch === 'arm';

const X86: readonly Rung[] = [
  {
    row: '(6)',
    what: 'a vPMU, which x86 has not so',
    status: 'EINVAL',
    fn: 'archRefusesX86',
    when: asks(CDF.vpmu),
  },
  {
    row: 'x86',
    what: 'a type of domain that Xen is built without',
    status: 'EINVAL',
    fn: 'archRefusesX86',
    excuse: 'the model’s Xen is built with PV and HVM',
  },
  {
    row: 'x86',
    what: 'more vCPUs than the type can have',
    status: 'EINVAL',
    fn: 'archRefusesX86',
    when: (s) => vcpus(s) > (asks(CDF.hvm)(s) ? 128 : 8192),
  },
  {
    row: 'x86',
    what: 's3 without TBOOT',
    status: 'EINVAL',
    fn: 'archRefusesX86',
    when: asks(CDF.s3_integrity),
  },
  {
    row: 'x86',
    what: 'HAP that the host has not',
    status: 'EINVAL',
    fn: 'archRefusesX86',
    excuse: 'every CPU of the model has HAP; `dommu check` knows of others',
  },
  {
    row: 'x86',
    what: 'HVM without HAP where shadow paging is not built',
    status: 'EINVAL',
    fn: 'archRefusesX86',
    excuse: 'the model’s Xen is built with shadow paging',
  },
  {
    row: 'x86',
    what: 'nested virtualisation without HAP',
    status: 'EINVAL',
    fn: 'archRefusesX86',
    when: (s) => asks(CDF.nested_virt)(s) && !asks(CDF.hap)(s),
  },
  {
    row: 'x86',
    what: 'traps of unmapped accesses',
    status: 'EINVAL',
    fn: 'archRefusesX86',
    by: { createFlags: 'trap_unmapped_accesses' },
    when: asks(CDF.trap_unmapped_accesses),
  },
];

/** Flags that may stand beside hvm and hap on Arm. */
const ARM_OPTIONAL = {
  xs_domain: CDF.iommu,
  nested_virt: CDF.iommu,
  vpmu: CDF.iommu | CDF.vpmu,
  trap_unmapped_accesses: CDF.iommu | CDF.vpmu | CDF.xs_domain | CDF.trap_unmapped_accesses,
} as const;

const ARM: readonly Rung[] = [
  {
    row: 'Arm',
    what: 'flags other than hvm, hap and the optional ones',
    status: 'EINVAL',
    fn: 'archRefusesArm',
    when: (s) => (flagsOf(s) & ~ARM_OPTIONAL[s.profile.createFlags]) !== (CDF.hvm | CDF.hap),
  },
  {
    row: 'Arm',
    what: 'no_sharept',
    status: 'EINVAL',
    fn: 'archRefusesArm',
    when: (s) => (optsOf(s) & IOMMU_NO_SHAREPT) !== 0,
  },
  { row: 'Arm', what: 'too many vCPUs', status: 'EINVAL', fn: 'archRefusesArm', when: (s) => vcpus(s) > 128 },
];

/** createdomain (dossier §2.2, §2.3). */
export const CREATEDOMAIN = [
  ...ladder('§2.2', 'createdomain', 'createdomain', COMMON),
  ...ladder('§2.2', 'createdomain', 'createdomain', X86, { after: COMMON, applies: (s) => !isArm(s) }),
  ...ladder('§2.2', 'createdomain', 'createdomain', ARM, { after: COMMON, applies: isArm }),
  ...ladder('§2.3', 'createdomain', 'createdomain', MADE, { after: COMMON }),
];
