/** Bytes that end a line or must be removed from it before it is looked at. */
const LF = 10;
const CR = 13;
const NUL = 0;
const ESC = 27;
const BLANK = 32;
const TAB = 9;

/** The column of all bytes that no key has. */
const OTHER = 0;

/** How much of a key must stand at the end of a line for its rest to be looked for on the next. */
const BROKEN_AT_LEAST = 8;

/** A key in a text: its index in {@link Triggers.keys}, and where it begins. */
export interface KeyHit {
  readonly key: number;
  readonly start: number;
  /** The text ends within the key. */
  readonly broken: boolean;
}

/**
 * Finds keys in one pass: an Aho–Corasick automaton (CACM 18(6), 1975) over bytes, as one table with a column for each byte
 * that occurs in a key. A blank of a key is any run of blanks: behind a blank, a blank changes nothing.
 *
 * `scan` in `lines.ts` runs over the table itself. A state at or above {@link firstHit} ends a key for which lines are searched;
 * one at or above {@link firstControl} was reached by a byte that must be removed, by a {@link carriageReturn} or by a {@link lineFeed}; above
 * these two by one that breaks a key off.
 */
export class Triggers {
  readonly keys: readonly string[];
  /** The column of each byte. */
  readonly classes = new Uint8Array(256);
  /** From a state, which is the index of its row, and a column to the next state. */
  readonly next: Int32Array;
  /** States from here on end keys. */
  private readonly firstEnd: number;
  readonly firstHit: number;
  readonly firstControl: number;
  readonly carriageReturn: number;
  readonly lineFeed: number;
  private readonly width: number;
  private readonly trie: Trie;
  /** The node of each row. */
  private readonly nodes: readonly number[];

  /**
   * @param keys each with a character that is no blank; characters of ASCII only, one blank at a time.
   * @param searched whether lines are searched for a key; others are only found in lines that are looked at.
   */
  constructor(keys: readonly string[], searched: (key: number) => boolean = () => true) {
    this.keys = keys;
    const trie = new Trie(keys);
    this.trie = trie;
    let width = 1;
    for (const char of trie.alphabet) this.classes[char] = width++;
    this.classes[TAB] = this.classes[BLANK]!;
    const removed = width++;
    this.classes[NUL] = removed;
    this.classes[ESC] = removed;
    this.classes[CR] = width++;
    this.classes[LF] = width++;
    this.width = width;
    const { order, firstEnd, firstHit } = trie.ordered(searched);
    this.nodes = order;
    this.firstEnd = firstEnd * width;
    this.firstHit = firstHit * width;
    this.firstControl = order.length * width;
    this.carriageReturn = this.firstControl + width;
    this.lineFeed = this.carriageReturn + 2 * width;
    this.next = new Int32Array((order.length + 5) * width);
    this.fill(order);
  }

  private fill(order: readonly number[]): void {
    const { next, width, classes, trie, firstControl } = this;
    const rowOf = new Int32Array(order.length);
    order.forEach((node, i) => {
      rowOf[node] = i * width;
    });
    const blank = classes[BLANK]!;
    // A node goes where its failure link goes, but for its own children: links are shorter, and filled before.
    for (const node of trie.breadthFirst) {
      const row = rowOf[node]!;
      if (node !== 0) next.copyWithin(row, rowOf[trie.link(node)]!, rowOf[trie.link(node)]! + width);
      for (const [char, child] of trie.childrenOf(node)) next[row + classes[char]!] = rowOf[child]!;
      if (blank !== OTHER && trie.endsInBlank(node)) next[row + blank] = row;
      const broken = trie.depth(node) >= BROKEN_AT_LEAST ? width : 0;
      next[row + classes[NUL]!] = firstControl;
      next[row + classes[CR]!] = this.carriageReturn + broken;
      next[row + classes[LF]!] = this.lineFeed + broken;
    }
    // Behind all of them the search begins anew.
    for (let row = firstControl; row < next.length; row += width)
      next.copyWithin(row, rowOf[0]!, rowOf[0]! + width);
  }

  /**
   * The keys in `text` from `from` on, and those that its end breaks off, in the order of their ends; at most `most`.
   */
  hits(text: string, from: number, most: number): KeyHit[] {
    const { classes, next, firstEnd, firstControl, trie, width } = this;
    const found: KeyHit[] = [];
    let state = 0;
    for (let i = from; i < text.length && found.length < most; i++) {
      const code = text.charCodeAt(i);
      state = next[state + (code < 256 ? classes[code]! : OTHER)]!;
      if (state < firstEnd || state >= firstControl) continue;
      // In a run of blanks a key that ends in one has been found at the first.
      if (isBlank(code) && i > from && isBlank(text.charCodeAt(i - 1))) continue;
      for (const key of trie.ending(this.nodes[state / width]!)) {
        found.push({ key, start: beginOf(this.keys[key]!, text, i, from), broken: false });
      }
    }
    if (state >= firstControl) return found;
    let node = this.nodes[state / width]!;
    for (; trie.depth(node) >= BROKEN_AT_LEAST; node = trie.link(node)) {
      for (const key of trie.below(node)) {
        const part = this.keys[key]!.slice(0, trie.depth(node));
        if (found.length < most) {
          found.push({ key, start: beginOf(part, text, text.length - 1, from), broken: true });
        }
      }
    }
    return found;
  }
}

const isBlank = (code: number): boolean => code === BLANK || code === TAB;

/** Where a key begins whose last character is at `last`, or in the run of blanks that ends there. */
function beginOf(key: string, text: string, last: number, from: number): number {
  let at = last;
  for (let i = key.length - 1; i >= 0; i--) {
    if (key[i] === ' ' && i > 0) while (at > from && isBlank(text.charCodeAt(at - 1))) at--;
    at--;
  }
  return at + 1;
}

/** The keys as a trie with failure links, from which the table is filled. */
class Trie {
  readonly alphabet: readonly number[];
  /** The nodes, those nearer to the root first. */
  readonly breadthFirst: number[] = [0];
  private readonly children: Map<number, number>[] = [new Map()];
  private readonly ends: number[][] = [[]];
  private readonly links: number[] = [0];
  private readonly depths: number[] = [0];
  private readonly lastChars: number[] = [0];

  constructor(keys: readonly string[]) {
    keys.forEach((key, index) => {
      if (!/^(?!.* {2})[\x20-\x7e]*[\x21-\x7e][\x20-\x7e]*$/.test(key)) {
        throw new SyntaxError(`the key "${key}" cannot be searched for`);
      }
      this.add(key, index);
    });
    this.alphabet = [...new Set(this.lastChars.slice(1))].sort((a, b) => a - b);
    this.linkAll();
  }

  private add(key: string, index: number): void {
    let node = 0;
    for (const char of key) {
      const code = char.charCodeAt(0);
      let child = this.children[node]!.get(code);
      if (child === undefined) {
        child = this.children.push(new Map()) - 1;
        this.ends.push([]);
        this.links.push(0);
        this.depths.push(this.depths[node]! + 1);
        this.lastChars.push(code);
        this.children[node]!.set(code, child);
      }
      node = child;
    }
    this.ends[node]!.push(index);
  }

  private linkAll(): void {
    for (const node of this.breadthFirst) {
      for (const [code, child] of this.children[node]!) {
        const link = node === 0 ? 0 : this.step(this.links[node]!, code);
        this.links[child] = link;
        this.ends[child]!.push(...this.ends[link]!);
        this.breadthFirst.push(child);
      }
    }
  }

  /** The longest suffix of what was read, with `code` behind it, that is a prefix of a key. */
  private step(from: number, code: number): number {
    let node = from;
    for (;;) {
      const child = this.children[node]!.get(code);
      if (child !== undefined) return child;
      if (node === 0) return 0;
      node = this.links[node]!;
    }
  }

  /** The nodes that a character more leads to. */
  childrenOf(node: number): ReadonlyMap<number, number> {
    return this.children[node]!;
  }

  link(node: number): number {
    return this.links[node]!;
  }

  /** Characters of the prefix that the node stands for. */
  depth(node: number): number {
    return this.depths[node]!;
  }

  endsInBlank(node: number): boolean {
    return this.lastChars[node] === BLANK;
  }

  /** All nodes, the root first; behind those that end no keys those that end some, and then those that end searched ones. */
  ordered(searched: (key: number) => boolean): { order: number[]; firstEnd: number; firstHit: number } {
    const silent: number[] = [];
    const known: number[] = [];
    const hits: number[] = [];
    for (const node of this.breadthFirst) {
      const ends = this.ends[node]!;
      (ends.length === 0 ? silent : ends.some(searched) ? hits : known).push(node);
    }
    const firstHit = silent.length + known.length;
    return { order: [...silent, ...known, ...hits], firstEnd: silent.length, firstHit };
  }

  /** Keys that end at the node, the longest first. */
  ending(node: number): readonly number[] {
    return this.ends[node]!;
  }

  /** Keys that go on behind the node. */
  below(node: number): number[] {
    const depth = this.depths[node]!;
    const found: number[] = [];
    const waiting = [...this.children[node]!.values()];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      // The node's own keys, not those that end in the middle of it.
      found.push(...this.ownEnds(next, depth));
      waiting.push(...this.children[next]!.values());
    }
    return found;
  }

  private ownEnds(node: number, longerThan: number): readonly number[] {
    const linked = this.ends[this.links[node]!]!.length;
    const own = this.ends[node]!.length - linked;
    return this.depths[node]! > longerThan ? this.ends[node]!.slice(0, own) : [];
  }
}
