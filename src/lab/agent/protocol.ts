/**
 * What the adapter and the agent in dom0 say to each other. A frame is its length (4 bytes, little-endian) and as many
 * bytes of JSON in UTF-8. The adapter sends a {@link Request}: calls to carry out one after the other; the agent answers
 * each request with one {@link Reply}. The agent speaks first: one {@link Hello}, and again one whenever it is asked to.
 *
 * Numbers are plain: frame numbers and addresses stay below 2^53. A result's `rc` is what the hypercall returned, -errno
 * when it failed (Xen's errno, `-95`), as the hypercall says it and not as a library words it.
 */

/** Changes with every change of what is said here; adapter and agent must have the same. */
export const PROTOCOL_VERSION = 3;

/** A frame longer than this is an error of the other side. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/** First thing that the agent says. */
export interface Hello {
  readonly hello: 'dommu-agent';
  readonly protocol: number;
  /** dommu's version. */
  readonly version: string;
  readonly xen: { readonly major: number; readonly minor: number; readonly extra: string };
  /** How many pages of its address space the agent maps foreign and granted pages at. */
  readonly slots: number;
}

/** Where a PV domain's hypercalls come from. */
export type Issuer =
  /** dom0's control interface, in the domain's name. */
  | 'toolstack'
  /** The domain's own vCPU. */
  | 'guest';

export const PIN_COMMANDS = { l1: 0, l2: 1, l3: 2, l4: 3, unpin: 4 } as const;

/**
 * One call. `domid` 0 is dom0, 0x7ff1 DOM_IO; ids that do not exist may be named and are passed on to Xen. A domain made
 * with `createdomain` has a kernel page table of the agent's making (`slots` entries of an L1 table, all empty) and, when
 * `guest` is said, a vCPU that carries out hypercalls. Those pages are counted on top of `maxPages` and of no interest to
 * anyone.
 */
export type Call =
  /** XEN_DOMCTL_createdomain, then max_vcpus and max_mem when it succeeded. @returns CreateResult */
  | {
      readonly call: 'createdomain';
      readonly flags: number;
      readonly iommuOpts: number;
      readonly maxVcpus: number;
      readonly maxPages: number;
      /** 0 for the lowest free one. */
      readonly domid: number;
      /** Makes it a guest that issues hypercalls itself; PV only. */
      readonly guest: boolean;
      /** Highest version of its grant table; 2 unless it is said. Before 4.16 nothing could be said. */
      readonly maxGrantVersion?: number;
      /** Frames that its grant table can have; 4 unless it is said. */
      readonly maxGrantFrames?: number;
    }
  /** XEN_DOMCTL_destroydomain, again until it is done (continuations are counted in `steps`). @returns StatusResult */
  | { readonly call: 'destroydomain'; readonly domid: number }
  /** XEN_DOMCTL_max_mem, `pages` as the program counts them. @returns StatusResult */
  | { readonly call: 'max_mem'; readonly domid: number; readonly pages: number }
  /**
   * XENMEM_populate_physmap of `count` pages, zeroed when that is asked for; when there were not as many, `rc` is 0 and
   * `mfns` shorter. `gfn` for translated domains. @returns PagesResult
   */
  | {
      readonly call: 'populate_physmap';
      readonly domid: number;
      readonly count: number;
      readonly gfn: number;
      readonly zero?: boolean;
    }
  /** XENMEM_decrease_reservation of one page: MFN for PV, GFN otherwise. rc 0 is done, -EINVAL is refused. @returns StatusResult */
  | { readonly call: 'decrease_reservation'; readonly domid: number; readonly frame: number }
  /** XENMEM_exchange of one page for another. @returns PagesResult */
  | { readonly call: 'memory_exchange'; readonly domid: number; readonly frame: number }
  /** XENMEM_add_to_physmap; `space` is XENMAPSPACE_*. @returns StatusResult */
  | {
      readonly call: 'add_to_physmap';
      readonly domid: number;
      readonly space: number;
      readonly index: number;
      readonly gfn: number;
    }
  | {
      /** @returns StatusResult */
      readonly call: 'assign_device' | 'test_assign_device' | 'deassign_device';
      readonly domid: number;
      /** Segment, bus, device, function: `seg << 16 | bus << 8 | devfn`. */
      readonly sbdf: number;
      readonly flags: number;
    }
  /** HYPERVISOR_mmuext_op of one operation of {@link PIN_COMMANDS} on a page of `domid`. @returns StatusResult */
  | {
      readonly call: 'mmuext_op';
      readonly domid: number;
      readonly command: number;
      readonly mfn: number;
      readonly issuer: Issuer;
    }
  /**
   * HYPERVISOR_mmu_update (MMU_NORMAL_PT_UPDATE) of entry `index` of table `mfn`, both the table and what it points to
   * being `domid`'s. `entry` is the 64-bit entry in hexadecimal. @returns StatusResult
   */
  | {
      readonly call: 'mmu_update';
      readonly domid: number;
      readonly mfn: number;
      readonly index: number;
      readonly entry: string;
      readonly issuer: Issuer;
    }
  /**
   * Maps a page of `of` at one of `domid`'s slots, or nothing with mfn -1. For dom0 the slots are pages of the agent
   * itself (HYPERVISOR_update_va_mapping, or update_va_mapping_otherdomain when `of` is not dom0); for others entries of
   * their kernel page table (mmu_update, or update_va_mapping by the guest itself). @returns StatusResult
   */
  | {
      readonly call: 'update_va_mapping';
      readonly domid: number;
      readonly slot: number;
      readonly mfn: number;
      readonly writable: boolean;
      readonly of: number;
      readonly issuer: Issuer;
    }
  /** Writes a grant entry, as it stands in the table: 8 bytes in version 1, 16 in version 2, in hexadecimal. @returns StatusResult */
  | { readonly call: 'grant'; readonly domid: number; readonly ref: number; readonly entry: string }
  /** Clears a grant entry that is not in use; rc -EBUSY when its reading or writing bit is set. @returns StatusResult */
  | { readonly call: 'end_grant'; readonly domid: number; readonly ref: number; readonly version: number }
  /**
   * GNTTABOP_map_grant_ref by `domid` (dom0, or a domain made with `guest`). With GNTMAP_host_map it is mapped at a
   * {@link Place} (without one the agent finds a free slot) or, translated, at `gfn`. @returns GrantResult
   */
  | ({
      readonly call: 'map_grant_ref';
      readonly domid: number;
      readonly granter: number;
      readonly ref: number;
      /** GNTMAP_* bits. */
      readonly flags: number;
      readonly gfn: number;
    } & Place)
  /**
   * GNTTABOP_unmap_grant_ref. `host` gives the place named, or the address the handle was mapped at; `device` its bus
   * address or `busAddress` when that is not -1 (a frame number). @returns GrantResult
   */
  | ({
      readonly call: 'unmap_grant_ref';
      readonly domid: number;
      readonly handle: number;
      readonly host: boolean;
      readonly device: boolean;
      readonly busAddress: number;
    } & Place)
  /** GNTTABOP_unmap_and_replace: what slot `with` maps takes the mapping's place. @returns GrantResult */
  | ({
      readonly call: 'unmap_and_replace';
      readonly domid: number;
      readonly handle: number;
      readonly with: number;
    } & Place)
  /**
   * grant_table_op of one operation by `domid` (dom0, or a domain made with `guest`): its structure in hexadecimal. With
   * `frames` there is room for as many frame numbers, whose address is put at byte `listAt`. @returns GrantOpResult
   */
  | {
      readonly call: 'grant_table_op';
      readonly domid: number;
      readonly command: number;
      readonly argument: string;
      readonly frames: number;
      readonly listAt: number;
    }
  /** Has an `edu` device copy 4 bytes between its buffer and memory. @returns DmaResult */
  | {
      readonly call: 'dma';
      readonly sbdf: number;
      readonly write: boolean;
      readonly address: number;
      readonly value: number;
    }
  /** Reads a PCI device's vendor and device id, and switches on memory decoding and bus mastering. @returns DeviceResult */
  | { readonly call: 'device'; readonly sbdf: number }
  /** Has Xen print what a debug key prints, on its console. @returns StatusResult */
  | { readonly call: 'debug_keys'; readonly keys: string }
  /** Runs a program in dom0. @returns ExecResult */
  | {
      readonly call: 'exec';
      readonly argv: readonly string[];
      readonly timeoutSeconds: number;
      /** Files to write first, by absolute path. */
      readonly files?: Readonly<Record<string, string>>;
    }
  /** Ids of all domains but dom0. @returns DomainsResult */
  | { readonly call: 'domains' }
  /**
   * Releases whatever the agent holds (slots, foreign maps, grant frames) of all domains, and destroys all but dom0; an
   * agent on somebody's own host (`--stdio`) destroys its own only. rc -EBUSY when something stays. @returns StatusResult
   */
  | { readonly call: 'reset' }
  /** Says hello again. @returns Hello */
  | { readonly call: 'hello' };

/** Where a grant is mapped: at a slot of the mapper's, or in the page-table entry at a machine address; -1 says neither. */
export interface Place {
  readonly slot: number;
  readonly pte: number;
}

/** `rc` of a hypercall that a guest's vCPU made and that never returned, because Xen crashed the domain for it. */
export const GUEST_CRASHED = -0x7fff;

export type CallName = Call['call'];

/** The call of that name. */
export type CallOf<N extends CallName> = Call extends infer C
  ? C extends { readonly call: infer K }
    ? N extends K
      ? C
      : never
    : never
  : never;

export interface StatusResult {
  readonly rc: number;
  /** How often a hypercall had to be continued. */
  readonly steps?: number;
}

export interface CreateResult extends StatusResult {
  readonly domid: number;
  /** Frame of the L1 table that holds the domain's slots, -1 for translated domains. */
  readonly slotTable: number;
  /** Frames of the domain that no program knows of: those that the agent keeps in it, and those that Xen shares with it. */
  readonly ownPages: readonly number[];
}

export interface PagesResult extends StatusResult {
  /** MFNs of the pages that were got; of translated domains too. */
  readonly mfns: readonly number[];
}

export interface GrantResult extends StatusResult {
  /** GNTST_*. */
  readonly status: number;
  readonly handle: number;
  readonly busAddress: number;
}

export interface GrantOpResult extends StatusResult {
  /** The structure, as Xen left it. */
  readonly argument: string;
}

export interface DmaResult extends StatusResult {
  /** Word that was written, always 0: the device's buffer cannot be filled from outside. -1 when it is not known. */
  readonly value: number;
}

export interface DeviceResult extends StatusResult {
  readonly vendor: number;
  readonly device: number;
}

export interface ExecResult extends StatusResult {
  /** Exit code; -1 when it did not end in time. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DomainsResult extends StatusResult {
  readonly domids: readonly number[];
}

/** What each call answers. */
export interface Results {
  createdomain: CreateResult;
  destroydomain: StatusResult;
  max_mem: StatusResult;
  populate_physmap: PagesResult;
  decrease_reservation: StatusResult;
  memory_exchange: PagesResult;
  add_to_physmap: StatusResult;
  assign_device: StatusResult;
  test_assign_device: StatusResult;
  deassign_device: StatusResult;
  mmuext_op: StatusResult;
  mmu_update: StatusResult;
  update_va_mapping: StatusResult;
  grant: StatusResult;
  end_grant: StatusResult;
  map_grant_ref: GrantResult;
  unmap_grant_ref: GrantResult;
  unmap_and_replace: GrantResult;
  grant_table_op: GrantOpResult;
  dma: DmaResult;
  device: DeviceResult;
  debug_keys: StatusResult;
  exec: ExecResult;
  domains: DomainsResult;
  reset: StatusResult;
  hello: Hello;
}

export interface Request {
  readonly id: number;
  readonly calls: readonly Call[];
}

export type Reply =
  | { readonly id: number; readonly results: readonly Results[CallName][] }
  /** The agent could not make sense of the request, or broke over it. */
  | { readonly id: number; readonly error: string };
