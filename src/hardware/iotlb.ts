import { type Rights, rightsText } from '../formats/address.js';
import { bitParts, decimal, hex, type Layout, naming, optional } from '../store/table.js';

const HIGH = 2 ** 32;

/**
 * Rights in the low bits; above them what the input (up to 45 bits) and the frame (up to 40) have beyond a word, and how
 * many levels above 4 KiB the page is: 0, 1 for 2 MiB, 2 for 1 GiB.
 */
const RIGHTS_MASK = 0xf;
const INPUT_HIGH_SHIFT = 4;
const FRAME_HIGH_SHIFT = 20;
const LEVELS_UP_SHIFT = 28;
const RIGHTS_AND_HIGH_BITS = bitParts([
  { name: 'rights', low: 0, width: 4, show: rightsText },
  { name: 'input bits 32 and up', low: INPUT_HIGH_SHIFT, width: 16, show: hex.show },
  { name: 'frame bits 32 and up', low: FRAME_HIGH_SHIFT, width: 8, show: hex.show },
  { name: 'order', low: LEVELS_UP_SHIFT, width: 4, show: (levels) => String(levels * 9) },
]);

/** Levels above 4 KiB that an entry can span: up to 2^45 frames. */
const MAX_LEVELS_UP = 5;
/** Frames that an entry so many levels up spans. */
const SPANS: readonly number[] = [1, 2 ** 9, 2 ** 18, 2 ** 27, 2 ** 36, 2 ** 45];

/**
 * The place of a page, by its number among those of its size, in an IOTLB of `size` entries: by its low bits, and half-way round for each 256 pages, so that
 * low guest frames and the memory from 0x100 on, as small machines have them, do not meet.
 */
export const iotlbRow = (input: number, size: number): number =>
  (input + (input >>> 8) * (size >>> 1)) & (size - 1);

/** The order of a page that spans so many frames. */
export const orderOf = (span: number): number => (span === 1 ? 0 : Math.log2(span));

/** The frame in a row's fields `frame` and `rights`. */
export const rememberedFrame = (frame: number, rights: number): number =>
  (frame >>> 0) + ((rights >>> FRAME_HIGH_SHIFT) & 0xff) * HIGH;

/**
 * An IOTLB: translations that an IOMMU remembers, tagged with the domain id (VT-d DID, SMMU VMID) under which they were
 * made. Direct-mapped, so equal contents are equal states whatever the order of fills. Filled on use, emptied only by
 * invalidations. An entry spans 2^order frames, where the order is a multiple of 9: a page of any other size is
 * remembered in aligned pieces of the next smaller one, as hardware may.
 */
export class Iotlb {
  private readonly entries;
  private readonly large;
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
      {
        did: optional(decimal),
        input: naming('mfn', hex),
        frame: naming('mfn', hex),
        rights: RIGHTS_AND_HIGH_BITS,
      },
      (row) => `${name} IOTLB entry ${row}`,
      { rowsOf: [{ kind: 'IOTLB entry', count: size }] },
    ).columns;
    // How many entries span more than a frame. Until one does, looking up and invalidating need not think of them.
    const label = () => `${name} IOTLB`;
    const counters = layout.table(`${name} IOTLB sizes`, 1, { count: decimal }, label, { derived: true });
    this.large = counters.columns.count;
  }

  /** The entry that translates `input` under `did`, or -1. The smallest page wins where several do. */
  find(did: number, input: number): number {
    const row = iotlbRow(input, this.size);
    if (did >= 0 && this.entries.did.get(row) === did + 1) {
      const high = this.entries.rights.get(row);
      const first = (this.entries.input.get(row) >>> 0) + ((high >>> INPUT_HIGH_SHIFT) & 0xffff) * HIGH;
      if (first === input && high >>> LEVELS_UP_SHIFT === 0) return row;
    }
    return this.large.get(0) === 0 ? -1 : this.findLarge(did, input);
  }

  private findLarge(did: number, input: number): number {
    if (did < 0) return -1;
    for (let levels = 1; levels <= MAX_LEVELS_UP; levels++) {
      const row = this.rowFor(input, levels);
      if (this.entries.did.get(row) !== did + 1 || this.levelsUp(row) !== levels) continue;
      if (this.input(row) === input - (input % SPANS[levels]!)) return row;
    }
    return -1;
  }

  /** Where a page `levels` above 4 KiB is kept: by its number among the pages of its size. */
  private rowFor(input: number, levels: number): number {
    return iotlbRow(Math.floor(input / SPANS[levels]!), this.size);
  }

  private levelsUp(row: number): number {
    return this.entries.rights.get(row) >>> LEVELS_UP_SHIFT;
  }

  /** The frame that the first input of the entry at `row` leads to. */
  frame(row: number): number {
    return rememberedFrame(this.entries.frame.get(row), this.entries.rights.get(row));
  }

  /** The frame that `input`, which the entry at `row` translates, leads to. */
  frameFor(row: number, input: number): number {
    return this.frame(row) + (this.levelsUp(row) === 0 ? 0 : input - this.input(row));
  }

  rights(row: number): Rights {
    return this.entries.rights.get(row) & RIGHTS_MASK;
  }

  /** The tag of the entry at `row`, or -1 when it is empty. */
  did(row: number): number {
    return this.entries.did.get(row) - 1;
  }

  /** The first input frame of the entry at `row`. */
  input(row: number): number {
    const high = (this.entries.rights.get(row) >>> INPUT_HIGH_SHIFT) & 0xffff;
    return (this.entries.input.get(row) >>> 0) + high * HIGH;
  }

  /** The entry at `row` spans 2^order frames. */
  order(row: number): number {
    return this.levelsUp(row) * 9;
  }

  get rows(): number {
    return this.size;
  }

  /**
   * Remembers that `input` under `did` leads to `frame`, as part of a page of 2^order frames: all of it is remembered.
   * The frame is that of `input`, not of the page's beginning.
   */
  fill(did: number, input: number, frame: number, rights: Rights, order = 0): void {
    const levels = order < 9 ? 0 : Math.min(Math.floor(order / 9), MAX_LEVELS_UP);
    const offset = levels === 0 ? 0 : input % SPANS[levels]!;
    const row = levels === 0 ? iotlbRow(input, this.size) : this.rowFor(input, levels);
    const before = this.levelsUp(row);
    if (before !== 0 || levels !== 0) this.large.add(0, (levels === 0 ? 0 : 1) - (before === 0 ? 0 : 1));
    this.write(
      row,
      did,
      input - offset,
      frame - offset,
      (rights & RIGHTS_MASK) | (levels << LEVELS_UP_SHIFT),
    );
  }

  private write(row: number, did: number, input: number, frame: number, rightsAndOrder: number): void {
    const inputHigh = Math.floor(input / HIGH) << INPUT_HIGH_SHIFT;
    const frameHigh = Math.floor(frame / HIGH) << FRAME_HIGH_SHIFT;
    this.entries.did.set(row, did + 1);
    this.entries.input.set(row, input);
    this.entries.frame.set(row, frame);
    this.entries.rights.set(row, rightsAndOrder | inputHigh | frameHigh);
  }

  private drop(row: number): void {
    if (this.levelsUp(row) !== 0) this.large.add(0, -1);
    this.entries.did.set(row, 0);
    this.entries.input.set(row, 0);
    this.entries.frame.set(row, 0);
    this.entries.rights.set(row, 0);
  }

  /** Drops what translates any of `count` input frames from `input` under `did`: larger pages as a whole. */
  invalidatePages(did: number, input: number, count: number): void {
    if (count < this.size && this.large.get(0) === 0) {
      for (let page = 0; page < count; page++) {
        const row = this.find(did, input + page);
        if (row >= 0) this.drop(row);
      }
      return;
    }
    for (let row = 0; row < this.size && count > 0; row++) {
      if (this.did(row) !== did) continue;
      const first = this.input(row);
      if (first < input + count && first + SPANS[this.levelsUp(row)]! > input) this.drop(row);
    }
  }

  /** Drops every translation under `did`. */
  invalidateDomain(did: number): void {
    for (let row = 0; row < this.size; row++) if (this.did(row) === did) this.drop(row);
  }

  /** Drops everything. */
  invalidateAll(): void {
    for (let row = 0; row < this.size; row++) if (this.entries.did.get(row) !== 0) this.drop(row);
  }
}
