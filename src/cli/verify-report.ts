import type { Undecided } from '../check/livelock.js';
import type { SearchResult } from '../check/result.js';
import type { StepResult } from '../program/runner.js';
import { classText } from '../program/symmetry.js';
import type { Counterexample, VerifyResult } from '../program/verify.js';
import { factsOf } from '../report/facts.js';
import { loopStory } from '../report/loop.js';
import type { VerdictReport, Written } from '../report/verdict.js';
import { grouped } from '../text/count.js';
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
    violations: written.map(({ kind, invariant, message, text, file, steps, length, loop }) => ({
      kind,
      invariant: invariant.id,
      title: invariant.title,
      harm: invariant.harm,
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
      : ` (${grouped(search.transitions / search.cpuSeconds)} transitions per CPU second)`;
  yield `  searched    ${grouped(search.states)} states, ${grouped(search.transitions)} transitions, depth ${search.depth}, in ${search.seconds.toFixed(1)} s${rate}`;
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
  yield `  symmetry    ${symmetryText(result)}`;
  yield `  livelocks   ${livelockText(search)}`;
  yield* unreachedLines(result);
}

/** What the verdict says nothing about, though one may think so. */
function* unreachedLines({ idleOperations, vacuous, behaviours }: VerifyResult): Generator<string> {
  if (idleOperations.length > 0) yield `  never used  ${idleOperations.join(', ')}`;
  const premises = [...new Set(vacuous.map(({ id }) => PREMISES[id]!.text))].map((premise) => {
    const invariants = vacuous.filter(({ id }) => PREMISES[id]!.text === premise).map(({ id }) => id);
    return `${premise} (${invariants.join(', ')})`;
  });
  if (premises.length > 0) yield `  no state    had ${premises.join(', or ')}`;
  const { consulted, never } = behaviours;
  yield `  asked       ${consulted.length} of ${consulted.length + never.length} behaviours of the release (--json lists the others)`;
}

/** How states were told apart, and what that may have missed. */
function identityText({ exact, identityWords }: SearchResult): string {
  if (exact === true) return `exact, ${identityWords * 32} bits a state`;
  return `64-bit fingerprints; probability that a state was overlooked below ${exact.toExponential(0)}`;
}

/** What was alike on the machine, so that states which differ in no more than names counted as one. */
function symmetryText({ symmetry, search }: VerifyResult): string {
  const { classes, apart } = symmetry;
  const alike = classes.map(classText).join(', ');
  const why = apart.length === 0 ? '' : `; told apart: ${apart.join('; ')}`;
  if (classes.length === 0) return `none${why}`;
  if (search.symmetries === 1) return `not used: ${alike}${why}`;
  return `${alike}: ${grouped(search.symmetries)} permutations${why}`;
}

const isRefusal = (status: string): boolean => /^E[A-Z0-9]+$/.test(status);

function verdictText({ verdict, search, counterexamples }: VerifyResult): string {
  if (verdict === 'unsafe') {
    const more =
      search.stop === 'exhausted' ? '' : '; the search ended before it was complete, so others are undecided';
    const broken = counterexamples.flatMap((one) => (one.kind === 'safety' ? [one.invariant.id] : []));
    const loops = counterexamples.length > broken.length ? ', and a hypercall that never ends' : '';
    const texts = [...new Set(broken)].map((id) => {
      const ways = broken.filter((other) => other === id).length;
      return ways === 1 ? id : `${id} (${ways} ways)`;
    });
    return `${texts.join(', ')} broken${loops}${more}`;
  }
  if (verdict === 'livelock')
    return `no invariant broken${search.stop === 'exhausted' ? '' : ' so far'}, but a hypercall can be kept from ending for ever`;
  if (verdict === 'safe') return 'no behaviour within these bounds breaks an invariant';
  if (search.stop === 'exhausted')
    return 'no invariant broken, but whether every hypercall ends is undecided';
  const why = {
    states: '--max-states',
    depth: '--max-depth',
    memory: '--max-memory',
    time: '--timeout',
    interrupted: 'Ctrl-C',
  };
  return `nothing found, but the search ended at ${why[search.stop as keyof typeof why]} and is not complete`;
}

/** Whether some hypercall may never end, and of what this was not asked. */
function livelockText({ livelock, stop }: SearchResult): string {
  if (livelock === undefined) return 'not looked for';
  const { livelocks, undecided, obligations, states, fairness } = livelock;
  if (undecided === undefined && obligations === 0) return 'none: no hypercall here can be interrupted';
  const among = `among ${grouped(states)} states with a hypercall under way, ${FAIR_TEXT[fairness]}`;
  if (livelocks.length > 0) return `found ${among}`;
  if (undecided !== undefined) return `undecided: ${UNDECIDED[undecided]}`;
  return stop === 'exhausted' ? `none ${among}` : `none found ${among}; the search was not complete`;
}

/** What `--fair` calls it. */
const FAIR = { weak: 'vcpus', none: 'none' } as const;
const FAIR_TEXT = {
  weak: 'in loops that let every vCPU in a hypercall go on (--fair vcpus)',
  none: 'in loops that need not be fair to other vCPUs (--fair none)',
} as const;

const UNDECIDED: Readonly<Record<Undecided, string>> = {
  memory: 'the search for loops ended at --max-memory',
  time: 'no time was left to look for loops (--timeout)',
  interrupted: 'Ctrl-C',
  obligations: 'more hypercalls can be under way at a time than are kept apart',
  loop: 'a loop among states that are the same but for names does not close; try --no-symmetry',
};

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

function* safetyLines({ invariant, message, steps, scene }: Written, paint: Paint): Generator<string> {
  yield `${paint.error(`${invariant.id}: ${invariant.title}`)} — does not hold (${invariant.harm})`;
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
