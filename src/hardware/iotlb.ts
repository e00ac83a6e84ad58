import { type Rights, rightsText } from '../formats/address.js';
import { decimal, hex, type Layout, optional } from '../store/table.js';

/**
 * An IOTLB: translations that an IOMMU remembers, tagged with the domain id (VT-d DID, SMMU VMID) under which they were
 * made. Direct-mapped, so equal contents are equal states whatever the order of fills. Filled on use, emptied only by
 * invalidations.
 */
export class Iotlb {
  private readonly entries;
  private readonly size: number;

  /** `size` is a power of two. */
  constructor(layout: Layout, name: string, size: number) {
    this.size = size;
    this.entries = layout.table(
      `${name} IOTLB`,
      size,
      { did: optional(decimal), input: hex, frame: hex, rights: { show: rightsText } },
      (row) => `${name} IOTLB entry ${row}`,
    ).columns;
  }

  /** The entry that translates `input` under `did`, or -1. */
  find(did: number, input: number): number {
    const row = input & (this.size - 1);
    return this.entries.did.get(row) === did + 1 && this.entries.input.get(row) === (input | 0) ? row : -1;
  }

  frame(row: number): number {
    return this.entries.frame.get(row) >>> 0;
  }

  rights(row: number): Rights {
    return this.entries.rights.get(row);
  }

  /** The tag of the entry at `row`, or -1 when it is empty. */
  did(row: number): number {
    return this.entries.did.get(row) - 1;
  }

  /** The input frame of the entry at `row`. */
  input(row: number): number {
    return this.entries.input.get(row) >>> 0;
  }

  get rows(): number {
    return this.size;
  }

  fill(did: number, input: number, frame: number, rights: Rights): void {
    const row = input & (this.size - 1);
    this.entries.did.set(row, did + 1);
    this.entries.input.set(row, input);
    this.entries.frame.set(row, frame);
    this.entries.rights.set(row, rights);
  }

  private drop(row: number): void {
    this.entries.did.set(row, 0);
    this.entries.input.set(row, 0);
    this.entries.frame.set(row, 0);
    this.entries.rights.set(row, 0);
  }

  /** Drops the translations of `count` input frames from `input` under `did`. */
  invalidatePages(did: number, input: number, count: number): void {
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
