import { search } from '../check/search.js';
import type { IommuFault } from '../hardware/iommu.js';
import { alphabetOf } from '../program/alphabet.js';
import { type Action, actionStatement } from '../program/alphabet-action.js';
import { DEFAULT_ALPHABET } from '../program/alphabet-bounds.js';
import { parseProgram } from '../program/parse.js';
import { printProgram } from '../program/print.js';
import type { Expectation, Program, Statement, Step } from '../program/program.js';
import { Run, type StepResult, type Watch } from '../program/runner.js';
import { actionNames, runScene } from '../program/scene.js';
import { InputError } from '../text/diagnostic.js';
import { SourceText } from '../text/source.js';
import { type Edition, resolveEdition } from '../xen/editions/edition.js';
import { BRANCHES } from '../xen/editions/release.js';
import { rankCauses } from './causes/all.js';
import type { JudgedEvent, World } from './causes/cause.js';
import { isXen } from './causes/log-world.js';
import { FAULT_GOAL, faultGoal } from './programs/fault-goal.js';
import { placeOf } from './programs/place.js';
import { DEVICE, STORIES, type Story } from './programs/stories.js';
import { type WantedFault, wantedFault } from './programs/wanted-fault.js';

/** A program that shows a cause: run by the model, it ends in the fault of the log. */
export interface ShownProgram {
  /** The cause that it shows, by its id. */
  readonly cause: string;
  /** The release that it was found and replayed on. */
  readonly edition: string;
  /** The program's text, ready for `dommu run`. */
  readonly text: string;
  /** Statements between the scene and the access that faults; no program that shows the cause has fewer. */
  readonly steps: number;
  /** The lines with which the model's Xen tells of the fault, without `(XEN) `. */
  readonly lines: readonly string[];
}

/** What became of looking for a program. */
export interface ProgramAnswer {
  readonly shown: ShownProgram | undefined;
  /** Causes that were passed over, likelier than the one that is shown, each with the reason why no program shows it. */
  readonly without: readonly { readonly cause: string; readonly because: string }[];
}

/** How long the search for one cause may take, on all releases that are tried. */
export interface ProgramBounds {
  readonly maxStates: number;
  readonly maxSeconds: number;
}

const BOUNDS: ProgramBounds = { maxStates: 200_000, maxSeconds: 5 };

/** Causes of which the model has nothing: what it would have to know. */
const BEYOND_THE_MODEL: Readonly<Record<string, string>> = {
  'firmware-tables': 'the model’s machine has no firmware tables that could be wrong',
  'phantom-function': 'the model’s devices make requests under numbers that Xen knows',
  'dma-left-running': 'the model’s machine starts with Xen: nothing runs before',
  'garbage-address': 'why a device has a wrong address is a matter of its driver',
  'interrupt-as-dma': 'the model has no interrupt messages',
  'blocked-request': 'the model has no ATS and no PASIDs',
  'between-owners': 'the model changes a device’s owner in one step, or leaves it in quarantine',
  'unusable-entry': 'the model’s tables are never overwritten',
  'tables-unreadable': 'the model’s memory is never bad',
  'reserved-region-not-mapped': 'in the model a region that is not mapped is the guest’s own memory',
  'racing-type-change': 'the window is between two steps of a hypercall: `dommu bugs` finds XSA-401',
};

/**
 * Looks for the shortest program of the model that ends in the fault of an event: the causes are tried from the likeliest
 * on, each on a small machine of its own, with the unit and release of the log, breadth first. What is found is replayed by
 * the runner, and offered only if the model's unit then shows the same reason and direction.
 */
export async function programFor(
  event: JudgedEvent,
  world: World,
  bounds: Partial<ProgramBounds> = {},
): Promise<ProgramAnswer> {
  const without: { cause: string; because: string }[] = [];
  for (const { id } of rankCauses(event, world)) {
    const outcome = await programForCause(id, event, world, bounds);
    if (typeof outcome !== 'string') return { shown: outcome, without };
    without.push({ cause: id, because: outcome });
  }
  return { shown: undefined, without };
}

const NO_SUCH_FAULT = 'the model has no such unit, or none of its units records such a fault';

/** The shortest program that ends in the fault of an event for this cause, or why there is none. */
export async function programForCause(
  cause: string,
  event: JudgedEvent,
  world: World,
  bounds: Partial<ProgramBounds> = {},
): Promise<ShownProgram | string> {
  const wanted = wantedFault(event);
  if (wanted === undefined) return NO_SUCH_FAULT;
  const story = Object.hasOwn(STORIES, cause) ? STORIES[cause] : undefined;
  if (story === undefined) return BEYOND_THE_MODEL[cause] ?? 'the model has no such machine';
  let first: string | undefined;
  const { maxStates, maxSeconds } = { ...BOUNDS, ...bounds };
  const end = performance.now() + maxSeconds * 1000;
  for (const edition of editionsFor(world)) {
    const left = (end - performance.now()) / 1000;
    if (first !== undefined && left <= 0) break;
    const within = { maxStates, maxSeconds: Math.max(left, 0.1) };
    const outcome = await programOn(edition, cause, story, event, wanted, world, within);
    if (typeof outcome !== 'string') return outcome;
    first ??= outcome;
  }
  return first!;
}

/** The release of the log; where it is not known, all branches, the newest first: one of them has what happened. */
function editionsFor({ edition }: World): readonly Edition[] {
  return edition === undefined ? [...BRANCHES].reverse().map(resolveEdition) : [edition];
}

async function programOn(
  edition: Edition,
  cause: string,
  story: Story,
  event: JudgedEvent,
  wanted: WantedFault,
  world: World,
  bounds: ProgramBounds,
): Promise<ShownProgram | string> {
  try {
    const found = await find(story, event, wanted, edition, bounds);
    return typeof found === 'string' ? found : replayed(cause, story, event, found, wanted, edition, world);
  } catch (error) {
    if (error instanceof InputError) return `its machine cannot be had: ${error.message}`;
    throw error;
  }
}

interface Found {
  readonly scene: Program;
  readonly actions: readonly Action[];
  readonly address: number;
}

async function find(
  story: Story,
  event: JudgedEvent,
  wanted: WantedFault,
  edition: Edition,
  { maxStates, maxSeconds }: ProgramBounds,
): Promise<Found | string> {
  const place = placeOf(event, wanted);
  const scene = parseProgram(new SourceText('explain', story.scene(place, event).trim()));
  const run = runScene(scene, edition);
  const { xen } = run;
  const alphabet =
    story.bounds === undefined
      ? []
      : alphabetOf(xen, actionNames(scene, run), { ...DEFAULT_ALPHABET, ...story.bounds });
  // What a device reads and writes changes nothing that decides whether it may.
  const actions = alphabet.filter(({ op }) => op !== 'dma');
  const address = story.address(place, event);
  const goal = faultGoal(xen, actions, address, wanted, () => story.holds?.(xen, place) ?? true);
  const result = await search(goal, { bounds: { maxStates, maxSeconds, deeper: 0 } });
  const way = result.violations.find(({ property }) => property === FAULT_GOAL);
  if (way === undefined)
    return result.stop === 'exhausted'
      ? `on Xen ${edition.name} it does not happen: the model was searched to the end`
      : `the model was searched for ${Math.round(maxSeconds)} s without finding it`;
  return { scene, address, actions: way.actions.map((action) => actions[action]!) };
}

const AT_FIRST = { line: 1, column: 1 };

/** The program with the access at its end, if the runner agrees that it ends in the fault. */
function replayed(
  cause: string,
  story: Story,
  event: JudgedEvent,
  { scene, actions, address }: Found,
  wanted: WantedFault,
  edition: Edition,
  world: World,
): ShownProgram | string {
  const args = { device: 'nic', access: wanted.write ? 'write' : 'read', address };
  const fault = { ...AT_FIRST, kind: 'status', status: 'fault' } as const;
  const access: Statement = { ...AT_FIRST, op: 'dma', args, expect: [fault] };
  const steps = [...scene.steps, ...actions.map((action) => actionStatement(action, 1)), access];
  const run = runOf({ ...scene, edition: edition.name, steps }, edition);
  if (!endsIn(run, wanted)) return NOT_THE_SAME;
  const about = aboutLog(event, edition, world);
  const told = tell(story, about, { ...scene, edition: edition.name, steps }, actions.length, run.results);
  const again = runOf(parseProgram(new SourceText('explain', told)), edition);
  if (!endsIn(again, wanted) || again.results.some(({ unexpected }) => unexpected.length > 0))
    return NOT_THE_SAME;
  const lines = again.results.at(-1)!.faults.flatMap(({ text }) => text.split('\n'));
  return { cause, edition: edition.name, text: told, steps: actions.length, lines };
}

const NOT_THE_SAME = 'the runner does not come to the same fault';

interface Replay {
  readonly results: readonly StepResult[];
  /** What the device's unit held when its last access was refused: later looks at its tables may change that. */
  readonly fault: IommuFault | undefined;
}

function runOf(program: Program, edition: Edition): Replay {
  let fault: IommuFault | undefined;
  const watch: Watch = (xen) => (status) => {
    fault = status === 'fault' ? xen.unitOf(DEVICE)?.lastFault() : undefined;
  };
  const run = new Run(program, edition, { changes: false, watch });
  run.execute();
  return { results: run.results, fault };
}

/** Whether the last step of a run is the fault. */
const endsIn = ({ fault }: Replay, wanted: WantedFault): boolean =>
  fault !== undefined && wanted.matches(fault);

/** What of a fault's lines stands for its reason, for the program to expect. */
const REASON = /reason [0-9a-f]{2}|flags =? ?0x[0-9a-f]+|fsr=0x[0-9a-f]+|GFSR 0x[0-9a-f]+|event 0x[0-9a-f]+/;

/** What a statement did, as what the program expects of it: its fault, and what must always hold and does not any more. */
function* expected({ faults, violations, status }: StepResult): Generator<Expectation> {
  const reason = REASON.exec(faults.map(({ text }) => text).join(' '))?.[0];
  if (reason !== undefined) yield { ...AT_FIRST, kind: 'fault', text: reason };
  else if (status === 'fault') yield { ...AT_FIRST, kind: 'status', status };
  for (const { invariant } of violations) yield { ...AT_FIRST, kind: 'violation', invariant };
}

/** How the program's machine may differ from the log's. */
function aboutLog(event: JudgedEvent, edition: Edition, world: World): string[] {
  const lines = [];
  if (!isXen(event))
    lines.push(
      'The log is Linux’s, the model is of Xen: the same unit refuses the same access for the same reason.',
    );
  else if (world.edition === undefined)
    lines.push(
      `The log does not say which Xen it is of: of the first releases of all branches, ${edition.name} is the newest that does this.`,
    );
  return lines;
}

/** The program's text, with what it shows, and what each statement is to come to. */
function tell(
  { shows }: Story,
  about: readonly string[],
  program: Program,
  actions: number,
  results: readonly StepResult[],
): string {
  // Of a scene without domains from configs, the runner has a result for each statement.
  const after = results.slice(results.length - program.steps.length);
  const steps = program.steps.map((step, i) => ({ ...step, expect: [...expected(after[i]!)] }) as Statement);
  const comments = new Map<Step, string>();
  for (const [i, step] of steps.entries()) {
    const broken = after[i]!.violations.map(({ invariant, title }) => `It breaks ${invariant}: ${title}.`);
    const begins = i === steps.length - 1 - actions && actions > 0 ? ['What happens.'] : [];
    const ends = i === steps.length - 1 ? ['The access of the log.'] : [];
    const comment = [...begins, ...ends, ...broken].join('\n');
    if (comment !== '') comments.set(step, comment);
  }
  const text = printProgram({ ...program, steps }, comments);
  const head = [`${shows[0]!.toUpperCase()}${shows.slice(1)}.`, ...about];
  return `${head.map((line) => `# ${line}`).join('\n')}\n\n${text}`;
}
