import type { Counterexample, Verdict, VerifyResult } from '../../program/verify.js';
import { boundsText } from '../../program/verify-bounds.js';
import { counterexampleNames, counterexampleText } from '../../report/counterexample-text.js';
import { factsOf } from '../../report/facts.js';
import { loopStory } from '../../report/loop.js';
import { type VerdictRow, verdictRows, verdictText, type Where } from '../../report/verdict-words.js';
import type { ReadOrder, SearchOrder } from './order.js';

/** What a search came to, in the words of `dommu verify`. Plain data. */
export interface SearchOutcome {
  /** What was searched. */
  readonly title: string;
  readonly verdict: Verdict;
  readonly text: string;
  readonly rows: readonly VerdictRow[];
  /** Actions that never changed anything, as statements, and behaviours of the release that nobody asked for. */
  readonly idleActions: readonly string[];
  readonly neverAsked: readonly string[];
  readonly found: readonly FoundProgram[];
}

/** A step of a counterexample, by its number in the run of its program. */
export interface FoundStep {
  readonly step: number;
  readonly text: string;
  readonly status: string;
}

/** A counterexample as a program that can be opened. */
export interface FoundProgram {
  readonly kind: Counterexample['kind'];
  readonly invariant: { readonly id: string; readonly title: string; readonly reason: string };
  readonly harm: string;
  readonly message: string;
  /** What its file is called, and the text of it: as `dommu verify` writes them. */
  readonly name: string;
  readonly program: string;
  /** The step that shows what is wrong: that breaks the invariant, or begins the loop. */
  readonly step: number;
  /** Statements after the scene. */
  readonly length: number;
  /** The steps after the scene; of a loop, one round. */
  readonly steps: readonly FoundStep[];
  /** The first and the last step of the loop; undefined where there is none. */
  readonly loop: { readonly from: number; readonly to: number } | undefined;
  /** Steps that did something to what the broken invariant speaks of. */
  readonly facts: readonly { readonly step: number; readonly change: string }[];
  /** Of a loop: how long it is, and what changes in it and comes back. */
  readonly story: readonly string[];
}

/** A page has a button, and no clock but one that goes on while others have the CPU. */
const PAGE: Where = { interrupt: 'Stop', second: 'second', others: 'the others are below' };

/** What a search came to, in the words of `dommu verify`. */
export function outcomeOf(
  { source, step }: SearchOrder,
  { edition, bounds }: ReadOrder,
  result: VerifyResult,
): SearchOutcome {
  const from = step === undefined ? '' : `, from step ${step}`;
  const { counterexamples } = result;
  const subject = source.name.replace(/\.[^.]*$/, '');
  const names = counterexampleNames(counterexamples, edition, subject);
  return {
    title: `${source.name} on Xen ${edition.name}${from}`,
    verdict: result.verdict,
    text: verdictText(result, PAGE),
    rows: verdictRows(result, boundsText(bounds, false), PAGE),
    idleActions: result.idleActions,
    neverAsked: result.behaviours.never,
    found: counterexamples.map((one, index) => ({
      ...foundProgram(one),
      name: `${names[index]}.dommu`,
      program: counterexampleText(one, edition),
    })),
  };
}

function foundProgram(one: Counterexample): Omit<FoundProgram, 'name' | 'program'> {
  const { kind, invariant, harm, message, steps, scene, length, loop } = one;
  // What booting itself breaks is a result before the first step; a run numbers its steps from 1.
  const number = (index: number): number => (steps[0]?.op === 'boot' ? index : index + 1);
  const { id, title, reason } = invariant;
  const last = steps.length - (loop === null ? 0 : 1);
  const shown = steps.map(({ op, status }, index) => ({ step: number(index), text: op, status }));
  return {
    kind,
    invariant: { id, title, reason },
    harm,
    message,
    length,
    step: loop === null ? number(breakingStep(one)) : number(loop),
    steps: shown.slice(scene, last),
    loop: loop === null ? undefined : { from: number(loop), to: number(last - 1) },
    facts: loop === null ? factsOf(message, steps).map((fact) => ({ ...fact, step: number(fact.step) })) : [],
    story: loop === null ? [] : loopStory(one),
  };
}

/** The step that breaks the invariant for the last time, of those of which nothing worse comes. */
const breakingStep = ({ steps, invariant, harm }: Counterexample): number =>
  steps.findLastIndex(({ violations }) =>
    violations.some((one) => one.invariant === invariant.id && one.harm === harm),
  );
