import type { SearchResult } from '../check/result.js';
import type { StepResult } from '../program/runner.js';
import type { Counterexample } from '../program/verify.js';
import { factsOf } from '../report/facts.js';
import { loopStory } from '../report/loop.js';
import type { VerdictReport, Written } from '../report/verdict.js';
import { verdictRows, verdictText } from '../report/verdict-words.js';
import { type Paint, printable } from '../text/diagnostic.js';
import { PREMISES } from '../xen/invariants/premises.js';
import { SEARCHED } from '../xen/invariants.js';
import { stepLines } from './run.js';

/**
 * The object of --json (docs/verify.md).
 * @param asked the bug that was searched for, and the bounds as the options call them.
 */
export function verdictJson(
  { result, written, edition }: VerdictReport,
  asked: { readonly bug: string | null; readonly bounds: unknown },
): unknown {
  const { states, transitions, depth, seconds, cpuSeconds, stop, exact } = result.search;
  return {
    verdict: result.verdict,
    edition: edition.name,
    ...asked,
    stop,
    states,
    transitions,
    depth,
    seconds,
    cpuSeconds,
    exact,
    omissionProbability: exact === true ? 0 : exact,
    symmetry: {
      classes: result.symmetry.classes.map(({ part, members }) => ({ of: part, count: members.length })),
      permutations: result.search.symmetries,
      apart: result.symmetry.apart,
    },
    operations: result.operations,
    idleOperations: result.idleOperations,
    unreached: {
      actions: result.idleActions,
      premises: result.vacuous.map(({ id }) => ({ invariant: id, premise: PREMISES[id]!.text })),
      behaviours: result.behaviours.never,
    },
    invariants: SEARCHED.map(({ id }) => id),
    livelocks: livelockJson(result.search),
    violations: written.map(({ kind, invariant, harm, message, text, file, steps, length, loop }) => ({
      kind,
      invariant: invariant.id,
      title: invariant.title,
      harm,
      message,
      facts: factsOf(message, steps),
      length,
      loop,
      program: text,
      file,
      steps,
    })),
  };
}

/** What `--fair` calls it. */
const FAIR = { weak: 'vcpus', none: 'none' } as const;

/** What the search for livelocks came to; null where there was none. */
function livelockJson({ livelock }: SearchResult): unknown {
  if (livelock === undefined) return null;
  const { fairness, livelocks, undecided = null, obligations, states, transitions, seconds } = livelock;
  const fair = FAIR[fairness];
  return {
    fair,
    found: livelocks.length,
    undecided,
    interruptible: obligations > 0,
    states,
    transitions,
    seconds,
  };
}

/** The verdict for people. */
export function* verdictLines(
  { title, result, written, bounds }: VerdictReport,
  paint: Paint,
): Generator<string> {
  yield paint.bold(printable(title));
  yield '';
  if (written[0] !== undefined) yield* sceneLines(written[0], paint);
  for (const one of written) yield* counterexampleLines(one, paint);
  const head = {
    safe: paint.bold('safe'),
    unsafe: paint.error('UNSAFE'),
    livelock: paint.error('LIVELOCK'),
    bounded: paint.warning('bounded'),
  }[result.verdict];
  yield `${head}: ${verdictText(result)}`;
  for (const { label, text, isNote = false } of verdictRows(result, bounds)) {
    yield `  ${isNote ? paint.warning(label) : label}${' '.repeat(12 - label.length)}${text}`;
  }
}

function* counterexampleLines(one: Written, paint: Paint): Generator<string> {
  if (one.kind === 'livelock') yield* livelockLines(one, paint);
  else yield* safetyLines(one, paint);
  if (one.file !== null) yield `  replay: dommu run ${one.file}`;
  yield '';
}

/** The way into the loop, and a round of it. */
function* livelockLines(one: Written, paint: Paint): Generator<string> {
  const { invariant, message, steps, scene } = one;
  yield `${paint.error(`${invariant.id}: ${invariant.title}`)} — does not hold`;
  yield paint.dim(`  ${invariant.reason}`);
  const loop = one.loop!;
  const shown = (step: StepResult) => stepLines({ ...step, violations: [], unexpected: [] }, paint);
  for (const step of steps.slice(scene, loop)) yield* shown(step);
  yield '  and then, for ever:';
  for (const step of steps.slice(loop, -1)) yield* shown(step);
  for (const line of [`${message}.`, ...loopStory(one)]) yield `  ${line}`;
}

function* safetyLines({ invariant, harm, message, steps, scene }: Written, paint: Paint): Generator<string> {
  yield `${paint.error(`${invariant.id}: ${invariant.title}`)} — does not hold (${harm})`;
  yield paint.dim(`  ${invariant.reason}`);
  const own = ({ violations }: StepResult) => violations.filter((one) => one.invariant === invariant.id);
  for (const step of steps.slice(scene))
    yield* stepLines({ ...step, violations: own(step), unexpected: [] }, paint);
  if (scene === steps.length) yield `  from the start: ${message}`;
  for (const { step, change } of factsOf(message, steps)) yield `  because of step ${step + 1}: ${change}`;
}

/** What was done before the search began, once for all counterexamples. */
function* sceneLines({ steps, scene }: Counterexample, paint: Paint): Generator<string> {
  yield paint.dim('the scene:');
  for (const { op } of steps.slice(0, scene)) yield paint.dim(`  ${op}`);
  yield '';
}
