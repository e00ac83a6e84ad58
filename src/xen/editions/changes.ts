import type { Profile } from './behaviours.js';

/**
 * The commit that gave a behaviour a new value, and the releases that have it. `release` is the first x.y.0 that
 * contains the commit, or {@link STAGING}; `backports` are the first point releases of older branches that contain a
 * cherry-pick.
 * Source: the public Xen history (tags and "cherry picked from" trailers of the stable branches), dossier §0.
 */
export interface Change {
  readonly behaviours: Partial<Profile>;
  readonly commit: string;
  readonly title: string;
  readonly release: string;
  readonly backports: readonly string[];
}

/** The development tree: changes that no release has yet are filed under it. */
export const STAGING = 'staging';

/** Xen 4.11.0, where the record begins. */
export const OLDEST: Profile = {
  iommuContext: 'at-first-assignment',
  hasMappings: 'need_iommu',
  needSyncAfterTeardown: 'cleared',
  pvPageAdded: 'mapped-untyped',
  pvPageAddedTest: 'domain',
  lateMapRecheck: 'no',
  typeRefOnIommuFailure: 'kept',
  typeChangeTest: 'new-type',
  strictHwdomPages: 'every-page',
  armGrantNeedsIommu: 'need_iommu',
  selfGrant: 'reaches-iommu',
  grantIommuDecision: 'granter-pins',
  grantCounterDrop: 'every-unmap',
  noHandleStatus: 'no_device_space',
  badDevBusAddr: 'general_error',
  noContextErrno: 'ENOSYS',
  unknownDeviceErrno: 'EBUSY',
  testAssignNobody: 'asks-globally',
  createFlags: 'xs_domain',
  hapWithoutHvm: 'ignored',
  takenDomidErrno: 'EINVAL',
  unknownIommuOpts: 'ignored',
  dyingMap: 'performed',
  iommuTablesFreed: 'domain-gone',
  p2mFreed: 'domain-gone',
  quarantine: 'none',
  vtdFaultLine: 'with-register-base',
  smmuFaultLine: 'without-fsr',
};

/** Every change since, oldest first. */
export const CHANGES: readonly Change[] = [
  {
    behaviours: { hasMappings: 'need_sync', needSyncAfterTeardown: 'kept', armGrantNeedsIommu: 'need_sync' },
    commit: '91d4eca7add6',
    title: 'mm / iommu: split need_iommu() into has_iommu_pt() and need_iommu_pt_sync()',
    release: '4.12.0',
    backports: [],
  },
  {
    behaviours: { smmuFaultLine: 'with-fsr' },
    commit: 'ce75973a273f',
    title: 'arm,smmu: backport "Disable stalling faults for all endpoints"',
    release: '4.12.0',
    backports: [],
  },
  {
    behaviours: { pvPageAdded: 'typed-writable' },
    commit: 'fe21b78ef99a',
    title: 'xen: Make coherent PV IOMMU discipline',
    release: '4.12.0',
    backports: ['4.11.2'],
  },
  {
    behaviours: { lateMapRecheck: 'yes' },
    commit: '1f0b0bb7773d',
    title: 'IOMMU/x86: fix type ref-counting race upon IOMMU page table construction',
    release: '4.12.0',
    backports: ['4.11.2'],
  },
  {
    behaviours: { typeRefOnIommuFailure: 'dropped' },
    commit: 'fad0de986220',
    title: "x86/mm: don't retain page type reference when IOMMU operation fails",
    release: '4.12.0',
    backports: ['4.11.2'],
  },
  {
    behaviours: { hapWithoutHvm: 'EINVAL' },
    commit: 'd0c0ba7d3de6',
    title: "x86/hvm/domain: remove the 'hap_enabled' flag",
    release: '4.13.0',
    backports: [],
  },
  {
    behaviours: { noContextErrno: 'EOPNOTSUPP' },
    commit: 'c45f59292367',
    title: 'domain: introduce XEN_DOMCTL_CDF_iommu flag',
    release: '4.13.0',
    backports: [],
  },
  {
    behaviours: { testAssignNobody: 'dereferenced' },
    commit: '71e617a6b8f6',
    title: 'use is_iommu_enabled() where appropriate...',
    release: '4.13.0',
    backports: [],
  },
  {
    behaviours: { iommuContext: 'at-creation', strictHwdomPages: 'typed-by-boot' },
    commit: 'f89f555827a6',
    title: 'remove late (on-demand) construction of IOMMU page tables',
    release: '4.13.0',
    backports: [],
  },
  {
    behaviours: { vtdFaultLine: 'plain' },
    commit: 'b7fab13d4d57',
    title: 'x86/VT-d: Drop unhelpful information in diagnostics',
    release: '4.13.0',
    backports: [],
  },
  {
    behaviours: { unknownDeviceErrno: 'ENODEV' },
    commit: '319f9a0ba94c',
    title: 'passthrough: quarantine PCI devices',
    release: '4.13.0',
    backports: ['4.12.2', '4.11.3'],
  },
  {
    behaviours: { quarantine: 'scratch-read-only' },
    commit: 'ba2ab00bbb8c',
    title: 'IOMMU: default to always quarantining PCI devices',
    release: '4.13.0',
    backports: ['4.12.2', '4.11.3'],
  },
  {
    behaviours: { grantIommuDecision: 'handles' },
    commit: '921f1f42260c',
    title: "gnttab: make sure grant map operations don't skip their IOMMU part",
    release: '4.14.0',
    backports: ['4.13.1', '4.12.2', '4.11.4'],
  },
  {
    behaviours: { typeChangeTest: 'writability' },
    commit: 'c497bfa63390',
    title: 'x86/mm: avoid IOMMU operations in more cases in _get_page_type()',
    release: '4.14.0',
    backports: [],
  },
  {
    behaviours: { takenDomidErrno: 'EEXIST' },
    commit: 'b162e65a7abb',
    title: 'domctl: return EEXIST from XEN_DOMCTL_createdomain...',
    release: '4.14.0',
    backports: [],
  },
  {
    behaviours: { createFlags: 'nested_virt' },
    commit: 'dbe399b174e4',
    title: 'xen/domctl: Introduce and use XEN_DOMCTL_CDF_nested_virt',
    release: '4.15.0',
    backports: [],
  },
  {
    behaviours: { iommuTablesFreed: 'at-relinquish' },
    commit: '15bc9a1ef51c',
    title: 'x86/iommu: add common page-table allocator',
    release: '4.15.0',
    backports: [],
  },
  {
    behaviours: { unknownIommuOpts: 'EINVAL' },
    commit: '59b27f360e3d',
    title: "xen/domain: check IOMMU options doesn't contain unknown bits set",
    release: '4.15.0',
    backports: ['4.14.1', '4.13.2'],
  },
  {
    behaviours: { armGrantNeedsIommu: 'CDF_iommu' },
    commit: '04085ec1ac05',
    title: 'xen/arm: fix gnttab_need_iommu_mapping',
    release: '4.15.0',
    backports: ['4.14.2', '4.13.3'],
  },
  {
    behaviours: { selfGrant: 'bypasses' },
    commit: 'e8185c5f01c6',
    title: 'gnttab: bypass IOMMU (un)mapping when a domain is (un)mapping its own grant',
    release: '4.15.0',
    backports: ['4.14.2', '4.13.3'],
  },
  {
    behaviours: { dyingMap: 'ignored' },
    commit: '1ef48c82e776',
    title: 'xen/x86: iommu: Ignore IOMMU mapping requests when a domain is dying',
    release: '4.15.0',
    backports: [],
  },
  {
    behaviours: { quarantine: 'no-translation' },
    commit: '980d6acf1517',
    title: 'IOMMU: make DMA containment of quarantined devices optional',
    release: '4.16.0',
    backports: [],
  },
  {
    behaviours: { grantIommuDecision: 'counters' },
    commit: '9781b51efde2',
    title: 'gnttab: replace mapkind()',
    release: '4.16.0',
    backports: ['4.15.1', '4.14.3', '4.13.4'],
  },
  {
    behaviours: { noHandleStatus: 'no_space' },
    commit: '5c10b96795ff',
    title: 'gnttab: maptrack handle shortage is not IOMMU related',
    release: '4.16.0',
    backports: [],
  },
  {
    behaviours: { badDevBusAddr: 'bad_dev_addr' },
    commit: 'c5bf1295b0da',
    title: 'gnttab: adjust unmap checking of dev_bus_addr',
    release: '4.16.0',
    backports: [],
  },
  {
    behaviours: { createFlags: 'vpmu' },
    commit: 'dbb948110a0e',
    title: 'xen: Expose the PMU to the guests',
    release: '4.16.0',
    backports: [],
  },
  {
    behaviours: { strictHwdomPages: 'all-typed-writable' },
    commit: 'c1e1564c8995',
    title: 'IOMMU/x86: perform PV Dom0 mappings in batches',
    release: '4.17.0',
    backports: [],
  },
  {
    behaviours: { grantCounterDrop: 'handle-released' },
    commit: '975a8fb45ca1',
    title: 'xen/grant-table: Only decrement the refcounter when grant is fully unmapped',
    release: '4.17.0',
    backports: ['4.16.1', '4.15.2', '4.14.4', '4.13.5'],
  },
  {
    behaviours: { testAssignNobody: 'tolerated' },
    commit: 'fa4d84e6dd3c',
    title: 'IOMMU: make domctl handler tolerate NULL domain',
    release: '4.17.0',
    backports: ['4.16.2', '4.15.3'],
  },
  {
    behaviours: { p2mFreed: 'at-relinquish' },
    commit: 'e7aa55c0aab3',
    title: 'x86/p2m: free the paging memory pool preemptively',
    release: '4.17.0',
    backports: ['4.16.3', '4.15.4', '4.14.6', '4.13.5'],
  },
  {
    behaviours: { createFlags: 'trap_unmapped_accesses' },
    commit: '980aff4e8fcd',
    title: 'xen/arm: Add way to disable traps on accesses to unmapped addresses',
    release: '4.21.0',
    backports: [],
  },
  {
    behaviours: { vtdFaultLine: 'with-unit' },
    commit: '7a091bd8b04a',
    title: 'vtd: Print originating iommu on faults',
    release: STAGING,
    backports: [],
  },
];
