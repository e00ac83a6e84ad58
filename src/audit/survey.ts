import type { Rights } from '../formats/address.js';
import type { TablePages } from '../formats/walk-tables.js';
import type { WordSource } from '../formats/words.js';

/** Consecutive bytes of physical memory; `end` is exclusive. Numbers are exact: physical addresses have 52 bits. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Registers of devices, which no image of memory has. */
export interface RegisterReader {
  /** @throws InputError when they cannot be read. */
  read32(pa: number): Promise<number>;
  read64(pa: number): Promise<bigint>;
}

/** Memory of a machine, from wherever it was read. Frames are numbered from physical address 0, 4 KiB each. */
export interface MemoryImage extends WordSource, TablePages {
  /** What it is, for messages: the file's name, `QEMU at SOCKET`. */
  readonly name: string;
  /** Where there is memory, in order, not overlapping. What lies outside reads as 0. */
  readonly ram: readonly ByteRange[];
  /**
   * The 4 KiB page at `frame` as 1024 words, valid until the next call of any method; undefined where there is no memory.
   * The array may be a view of the file itself: never written to.
   */
  page(frame: number): Int32Array | undefined;
  /** Copies memory from `pa` on; what is no memory is zero. For long looks, as it never maps what is a hole in a file. */
  copy(pa: number, into: Uint8Array): void;
  /** The machine's registers, when it runs or is stopped under QEMU; null for a file. */
  readonly registers: RegisterReader | null;
  /** What there is to know about how it was read: the layout that was taken, that the file is shorter than it says. */
  readonly notes: readonly string[];
  /** Lets a machine that was stopped go on. */
  close(): Promise<void>;
}

/**
 * Ranges that device addresses reach, in order: consecutive inputs that map to consecutive frames with equal rights,
 * whatever the size of the pages. Four numbers a range in one array, so that millions of them are no burden.
 */
export interface RangeList {
  readonly length: number;
  /** First device frame of range `i`. */
  input(i: number): number;
  /** 4 KiB frames in it. */
  count(i: number): number;
  /** First frame of memory it leads to; -1 for a repeat, which maps as the inputs from `sharedInput` do. */
  frame(i: number): number;
  rights(i: number): Rights;
  /** For a repeat, the input at which the same subtree was listed; -1 for others. */
  sharedInput(i: number): number;
}

/** An entry that the hardware would refuse, or a table that is not where memory is. */
export interface TableProblem {
  readonly kind: 'reserved-bits' | 'outside-memory' | 'loop' | 'level' | 'unknown-format';
  /** Byte address of the entry. */
  readonly at: number;
  readonly entry: bigint;
  /** Level of the table it stands in, by the manual's name; `root entry`, `context entry`, `device table entry`, `STE`. */
  readonly level: string;
  /** First device frame below it. */
  readonly input: number;
  readonly message: string;
}

/** One set of tables, walked once however many devices use it. */
export interface AddressSpace {
  /** The page-table format's name. */
  readonly format: string;
  /** Byte address of the root table. */
  readonly root: number;
  readonly levels: number;
  readonly ranges: RangeList;
  /** Frames of its tables, sorted, without repeats. */
  readonly tables: Float64Array;
  /** 4 KiB pages mapped, repeats included. */
  readonly pages: number;
  readonly problems: readonly TableProblem[];
  /** Problems beyond those that are listed. */
  readonly moreProblems: number;
  /** False when the walk was cut off by a bound, which `incompleteBecause` names. */
  readonly complete: boolean;
  readonly incompleteBecause: string | null;
}

export type Translation = 'blocked' | 'translated' | 'passthrough' | 'unknown';

/** A device, or a stream of an SMMU, that the IOMMU's tables have an entry for. */
export interface AuditedDevice {
  /** `ssss:bb:dd.f`; for an SMMU's stream that is no PCI device `stream:0x20`. */
  readonly sbdf: string;
  /** bus << 8 | devfn, or the StreamID. */
  readonly requester: number;
  /** Index of its unit in {@link Survey.units}. */
  readonly unit: number;
  /** VT-d in scalable mode: the PASID that these tables are for; null for requests without one. */
  readonly pasid: number | null;
  /** The unit's domain id or VMID; null when the entry has none. */
  readonly domainId: number | null;
  readonly translation: Translation;
  /** The entry's translation type in the manual's words: `multi-level (TT = 00b)`, `pass-through (TT = 10b)`. */
  readonly type: string;
  /** Index of its tables in {@link Survey.spaces}; null when it is not translated. */
  readonly space: number | null;
  /** Rights that the device's entry lets through. */
  readonly rights: Rights;
  /** Why it is blocked, or passes without anybody having said so; empty otherwise. */
  readonly note: string;
  /** What is wrong with its own entries. */
  readonly problems: readonly TableProblem[];
}

/** Requesters that all have the same entry, which so many have that it is told once. */
export interface AlikeRequesters {
  readonly count: number;
  readonly translation: Translation;
  /** The entry's translation type in the manual's words. */
  readonly type: string;
  readonly note: string;
}

/** An IOMMU unit as it was found. */
export interface AuditedUnit {
  readonly kind: 'vtd' | 'amdvi' | 'smmuv3';
  readonly segment: number;
  /** Byte address of the root table, device table or stream table. */
  readonly rootTable: number;
  /** VT-d: `legacy` or `scalable`; AMD-Vi and SMMUv3: empty. */
  readonly mode: string;
  /** Byte address of its registers; null when the root was given. */
  readonly registers: number | null;
  /** Whether its registers say that it translates; null when they could not be asked. */
  readonly enabled: boolean | null;
  /** How the root was found, for people: `--rtaddr`, `DRHD at 0xfed90000 in the DMAR table at 0x…`. */
  readonly foundBy: string;
  /** Frames of root, context, device or stream tables themselves, sorted. */
  readonly tables: Float64Array;
  readonly problems: readonly TableProblem[];
  /** Problems beyond those that are listed. */
  readonly moreProblems: number;
  /**
   * AMD-Vi and SMMUv3, whose tables have an entry for every requester, there or not: those that are not among the devices,
   * told in the notes as well. None for VT-d, of which every entry that is present is listed.
   */
  readonly others: readonly AlikeRequesters[];
  /** What else there is to say: entries that are not listed one by one, lists cut off. */
  readonly notes: readonly string[];
}

/** Everything that was read of a machine's IOMMUs: what the findings, the reports and the comparison start from. */
export interface Survey {
  readonly image: MemoryImage;
  readonly units: readonly AuditedUnit[];
  readonly devices: readonly AuditedDevice[];
  readonly spaces: readonly AddressSpace[];
}
