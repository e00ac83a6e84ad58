import type { SearchResult } from '../check/result.js';
import type { StepResult } from '../program/runner.js';
import type { Counterexample, VerifyResult } from '../program/verify.js';
import { type Paint, printable } from '../text/diagnostic.js';
import type { Edition } from '../xen/editions/edition.js';
import { SEARCHED } from '../xen/invariants.js';
import { stepLines } from './run.js';
import type { VerifyOptions } from './verify.js';

/** A counterexample as a program's text, and where that was written. */
export interface Written extends Counterexample {
  readonly text: string;
  readonly file: string | null;
}

export function verdictJson(
  result: VerifyResult,
  written: readonly Written[],
  edition: Edition,
  options: VerifyOptions,
): unknown {
  const { states, transitions, depth, seconds, cpuSeconds, stop, exact } = result.search;
  return {
    verdict: result.verdict,
    edition: edition.name,
    bounds: boundsJson(options),
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
    invariants: SEARCHED.map(({ id }) => id),
    violations: written.map(({ invariant, message, text, file, steps }) => ({
      invariant: invariant.id,
      title: invariant.title,
      harm: invariant.harm,
      message,
      program: text,
      file,
      steps,
    })),
  };
}

const number = (value: number): string => Math.round(value).toLocaleString('en-US');

export function* verdictLines(
  title: string,
  result: VerifyResult,
  written: readonly Written[],
  options: VerifyOptions,
  ofConfigs: boolean,
  paint: Paint,
): Generator<string> {
  yield paint.bold(printable(title));
  yield '';
  if (written[0] !== undefined) yield* sceneLines(written[0], paint);
  for (const one of written) yield* counterexampleLines(one, paint);
  const { search, verdict } = result;
  const head = { safe: paint.bold('safe'), unsafe: paint.error('UNSAFE'), bounded: paint.warning('bounded') }[
    verdict
  ];
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
  yield `  bounds      ${boundsText(options, ofConfigs)}`;
  yield `  identity    ${identityText(search)}`;
  if (result.idleOperations.length > 0) yield `  never used  ${result.idleOperations.join(', ')}`;
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
  if (file !== null) yield `  replay: dommu run ${file}`;
  yield '';
}

/** What was done before the search began, once for all counterexamples. */
function* sceneLines({ steps, scene }: Counterexample, paint: Paint): Generator<string> {
  yield paint.dim('the scene:');
  for (const { op } of steps.slice(0, scene)) yield paint.dim(`  ${op}`);
  yield '';
}

function boundsText(options: VerifyOptions, ofConfigs: boolean): string {
  const plural = (value: number, what: string) => `${value} ${what}${value === 1 ? '' : 's'}`;
  return [
    ...(ofConfigs ? [`${plural(options.pages, 'page')} a guest`] : []),
    `levels ${options.levels.join(' ')}`,
    plural(options.refs, 'grant ref'),
    plural(options.handles, 'handle'),
    plural(options.vaSlots, 'va'),
    `${options.entries} entr${options.entries === 1 ? 'y' : 'ies'} a page`,
    options.hotplug ? 'hotplug' : 'no hotplug',
    options.selfGrants ? 'self-grants' : 'no self-grants',
    ...(options.destroy ? ['deaths'] : []),
    ...(options.steps ? ['step by step'] : []),
    ...(options.failures > 0 ? [plural(options.failures, 'failure')] : []),
    ...(options.deviceMappings ? ['device mappings'] : []),
    ...(options.partialUnmaps ? ['partial unmaps'] : []),
    ...options.with,
    `≤ ${number(options.maxStates)} states`,
    `depth ${Number.isFinite(options.maxDepth) ? number(options.maxDepth) : 'any'}`,
    `${number(options.maxMemory / 2 ** 20)} MiB`,
    `${number(options.timeout)} s`,
    options.first === true ? 'first violation only' : `${options.deeper} deeper than a violation`,
  ].join(', ');
}

/** The bounds by the names of their options; null is no bound. */
function boundsJson(options: VerifyOptions): unknown {
  const { pages, levels, refs, handles, vaSlots, entries, hotplug, selfGrants } = options;
  const { maxStates, maxDepth, maxMemory, timeout, deeper, first = false, hash, symmetry } = options;
  const { destroy = false, steps = false, failures, deviceMappings = false, partialUnmaps = false } = options;
  const optional = { destroy, steps, failures, deviceMappings, partialUnmaps, with: options.with };
  const alphabet = { pages, levels, refs, handles, vaSlots, entries, hotplug, selfGrants, ...optional };
  return { ...alphabet, maxStates, maxDepth, maxMemory, timeout, deeper, first, hash, symmetry };
}
