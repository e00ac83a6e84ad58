import type { BehaviourSpec } from './history.js';

/** Contexts, pages of PV domains, grants. Values are listed from the oldest to the newest. */
export const PAGE_BEHAVIOURS = {
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
  shadowTypeFlush: {
    doc: 'In shadow mode, for which changes of a page’s type CPUs are flushed',
    section: '§3.3 (XSA-408)',
    values: {
      'from-writable': 'those from writable',
      'to-writable': 'those to writable: a CPU may go on writing a page that becomes a page table',
      'from-writable-again': 'those from writable',
    },
  },
  upperLevelFlush: {
    doc: 'Whether CPUs are flushed when an entry of an L2, L3 or L4 is changed, through which Xen itself finds L1 tables',
    section: '§3.2 (XSA-286)',
    values: { no: 'no: the guest is to flush, and Xen may find the table that was there', yes: 'yes' },
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
  transferCopy: {
    doc: 'What a transfer goes on with after it has copied a page that lies too high',
    section: '§5.6 (XSA-284)',
    values: {
      'old-frame': 'the copy, which has no reference, is the new owner’s, and its devices get the old frame',
      copy: 'the copy',
    },
  },
  restartedCopy: {
    doc: 'What a copy answers that is to be started over because a transitive grant has changed',
    section: '§5.6 (XSA-318)',
    values: {
      done: '0 at the first request of a batch, whose status stays what the caller had there',
      restarted: 'nothing: it is started over',
    },
  },
  transitiveRetry: {
    doc: 'Which locks are held when a copy gives a grant back because the transitive one that led to it has changed',
    section: '§5.6 (XSA-411)',
    values: {
      locked: 'those of the transitive one: two such copies can wait for each other',
      unlocked: 'none',
    },
  },
  statusFrameAdded: {
    doc: 'How a frame of a grant table gets into a p2m while its table may lose it',
    section: '§5.6 (XSA-379, XSA-384, XSA-486)',
    values: {
      'looked-up': 'its place is looked up first, and changed under another lock: it can stand at two places',
      referenced:
        'it stands at one place (f147422bf9), and a reference keeps it from being freed until it is there',
      locked: 'the table is locked until it is there',
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
} as const satisfies Record<string, BehaviourSpec>;
