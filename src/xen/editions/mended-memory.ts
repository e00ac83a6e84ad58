import type { BehaviourSpec } from './history.js';

/** Bugs that every release from 4.11 on has mended, or that stood between releases: the p2m, memory operations, flushes. Each goes from wrong to right. */
export const MENDED_MEMORY = {
  vtdUnmapHint: {
    doc: 'What VT-d’s driver says of an entry that it has cleared, before it flushes',
    section: '§4.4 (XSA-78)',
    values: {
      absent: 'that none was there, so that nothing is flushed',
      present: 'that one was there',
    },
  },
  amdUnmapHint: {
    doc: 'Which half of a cleared entry AMD’s driver looks at to know whether it was present',
    section: '§4.4 (ba9b5a09da01)',
    values: {
      'high-word': 'the high one, where the bit is not: nothing is flushed',
      'low-word': 'the low one',
    },
  },
  vtdFlushStatus: {
    doc: 'What a flush of several VT-d units says when one of them does not answer',
    section: '§7.1 (e7059776f975)',
    values: { 'last-unit': 'what the last one came to', 'any-unit': 'that it failed' },
  },
  armP2mFlush: {
    doc: 'When a change of an Arm p2m is flushed from the IOMMU',
    section: '§4.5 (9ed527dc95dd)',
    values: {
      mirrored: 'when tables mirror the p2m, which is never so on Arm',
      shared: 'when the IOMMU walks it',
    },
  },
  nptIommuHook: {
    doc: 'What a change of a p2m in the format of x86 page tables does to the IOMMU tables that mirror it',
    section: '§4.3 (ee91a49a440b)',
    values: { none: 'nothing', follows: 'it is made there, too' },
  },
  logDirtyWithDevices: {
    doc: 'Whether a domain can have global log-dirty mode and devices at once',
    section: '§6.1 #10 (37201c620379)',
    values: { allowed: 'yes, whichever comes first', refused: 'no' },
  },
  sharedTablesAtDeath: {
    doc: 'Who frees a p2m that the IOMMU shares when its domain dies',
    section: '§6.6 (0c0677f003c1)',
    values: {
      twice: 'the IOMMU’s part of the teardown, which takes it for tables of its own, and the p2m’s',
      once: 'the p2m’s alone',
    },
  },
  failedRemoval: {
    doc: 'What becomes of a page that could not be taken out of the p2m when it is given back',
    section: '§3.4 (XSA-222)',
    values: { ignored: 'it is freed all the same', refused: 'it stays the domain’s' },
  },
  movedPages: {
    doc: 'Whether a page that a batch has moved is held until the place that it left is flushed',
    section: '§4.4 (XSA-346)',
    values: { unheld: 'no: somebody else can free it from its new place', held: 'yes' },
  },
  displacedPageFlush: {
    doc: 'When a page is flushed that makes room in a batch of moves',
    section: '§4.4 (XSA-346)',
    values: {
      'with-the-batch': 'at the end, when it may be free long since',
      'at-once': 'before it is freed',
    },
  },
  failedBatch: {
    doc: 'What becomes of the suppression of flushes when a batch fails half-way',
    section: '§4.4 (XSA-80)',
    values: { 'left-suppressed': 'it stays, and nothing is flushed any more', ended: 'it ends' },
  },
  sharedFrameInPlace: {
    doc: 'What happens when a frame that Xen shares is to be put where it is already',
    section: '§4.4 (3e910b648b99)',
    values: { 'removed-twice': 'it is removed, then removed again, which fails', stays: 'it stays' },
  },
  unchangedFrameHook: {
    doc: 'Whether an entry of an x86 p2m that gets other rights, and leads to the same frame, concerns the IOMMU',
    section: '§4.3 (6c0e4ad60850)',
    values: { skipped: 'no', follows: 'yes' },
  },
  typeOfHoles: {
    doc: 'What comes of giving a type of memory to a guest frame that has none',
    section: '§4.1 (XSA-92)',
    values: { set: 'an entry that leads to a frame of all ones', refused: 'EINVAL' },
  },
  failedAdd: {
    doc: 'What a caller is told of a page that was given to a domain and could not be made known to it',
    section: '§3.4 (a16cf950fc22)',
    values: { ignored: 'that all is well', told: 'that it failed' },
  },
  reservedOfPv: {
    doc: 'Which PV domains get the reserved regions of their devices',
    section: '§6.4 (77a994f3f8eb)',
    values: {
      mirrored: 'those whose tables are kept in sync: not a relaxed dom0',
      'with-context': 'all that have IOMMU tables',
    },
  },
  armReplacedEntry: {
    doc: 'When Arm gives back what an entry of the p2m led to that was replaced: foreign pages and tables',
    section: '§4.5 (671878779741)',
    values: { 'before-flush': 'before the IOMMU is flushed', 'after-flush': 'after it' },
  },
  eptReplacedTable: {
    doc: 'When a table is given back in the place of which a larger page was put into an EPT',
    section: '§4.3 (XSA-480)',
    values: { 'before-flush': 'before those who may walk it are flushed', 'after-flush': 'after it' },
  },
  unmappedRemoval: {
    doc: 'Whether giving back a guest frame that has no memory drops the p2m’s lock again',
    section: '§3.4 (XSA-277)',
    values: { 'keeps-lock': 'no', 'drops-lock': 'yes' },
  },
  mappingLimit: {
    doc: 'How much device memory memory_mapping handles before it looks whether something else wants the CPU',
    section: '§4.1 (XSA-125)',
    values: { none: 'all that is asked for', frames: '64 frames' },
  },
  podPieces: {
    doc: 'How populate-on-demand goes through guest frames whose first is not aligned to their number',
    section: '§3.4 (XSA-388)',
    values: {
      'as-asked': 'in one go: an entry counts as if the range began with it',
      aligned: 'in pieces that are aligned to their size',
    },
  },
  podMarkError: {
    doc: 'Whether the p2m’s lock is dropped when guest frames cannot be made to wait for pages',
    section: '§3.4 (XSA-30)',
    values: { 'keeps-lock': 'no', 'drops-lock': 'yes' },
  },
  podOrderLimit: {
    doc: 'How many guest frames can be made to wait for pages in one go',
    section: '§3.4 (XSA-31)',
    values: { none: 'as many as are asked for', heap: 'as many as the heap’s largest extent has pages' },
  },
  podReclaim: {
    doc: 'Which pages go into the cache of populate-on-demand when they are given back',
    section: '§3.4 (XSA-507)',
    values: { any: 'any, also those that Xen shares with the domain', ordinary: 'ordinary memory' },
  },
  armGuestBuffer: {
    doc: 'What Xen goes by on Arm when it writes into a guest’s memory what a hypercall answers',
    section: '§4.5 (XSA-98)',
    values: { 'any-memory': 'that there is memory', 'rights-of-p2m': 'what the guest may do there' },
  },
  failedAddM2p: {
    doc: 'What the M2P says of a page that could not be put into the p2m',
    section: '§3.4 (XSA-22)',
    values: { set: 'where it should have been', 'as-the-p2m': 'what the p2m does' },
  },
  foreignReference: {
    doc: 'Whether a p2m entry for another domain’s page holds a reference of the page',
    section: '§4.5 (4922caf1de5a)',
    values: { none: 'no: the owner can free it under the entry', held: 'yes' },
  },
  foreignReplaced: {
    doc: 'What becomes of that reference when the entry is replaced by another',
    section: '§4.5 (c938f5414b2b)',
    values: { leaked: 'it stays for ever', dropped: 'it goes' },
  },
  armRemoval: {
    doc: 'Which entries of an Arm p2m a removal clears',
    section: '§9 item 4 (XSA-393)',
    values: {
      'hardware-valid': 'those that the hardware goes by: not those that Xen has set aside',
      'xen-valid': 'all that mean something to Xen',
    },
  },
} as const satisfies Readonly<Record<string, BehaviourSpec>>;
