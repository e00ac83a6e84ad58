const EMPTY = -1;
const FIRST_CAPACITY = 64;

/**
 * What lies below the tables that a walk has finished, by a number for each table (an exact integer of at most 53 bits).
 * Open addressing in typed arrays: half a million tables, those of a domain of 1 TiB, take 26 MB.
 */
export class KnownTables {
  /** What the last {@link find} found. */
  input = 0;
  pages = 0;
  rights = 0;
  size = 0;
  private keys = new Float64Array(FIRST_CAPACITY).fill(EMPTY);
  private inputs = new Float64Array(FIRST_CAPACITY);
  private pageCounts = new Float64Array(FIRST_CAPACITY);
  private allRights = new Uint8Array(FIRST_CAPACITY);

  find(key: number): boolean {
    const at = this.place(key);
    if (this.keys[at] !== key) return false;
    this.input = this.inputs[at]!;
    this.pages = this.pageCounts[at]!;
    this.rights = this.allRights[at]!;
    return true;
  }

  /** Notes a table, once. */
  add(key: number, input: number, pages: number, rights: number): void {
    if (this.size * 8 >= this.keys.length * 5) this.grow();
    const at = this.place(key);
    if (this.keys[at] === key) return;
    this.size++;
    this.put(at, key, input, pages, rights);
  }

  /** Where the key is, or where it would be. */
  private place(key: number): number {
    const mask = this.keys.length - 1;
    const mixed = Math.imul(key | 0, 0x9e3779b1) ^ Math.imul((key / 0x1_0000_0000) | 0, 0x85ebca6b);
    let at = (mixed ^ (mixed >>> 15)) & mask;
    for (;;) {
      const found = this.keys[at];
      if (found === key || found === EMPTY) return at;
      at = (at + 1) & mask;
    }
  }

  private put(at: number, key: number, input: number, pages: number, rights: number): void {
    this.keys[at] = key;
    this.inputs[at] = input;
    this.pageCounts[at] = pages;
    this.allRights[at] = rights;
  }

  private grow(): void {
    const { keys, inputs, pageCounts, allRights } = this;
    const capacity = keys.length * 2;
    this.keys = new Float64Array(capacity).fill(EMPTY);
    this.inputs = new Float64Array(capacity);
    this.pageCounts = new Float64Array(capacity);
    this.allRights = new Uint8Array(capacity);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      if (key !== EMPTY) this.put(this.place(key), key, inputs[i]!, pageCounts[i]!, allRights[i]!);
    }
  }
}
