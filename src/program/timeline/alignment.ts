import { PAGE_WORDS } from '../../store/store.js';
import type { Table } from '../../store/table.js';
import { LOOP_END } from '../execution.js';
import { printStatement } from '../print.js';
import type { Statement } from '../program.js';
import type { Timeline } from '../timeline.js';
import { ReachDigests } from './reach.js';

/**
 * In what two runs differ at a step: what was answered; faults; the words that the step changed, or what they hold after it;
 * what devices reach after it.
 */
export const DIFFERENCES = ['status', 'faults', 'words', 'reach'] as const;
export type Difference = (typeof DIFFERENCES)[number];

/** A step of one run beside the one of the other that does the same; -1 where only one of them does. */
export interface AlignedStep {
  readonly mine: number;
  readonly theirs: number;
  /** Empty where the runs do the same, and where there is nothing to compare with. */
  readonly differs: readonly Difference[];
}

/** How far to look for a place from which two runs do the same again. */
const LOOK_AHEAD = 32;

/**
 * Lays two runs of a program beside each other, under two editions, or before and after an edit. Steps that do the same
 * stand together; where one run goes round a `repeat forever` more often, its rounds stand alone.
 */
export function* alignment(mine: Timeline, theirs: Timeline): Generator<AlignedStep> {
  const compare = comparison(mine, theirs);
  for (const [step, other] of pairs(mine, theirs)) {
    const differs = step < 0 || other < 0 ? [] : compare(step, other);
    yield { mine: step, theirs: other, differs };
  }
}

/**
 * The first place at which two runs do not do the same; undefined where they do all the way. Releases that do the same for
 * all that an observer can see may still keep other records of it: who wants to see only what matters leaves `words` out.
 */
export function firstDifference(
  mine: Timeline,
  theirs: Timeline,
  of: readonly Difference[] = DIFFERENCES,
): AlignedStep | undefined {
  for (const one of alignment(mine, theirs)) {
    if (one.mine < 0 || one.theirs < 0 || one.differs.some((kind) => of.includes(kind))) return one;
  }
  return undefined;
}

/**
 * The step of another run that stands beside one of `mine`. Where it stands alone, and for the boot, it is the last one
 * before that does not.
 */
export function correspondingStep(mine: Timeline, theirs: Timeline, step: number): number {
  let last = 0;
  if (step > 0) {
    for (const [here, there] of pairs(mine, theirs)) {
      if (there >= 0 && here >= 0 && here <= step) last = there;
      if (here >= step) break;
    }
  }
  return last;
}

function* pairs(mine: Timeline, theirs: Timeline): Generator<[number, number]> {
  const numbers = new Map<string, number>();
  const [here, there] = [statementNumbers(mine, numbers), statementNumbers(theirs, numbers)];
  let [i, j] = [1, 1];
  while (i <= mine.length && j <= theirs.length) {
    // The same operation with other arguments stands for the one that it was, if the runs go on alike.
    const edited = mine.statement(i).op === theirs.statement(j).op && here[i + 1] === there[j + 1];
    if (here[i] === there[j] || edited) {
      yield [i++, j++];
      continue;
    }
    const [skip, otherSkip] = mismatch(mine, theirs, here, there, i, j);
    for (let n = 0; n < skip; n++) yield [i++, -1];
    for (let n = 0; n < otherSkip; n++) yield [-1, j++];
  }
  while (i <= mine.length) yield [i++, -1];
  while (j <= theirs.length) yield [-1, j++];
}

/** How many steps of each run stand alone from here. */
function mismatch(
  mine: Timeline,
  theirs: Timeline,
  here: Int32Array,
  there: Int32Array,
  i: number,
  j: number,
): readonly [number, number] {
  // A run that is through with its rounds waits for the other.
  const ended = mine.statement(i).op === LOOP_END;
  if (ended !== (theirs.statement(j).op === LOOP_END)) return ended ? [0, 1] : [1, 0];
  for (let both = 1; both <= LOOK_AHEAD; both++) {
    for (let skip = 0; skip <= both; skip++) {
      const [a, b] = [i + skip, j + both - skip];
      if (a < here.length && b < there.length && here[a] === there[b]) return [skip, both - skip];
    }
  }
  return [1, 1];
}

/** By step: a number for what it does, the same for the same. */
function statementNumbers(timeline: Timeline, numbers: Map<string, number>): Int32Array {
  const known = new Map<Statement, number>();
  const result = new Int32Array(timeline.length + 1);
  for (let step = 1; step <= timeline.length; step++) {
    const statement = timeline.statement(step);
    let number = known.get(statement);
    if (number === undefined) {
      const text = statement.op === LOOP_END ? LOOP_END : printStatement(statement);
      number = numbers.get(text) ?? numbers.size;
      numbers.set(text, number);
      known.set(statement, number);
    }
    result[step] = number;
  }
  return result;
}

function comparison(mine: Timeline, theirs: Timeline): (step: number, other: number) => Difference[] {
  const [reach, otherReach] = [new ReachDigests(mine), new ReachDigests(theirs)];
  const nameOf = (word: number) => mine.xen.store.nameOf(word);
  const otherNameOf = namesOfWords(theirs, mine);
  return (step, other) => {
    const [a, b] = [mine.step(step), theirs.step(other)];
    const differs: Difference[] = [];
    if (a.status !== b.status) differs.push('status');
    if (a.faults?.join('\n') !== b.faults?.join('\n')) differs.push('faults');
    if (!sameChanges(netChanges(mine, step, nameOf), netChanges(theirs, other, otherNameOf)))
      differs.push('words');
    if (reach.at(step) !== otherReach.at(other)) differs.push('reach');
    return differs;
  };
}

/** What a step changed: by the names of words, what they hold after it. */
function netChanges(
  timeline: Timeline,
  step: number,
  nameOf: (word: number) => number,
): ReadonlyMap<number, number> {
  const before = new Map<number, number>();
  const after = new Map<number, number>();
  timeline.forEachWrite(step, (word, was, is) => {
    const name = nameOf(word);
    if (!before.has(name)) before.set(name, was);
    if (before.get(name) === is) after.delete(name);
    else after.set(name, is);
  });
  return after;
}

function sameChanges(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);
}

/**
 * What words of `timeline` are called in `other`: RAM by its frames, a table's words as those of the table of that name. A
 * table that the other does not have has names that nothing there has.
 */
function namesOfWords(timeline: Timeline, other: Timeline): (word: number) => number {
  const { store, layout } = timeline.xen;
  const tables = new Map(other.xen.layout.tables.map((table) => [table.name, table]));
  const firstNames = new Map<number, number>();
  for (const table of layout.tables) {
    const counterpart = tables.get(table.name);
    const pages = Math.max(1, Math.ceil((table.rows * table.fieldNames.length) / PAGE_WORDS));
    for (let page = 0; page < pages; page++) {
      const first = table.base + page * PAGE_WORDS;
      const same = counterpart !== undefined && isAlike(table, counterpart);
      const name = same ? other.xen.store.nameOf(counterpart.base + page * PAGE_WORDS) : -first - PAGE_WORDS;
      firstNames.set(Math.floor(first / PAGE_WORDS), name);
    }
  }
  return (word) => {
    const first = firstNames.get(Math.floor(word / PAGE_WORDS));
    return first === undefined ? store.nameOf(word) : first + (word % PAGE_WORDS);
  };
}

const isAlike = (a: Table, b: Table): boolean =>
  a.rows === b.rows && a.fieldNames.join() === b.fieldNames.join();
