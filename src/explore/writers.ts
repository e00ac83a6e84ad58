import type { Timeline } from '../program/timeline.js';
import { countUpTo } from '../store/ascending.js';
import type { Here } from './here.js';
import { bareStep } from './step-row.js';
import { type AskedWords, asksRam, type Terms, termsOf } from './word-terms.js';
import { type Written, writtenIn } from './written.js';

/** A step that wrote what was asked about. */
export interface WriterRow {
  readonly step: number;
  /** The statement and its answer. */
  readonly text: string;
  readonly status: string;
  /** What was written, as it was called and read at that step. */
  readonly what: string;
  /** Equal where the step changed it and changed it back. */
  readonly before: string;
  readonly after: string;
}

/** Who set a value: all steps of the run that wrote it, a window of them as rows. */
export interface Writers {
  /** What it is called at the place that is looked at: `frame 0x105: type`. */
  readonly what: string;
  /** What it holds there, and what it held when the machine had booted. */
  readonly now: string;
  readonly boot: string;
  /** How many steps wrote it. */
  readonly total: number;
  /** Which of them set what is seen, counted from 0; -1 where it is as it was after the boot. */
  readonly current: number;
  /** That step; undefined where there is none. */
  readonly setBy: { readonly step: number; readonly text: string } | undefined;
  /** Steps that wrote other bits of the same words only, and are left out. */
  readonly otherBits: number;
  /** The writer with which the rows begin. */
  readonly from: number;
  readonly rows: readonly WriterRow[];
}

export type WritersArgs = AskedWords & {
  /** The first writer wanted; those around the one that set what is seen unless said. */
  readonly from?: number;
  readonly count: number;
};

/** What is known of a question, whatever place is looked at. */
interface Known {
  readonly written: Written;
  readonly rows: Map<number, WriterRow>;
}

/** Questions whose answers are kept. */
const KEPT = 8;
const known = new WeakMap<Timeline, Map<string, Known>>();

/** All steps that wrote words, or bits of them. */
export function writers(here: Here, args: WritersArgs): Writers {
  const { timeline, xen, step } = here;
  const question = knownOf(timeline, args);
  const { written } = question;
  const total = written.steps.length;
  const current = countUpTo(written.steps, step) - 1;
  const wanted = args.from ?? current - Math.floor(args.count / 2);
  const from = Math.max(0, Math.min(wanted, total - args.count));
  const numbers = written.steps.subarray(from, from + args.count);
  const rows = rowsOf(here, args, question, [...(total > 0 ? [written.steps[0]!] : []), ...numbers]);
  const [first] = rows;
  const terms = termsOf(xen, args);
  const latest = current < 0 ? first : rowsOf(here, args, question, [written.steps[current]!])[0];
  const seen = terms.named || latest === undefined;
  const now = terms.read((word) => xen.store.words[word]!);
  return {
    what: seen ? terms.what : latest.what,
    now: seen ? now : current < 0 ? latest.before : latest.after,
    boot: first?.before ?? now,
    total,
    current,
    setBy: current < 0 ? undefined : { step: latest!.step, text: latest!.text },
    otherBits: written.otherBits,
    from,
    rows: total > 0 ? rows.slice(1) : [],
  };
}

function knownOf(timeline: Timeline, { words, low, width }: AskedWords): Known {
  const questions = known.get(timeline) ?? new Map<string, Known>();
  known.set(timeline, questions);
  const key = `${words} ${low} ${width}`;
  const old = questions.get(key);
  if (old !== undefined) return old;
  const asked: AskedWords = {
    words,
    ...(low !== undefined && { low }),
    ...(width !== undefined && { width }),
  };
  const fresh: Known = { written: writtenIn(timeline, asked), rows: new Map() };
  questions.set(key, fresh);
  const [oldest] = questions.keys();
  if (questions.size > KEPT) questions.delete(oldest!);
  return fresh;
}

/** Rows of steps. What was found once is kept: it is the same from wherever one looks. */
function rowsOf(
  here: Here,
  asked: AskedWords,
  { written, rows }: Known,
  numbers: readonly number[],
): readonly WriterRow[] {
  const { timeline } = here;
  const missing = [...new Set(numbers)].filter((step) => !rows.has(step));
  if (missing.length > 0 && asksRam(timeline.xen, asked)) {
    timeline.lookAt(missing[0]!, () => {
      for (const step of missing) rows.set(step, ramRow(here, asked, step));
    });
  } else if (missing.length > 0) {
    // What tables hold is called the same everywhere: nothing need be gone to.
    const terms = termsOf(timeline.xen, asked);
    const held = (word: number, step: number): number =>
      written.valueAfter(word, step) ?? timeline.xen.store.words[word]!;
    for (const step of missing) {
      const [before, after] = [step - 1, step].map((at) => (word: number) => held(word, at));
      rows.set(step, row(here, terms, step, before!, after!));
    }
  }
  return numbers.map((step) => rows.get(step)!);
}

/** A row of what stands in RAM, read as what it was after the step, or, where that is nothing (any more), before it. */
function ramRow(here: Here, asked: AskedWords, step: number): WriterRow {
  const { timeline } = here;
  timeline.seek(step);
  let terms = termsOf(timeline.xen, asked);
  if (!terms.named) {
    timeline.seek(step - 1);
    terms = termsOf(timeline.xen, asked);
    timeline.seek(step);
  }
  const was = timeline.valuesBefore(step);
  const after = (word: number): number => timeline.xen.store.words[word]!;
  return row(here, terms, step, (word) => was.get(word) ?? after(word), after);
}

function row(
  here: Here,
  terms: Terms,
  step: number,
  before: (word: number) => number,
  after: (word: number) => number,
): WriterRow {
  const { text, status } = bareStep(here.timeline, step);
  const texts = [terms.read(before), terms.read(after)];
  const raw = [terms.raw(before), terms.raw(after)];
  const alike = texts[0] === texts[1] && raw[0] !== raw[1];
  const [was, is] = alike ? raw : texts;
  return { step, text, status, what: terms.what, before: was!, after: is! };
}
