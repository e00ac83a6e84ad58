import { type Rights, rightsText } from '../formats/address.js';
import { bitParts, decimal, hex, type Layout, optional } from '../store/table.js';

const HIGH = 2 ** 32;

/** Rights in the low bits; above them what the input (up to 45 bits) and the frame (up to 40) have beyond a word. */
const RIGHTS_MASK = 0xf;
const INPUT_HIGH_SHIFT = 4;
const FRAME_HIGH_SHIFT = 20;
const RIGHTS_AND_HIGH_BITS = bitParts([
  { name: 'rights', low: 0, width: 4, show: rightsText },
  { name: 'input bits 32 and up', low: INPUT_HIGH_SHIFT, width: 16, show: hex.show },
  { name: 'frame bits 32 and up', low: FRAME_HIGH_SHIFT, width: 12, show: hex.show },
]);

/**
 * An IOTLB: translations that an IOMMU remembers, tagged with the domain id (VT-d DID, SMMU VMID) under which they were
 * made. Direct-mapped, so equal contents are equal states whatever the order of fills. Filled on use, emptied only by
 * invalidations.
 */
export class Iotlb {
  private readonly entries;
  private readonly size: number;

  /** @throws RangeError when `size` is no power of two. */
  constructor(layout: Layout, name: string, size: number) {
    if (!(size > 0 && Number.isInteger(Math.log2(size)))) {
      throw new RangeError(`${name} IOTLB: ${size} entries are no power of two`);
    }
    this.size = size;
    this.entries = layout.table(
      `${name} IOTLB`,
      size,
      { did: optional(decimal), input: hex, frame: hex, rights: RIGHTS_AND_HIGH_BITS },
      (row) => `${name} IOTLB entry ${row}`,
    ).columns;
  }

  /** The entry that translates `input` under `did`, or -1. */
  find(did: number, input: number): number {
    const row = input & (this.size - 1);
    return did >= 0 && this.entries.did.get(row) === did + 1 && this.input(row) === input ? row : -1;
  }

  frame(row: number): number {
    return (this.entries.frame.get(row) >>> 0) + (this.entries.rights.get(row) >>> FRAME_HIGH_SHIFT) * HIGH;
  }

  rights(row: number): Rights {
    return this.entries.rights.get(row) & RIGHTS_MASK;
  }

  /** The tag of the entry at `row`, or -1 when it is empty. */
  did(row: number): number {
    return this.entries.did.get(row) - 1;
  }

  /** The input frame of the entry at `row`. */
  input(row: number): number {
    const high = (this.entries.rights.get(row) >>> INPUT_HIGH_SHIFT) & 0xffff;
    return (this.entries.input.get(row) >>> 0) + high * HIGH;
  }

  get rows(): number {
    return this.size;
  }

  fill(did: number, input: number, frame: number, rights: Rights): void {
    const row = input & (this.size - 1);
    const inputHigh = Math.floor(input / HIGH) << INPUT_HIGH_SHIFT;
    const frameHigh = Math.floor(frame / HIGH) << FRAME_HIGH_SHIFT;
    this.entries.did.set(row, did + 1);
    this.entries.input.set(row, input);
    this.entries.frame.set(row, frame);
    this.entries.rights.set(row, (rights & RIGHTS_MASK) | inputHigh | frameHigh);
  }

  private drop(row: number): void {
    this.entries.did.set(row, 0);
    this.entries.input.set(row, 0);
    this.entries.frame.set(row, 0);
    this.entries.rights.set(row, 0);
  }

  /** Drops the translations of `count` input frames from `input` under `did`. */
  invalidatePages(did: number, input: number, count: number): void {
    if (count < this.size) {
      for (let page = 0; page < count; page++) {
        const row = this.find(did, input + page);
        if (row >= 0) this.drop(row);
      }
      return;
    }
    for (let row = 0; row < this.size; row++) {
      const offset = this.input(row) - input;
      if (this.did(row) === did && offset >= 0 && offset < count) this.drop(row);
    }
  }

  /** Drops every translation under `did`. */
  invalidateDomain(did: number): void {
    for (let row = 0; row < this.size; row++) if (this.did(row) === did) this.drop(row);
  }
}
