import { FOUR_LEVELS, type RootShape, THREE_LEVELS } from './radix.js';
import {
  ContextType,
  contextDid,
  contextReserved,
  contextType,
  contextWidth,
  entryFrame,
  entryPresent,
  levelsOfWidth,
  rootReserved,
  VTD_ENTRY_BYTES,
} from './vtd.js';
import { VtdReason } from './vtd-faults.js';
import type { WordSource } from './words.js';

/** The host address width is 52 bits, the widest; frame bits from here up are reserved. */
const FRAME_LIMIT = 2 ** 40;

/** Roots by number of levels. */
const SHAPES: readonly (RootShape | undefined)[] = [
  undefined,
  undefined,
  undefined,
  THREE_LEVELS,
  FOUR_LEVELS,
  { topLevel: 5, concatenated: 1 },
];

/** What a unit can do with a context entry. */
export interface VtdContextCapabilities {
  /** Levels its second-level tables may have: CAP.SAGAW. */
  readonly levels: readonly number[];
  /** Whether addresses can pass untranslated (ECAP.PT); without it that type is invalid. */
  readonly passThrough: boolean;
  /** Whether devices may keep translations (ECAP.DT); without it their translation type is invalid. */
  readonly deviceTlbs: boolean;
}

/**
 * Looks devices up in the root and context tables of a unit in legacy mode. Results stand in fields until the next
 * look-up; nothing is allocated. (Intel VT-d spec 5.10 §3.4, §7.1.3.)
 */
export class VtdLookup {
  /** Frame of the second-level root, or -1 when addresses pass untranslated. */
  root = -1;
  /** What the tables cover, and for untranslated addresses how far they may reach. */
  shape: RootShape = FOUR_LEVELS;
  /** Domain id that tags the IOTLB. */
  did = -1;
  private readonly source: WordSource;
  private readonly capabilities: VtdContextCapabilities;

  constructor(source: WordSource, capabilities: VtdContextCapabilities) {
    this.source = source;
    this.capabilities = capabilities;
  }

  /**
   * Finds the context of `requester` in the root table at byte address `rootTable`: 0, or the reason of the fault,
   * after which the other fields mean nothing. An entry is checked for presence, then for reserved bits, then for what
   * the unit cannot do.
   */
  find(rootTable: number, requester: number): number {
    const { source } = this;
    const rootAt = rootTable + (requester >>> 8) * VTD_ENTRY_BYTES;
    const root0 = source.read32(rootAt);
    if (!entryPresent(root0)) return VtdReason.ROOT_NOT_PRESENT;
    const table = entryFrame(root0, source.read32(rootAt + 4));
    if (rootReserved(root0, source.read32(rootAt + 8), source.read32(rootAt + 12)) || table >= FRAME_LIMIT) {
      return VtdReason.ROOT_RESERVED;
    }
    const at = table * 4096 + (requester & 0xff) * VTD_ENTRY_BYTES;
    const word0 = source.read32(at);
    if (!entryPresent(word0)) return VtdReason.CONTEXT_NOT_PRESENT;
    const word2 = source.read32(at + 8);
    const root = entryFrame(word0, source.read32(at + 4));
    if (contextReserved(word0, word2, source.read32(at + 12)) || root >= FRAME_LIMIT) {
      return VtdReason.CONTEXT_RESERVED;
    }
    const type = contextType(word0);
    const levels = levelsOfWidth(contextWidth(word2));
    if (!this.capabilities.levels.includes(levels) || !this.knowsType(type)) return VtdReason.CONTEXT_INVALID;
    this.shape = SHAPES[levels]!;
    this.did = contextDid(word2);
    this.root = type === ContextType.PASS_THROUGH ? -1 : root;
    return 0;
  }

  private knowsType(type: number): boolean {
    if (type === ContextType.DEVICE_IOTLB) return this.capabilities.deviceTlbs;
    if (type === ContextType.PASS_THROUGH) return this.capabilities.passThrough;
    return type === ContextType.MULTI_LEVEL;
  }
}
