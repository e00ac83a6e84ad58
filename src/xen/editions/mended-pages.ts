import type { BehaviourSpec } from './history.js';

/** Bugs that every release from 4.11 on has mended, or that stood between releases: page types, page tables, memory of PV domains. Each goes from wrong to right. */
export const MENDED_PAGES = {
  entryFastPath: {
    doc: 'What an update may change of an entry of an L2, L3 or L4 without its being validated anew',
    section: '§3.2',
    values: {
      'same-frame': 'all flags but present, writability included (XSA-182)',
      'harmless-flags': 'flags that decide neither translation nor safety',
    },
  },
  linearChains: {
    doc: 'How far linear page tables may lead to each other',
    section: '§3.2',
    values: { 'any-length': 'without a limit (XSA-240)', one: 'to a table that leads to no other' },
  },
  linearCountOnResume: {
    doc: 'The count of a page table’s linear entries when its validation is resumed',
    section: '§3.2',
    values: { reset: 'begins at 0 again (XSA-309)', kept: 'goes on' },
  },
  pageTableWork: {
    doc: 'Whether Xen looks between entries of a page table that it validates or empties if something else wants the CPU',
    section: '§3.2',
    values: { 'in-one-go': 'no: a whole tree is done at once (XSA-45)', preemptible: 'yes' },
  },
  decreasePinned: {
    doc: 'What decrease_reservation does with a pinned page table',
    section: '§3.4',
    values: { unpins: 'drops the pin, too, without a look in between (XSA-252)', 'keeps-pin': 'nothing' },
  },
  refusedGetPage: {
    doc: 'What get_page does with a page of nobody’s when it refuses it',
    section: '§3.2',
    values: { 'drops-one': 'drops a reference that it has not taken', nothing: 'nothing' },
  },
  machphysRefusal: {
    doc: 'What a MACHPHYS_UPDATE of a translated domain’s page holds when it is refused',
    section: '§3.2',
    values: { 'keeps-reference': 'the page, for ever (XSA-113)', nothing: 'nothing' },
  },
  invalidFrame: {
    doc: 'What looking up a frame that does not exist comes to, where a frame is named by its machine number',
    section: '§3.2',
    values: {
      'looked-at': 'a look at where its record would be (XSA-32)',
      refused: 'no page',
    },
  },
  lastBootTable: {
    doc: 'Whether the last page table that boot made for a strict PV dom0 leaves its IOMMU tables',
    section: '§3.6',
    values: {
      'stays-mapped': 'no: its type was written beside get_page_type, after it had been mapped',
      unmapped: 'yes',
    },
  },
  internalPages: {
    doc: 'Whom Xen’s own pages belong to that it keeps for a domain, such as the bitmap of log-dirty mode',
    section: '§3.2',
    values: { guest: 'the domain, which can map them (XSA-248)', nobody: 'nobody' },
  },
  l3Recursion: {
    doc: 'Linear entries in the L3 of a 32-bit guest, of which Xen makes every entry writable',
    section: '§3.2',
    values: { allowed: 'are allowed, as in other tables (XSA-185)', refused: 'are refused' },
  },
  stampTime: {
    doc: 'The time with which a page is stamped when its last type reference goes, by which later flushes are left out',
    section: '§3.2',
    values: { 'read-before': 'one read before, which may be over (XSA-241)', now: 'that of the moment' },
  },
  lockedTablePut: {
    doc: 'Dropping the last reference but the lock’s of a page table that another CPU has locked',
    section: '§3.2',
    values: {
      allowed: 'is done: the lock’s goes later, and nothing empties the table (XSA-242)',
      waits: 'waits for the lock',
    },
  },
  stolenPage: {
    doc: 'What a page is held by while it is stolen from its owner',
    section: '§3.2',
    values: { allocated: 'its allocation, though it has no owner (XSA-287)', unreferenced: 'nothing' },
  },
  partialTeardown: {
    doc: 'Whether a page table whose emptying is interrupted when its domain dies has a type reference for being partial',
    section: '§6.6',
    values: { uncounted: 'no, though one is dropped in the end (XSA-310)', counted: 'yes' },
  },
  partialEntry: {
    doc: 'What an entry of a page table holds of a table that is partly validated on its behalf',
    section: '§3.2',
    values: {
      unreferenced: 'nothing: the table may be freed meanwhile (XSA-299)',
      referenced: 'a reference',
    },
  },
  partialCleanup: {
    doc: 'What is dropped of a table below a partly validated one that another CPU has completed meanwhile',
    section: '§3.2',
    values: {
      'drops-type': 'a type reference, which is the other’s (XSA-299)',
      'leaves-type': 'no type reference',
    },
  },
  deferredCleanup: {
    doc: 'What holds a page table that could not be validated until what its entries hold has been given back',
    section: '§3.2',
    values: { unreferenced: 'nothing (XSA-58)', referenced: 'a reference' },
  },
  typeRetry: {
    doc: 'Whether Xen looks if something else wants the CPU when a type word was changed under it, before it tries again',
    section: '§3.2',
    values: { 'without-look': 'not always (XSA-264)', looks: 'yes' },
  },
} as const satisfies Readonly<Record<string, BehaviourSpec>>;
