import { decimal, hex, type Layout, naming, optional } from '../store/table.js';

/** Levels of a remembered context entry in the low bits; above them the reason why there is none. */
const REASON_SHIFT = 8;

/**
 * Context entries that a VT-d unit remembers, by requester, tagged with the DID under which they are invalidated: their
 * own, or 0 for what was not present, which only units in caching mode remember. Direct-mapped, so that equal contents
 * are equal states; of a size of 0 it remembers nothing, which hardware may choose. (Intel VT-d spec 5.10 §6.2.2.)
 */
export class ContextCache {
  private readonly entries;
  private readonly size: number;

  /** @throws RangeError when `size` is neither 0 nor a power of two. */
  constructor(layout: Layout, name: string, size: number) {
    if (size !== 0 && !(size > 0 && Number.isInteger(Math.log2(size)))) {
      throw new RangeError(`${name} context cache: ${size} entries are no power of two`);
    }
    this.size = size;
    this.entries =
      size === 0
        ? undefined
        : layout.table(
            `${name} context cache`,
            size,
            { requester: optional(naming('requester', hex)), did: decimal, root: optional(hex), state: hex },
            (row) => `${name} context cache entry ${row}`,
            { rowsOf: [{ kind: 'context cache entry', count: size }] },
          ).columns;
  }

  /** Contexts that can be remembered. */
  get rows(): number {
    return this.size;
  }

  /** The entry that holds a requester's context, or -1. */
  find(requester: number): number {
    const { entries } = this;
    if (entries === undefined) return -1;
    const row = requester & (this.size - 1);
    return entries.requester.get(row) === requester + 1 ? row : -1;
  }

  /** The DID in the entry at `row`; 0 where nothing was present. */
  did(row: number): number {
    return this.entries!.did.get(row);
  }

  /** The second-level root in the entry at `row`, or -1 for pass-through. */
  root(row: number): number {
    return this.entries!.root.get(row) - 1;
  }

  /** Levels below the root of the entry at `row`. */
  levels(row: number): number {
    return this.entries!.state.get(row) & 0xff;
  }

  /** The fault reason that the entry at `row` stands for, or 0 when it is a context. */
  reason(row: number): number {
    return this.entries!.state.get(row) >>> REASON_SHIFT;
  }

  /** Remembers a requester's context, or with a `reason` that it has none. */
  fill(requester: number, did: number, root: number, levels: number, reason: number): void {
    if (this.entries === undefined) return;
    const row = requester & (this.size - 1);
    this.entries.requester.set(row, requester + 1);
    this.entries.did.set(row, did);
    this.entries.root.set(row, root + 1);
    this.entries.state.set(row, levels | (reason << REASON_SHIFT));
  }

  private drop(row: number): void {
    const entries = this.entries!;
    entries.requester.set(row, 0);
    entries.did.set(row, 0);
    entries.root.set(row, 0);
    entries.state.set(row, 0);
  }

  /** Device-selective invalidation: drops what is remembered of a requester under this DID, and under no other. */
  invalidateDevice(did: number, requester: number): void {
    const row = this.find(requester);
    if (row >= 0 && this.did(row) === did) this.drop(row);
  }

  /** Global invalidation. */
  invalidateAll(): void {
    for (let row = 0; row < this.size; row++) if (this.entries!.requester.get(row) !== 0) this.drop(row);
  }
}
