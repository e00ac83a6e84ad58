import type { SearchResult } from '../check/result.js';
import type { StepResult } from '../program/runner.js';
import type { Counterexample, VerifyResult } from '../program/verify.js';
import { factsOf } from '../report/facts.js';
import type { VerdictReport, Written } from '../report/verdict.js';
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
    operations: result.operations,
    idleOperations: result.idleOperations,
    unreached: {
      actions: result.idleActions,
      premises: result.vacuous.map(({ id }) => ({ invariant: id, premise: PREMISES[id]!.text })),
    },
    invariants: SEARCHED.map(({ id }) => id),
    violations: written.map(({ invariant, message, text, file, steps, scene }) => ({
      kind: 'safety',
      invariant: invariant.id,
      title: invariant.title,
      harm: invariant.harm,
      message,
      facts: factsOf(message, steps),
      length: steps.length - scene,
      loop: null,
      program: text,
      file,
      steps,
    })),
  };
}

const number = (value: number): string => Math.round(value).toLocaleString('en-US');

/** The verdict for people. */
export function* verdictLines(
  { title, result, written, bounds }: VerdictReport,
  paint: Paint,
): Generator<string> {
  yield paint.bold(printable(title));
  yield '';
  if (written[0] !== undefined) yield* sceneLines(written[0], paint);
  for (const one of written) yield* counterexampleLines(one, paint);
  const { search, verdict } = result;
  const head = {
    safe: paint.bold('safe'),
    unsafe: paint.error('UNSAFE'),
    livelock: paint.error('LIVELOCK'),
    bounded: paint.warning('bounded'),
  }[verdict];
  yield `${head}: ${verdictText(result)}`;
  // A rate over less than a second says more about the start than about the search.
  const rate =
    search.cpuSeconds < 1
      ? ''
      : ` (${number(search.transitions / search.cpuSeconds)} transitions per CPU second)`;
  yield `  searched    ${number(search.states)} states, ${number(search.transitions)} transitions, depth ${search.depth}, in ${search.seconds.toFixed(1)} s${rate}`;
  for (const { op, status } of result.scene.filter((step) => isRefusal(step.status))) {
    yield `  ${paint.warning('note')}        before the search began, ${op} was refused: ${status}`;
  }
  if (!result.operations.includes('dma')) {
    yield `  ${paint.warning('note')}        no device could reach anything here: does the config list one (pci=, dtdev=)?`;
  }
  yield `  tried       ${result.operations.join(', ')}`;
  yield `  checked     ${SEARCHED.map(({ id }) => id).join(', ')}`;
  yield `  bounds      ${bounds}`;
  yield `  identity    ${identityText(search)}`;
  yield* unreachedLines(result);
}

/** What the verdict says nothing about, though one may think so. */
function* unreachedLines({ idleOperations, vacuous }: VerifyResult): Generator<string> {
  if (idleOperations.length > 0) yield `  never used  ${idleOperations.join(', ')}`;
  const premises = [...new Set(vacuous.map(({ id }) => PREMISES[id]!.text))].map((premise) => {
    const invariants = vacuous.filter(({ id }) => PREMISES[id]!.text === premise).map(({ id }) => id);
    return `${premise} (${invariants.join(', ')})`;
  });
  if (premises.length > 0) yield `  no state    had ${premises.join(', or ')}`;
}

/** How states were told apart, and what that may have missed. */
function identityText({ exact, identityWords, symmetries }: SearchResult): string {
  const images = symmetries === 1 ? '' : `; ${symmetries} images of a state count as one`;
  if (exact === true) return `exact, ${identityWords * 32} bits a state${images}`;
  return `64-bit fingerprints; probability that a state was overlooked below ${exact.toExponential(0)}${images}`;
}

const isRefusal = (status: string): boolean => /^E[A-Z0-9]+$/.test(status);

function verdictText({ verdict, search, counterexamples }: VerifyResult): string {
  if (verdict === 'unsafe') {
    const more =
      search.stop === 'exhausted' ? '' : '; the search ended before it was complete, so others are undecided';
    return `${counterexamples.map(({ invariant }) => invariant.id).join(', ')} broken${more}`;
  }
  if (verdict === 'safe') return 'no behaviour within these bounds breaks an invariant';
  const why = {
    states: '--max-states',
    depth: '--max-depth',
    memory: '--max-memory',
    time: '--timeout',
    interrupted: 'Ctrl-C',
  };
  return `nothing found, but the search ended at ${why[search.stop as keyof typeof why]} and is not complete`;
}

function* counterexampleLines(
  { invariant, message, steps, scene, file }: Written,
  paint: Paint,
): Generator<string> {
  yield `${paint.error(`${invariant.id}: ${invariant.title}`)} — does not hold (${invariant.harm})`;
  yield paint.dim(`  ${invariant.reason}`);
  const own = ({ violations }: StepResult) => violations.filter((one) => one.invariant === invariant.id);
  for (const step of steps.slice(scene))
    yield* stepLines({ ...step, violations: own(step), unexpected: [] }, paint);
  if (scene === steps.length) yield `  from the start: ${message}`;
  for (const { step, change } of factsOf(message, steps)) yield `  because of step ${step + 1}: ${change}`;
  if (file !== null) yield `  replay: dommu run ${file}`;
  yield '';
}

/** What was done before the search began, once for all counterexamples. */
function* sceneLines({ steps, scene }: Counterexample, paint: Paint): Generator<string> {
  yield paint.dim('the scene:');
  for (const { op } of steps.slice(0, scene)) yield paint.dim(`  ${op}`);
  yield '';
}
