import { alphabetOf } from '../program/alphabet.js';
import { type ActionNames, actionStatement } from '../program/alphabet-action.js';
import { type AlphabetBounds, DEFAULT_ALPHABET } from '../program/alphabet-bounds.js';
import type { Examples } from '../program/alphabet-examples.js';
import { ACTION_OPERATIONS } from '../program/alphabet-operations.js';
import { Names } from '../program/names.js';
import { OPERATION_BY_NAME } from '../program/operations.js';
import { performStatement } from '../program/perform.js';
import { printStatement } from '../program/print.js';
import { type Argument, type Statement, statementsOf } from '../program/program.js';
import { InputError } from '../text/diagnostic.js';
import { isFree, ownerOf } from '../xen/frames.js';
import { GNTST } from '../xen/grant-status.js';
import type { Here } from './here.js';

/** Something that some actor can try in the state that is looked at, and what it would come to. */
export interface Possible {
  /** As the program would say it. */
  readonly statement: string;
  readonly actor: string;
  readonly op: string;
  readonly status: string;
  /** Whether Xen or the IOMMU would refuse it; whether the machine would stand as it stands. */
  readonly effect: 'changes' | 'nothing' | 'refused';
  /** Whether it can be begun alone, so that others run before it ends. */
  readonly inSteps: boolean;
}

/** A part of what is possible: `next` is where to go on, undefined at the end. */
export interface PossiblePart {
  readonly total: number;
  readonly next: number | undefined;
  readonly found: readonly Possible[];
}

/** Frames that are tried. */
const MOST_FRAMES = 8;
/** Guest frames, and grant references, that are tried. */
const MOST_NUMBERS = 3;
/** Statements that are tried. */
const MOST_TRIED = 20_000;

/** Answers that say that there is nothing to try. */
const NO_TRY: ReadonlySet<string> = new Set(['idle', 'not running', 'host is down']);

/** What is tried at a place, and with which frame picked: a long list is gone through bit by bit. */
const tried = new WeakMap<
  Here,
  { readonly picked: number | undefined; readonly statements: readonly Statement[] }
>();

/**
 * What actors can try now, from the `from`th thing on, for about so long; the machine stands as it stood afterwards. All
 * operations of the language take part, with arguments that the machine has; of many frames those that the program names,
 * that the reader has picked (`picked`, an mfn), and an example of each owner.
 */
export function possible(
  here: Here,
  {
    from,
    milliseconds,
    picked,
  }: { readonly from: number; readonly milliseconds: number; readonly picked?: number },
): PossiblePart {
  const until = performance.now() + milliseconds;
  const known = tried.get(here);
  const statements =
    known !== undefined && known.picked === picked ? known.statements : candidates(here, picked);
  tried.set(here, { picked, statements });
  const trial = new Trial(here);
  const found: Possible[] = [];
  let at = from;
  while (at < statements.length && (at === from || performance.now() < until)) {
    const one = trial.of(statements[at++]!);
    if (one !== undefined) found.push(one);
  }
  return { total: statements.length, next: at < statements.length ? at : undefined, found };
}

/** Performs statements on the machine, each as if it were the only one. */
class Trial {
  private readonly here: Here;
  private readonly names: Names;
  /** What undoes the names that the last statement gave. */
  private readonly undo: (() => void)[] = [];

  constructor(here: Here) {
    this.here = here;
    const { xen, names } = here;
    this.names = new Names(xen);
    for (const kind of ['domains', 'pages', 'handles'] as const) {
      const table = this.names[kind];
      for (const [name, value] of names[kind]) table.set(name, value);
      table.told = (name, before) =>
        this.undo.push(() => (before === undefined ? table.delete(name) : table.set(name, before)));
    }
  }

  of(statement: Statement): Possible | undefined {
    const { xen, timeline } = this.here;
    const mark = xen.store.mark();
    const before = xen.store.hashText();
    try {
      const { status, faults } = performStatement(xen, this.names, statement, timeline.program.file);
      if (NO_TRY.has(status)) return undefined;
      const refused = faults !== undefined || isRefusal(status);
      const changes = xen.store.mark() !== mark && xen.store.hashText() !== before;
      return {
        statement: printStatement(statement),
        actor: actorOf(statement),
        op: statement.op,
        status,
        inSteps: OPERATION_BY_NAME.get(statement.op)!.preemptible === true,
        effect: refused ? 'refused' : changes ? 'changes' : 'nothing',
      };
    } catch (error) {
      // It cannot be carried out as written: a frame that is not free, a handle that there is not.
      if (!(error instanceof InputError)) throw error;
      return undefined;
    } finally {
      xen.store.rollback(mark);
      this.forgetNames();
    }
  }

  private forgetNames(): void {
    const undo = this.undo.splice(0).reverse();
    for (const one of undo) one();
    this.undo.length = 0;
  }
}

/** Answers of refusal that are neither errnos nor statuses of grant tables. */
const REFUSALS: ReadonlySet<string> = new Set(['fault', 'blocked', 'in_use', 'undefined', 'abort']);

const isRefusal = (status: string): boolean =>
  /^E[A-Z0-9]+$/.test(status) || Object.hasOwn(GNTST, status) || REFUSALS.has(status);

/** Who makes a statement come about. */
function actorOf({ op, args }: Statement): string {
  const actor = OPERATION_BY_NAME.get(op)!.actor;
  if (actor === 'guest') return String(args.domain ?? 'dom0');
  return actor === 'device' ? String(args.device) : 'toolstack';
}

function candidates(here: Here, picked: number | undefined): readonly Statement[] {
  const { xen } = here;
  const statements = new Map<string, Statement>();
  const known = handleNames(here);
  const add = (statement: Statement): void => {
    if (statements.size < MOST_TRIED && isSayable(statement, known))
      statements.set(printStatement(statement), statement);
  };
  for (const statement of ofCalls(here)) add(statement);
  for (const action of alphabetOf(xen, namesAt(here), boundsAt(here, picked))) {
    add(whole(actionStatement(action, 1)));
  }
  for (const statement of newDomains(here)) add(statement);
  return [...statements.values()];
}

/** The names that the program gives to mappings, at any time. */
const handleNames = ({ timeline }: Here): ReadonlySet<string> =>
  new Set(
    [...statementsOf(timeline.program.steps)].flatMap(({ op, args }) =>
      op.endsWith('map_grant_ref') && typeof args.handle === 'string' ? [args.handle] : [],
    ),
  );

/** Whether a program may say it: a mapping that is made has a name of its own, one that is used has a name. */
const isSayable = ({ op, args }: Statement, handles: ReadonlySet<string>): boolean =>
  OPERATION_BY_NAME.get(op)!.parameters.every(({ name, kind }) => {
    const isKnown = handles.has(String(args[name]));
    return kind === 'newHandle' ? !isKnown : kind !== 'handle' || args[name] === undefined || isKnown;
  });

/** An action by what it does as a whole: whoever adds it says whether it is only to be begun. */
const whole = (statement: Statement): Statement => {
  const op = statement.op.replace(/^begin /, '');
  return op === statement.op ? statement : { ...statement, op };
};

function boundsAt(here: Here, picked: number | undefined): AlphabetBounds {
  return {
    ...DEFAULT_ALPHABET,
    handles: handlesInUse(here) + 1,
    destroy: true,
    partialUnmaps: true,
    operations: OPERATIONS_TRIED,
    only: examplesAt(here, picked),
  };
}

/** One that begins a hypercall is the whole of it here. */
const OPERATIONS_TRIED = ACTION_OPERATIONS.filter((name) => !name.startsWith('begin '));

/** Handles of the mapper that has most of them. */
function handlesInUse({ xen }: Here): number {
  const { handles } = xen.spec.limits;
  let most = 0;
  for (let slot = 0; slot < xen.domIo; slot++) {
    for (let handle = most; handle < handles; handle++)
      if (xen.maptrack.flags.get(slot * handles + handle) !== 0) most = handle + 1;
  }
  return Math.min(most, handles - 1);
}

/** What is tried: frames that the program names or the reader has picked, and one of each owner; numbers that it uses. */
function examplesAt(here: Here, picked: number | undefined): Examples {
  const { xen, names, timeline } = here;
  const named = new Set<number>(picked === undefined ? [] : [picked]);
  const gfns = new Set<number>();
  const refs = new Set<number>();
  for (const { args } of statementsOf(timeline.program.steps)) {
    if (typeof args.page === 'number') named.add(args.page);
    if (typeof args.gfn === 'number') gfns.add(args.gfn);
    if (typeof args.ref === 'number') refs.add(args.ref);
  }
  for (const frame of names.pages.values()) named.add(frame);
  const frames = new Set([...named].map((frame) => xen.ram.indexOf(frame)).filter((pdx) => pdx >= 0));
  const owners = new Set<number>();
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    const owner = isFree(xen, pdx) ? -1 : ownerOf(xen, pdx);
    if (!owners.has(owner)) frames.add(pdx);
    owners.add(owner);
  }
  return {
    frames: [...frames].slice(0, MOST_FRAMES),
    gfns: xen.hasTranslatedDomains ? [...gfns, 0, 1].slice(0, MOST_NUMBERS) : [],
    refs: [...new Set([...refs, 0, 1])].slice(0, MOST_NUMBERS),
  };
}

/** What the program calls things in the state that is looked at; a mapping that is made gets a name that it does not use. */
function namesAt({ xen, names, timeline }: Here): ActionNames {
  const domains = new Map([...names.domains].map(([name, slot]) => [slot, name]));
  const { handles } = xen.spec.limits;
  const rows = new Map<number, string>();
  const taken = new Set<string>();
  for (const { op, args } of statementsOf(timeline.program.steps)) {
    if (op !== 'map_grant_ref' && op !== 'begin map_grant_ref') continue;
    const name = String(args.handle);
    taken.add(name);
    const [mapper, handle] = [names.domains.get(String(args.domain)), names.handles.get(name)];
    if (mapper === undefined || handle === undefined) continue;
    const row = mapper * handles + handle;
    if (xen.maptrack.flags.get(row) !== 0) rows.set(row, name);
  }
  return {
    domain: (slot) => domains.get(slot) ?? `d${slot}`,
    handle: (mapper, handle) => rows.get(mapper * handles + handle) ?? fresh(`h${mapper}_${handle}`, taken),
  };
}

const fresh = (name: string, taken: ReadonlySet<string>): string =>
  taken.has(name) ? fresh(`${name}_`, taken) : name;

const statementOf = (op: string, args: Readonly<Record<string, Argument>>): Statement => ({
  op,
  args,
  expect: [],
  line: 1,
  column: 1,
});

/** The next step of a hypercall that is under way, and the rest of it. */
function ofCalls({ names, xen }: Here): Statement[] {
  const domains = [...names.domains]
    .filter(([, slot]) => slot >= 0 && slot < xen.domIo)
    .map(([name]) => name);
  return ['step', 'finish'].flatMap((op) => [
    statementOf(op, {}),
    ...domains.filter((domain) => domain !== 'dom0').map((domain) => statementOf(op, { domain })),
  ]);
}

/** Domains of each kind of IOMMU context that could be made now. */
function newDomains({ timeline, names }: Here): Statement[] {
  const taken = new Set(names.domains.keys());
  for (const { args } of statementsOf(timeline.program.steps)) taken.add(String(args.domain));
  const domain = fresh('other', taken);
  const kinds =
    timeline.program.machine.arch === 'arm' ? [[], ['iommu']] : [[], ['iommu'], ['hvm', 'hap', 'iommu']];
  return kinds.map((flags) => statementOf('createdomain', { domain, ...(flags.length > 0 && { flags }) }));
}
