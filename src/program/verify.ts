import type { Livelock } from '../check/livelock.js';
import { MEMO_BYTES, Memo, type StoreModel } from '../check/memo.js';
import type { Model, Obligations, Symmetry } from '../check/model.js';
import type { Bounds, SearchOptions, SearchResult } from '../check/result.js';
import { search } from '../check/search.js';
import { callerOf } from '../xen/calls/call.js';
import type { Edition } from '../xen/editions/edition.js';
import {
  type Consultation,
  type Consulted,
  consultationOf,
  nothingConsulted,
  watchedProfile,
} from '../xen/editions/watched.js';
import { clauseOf } from '../xen/invariants/clause.js';
import { byHarm, isGraver } from '../xen/invariants/harm.js';
import { PREMISES } from '../xen/invariants/premises.js';
import { INVARIANTS, type Invariant, Judge, SEARCHED } from '../xen/invariants.js';
import type { Xen } from '../xen/state.js';
import { alphabetOf } from './alphabet.js';
import { type Action, Attempt, actionStatement } from './alphabet-action.js';
import type { AlphabetBounds } from './alphabet-bounds.js';
import { type Counterexample, livelockCounterexample, safetyCounterexample } from './counterexample.js';
import type { Names } from './names.js';
import { callObligations } from './obligations.js';
import { OPERATION_BY_NAME } from './operations.js';
import { printStatement } from './print.js';
import type { Program } from './program.js';
import type { StepResult } from './runner.js';
import { actionNames, type NamesGiven, runScene } from './scene.js';
import { findSymmetry, type SymmetryFound, withImages } from './symmetry.js';

/** Everything that bounds a verdict, printed with it. */
export interface VerifyBounds extends AlphabetBounds {
  /** Pages a guest may have; all but one are there from the start. */
  readonly pages: number;
  readonly search: Partial<Bounds>;
  /** Invariants that cost too much for a search, by id, which this one looks at all the same. */
  readonly dear?: readonly string[];
  /** Whether the search remembers what actions did, which changes its time and nothing else; it does unless this is false. */
  readonly memo?: boolean;
}

/** The invariants that a search within these bounds holds every state and step against. */
const searchedWithin = ({ dear = [] }: Pick<VerifyBounds, 'dear'>): readonly Invariant[] =>
  INVARIANTS.filter((one) => !one.dear || dear.includes(one.id));

export type { Counterexample } from './counterexample.js';

export type Verdict = 'safe' | 'unsafe' | 'livelock' | 'bounded';

export interface VerifyResult {
  readonly verdict: Verdict;
  readonly search: SearchResult;
  /** What is alike on the machine: the search made use of it unless it was told not to. */
  readonly symmetry: SymmetryFound;
  /** How the program went that the search starts from. */
  readonly scene: readonly StepResult[];
  /** Gravest first; what never ends comes last. */
  readonly counterexamples: readonly Counterexample[];
  /** Operations that changed something somewhere, and those that never did. */
  readonly operations: readonly string[];
  readonly idleOperations: readonly string[];
  /** Actions that never changed anything, as statements. */
  readonly idleActions: readonly string[];
  /** Invariants that no state was about: they hold of nothing. */
  readonly vacuous: readonly Invariant[];
  /** Behaviours of the edition that scene and search asked for, and those that the verdict therefore says nothing about. */
  readonly behaviours: Consultation;
}

const NOTHING_TO_END: Obligations = { count: 0, underWay: () => false, isStep: () => false };

/** The hypervisor and its actors as something to search. */
export class XenModel implements StoreModel {
  readonly actions: readonly Action[];
  readonly actionCount: number;
  readonly state;
  readonly properties;
  readonly symmetries: readonly Symmetry[];
  private readonly xen: Xen;
  /** Where the tables stand that follow from others. */
  private readonly derivedTables: readonly { readonly base: number; readonly end: number }[];

  constructor(
    xen: Xen,
    actions: readonly Action[],
    invariants: readonly Invariant[] = SEARCHED,
    symmetries: readonly Symmetry[] = [],
    readonly obligations: Obligations = NOTHING_TO_END,
  ) {
    this.xen = xen;
    this.symmetries = symmetries;
    this.derivedTables = xen.layout.tables
      .filter(({ derived }) => derived)
      .map(({ base, rows, fieldNames }) => ({ base, end: base + rows * fieldNames.length }));
    this.state = xen.store;
    this.actions = actions;
    this.actionCount = actions.length;
    const judge = new Judge(xen, xen.hasTranslatedDomains ? xen.spec.limits.gfns : 0);
    this.properties = invariants.map((invariant) => ({
      id: invariant.id,
      violation: () => judge.violation(invariant)?.message,
      clause: clauseOf,
      ...(invariant.id in PREMISES && { premise: () => PREMISES[invariant.id]!.holds(xen) }),
      ...(invariant.remember === undefined ? {} : { remember: () => judge.remember(invariant) }),
    }));
  }

  derived(word: number): boolean {
    for (const { base, end } of this.derivedTables) if (word >= base && word < end) return true;
    return false;
  }

  perform(action: number): boolean {
    const { xen } = this;
    if (xen.isDown) return false;
    const { journalLength: mark } = xen.store;
    xen.beginStep();
    const attempt = this.actions[action]!.perform();
    if (!xen.blocked) {
      if (attempt === Attempt.done) return true;
      if (attempt === Attempt.refused && xen.store.isChangedSince(mark)) return true;
    }
    if (xen.store.journalLength !== mark) xen.store.rollback(mark);
    return false;
  }
}

/**
 * The model that a program leads to, ready to be searched from there, how the program went, what its names stand for, and
 * what is alike on its machine. `later` are names that actions use besides the program's.
 * @throws InputError when it does not get there.
 */
export function sceneModel(
  program: Program,
  edition: Edition,
  bounds: AlphabetBounds & Pick<VerifyBounds, 'dear'>,
  later?: NamesGiven,
): {
  model: XenModel;
  xen: Xen;
  names: Names;
  scene: readonly StepResult[];
  symmetry: SymmetryFound;
} {
  const run = runScene(program, edition);
  const { xen } = run;
  const names = actionNames(program, run, later);
  const statements = withImages(xen, names, bounds, bounds.statements ?? []);
  const actions = alphabetOf(xen, names, { ...bounds, statements });
  const symmetry = findSymmetry(xen, names, bounds, actions);
  const model = new XenModel(
    xen,
    actions,
    searchedWithin(bounds),
    symmetry.images,
    callObligations(xen, actions, names),
  );
  return { model, xen, names: run.names, scene: run.results, symmetry };
}

/**
 * Runs a program, then searches every behaviour of its guests, their devices, the backend in dom0 and the toolstack from
 * there on. An invariant that the program itself breaks is broken, whatever comes after.
 */
export async function verifyProgram(
  program: Program,
  edition: Edition,
  bounds: VerifyBounds,
  options: Omit<SearchOptions, 'bounds'> = {},
): Promise<VerifyResult> {
  const consulted = nothingConsulted(edition.profile);
  const searched: Searched = { program, edition, bounds, consulted };
  const { model, xen, scene, symmetry } = watchedScene(searched);
  const asked = {
    bounds: bounds.search,
    modelData: searched,
    flags: consulted,
    fairness: 'weak',
    ...options,
  } as const;
  const result = await search(remembering(model, bounds), asked);
  const inScene = new Set(scene.flatMap(({ violations }) => violations.map(({ invariant }) => invariant)));
  const counterexamples = searchedWithin(bounds).flatMap((invariant) => {
    const found = result.violations.filter(({ property }) => property === invariant.id);
    const beyond = found.map(({ actions }) => actions).filter(({ length }) => length > 0);
    const ways = inScene.has(invariant.id) ? [[], ...beyond] : found.map(({ actions }) => actions);
    const shown = ways.map((way) =>
      safetyCounterexample(
        program,
        edition,
        invariant,
        way.map((action) => model.actions[action]!),
      ),
    );
    // The first is the shortest. One that goes on from where the invariant is broken already shows something worse, or nothing.
    return shown.filter((one, index) => index === 0 || breaksAtLast(one));
  });
  counterexamples.sort((one, other) => byHarm(one.harm, other.harm));
  const loops = livelocksOf(result, xen).map((one) =>
    livelockCounterexample(program, edition, one, model.actions),
  );
  const never = new Set(result.neverEnabled);
  const operations = [...new Set(model.actions.map(({ op }) => op))];
  const used = new Set(model.actions.filter((_, action) => !never.has(action)).map(({ op }) => op));
  return {
    verdict: counterexamples.length > 0 ? 'unsafe' : loops.length > 0 ? 'livelock' : verdictOf(result),
    search: result,
    symmetry,
    scene,
    counterexamples: [...counterexamples, ...loops],
    operations: operations.filter((op) => used.has(op)),
    idleOperations: operations.filter((op) => !used.has(op)),
    idleActions: idleActions(model.actions, never),
    vacuous: searchedWithin(bounds).filter(({ id }) => result.vacuous.includes(id)),
    behaviours: consultationOf(edition.profile, consulted),
  };
}

/** A search that did not see everything is not "safe", and one that could not look for all loops is not either. */
function verdictOf({ stop, livelock }: SearchResult): Verdict {
  return stop === 'exhausted' && livelock?.undecided === undefined ? 'safe' : 'bounded';
}

/** Of each hypercall that never ends the shortest loop: whichever of its caller's vCPUs is in it. */
function livelocksOf({ livelock }: SearchResult, xen: Xen): Livelock[] {
  const shortest = new Map<string, Livelock>();
  for (const one of livelock?.livelocks ?? []) {
    const key = `${one.name} ${callerOf(xen, one.obligation)}`;
    const known = shortest.get(key);
    if (known === undefined || isShorter(one, known)) shortest.set(key, one);
  }
  return [...shortest.values()];
}

const isShorter = (one: Livelock, other: Livelock): boolean =>
  (one.loop.length - other.loop.length || one.prefix.length - other.prefix.length) < 0;

/** What a thread of a search needs to build the model for itself. */
interface Searched {
  readonly program: Program;
  readonly edition: Edition;
  readonly bounds: VerifyBounds;
  readonly consulted: Consulted;
}

/** {@link sceneModel} on a profile that notes what it is asked for. */
function watchedScene({ program, edition, bounds, consulted }: Searched): ReturnType<typeof sceneModel> {
  return sceneModel(program, { ...edition, profile: watchedProfile(edition.profile, consulted) }, bounds);
}

/** The model that {@link verifyProgram} searches, for another thread. */
export function modelOf(searched: Searched): Model {
  return remembering(watchedScene(searched).model, searched.bounds);
}

function remembering(model: XenModel, bounds: VerifyBounds): Model {
  return bounds.memo === false ? model : new Memo(model, memoBytes(bounds));
}

/** What a search remembers of its model takes no more than an eighth of its memory. */
function memoBytes({ search: { maxMemory = Number.POSITIVE_INFINITY } }: VerifyBounds): number {
  return Math.min(MEMO_BYTES, Math.floor(maxMemory / 8));
}

/** Whether the last step breaks the invariant, and none before it did, or not as badly. */
function breaksAtLast({ invariant, steps, harm }: Counterexample): boolean {
  const own = ({ violations }: StepResult) => violations.filter((one) => one.invariant === invariant.id);
  const before = steps.slice(0, -1).flatMap(own);
  return own(steps.at(-1)!).length > 0 && before.every((one) => isGraver(harm, one.harm));
}

/**
 * Actions that never changed anything, as statements: those of which none of the same kind did. One kind are actions that
 * differ in what they name only, for a search need not have tried what is the same but for names.
 */
function idleActions(actions: readonly Action[], never: ReadonlySet<number>): string[] {
  const kind = ({ op, args }: Action) => {
    const words = OPERATION_BY_NAME.get(op)!.parameters.filter(
      (one) => one.kind === 'word' || one.kind === 'flags',
    );
    return `${op} ${Object.keys(args)} ${words.map(({ name }) => args[name])}`;
  };
  const used = new Set(actions.filter((_, action) => !never.has(action)).map(kind));
  const idle = actions.filter((action) => !used.has(kind(action)));
  return idle.map((action) => printStatement(actionStatement(action, 1)));
}
