import type { BehaviourSpec } from './history.js';

/** Domains, from createdomain to their end, and the devices they are given. Values are listed from the oldest to the newest. */
export const DOMAIN_BEHAVIOURS = {
  noContextErrno: {
    doc: 'errno of assigning a device where there is no IOMMU context',
    section: '§1.4, §2.5',
    values: { ENOSYS: 'ENOSYS, when the IOMMU is globally off', EOPNOTSUPP: 'EOPNOTSUPP, per domain' },
  },
  pcidevsLock: {
    doc: 'What assign_device does while another hypercall has the lock of the devices',
    section: '§1.3, §6.1',
    values: { tried: 'starts over (-ERESTART)', 'waited-for': 'waits' },
  },
  grantsReleasedAtDeath: {
    doc: 'When a dying domain’s grant mappings are released',
    section: '§5.7, §6.6',
    values: {
      'as-it-dies': 'in the moment it begins to die',
      preemptibly: 'in a stage of its own, which is left and resumed',
    },
  },
  unknownDeviceErrno: {
    doc: 'errno of assigning a device that Xen does not know',
    section: '§1.4, §6.1',
    values: { EBUSY: 'as if somebody owned it', ENODEV: 'no such device' },
  },
  testAssignNobody: {
    doc: 'test_assign_device for DOMID_INVALID, which asks for no domain in particular',
    section: '§2.5',
    values: {
      'asks-globally': 'looks whether the IOMMU is on',
      dereferenced: 'looks for the context of a domain that is not there: the host goes down',
      tolerated: 'looks whether the IOMMU is on',
    },
  },
  createFlags: {
    doc: 'The newest createdomain flag that Xen knows, besides CDF_iommu where contexts are declared',
    section: '§2.1, §2.2',
    values: {
      xs_domain: 'bits 0 to 4',
      nested_virt: 'and bit 6',
      vpmu: 'and bit 7',
      trap_unmapped_accesses: 'and bit 8',
    },
  },
  hapWithoutHvm: {
    doc: 'createdomain with CDF_hap but not CDF_hvm',
    section: '§2.2',
    values: { ignored: 'is let through', EINVAL: 'is refused' },
  },
  takenDomidErrno: {
    doc: 'errno of createdomain for a domid that is in use',
    section: '§2.2',
    values: { EINVAL: 'EINVAL', EEXIST: 'EEXIST' },
  },
  claimOnDying: {
    doc: 'Setting memory aside for a domain that is dying',
    section: '§3.4, §6.6',
    values: { leaked: 'is done, and never undone', EINVAL: 'is refused' },
  },
  unknownIommuOpts: {
    doc: 'Unknown iommu_opts bits at createdomain',
    section: '§2.2',
    values: { ignored: 'pass silently when CDF_iommu is set', EINVAL: 'are refused' },
  },
  dyingMap: {
    doc: 'A map request for a dying domain',
    section: '§6.6',
    values: { performed: 'is carried out', ignored: 'returns 0 and does nothing' },
  },
  iommuTablesFreed: {
    doc: 'When the IOMMU tables of a destroyed domain are freed, where its last device did not leave them so',
    section: '§6.6',
    values: {
      'domain-gone': 'when nobody holds a page of the domain any more',
      'at-relinquish': 'in destroydomain, once its devices have left',
    },
  },
  p2mFreed: {
    doc: 'When the p2m of a destroyed x86 domain is freed (on Arm destroydomain empties it in any release)',
    section: '§6.6',
    values: {
      'domain-gone':
        'when nobody holds a page of the domain any more: until then its grants can be looked up',
      'at-relinquish': 'in destroydomain (XSA-410)',
    },
  },
  quarantine: {
    doc: 'Where a device goes that a guest gives back',
    section: '§6.2, §6.3',
    values: {
      none: 'to the hardware domain',
      'scratch-read-only': 'to dom_io, where reads hit one shared page of zeros and writes fault',
      'no-translation': 'to dom_io, where everything faults',
    },
  },
  vtdDomainIds: {
    doc: 'The domain ids under which VT-d units tag what they remember',
    section: '§7.1',
    values: {
      mapped: 'given out one by one in each unit',
      'domid-if-it-fits': 'the domid, complemented in caching mode, in units with enough of them',
    },
  },
  vtdNoDidErrno: {
    doc: 'errno of assigning a device behind a VT-d unit whose domain ids are all in use',
    section: '§6.5, §7.1',
    values: { EFAULT: 'EFAULT', EBUSY: 'EBUSY' },
  },
  vtdReassign: {
    doc: 'What a VT-d device may do between its old domain and its new one, and who has it when there is no memory',
    section: '§6.3, §6.5',
    values: {
      'unmapped-first': 'everything faults; the old domain has it',
      'quarantined-meanwhile': 'everything faults; dom_io has it',
      directly: 'its context entry changes in one go; the old domain keeps it',
    },
  },
  vtdFlushRange: {
    doc: 'Which pages VT-d translations are invalidated for by themselves, not with their whole domain',
    section: '§7.1',
    values: {
      'single-page': 'a page alone',
      'aligned-power': 'a power of two of pages that are aligned to it',
    },
  },
  vtdAbsentTag: {
    doc: 'The domain id under which a VT-d unit in caching mode is made to forget that an entry was absent',
    section: '§7.1',
    values: {
      'domain-zero': '0, under which it remembers only absent context entries',
      own: 'the domain’s own',
    },
  },
  assignExclusions: {
    doc: 'When log-dirty mode, paging and sharing keep devices from a domain',
    section: '§1.4',
    values: {
      'before-context': 'only while the domain has no context yet',
      always: 'whenever a device is assigned',
    },
  },
  logDirtyExcludedBy: {
    doc: 'What keeps a domain from global log-dirty mode',
    section: '§6.1',
    values: { mappings: 'having a context', devices: 'having a device' },
  },
  dyingPagingOp: {
    doc: 'A paging (shadow_op) domctl for a dying domain',
    section: '§6.1',
    values: { ignored: 'returns 0 and does nothing', EINVAL: 'is refused' },
  },
  sharingNeeds: {
    doc: 'What enabling memory sharing asks of the domain and the processor',
    section: '§6.1',
    values: {
      hap: 'HAP, else ENODEV; asked for disabling, too',
      vmx: 'an HVM domain on an Intel processor, else EOPNOTSUPP, then HAP',
    },
  },
  podExclusion: {
    doc: 'Whether populate-on-demand and devices exclude each other',
    section: '§6.1',
    values: { no: 'no', yes: 'assigning is EXDEV, populating on demand ENOTEMPTY' },
  },
  reservedOrder: {
    doc: 'When VT-d’s reserved regions are mapped and unmapped around the switch of a device’s context',
    section: '§6.4',
    values: {
      'switch-first': 'unmapped from the old domain, context switched, mapped in the new domain',
      'map-first': 'mapped in the new domain, context switched, unmapped from the old domain',
    },
  },
  reservedRecord: {
    doc: 'What is recorded of identity mappings of reserved regions, and when',
    section: '§6.4',
    values: {
      'vtd-only': 'VT-d’s with a count, once all is mapped; AMD’s stay mapped for ever',
      'after-mapping': 'ranges with access and count, once all is mapped; overlaps are refused',
      'before-mapping': 'the same, before the first page is mapped, so that what was mapped can be found',
    },
  },
  reservedLeave: {
    doc: 'What a successful unmap of a VT-d reserved region does to taking the device away',
    section: '§6.4',
    values: {
      'ends-there': 'ends it: the device stays, and the answer is success (XSA-386)',
      'goes-on': 'nothing: the context is switched',
    },
  },
  quarantineTable: {
    doc: 'What a quarantined device’s translations are',
    section: '§6.3',
    values: {
      shared: 'none, or dom_io’s one read-only table of zeros',
      'per-device': 'none, or a table of the device’s own, under a domain id of its own',
    },
  },
  quarantineModes: {
    doc: 'What the option iommu=quarantine chooses from',
    section: '§6.3',
    values: {
      boolean: 'no or yes; yes has a scratch page',
      'basic-or-scratch': 'none, basic without a scratch page, or scratch-page',
    },
  },
  brokenDevice: {
    doc: 'What becomes of a device that does not answer',
    section: '§6.1, §6.5',
    values: { hidden: 'dom_xen owns it from then on', broken: 'it is marked, and assigning it is EBADF' },
  },
  phantomFailure: {
    doc: 'What assigning does when a phantom function of the device cannot be switched',
    section: '§6.1',
    values: {
      ignored: 'goes on: the phantom stays with the old domain',
      'fails-assign': 'takes the device back; when that fails, too, it is broken and the domain crashed',
    },
  },
  deviceRelease: {
    doc: 'How a dying domain’s PCI devices leave, when one of them does not',
    section: '§6.6',
    values: {
      'until-gone': 'Xen tries the first device again until it leaves, for ever if need be',
      'once-last-errno': 'each is tried once; destruction stops with the last errno',
      'once-first-errno': 'each is tried once; destruction stops with the first errno',
    },
  },
  deviceGroupErrno: {
    doc: 'errno of get_device_group when no group id can be found',
    section: '§6.5',
    values: { EFAULT: 'EFAULT, whatever the reason', 'as-found': 'the reason' },
  },
  vfWithoutPf: {
    doc: 'Adding a virtual function whose physical function Xen does not know',
    section: '§6.5',
    values: { 'adds-pf': 'adds that, too', ENODEV: 'is refused' },
  },
  pfRemoval: {
    doc: 'Removing a physical function that has virtual functions',
    section: '§6.5',
    values: { removed: 'removes it alone', EBUSY: 'is refused, and all of them are broken' },
  },
  sharedEptCaches: {
    doc: 'What becomes of a changed p2m entry that a VT-d unit shares which does not snoop caches',
    section: '§4.2, §7.1',
    values: {
      'left-dirty':
        'it stays in the cache: the unit may go on using the old one, whatever is invalidated (XSA-321)',
      'written-back': 'its cache line is written back',
    },
  },
} as const satisfies Record<string, BehaviourSpec>;
