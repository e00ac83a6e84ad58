import { countUpTo } from '../../store/ascending.js';
import type { Table } from '../../store/table.js';
import type { Trace } from '../../store/trace.js';
import { deviceOwner } from '../../xen/devices.js';
import { extentOf } from '../../xen/extents.js';
import { ownerOf } from '../../xen/frames.js';
import { foreignFrame } from '../../xen/invariants/grants.js';
import { ownTree } from '../../xen/iommu-tables.js';
import { p2mTree } from '../../xen/p2m.js';
import { extentOrder } from '../../xen/page-info.js';
import { isUntranslatedHwdom } from '../../xen/rule.js';
import { GROUNDS } from '../../xen/ruling.js';
import type { Xen } from '../../xen/state.js';
import { wordOf } from '../here.js';
import { ReadMemo } from './read-memo.js';
import { DISAGREES, p2mRootFrame, Sign, type Standing } from './standing.js';
import { eachEntry } from './table-entries.js';

/** In place of a ground's number where the rule is not asked. */
const NO_GROUND = Object.keys(GROUNDS).length;

/** Inputs of one piece that is judged anew as a whole. */
const PIECE = 256;
/** Of larger pages than this not every frame is looked at, but every one in so many: they are one extent of one owner. */
const EVERY_FRAME_UP_TO = 512;

/**
 * What is known of all input frames of a domain that something is said of, in the order of inputs; row by row, a row for
 * each entry of its tables. Columns of numbers, as there are thousands of rows.
 */
export interface DomainRows {
  readonly slot: number;
  readonly length: number;
  readonly inputs: Float64Array;
  /** Input frames that the row stands for, as they are one entry in every table. */
  readonly spans: Float64Array;
  /** The frame that the row is about: where devices get to, or else CPUs, or else the one that devices are owed; or -1. */
  readonly frames: Float64Array;
  readonly cpuFrames: Float64Array;
  readonly iommuFrames: Float64Array;
  /** Words of the store that hold the entries, the lower of two; -1 for none. */
  readonly cpuWords: Int32Array;
  readonly iommuWords: Int32Array;
  /** The word that holds the type of a PV domain's page, or -1. */
  readonly pageWords: Int32Array;
  /** Bits of {@link Sign}. */
  readonly signs: Uint8Array;
  /** Rows that are equal in these say the same, but for the frames. */
  readonly rights: Int32Array;
  readonly types: Int32Array;
}

type Columns = { -readonly [K in keyof DomainRows]: DomainRows[K] };

function emptyRows(slot: number, length: number): Columns {
  return {
    slot,
    length,
    inputs: new Float64Array(length),
    spans: new Float64Array(length),
    frames: new Float64Array(length),
    cpuFrames: new Float64Array(length),
    iommuFrames: new Float64Array(length),
    cpuWords: new Int32Array(length),
    iommuWords: new Int32Array(length),
    pageWords: new Int32Array(length),
    signs: new Uint8Array(length),
    rights: new Int32Array(length),
    types: new Int32Array(length),
  };
}

/** Something that an IOMMU remembers and that the tables do not give any more: for which domain, from which input frame. */
export interface StaleNote {
  readonly slot: number;
  readonly input: number;
  readonly text: string;
}

/** Inputs that something is said of: each begins at `starts[i]` and is as long as `spans[i]`. */
interface Segments {
  readonly starts: Float64Array;
  readonly spans: Float64Array;
}

/** The rows of a domain, kept from step to step: what a step did not touch is not looked at again. */
export class DomainTable {
  private readonly xen: Xen;
  private readonly slot: number;
  private readonly trace: Trace;
  private readonly standing: Standing;
  private readonly frames: Table;
  private readonly segments: ReadMemo<Segments>;
  private last: Segments | undefined;
  private pieces: { readonly from: number; readonly to: number; readonly memo: ReadMemo<DomainRows> }[] = [];
  private parts: readonly DomainRows[] = [];
  private rows: DomainRows;
  private stale: readonly StaleNote[] = [];

  constructor(xen: Xen, slot: number, trace: Trace, standing: Standing) {
    this.xen = xen;
    this.slot = slot;
    this.trace = trace;
    this.standing = standing;
    this.frames = xen.layout.tables.find(({ name }) => name === 'frame')!;
    this.segments = new ReadMemo(trace);
    this.rows = emptyRows(slot, 0);
  }

  /** The rows as the machine stands; the same object as long as nothing in them is another. */
  at(stale: readonly StaleNote[]): DomainRows {
    const { store } = this.xen;
    const segments = this.segments.get(store, () => this.findSegments(stale), stale);
    if (segments !== this.last) this.cut(segments);
    const parts = this.pieces.map(({ from, to, memo }) =>
      memo.get(store, () => this.judge(segments, from, to)),
    );
    const same = parts.length === this.parts.length && parts.every((part, i) => part === this.parts[i]);
    if (!same || stale !== this.stale) {
      this.rows = joined(this.slot, parts, stale);
      this.parts = parts;
      this.stale = stale;
    }
    return this.rows;
  }

  /** Pieces whose inputs are the same as before keep what is known of them. */
  private cut(segments: Segments): void {
    const { starts } = segments;
    const old = new Map(this.pieces.map((piece) => [pieceKey(this.last!, piece.from, piece.to), piece.memo]));
    const pieces: typeof this.pieces = [];
    for (let from = 0; from < starts.length; ) {
      const number = Math.floor(starts[from]! / PIECE);
      let to = from + 1;
      while (to < starts.length && Math.floor(starts[to]! / PIECE) === number) to++;
      const memo = old.get(pieceKey(segments, from, to)) ?? new ReadMemo<DomainRows>(this.trace);
      pieces.push({ from, to, memo });
      from = to;
    }
    this.pieces = pieces;
    this.last = segments;
  }

  /** Every input frame that a table of the domain has an entry for, that is a page of its own, or that it is owed. */
  private findSegments(stale: readonly StaleNote[]): Segments {
    const { xen, slot } = this;
    const found = new SegmentFinder();
    const { iommuRoot } = xen.domain;
    const note = (input: number, span: number): void => found.add(input, span);
    if (iommuRoot.get(slot) !== 0)
      eachEntry(xen, ownTree(xen, slot), xen.ram.frameAt(iommuRoot.get(slot) - 1), note);
    const p2m = p2mRootFrame(xen, slot);
    if (p2m >= 0) eachEntry(xen, p2mTree(xen, slot), p2m, note);
    // A dom0 that is not strict has all memory in its tables, whose it may be.
    if (!xen.isTranslated(slot) && !isUntranslatedHwdom(xen, slot)) {
      const { first, end } = xen.xenHeap;
      for (let pdx = 0; pdx < xen.ram.frames; pdx++)
        if ((pdx < first || pdx >= end) && ownerOf(xen, pdx) === slot) found.add(xen.ram.frameAt(pdx), 1);
    }
    const { handles } = xen.spec.limits;
    const atMachineAddress = !xen.isTranslated(slot) || xen.domain.directMapped.get(slot) !== 0;
    for (let row = slot * handles; atMachineAddress && row < (slot + 1) * handles; row++) {
      const pdx = foreignFrame(xen, slot, row);
      if (pdx >= 0) found.add(xen.ram.frameAt(pdx), 1);
    }
    for (const { range, devices } of xen.spec.reserved) {
      if (!devices.some((device) => deviceOwner(xen, device) === slot)) continue;
      for (let i = 0; i < range.count; i++) found.add(range.base + i, 1);
    }
    for (const { slot: whose, input } of stale) if (whose === slot) found.add(input, 1);
    return found.segments();
  }

  private judge({ starts, spans }: Segments, from: number, to: number): DomainRows {
    const { xen, slot, standing } = this;
    const rows = emptyRows(slot, to - from);
    for (let i = 0; i < rows.length; i++) {
      const input = starts[from + i]!;
      const span = spans[from + i]!;
      standing.look(slot, input);
      rows.inputs[i] = input;
      rows.spans[i] = span;
      rows.frames[i] = standing.frame;
      rows.cpuFrames[i] = standing.cpuFrame;
      rows.iommuFrames[i] = standing.iommuFrame;
      rows.cpuWords[i] = wordAt(xen, standing.cpuEntry);
      rows.iommuWords[i] = wordAt(xen, standing.iommuEntry);
      const ground = standing.ground ?? NO_GROUND;
      const { iommuRights, cpuRights, permitted } = standing;
      rows.rights[i] = iommuRights | (cpuRights << 4) | (permitted << 8) | (ground << 12);
      const pdx = xen.isTranslated(slot) ? -1 : xen.ram.indexOf(input);
      rows.pageWords[i] = pdx < 0 ? -1 : wordOf(this.frames, pdx, 'typeInfo');
      rows.types[i] = pdx < 0 ? standing.cpuType : xen.frame.typeInfo.get(pdx);
      let signs = standing.signs;
      const step = span <= EVERY_FRAME_UP_TO ? 1 : EVERY_FRAME_UP_TO;
      const asFirst = span === 1 || isUntranslatedHwdom(xen, slot) || isOneExtent(xen, standing, span);
      for (let offset = step; !asFirst && offset < span; offset += step) {
        standing.look(slot, input + offset);
        signs |= standing.signs;
      }
      rows.signs[i] = signs;
    }
    return rows;
  }
}

/** Whether both tables lead to one extent, of which all frames stand alike. */
function isOneExtent(xen: Xen, { cpuFrame, iommuFrame, iommuRights }: Standing, span: number): boolean {
  if (cpuFrame < 0 || (iommuRights !== 0 && iommuFrame !== cpuFrame)) return false;
  const head = extentOf(xen, xen.ram.indexOf(cpuFrame));
  if (head < 0) return false;
  const end = xen.ram.frameAt(head) + 2 ** extentOrder(xen.frame.countInfo.get(head));
  return cpuFrame + span <= end;
}

function pieceKey({ starts, spans }: Segments, from: number, to: number): string {
  return `${starts.slice(from, to).join()};${spans.slice(from, to).join()}`;
}

function wordAt(xen: Xen, pa: number): number {
  const pdx = pa < 0 ? -1 : xen.ram.indexOf(Math.floor(pa / 4096));
  const base = pdx < 0 ? -1 : xen.ram.wordsOf(pdx);
  return base < 0 ? -1 : base + (pa % 4096) / 4;
}

/** All pieces in one, with what is stale marked. */
function joined(slot: number, parts: readonly DomainRows[], stale: readonly StaleNote[]): DomainRows {
  const rows = emptyRows(
    slot,
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    rows.inputs.set(part.inputs, at);
    rows.spans.set(part.spans, at);
    rows.frames.set(part.frames, at);
    rows.cpuFrames.set(part.cpuFrames, at);
    rows.iommuFrames.set(part.iommuFrames, at);
    rows.cpuWords.set(part.cpuWords, at);
    rows.iommuWords.set(part.iommuWords, at);
    rows.pageWords.set(part.pageWords, at);
    rows.signs.set(part.signs, at);
    rows.rights.set(part.rights, at);
    rows.types.set(part.types, at);
    at += part.length;
  }
  for (const note of stale) {
    const row = note.slot === slot ? rowOfInput(rows, note.input) : -1;
    if (row >= 0) rows.signs[row]! |= Sign.stale;
  }
  return rows;
}

/** The row that an input frame lies in, or -1. */
export function rowOfInput({ inputs, spans, length }: DomainRows, input: number): number {
  const row = countUpTo(inputs, input, length) - 1;
  return row >= 0 && input < inputs[row]! + spans[row]! ? row : -1;
}

/** Whether a row's views disagree. */
export const disagrees = (rows: DomainRows, row: number): boolean => (rows.signs[row]! & DISAGREES) !== 0;

/** Puts the entries of several tables side by side: where one of them begins or ends, a row does. */
class SegmentFinder {
  private readonly starts: number[] = [];
  private readonly spans: number[] = [];
  private large = false;

  add(input: number, span: number): void {
    this.starts.push(input);
    this.spans.push(span);
    if (span !== 1) this.large = true;
  }

  segments(): Segments {
    if (this.large) return this.sweep();
    const sorted = Float64Array.from(this.starts).sort();
    let length = 0;
    for (const start of sorted) if (length === 0 || sorted[length - 1] !== start) sorted[length++] = start;
    return { starts: sorted.slice(0, length), spans: new Float64Array(length).fill(1) };
  }

  private sweep(): Segments {
    const { starts, spans } = this;
    const turns = new Map<number, number>();
    starts.forEach((start, i) => {
      turns.set(start, (turns.get(start) ?? 0) + 1);
      turns.set(start + spans[i]!, (turns.get(start + spans[i]!) ?? 0) - 1);
    });
    const at = Float64Array.from(turns.keys()).sort();
    const segments: [number, number][] = [];
    let open = 0;
    for (let i = 0; i < at.length; i++) {
      open += turns.get(at[i]!)!;
      if (open > 0) segments.push([at[i]!, at[i + 1]! - at[i]!]);
    }
    return {
      starts: Float64Array.from(segments, ([start]) => start),
      spans: Float64Array.from(segments, ([, span]) => span),
    };
  }
}
