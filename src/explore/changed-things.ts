import { rememberedFrame } from '../hardware/iotlb.js';
import type { Timeline } from '../program/timeline.js';
import { type ChangeLine, linesOf } from '../store/changes.js';
import type { Table } from '../store/table.js';
import { activeRow } from '../xen/grant-active.js';
import type { XenChange } from '../xen/ram-changes.js';
import { type Here, wordOf } from './here.js';
import { shortened } from './step-row.js';
import type { Value } from './value.js';

/** Things of a kind that a step changed, in words, one a line; the first of them where they are many. */
export interface ChangedThings {
  /** What is common to their names: `frame`, `d1 p2m`. */
  readonly kind: string;
  readonly lines: readonly ChangedLine[];
  /** Lines that there are. */
  readonly count: number;
}

/** One thing that a step changed, or several of a kind that it changed in the same way: `frame 0x18, 0x19: owner none → d1`. */
export interface ChangedLine {
  /** What their names have in common, up to what each has for itself: `frame `. */
  readonly kind: string;
  /** The first of them, and how many there are. */
  readonly things: readonly ChangedThing[];
  readonly count: number;
  /** What became different of each of them: `owner`. */
  readonly fields: readonly string[];
}

export interface ChangedThing {
  readonly name: string;
  /** The frame that it is, or to which it leads or led; undefined where there is none. */
  readonly mfn: number | undefined;
  /** What the fields hold now and held before. */
  readonly values: readonly Value[];
}

/** Letters of a name or a value; a program may have names of any length. */
const LETTERS = 2000;

/** What a step changed, kind by kind, in the order in which a run tells it; each kind's things in lines. */
type Grouped = ReadonlyMap<string, readonly ChangeLine<XenChange>[]>;

/** The step of a run that was asked about last: who scrolls asks about one step many times. */
const last = new WeakMap<Timeline, { readonly step: number; readonly grouped: Grouped }>();

/** All that a step changed by what it is a change of: of each kind so many lines at most, and so many things in a line. */
export function changedThings(here: Here, most: number): ChangedThings[] {
  const { timeline, step } = here;
  let known = last.get(timeline);
  if (known?.step !== step) {
    known = { step, grouped: byKind(timeline.changesOf(step)) };
    last.set(timeline, known);
  }
  return [...known.grouped].map(([kind, lines]) => ({
    kind,
    lines: lines.slice(0, most).map((line) => changedLine(here, line, most)),
    count: lines.length,
  }));
}

function byKind(changes: readonly XenChange[]): Grouped {
  const byKind = new Map<string, XenChange[]>();
  let what: string | undefined;
  let same: XenChange[] = [];
  for (const change of changes) {
    // A thing's changes follow each other.
    if (change.what !== what) {
      what = change.what;
      const kind = kindOf(what);
      same = byKind.get(kind) ?? [];
      byKind.set(kind, same);
    }
    same.push(change);
  }
  return new Map([...byKind].map(([kind, ofKind]) => [kind, linesOf(ofKind)]));
}

const changedLine = (here: Here, { kind, things }: ChangeLine<XenChange>, most: number): ChangedLine => ({
  kind: shortened(kind, LETTERS),
  things: things.slice(0, most).map(({ name, changes }) => ({
    name: shortened(name, LETTERS),
    mfn: frameOf(here, changes[0]!),
    values: changes.map(changedValue),
  })),
  count: things.length,
  fields: things[0]!.changes.map(({ field }) => field),
});

/** The name of a thing without what tells it from others of its kind: `frame 0x105` is a `frame`, levels of a table are one. */
const kindOf = (what: string): string =>
  what
    .replace(/[ [+](?:0x[0-9a-f]+|\d)[^ ]*| \((?:L|level )\d\)/g, '')
    .replace(/ of( [^ ]*)?$/, '')
    .trim();

const changedValue = ({ before, after, words, low, width }: XenChange): Value => ({
  text: shortened(after, LETTERS),
  was: shortened(before, LETTERS),
  words,
  ...(low !== undefined && { low }),
  ...(width !== undefined && { width }),
});

/** The frame that a changed thing is, or to which it leads; where it leads nowhere any more, to which it led. */
function frameOf(here: Here, { words, frame }: XenChange): number | undefined {
  if (frame !== undefined) return frame;
  const { ram, layout } = here.xen;
  const place = layout.locate(words[0]!);
  if (place === undefined) return undefined;
  const { table, row } = place;
  if (table.name === 'frame') return ram.frameAt(row);
  if (table.name === 'maptrack') return frameOfHandle(here, row);
  return frameIn(here, table, row);
}

/** The page that a handle is a mapping of, as its grant's active entry has it. */
function frameOfHandle(here: Here, row: number): number | undefined {
  const [granter, ref] = ['granter', 'ref'].map((field) => heldOf(here, here.table('maptrack'), row, field));
  if (granter === 0 || ref === 0) return undefined;
  return frameIn(here, here.table('grant'), activeRow(here.xen, granter! - 1, ref! - 1));
}

/** What the field `frame` of a row says, where the table has one that names frames: by their index, or an IOTLB's. */
function frameIn(here: Here, table: Table, row: number): number | undefined {
  const { names, bias = 0 } = table.fields.frame ?? {};
  const held = names === undefined ? 0 : heldOf(here, table, row, 'frame');
  if (held === 0) return undefined;
  if (names === 'frame') return here.xen.ram.frameAt(held - bias);
  return rememberedFrame(held, heldOf(here, table, row, 'rights'));
}

/** What a field holds, or held before the step where it has been emptied. */
function heldOf(here: Here, table: Table, row: number, field: string): number {
  const word = wordOf(table, row, field);
  return here.xen.store.words[word]! || (here.before.get(word) ?? 0);
}
