/** Bytes that end a line or must be removed from it before it is looked at. */
const LF = 10;
const CR = 13;
const NUL = 0;
const ESC = 27;
/** A quarter of an automaton's input are other bytes: everything that no key has. */
const OTHER = 0;

const isBlank = (code: number): boolean => code === 32 || code === 9;

/** A key in a text: its index in {@link Triggers.keys}, and where it begins. */
export interface KeyHit {
  readonly key: number;
  readonly start: number;
}

/** The part of a key that is searched for. */
interface Piece {
  readonly text: string;
  readonly keys: {
    readonly key: number /** Where the piece stands in the key. */;
    readonly offset: number;
  }[];
}

/**
 * Finds the keys of all templates in one pass: an Aho–Corasick automaton (CACM 18(6), 1975) over bytes, as one table with a
 * column for each byte that occurs in a key. As a blank in a key is any run of blanks, the key's rarest piece without
 * blanks is searched for, and the rest compared where it is found.
 *
 * `scan` in `lines.ts` runs over the table itself: a state at or above {@link firstControl} was reached by an end of a line
 * or by a byte that must be removed, one at or above {@link firstHit} ends a piece.
 */
export class Triggers {
  readonly keys: readonly string[];
  /** The column of each byte. */
  readonly classes = new Uint8Array(256);
  /** From a state, which is the index of its row, and a column to the next state. */
  readonly next: Int32Array;
  readonly firstHit: number;
  readonly firstControl: number;
  readonly lineFeed: number;
  readonly carriageReturn: number;
  private readonly width: number;
  /** For each state that ends pieces: these. */
  private readonly pieces: readonly (readonly Piece[])[];

  /** @param keys each with a character that is no blank; characters of ASCII only. */
  constructor(keys: readonly string[]) {
    this.keys = keys;
    const trie = new Trie(piecesOf(keys));
    let width = 1;
    for (const char of trie.alphabet) this.classes[char] = width++;
    const controls = [NUL, ESC, CR, LF];
    for (const control of controls) this.classes[control] = width++;
    this.width = width;
    const { order, firstHit } = trie.ordered();
    const states = order.length;
    const rowOf = new Int32Array(states);
    order.forEach((node, i) => {
      rowOf[node] = i * width;
    });
    this.next = new Int32Array((states + controls.length) * width);
    const fill = (row: number, node: number) => {
      for (const char of trie.alphabet) {
        this.next[row + this.classes[char]!] = rowOf[trie.step(node, char)]!;
      }
      controls.forEach((control, i) => {
        this.next[row + this.classes[control]!] = (states + i) * width;
      });
    };
    for (const node of order) fill(rowOf[node]!, node);
    for (let i = 0; i < controls.length; i++) fill((states + i) * width, 0);
    this.firstHit = firstHit * width;
    this.firstControl = states * width;
    this.carriageReturn = (states + 2) * width;
    this.lineFeed = (states + 3) * width;
    this.pieces = order.slice(firstHit).map((node) => trie.ending(node));
  }

  /**
   * The keys in `text` from `from` on, in the order of their beginnings, longer ones first; at most `most`, counted before
   * they are compared.
   */
  hits(text: string, from: number, most: number): KeyHit[] {
    const { classes, next, firstHit, firstControl } = this;
    const found: KeyHit[] = [];
    let state = 0;
    let tried = 0;
    for (let i = from; i < text.length && tried < most; i++) {
      const code = text.charCodeAt(i);
      state = next[state + (code < 256 ? classes[code]! : OTHER)]!;
      if (state < firstHit || state >= firstControl) continue;
      for (const piece of this.pieces[(state - firstHit) / this.width]!) {
        const start = i + 1 - piece.text.length;
        for (const { key, offset } of piece.keys) {
          tried++;
          const begin = beginOf(this.keys[key]!, offset, text, start, from);
          if (begin >= 0) found.push({ key, start: begin });
        }
      }
    }
    return found.sort((a, b) => a.start - b.start || this.keys[b.key]!.length - this.keys[a.key]!.length);
  }
}

/** Where a key begins whose character `offset` is at `at` in the text; -1 where something else stands before. */
function beginOf(key: string, offset: number, text: string, at: number, from: number): number {
  let here = at;
  for (let i = offset - 1; i >= 0; i--) {
    if (here <= from) return -1;
    here--;
    if (key[i] !== ' ') {
      if (text[here] !== key[i]) return -1;
      continue;
    }
    if (!isBlank(text.charCodeAt(here))) return -1;
    // The key's first blank is one character of the text, so that what stands before keeps its blanks.
    while (i > 0 && here > from && isBlank(text.charCodeAt(here - 1))) here--;
  }
  return here;
}

/** A character that words of prose lack, `DMAR:`’s or `0x`’s, counts for so many that they have. */
const NOT_PROSE = 3;

/**
 * How seldom a word stands in lines that say nothing of IOMMUs: the longer and the less like prose. `Failed` and `request`
 * are in every log.
 */
const rarity = (word: string): number => word.length + (NOT_PROSE - 1) * word.replace(/[a-z]/g, '').length;

function piecesOf(keys: readonly string[]): Piece[] {
  const pieces = new Map<string, Piece>();
  keys.forEach((key, index) => {
    const words = key.split(' ');
    const text = words.reduce((rarest, word) => (rarity(word) > rarity(rarest) ? word : rarest), '');
    if (!/^[\x21-\x7e]+$/.test(text)) throw new SyntaxError(`the key "${key}" cannot be searched for`);
    const piece = pieces.get(text) ?? { text, keys: [] };
    piece.keys.push({ key: index, offset: key.indexOf(text) });
    pieces.set(text, piece);
  });
  return [...pieces.values()];
}

/** The pieces as a trie with failure links, from which the table is filled. */
class Trie {
  readonly alphabet: readonly number[];
  private readonly children: Map<number, number>[] = [new Map()];
  private readonly ends: Piece[][] = [[]];
  private readonly links: number[] = [0];
  private readonly breadthFirst: number[] = [0];

  constructor(pieces: readonly Piece[]) {
    for (const piece of pieces) this.add(piece);
    this.alphabet = [...new Set(this.children.flatMap((node) => [...node.keys()]))].sort((a, b) => a - b);
    this.link();
  }

  private add(piece: Piece): void {
    let node = 0;
    for (const char of piece.text) {
      const code = char.charCodeAt(0);
      let child = this.children[node]!.get(code);
      if (child === undefined) {
        child = this.children.push(new Map()) - 1;
        this.ends.push([]);
        this.links.push(0);
        this.children[node]!.set(code, child);
      }
      node = child;
    }
    this.ends[node]!.push(piece);
  }

  private link(): void {
    for (const node of this.breadthFirst) {
      for (const [code, child] of this.children[node]!) {
        const link = node === 0 ? 0 : this.step(this.links[node]!, code);
        this.links[child] = link;
        this.ends[child]!.push(...this.ends[link]!);
        this.breadthFirst.push(child);
      }
    }
  }

  /** The longest suffix of what was read, with `code` behind it, that is a prefix of a piece. */
  step(from: number, code: number): number {
    let node = from;
    for (;;) {
      const child = this.children[node]!.get(code);
      if (child !== undefined) return child;
      if (node === 0) return 0;
      node = this.links[node]!;
    }
  }

  /** All nodes, the root first and those that end pieces last. */
  ordered(): { order: number[]; firstHit: number } {
    const silent = this.breadthFirst.filter((node) => this.ends[node]!.length === 0);
    const order = [...silent, ...this.breadthFirst.filter((node) => this.ends[node]!.length > 0)];
    return { order, firstHit: silent.length };
  }

  ending(node: number): readonly Piece[] {
    return this.ends[node]!;
  }
}
