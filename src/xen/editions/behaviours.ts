import type { BehaviourSpec, ValuesOf } from './history.js';

/**
 * The behaviours in which releases of Xen differ, as far as they concern device access to memory. The hypervisor's
 * code asks the profile for a behaviour by name; it never asks for a version number. Values are listed from the
 * oldest to the newest.
 */
export const BEHAVIOURS = {
  iommuContext: {
    doc: 'When a domain gets its IOMMU context',
    section: '§1.2, §2.3',
    values: {
      'at-first-assignment': 'built under the running domain when its first device is assigned',
      'at-creation': 'declared by createdomain (CDF_iommu) and never changed',
    },
  },
  hasMappings: {
    doc: 'How Xen knows that a domain is translated and that its tables mirror the p2m',
    section: '§1.1',
    values: {
      need_iommu: 'one tri-state, off, building or built, whether or not the p2m is shared',
      need_sync: 'a status, and need_sync set only for tables kept in step with the p2m',
    },
  },
  needSyncAfterTeardown: {
    doc: 'What becomes of mirroring when the last device leaves (late contexts only)',
    section: '§1.2 item 4, §12 T6',
    values: {
      cleared: 'the domain stops mirroring',
      kept: 'need_sync stays set: type changes keep allocating a table nobody uses',
    },
  },
  pvPageAdded: {
    doc: 'What adding a page to a PV domain with an IOMMU does',
    section: '§3.4',
    values: {
      'mapped-untyped': 'the page is mapped for devices directly and its type stays none (XSA-288)',
      'typed-writable': 'a writable type reference is taken and dropped, which maps it',
    },
  },
  pvPageAddedTest: {
    doc: 'Which IOMMU state decides whether a page added to a PV domain is typed or mapped',
    section: '§3.5',
    values: {
      domain: "the domain's own IOMMU state",
      'system-wide': 'whether the IOMMU is on at all (the proposal of July 2019)',
    },
  },
  lateMapRecheck: {
    doc: 'Whether the late walk looks at the page type again after mapping the page',
    section: '§1.3 step 5',
    values: {
      no: 'the guest may retype the page while it is being mapped (XSA-285)',
      yes: 'the type is read again, the page unmapped if need be, and the walk restarted if it changed back',
    },
  },
  l2EntryErrno: {
    doc: 'errno of an L2 entry to a page that cannot be had as an L1 table',
    section: '§3.2',
    values: { EINVAL: 'EINVAL, whatever the reason', 'as-l1': 'what validating the L1 table said' },
  },
  typeRefOnIommuFailure: {
    doc: 'What get_page_type does with its reference when the IOMMU operation fails',
    section: '§3.3',
    values: {
      kept: 'the reference stays although an error is returned (XSA-291)',
      dropped: 'the reference is dropped',
    },
  },
  unvalidatedPut: {
    doc: 'What dropping a type reference does when the page was never found to be of that type',
    section: '§3.3, §11',
    values: {
      allowed: 'the count goes down',
      BUG: 'Xen goes down, unless the owner is dying: so does a failed IOMMU operation that drops the reference',
    },
  },
  typeFlush: {
    doc: 'When CPUs are flushed for a page that changes its type, and when others may rely on a writable one',
    section: '§3.3 (XSA-401)',
    values: {
      'before-commit': 'before the new type is published; a writable page counts as validated from then on',
      'after-commit': 'after it; a writable page counts as validated when the IOMMU has it',
    },
  },
  typeChangeTest: {
    doc: 'Which type changes reach the IOMMU',
    section: '§3.3',
    values: {
      'new-type': 'every change to or from writable, looked at by the new type alone',
      writability: 'only changes of writability',
    },
  },
  strictHwdomPages: {
    doc: 'Which of its own pages a strict PV dom0 finds in its IOMMU tables at boot',
    section: '§3.5, §3.6',
    values: {
      'every-page': 'all pages, read-only where the type is not writable and still referenced',
      'writable-or-untyped': 'pages whose type is writable, or none (the proposal of July 2019)',
      'typed-by-boot': 'only pages that boot itself turned writable; bulk memory stays untyped and unmapped',
      'all-typed-writable':
        'every allocation is mapped and stamped writable; page-table pages are unmapped after',
    },
  },
  hwdomMap: {
    doc: 'What a PV dom0’s tables have at boot of memory that is no RAM',
    section: '§3.6',
    values: {
      'ram-and-inclusive':
        'VT-d, relaxed: below 4 GiB all but unusable memory, if inclusive; otherwise nothing',
      'by-type':
        'reserved memory, if map-reserved or inclusive; holes below 4 GiB, if inclusive; strict, too',
      'without-interrupts': 'the same without 0xfee00 to 0xfeeff',
      'read-only-mmio': 'and for reading what dom0 may map read-only',
      rangeset: 'the same, reserved memory above 4 GiB included',
      'rangeset-as-permitted': 'what dom0’s CPUs may map of it',
    },
  },
  hwdomInclusiveDefault: {
    doc: 'Inclusive mappings of a PV dom0, where the command line says nothing',
    section: '§2.7',
    values: { on: 'are made', off: 'are not made' },
  },
  armGrantNeedsIommu: {
    doc: 'When a grant mapped by a direct-mapped Arm domain also enters its IOMMU tables',
    section: '§5.3',
    values: {
      need_iommu: 'when the domain has an IOMMU',
      need_sync: 'when its tables mirror the p2m, which is never so on Arm',
      CDF_iommu: 'when the domain has an IOMMU',
    },
  },
  selfGrant: {
    doc: "What mapping one's own grant does to one's IOMMU tables",
    section: '§5.3',
    values: {
      'reaches-iommu': 'it maps, and unmapping removes the domain’s own mapping',
      bypasses: 'nothing',
    },
  },
  grantIommuDecision: {
    doc: 'How a grant (un)map finds out whether its IOMMU entry must change',
    section: '§5.4',
    values: {
      'granter-pins': "from the granter's pin counts and the grantee's other handles",
      handles: "from the grantee's other handles alone",
      counters: 'from per-frame counters of readers and writers',
    },
  },
  grantCounterDrop: {
    doc: 'When the per-frame counter of a grant mapping is decremented',
    section: '§5.4',
    values: {
      'every-unmap': 'on every successful unmap call, a partial one too (XSA-394)',
      'handle-released': 'once, when the handle is released',
    },
  },
  refusedMapStatus: {
    doc: 'What a map answers when the grant entry does not offer the page',
    section: '§5.2',
    values: {
      negative: 'the status that says why',
      one: '1, which callers that look for a negative status take for a mapping (XSA-316)',
    },
  },
  noHandleStatus: {
    doc: 'Status of a grant map when maptrack is full',
    section: '§5.2 step 5',
    values: { no_device_space: 'GNTST_no_device_space', no_space: 'GNTST_no_space' },
  },
  fullPinCounter: {
    doc: 'What a grant whose count of one kind of mapping has reached 128 forbids',
    section: '§5.2 step 7',
    values: { 'forbids-all': 'any further mapping', 'forbids-its-kind': 'more of its kind' },
  },
  transitiveMap: {
    doc: 'Mapping a transitive grant',
    section: '§5.2 step 8',
    values: {
      'as-full-page': 'maps the frame whose number is the reference that it passes on',
      refused: 'is refused',
    },
  },
  armUnmapCheck: {
    doc: 'Whether Arm looks what it removes from the p2m when a grant is unmapped',
    section: '§5.6',
    values: { no: 'whatever is there goes', looks: 'other RAM that is there stays: general_error' },
  },
  armGrantVersion: {
    doc: 'The highest grant table version on Arm',
    section: '§5.6',
    values: { two: 'as on x86', one: 'version 1' },
  },
  domainGrantVersion: {
    doc: 'Whether createdomain limits the grant table version of a domain',
    section: '§5.6',
    values: {
      no: 'the host’s limit is everybody’s',
      yes: 'a field says; 0 or more than the host allows is EINVAL',
    },
  },
  pinnedCopy: {
    doc: 'The first writing copy to a grant that is pinned for reading, after the granter changed its entry',
    section: '§5.6, XSA-500',
    values: {
      'reads-entry-again': 'holds the page that the entry names now, and writes to the one that is pinned',
      compared: 'is refused when they differ',
    },
  },
  emptyCopy: {
    doc: 'A grant copy of no bytes',
    section: '§5.6',
    values: { checked: 'is checked like any other', ignored: 'succeeds without a look' },
  },
  transferOption: {
    doc: 'Whether gnttab=no-transfer is known',
    section: '§5.6',
    values: {
      unknown: 'no: transfers cannot be switched off',
      known: 'yes, and builds without PV have no transfers',
    },
  },
  transferredPage: {
    doc: 'Status of a transfer whose page could not be made known to its new owner',
    section: '§5.6',
    values: { okay: 'okay', general_error: 'general_error' },
  },
  x86CacheFlush: {
    doc: 'GNTTABOP_cache_flush on x86',
    section: '§5.6',
    values: { offered: 'is carried out', ENOSYS: 'is unknown' },
  },
  badDevBusAddr: {
    doc: 'Status of a grant unmap whose dev_bus_addr is wrong',
    section: '§5.5',
    values: {
      general_error: 'GNTST_general_error, checked even for a mapping without device_map',
      bad_dev_addr: 'GNTST_bad_dev_addr, checked for device_map only',
    },
  },
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
  vtdFaultLine: {
    doc: 'Wording of a VT-d fault in the log',
    section: '§7.1',
    values: {
      'with-register-base': 'ends with the unit’s register base',
      plain: 'names the device and address only',
      'with-unit': 'the second line names the unit',
    },
  },
  mmioIommuRights: {
    doc: 'What a mirrored entry for device memory lets the domain’s devices do',
    section: '§4.1',
    values: {
      always: 'read it, and write it unless nobody may',
      access: 'what the access type of the p2m entry says, and no writing where nobody may',
    },
  },
  typedEntryGuard: {
    doc: 'Which p2m entries memory_mapping does not replace, and crashes the domain for',
    section: '§4.1',
    values: {
      grants: 'those of grants and foreign pages (-ENOENT)',
      special: 'device memory, too, but by itself (-EPERM)',
    },
  },
  sharedFlush: {
    doc: 'When a change of a shared p2m is flushed in a batch that flushes at its end',
    section: '§4.3',
    values: { 'at-once': 'at once as well', 'in-batch': 'with the batch' },
  },
  batchedMoves: {
    doc: 'What a batch of pages that move in a p2m does before it has flushed for all of them',
    section: '§4.4',
    values: {
      unreferenced: 'pages that make room are freed, and may be somebody else’s before the flush (XSA-346)',
      referenced: 'pages that make room are flushed at once, and those that move are held',
    },
  },
  iommuSuperpages: {
    doc: 'Sizes of the pages in a domain’s own IOMMU tables, and what becomes of full and of empty tables',
    section: '§4.4',
    values: {
      '4k-only': 'pages of 4 KiB; tables stay',
      superpages: 'the largest that fit; a contiguous table becomes a page, an empty one is freed',
    },
  },
  amdLevels: {
    doc: 'How many levels a domain’s AMD-Vi tables have',
    section: '§7.2',
    values: {
      growing: 'PV: as many as memory needs; translated: two, and more when they are needed',
      'by-memory': 'PV: as many as memory needs; translated: four',
      'by-width': 'as many as the width of addresses needs',
    },
  },
  amdMapFlush: {
    doc: 'When the AMD-Vi driver invalidates the translation of an entry that it writes again',
    section: '§7.2',
    values: {
      'moved-translated': 'for translated domains, when the frame is another (XSA-275)',
      'every-change': 'when anything of it changes',
    },
  },
  amdReassign: {
    doc: 'What an AMD-Vi device may do between its old domain and its new one, and who has it when there is no memory',
    section: '§6.3, §7.2',
    values: {
      'forwarded-meanwhile': 'everything passes untranslated; the new domain has it',
      'aborted-meanwhile': 'everything is aborted; the new domain has it',
      'quarantined-meanwhile': 'everything is aborted; dom_io has it',
      directly: 'its entry changes in one go; the old domain keeps it',
    },
  },
  amdDeviceFlush: {
    doc: 'What is invalidated when an AMD-Vi device changes domains',
    section: '§7.2',
    values: {
      entry: 'what the unit keeps of the device table entry',
      'entry-and-domain': 'and what it translated under the old domain id (XSA-442)',
    },
  },
  amdFlushAll: {
    doc: 'Whether AMD-Vi invalidates everything of a domain when it is asked to',
    section: '§7.2',
    values: { always: 'yes', 'if-modified': 'only when an entry was there before' },
  },
  amdFreedTables: {
    doc: 'What is invalidated when a domain’s AMD-Vi tables are freed',
    section: '§7.2',
    values: { flushed: 'everything under the domain id', 'not-flushed': 'nothing' },
  },
  vtdWalkLine: {
    doc: 'Wording of a table entry in the walk that `iommu=verbose` shows for a VT-d fault',
    section: '§7.1',
    values: {
      plain: 'the entry, and a line of its own when it is not present',
      'with-rights': 'the entry with its rights',
    },
  },
  amdFaultWalk: {
    doc: 'Whether `iommu=verbose` shows a walk of the tables for an AMD-Vi fault',
    section: '§7.2',
    values: { none: 'no', printed: 'yes' },
  },
  amdFaultLine: {
    doc: 'Wording of an AMD-Vi I/O page fault in the log',
    section: '§7.2',
    values: {
      'device-id': 'domain, device id, address and flags as numbers',
      sbdf: 'device address, flags in letters',
    },
  },
  smmuFaultLine: {
    doc: 'Wording of an SMMUv2 context fault in the log',
    section: '§7.3',
    values: { 'without-fsr': 'no fsr field', 'with-fsr': 'fsr first' },
  },
  smmuStreamMappings: {
    doc: 'What becomes of the stream mapping registers of an SMMUv2’s device when it is taken from a domain',
    section: '§6.5, §7.3',
    values: {
      'per-attachment': 'they are given back, and taken anew at the next assignment',
      'lost-on-detach': 'they are given back and never taken again: the next owner’s device faults',
      kept: 'they stay and fault until the device is assigned again',
    },
  },
  smmuV3Driver: {
    doc: 'Whether Xen has a driver for SMMUv3; without one such a machine has no IOMMU',
    section: '§7.4',
    values: { absent: 'none: devices are not translated at all', present: 'there is one' },
  },
  smmuV3NoContext: {
    doc: 'Taking a device behind an SMMUv3 from a domain that has no device there',
    section: '§6.5',
    values: {
      dereferenced: 'looks into a context that is not there: the host goes down',
      ESRCH: 'is refused',
    },
  },
  armPageAddedDying: {
    doc: 'Adding a page to the p2m of a dying Arm domain',
    section: '§4.5, §6.6',
    values: { performed: 'is carried out', ENOMEM: 'is refused (XSA-410)' },
  },
  armSharedFramePlaces: {
    doc: 'At how many guest frames of an Arm domain a frame that Xen shares can stand',
    section: '§4.5',
    values: { many: 'as many as are asked for', one: 'one, which must be given up first' },
  },
  armIommuMap: {
    doc: 'For which Arm domains and addresses the map hook of the IOMMU drivers is meant',
    section: '§9 item 3',
    values: {
      'direct-mapped': 'for direct-mapped ones at DFN = MFN; anything else is a BUG, and an unmap is refused',
      any: 'for any, as the ITS doorbell is mapped this way, too',
    },
  },
  armSetWay: {
    doc: 'What a cache operation by set and way does in an Arm domain whose p2m the IOMMU uses',
    section: '§9 item 4',
    values: {
      untrapped: 'nothing that Xen sees',
      'p2m-invalidated': 'the p2m becomes invalid until the CPU goes there: devices fault',
      undefined: 'it is refused by an undefined exception',
    },
  },
  bootDomains: {
    doc: 'Which domains of the device tree Xen makes when it boots (dom0less), and which of them get an IOMMU context',
    section: '§2.6',
    values: {
      none: 'none: their nodes are not looked at',
      'without-context': 'all, and none gets one',
      module: 'those with a partial device tree get one, and Xen does not boot where there is no IOMMU',
      'module-with-iommu': 'those with a partial device tree get one where there is an IOMMU',
      property: 'and those whose property `passthrough` says so',
      capabilities: 'and the hardware domain, which can be one of them',
    },
  },
  bootStaticMemory: {
    doc: 'Whether such a domain can have memory that its node names (xen,static-mem)',
    section: '§9 item 1',
    values: { unknown: 'the property is not known', known: 'yes' },
  },
  armDirectMap: {
    doc: 'Which Arm domains are direct-mapped',
    section: '§9 item 1',
    values: {
      'hardware-domain': 'the hardware domain',
      flag: 'those created so: dom0, and domains made at boot of static memory',
    },
  },
} as const satisfies Record<string, BehaviourSpec>;

export type BehaviourName = keyof typeof BEHAVIOURS;

/** A release, or a design, of the hypervisor: one value for each behaviour. */
export type Profile = ValuesOf<typeof BEHAVIOURS>;

export const BEHAVIOUR_NAMES = Object.keys(BEHAVIOURS) as BehaviourName[];
