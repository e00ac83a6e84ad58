/**
 * Steps of the hypercalls that can be preempted, or that another CPU can look into, by name. Each runs atomically and
 * names the next; which one comes next stands in the table `call`. What they do is in `dispatch.ts`.
 */
export const Step = {
  /** No hypercall is under way. */
  none: 0,

  // assign_device where contexts are built late (dossier §1.3).
  /** The domctl from its start, all checks included: where a continuation resumes. */
  domctl: 1,
  /** Take the head of the page list. */
  pop: 2,
  /** Map it. */
  map: 3,
  /** Look at its type again. */
  recheck: 4,
  /** It was not writable: unmapped, look once more. */
  reread: 5,
  /** Put it on the list of pages seen. */
  append: 6,
  /** All pages seen. */
  complete: 7,
  /** The vendor's part. */
  assign: 8,

  // populate_physmap (§3.4, §12 T3).
  /** Take a frame from the heap and make it the domain's. */
  assign_pages: 9,
  /** Make it known to the domain, and to its devices. */
  physmap_add: 10,

  // destroydomain (§6.6): where its continuations resume.
  /** Give back what the domain has mapped through grants. */
  release_grants: 11,
  /** Its devices leave. */
  release_devices: 12,
  /** Its IOMMU tables are freed. */
  free_iommu: 13,
  /** Its p2m is freed. */
  paging: 14,
  /** What its vCPUs run on. */
  vcpu_pagetables: 15,
  /** Frames that Xen shares with it. */
  xen_pages: 16,
  /** Its memory, and what is left of L4 tables. */
  l4: 17,
  /** What is left of L3 tables. */
  l3: 18,
  /** What is left of L2 tables. */
  l2: 19,
  /** The end. */
  dead: 20,

  // get_page_and_type (§3.2, §3.3), for a pin or a writable mapping.
  /** Take a general reference and read the type word: where a preempted one starts over. */
  type_read: 21,
  /** Exchange the type word, if it is still the one that was read. */
  type_commit: 22,
  /** Flush CPUs that may remember the page for what it was. */
  type_flush: 23,
  /** Move the page in or out of its owner's IOMMU tables. */
  type_iommu: 24,
  /** Validate an entry. */
  type_validate: 25,

  // unmap_grant_ref (§5.5), between its two passes.
  /** Flush the mapper’s CPUs. */
  unmap_flush: 26,
  /** Give back pins and references. */
  unmap_complete: 27,

  // map_grant_ref (§5.2).
  /** With a handle taken: all the rest. */
  map_grant: 28,

  // copy (§5.6), with both ends held.
  /** Move the bytes. */
  copy_bytes: 29,
  /** Give back the pins. */
  copy_unpin: 30,
  /** Give back the pages and their types. */
  copy_put: 31,

  // add_to_physmap of a frame of a grant table (§4.3, §5.6).
  /** Put it where it is wanted. */
  physmap_place: 32,

  // set_version back to version 1 (§5.6).
  /** Is a status frame that has left the p2m held by anybody? */
  version_held: 33,

  // update_va_mapping that takes a mapping away, mmu_update, memory_exchange: where others can look in between.
  /** The entry is gone; what it held goes. */
  entry_put: 34,
  /** The page table is locked; the entry is written. */
  entry_write: 35,
  /** The page is nobody's; another takes its place. */
  exchange_pages: 36,

  // add_to_physmap of a range (§4.4).
  /** Move a page. */
  move_page: 37,
  /** Flush the places that the batch's pages left, and drop what was held for them. */
  flush_moved: 38,
  /** Flush the places that they are at. */
  flush_target: 39,

  // get_page_and_type, too.
  /** Give back what the entries hold of a table that is none. */
  type_undo: 40,
} as const;

/** Names of the steps by number. */
export const STEP_NAMES: readonly string[] = Object.keys(Step);

/** The steps that do something. */
export type StepName = Exclude<keyof typeof Step, 'none'>;

/** The domain whose hypercalls manage the others: dom0, where the toolstack runs. */
export const TOOLSTACK = 0;

/**
 * Steps that nobody else can see where CPUs remember nothing (`cpu_tlb` 0): they then read and write no more than their own
 * row of the hypercalls under way, and no invariant tells them from what follows. By step: before which step what follows
 * ends, `none` for the end of the hypercall. A search may take such a step and what follows for one (decision 17).
 */
export const UNSEEN_WITHOUT_TLB: readonly { readonly step: StepName; readonly until: StepName | 'none' }[] = [
  { step: 'type_flush', until: 'type_validate' },
  { step: 'unmap_flush', until: 'none' },
];
