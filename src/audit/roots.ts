import type { VtdEntryCapabilities } from '../formats/vtd.js';
import type { VtdContextCapabilities } from '../formats/vtd-lookup.js';

/** Consecutive requester ids of a PCI segment that arrive at an SMMU as consecutive stream ids. */
export interface StreamRange {
  readonly stream: number;
  readonly count: number;
  readonly segment: number;
  readonly requester: number;
}

/** A unit's root table, device table or stream table, however it was found. */
export interface FoundRoot {
  readonly kind: 'vtd' | 'amdvi' | 'smmuv3';
  readonly segment: number;
  /** Byte address of the table. */
  readonly table: number;
  /** VT-d: which tables the unit reads; `abort` for one that refuses everything (RTADDR_REG.TTM). */
  readonly mode?: 'legacy' | 'scalable' | 'abort';
  /** AMD-Vi: entries of the device table; SMMUv3: log2 of the stream ids. As many as there can be unless given. */
  readonly size?: number;
  /** SMMUv3: bits of a stream id that index a second-level table; 0 for a linear table. */
  readonly split?: number;
  /** SMMUv3: which stream ids are which PCI devices, as an IORT table says. */
  readonly streams?: readonly StreamRange[];
  /** Byte address of the unit's registers. */
  readonly registers: number | null;
  /** Whether the unit translates, as its registers say. */
  readonly enabled: boolean | null;
  /** What the unit can do, where its registers or a firmware table say so. */
  readonly capabilities?: Partial<VtdEntryCapabilities & VtdContextCapabilities>;
  /** For people: `--rtaddr`, `DRHD at 0xfed90000 in the DMAR table at 0x…`. */
  readonly foundBy: string;
}
