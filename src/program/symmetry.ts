import type { Xen } from '../xen/state.js';
import { type Alike, findAlike, type Happenings } from '../xen/symmetry/alike.js';
import { Image, TableWords } from '../xen/symmetry/image.js';
import { allRenamings, type Class, exchanges, type Part, type Renaming } from '../xen/symmetry/renaming.js';
import type { Action, ActionNames } from './alphabet-action.js';
import type { AlphabetBounds } from './alphabet-bounds.js';
import { refsTried } from './alphabet-examples.js';
import { OPERATION_BY_NAME, type Parameter } from './operations.js';
import type { Argument } from './program.js';

/** What a search makes use of: things that are alike, and all renamings of them but the one that changes nothing. */
export interface SymmetryFound {
  readonly classes: readonly Class[];
  readonly images: readonly Image[];
  readonly renamings: readonly Renaming[];
  /** What might have been alike and is not, with the reason. */
  readonly apart: readonly string[];
}

/**
 * Operations that go by the number of a page, or of what else could be alike: where a search tries them, those are told
 * apart. Found by the test that holds every operation against every renaming (symmetry.test.ts).
 */
const ORDERED: Readonly<Record<Part, ReadonlySet<string>>> = {
  frames: new Set<string>(['set_pod_target']),
  refs: new Set<string>(['grant_set_version', 'begin grant_set_version', 'grant_transitive']),
  handles: new Set<string>([]),
  devices: new Set<string>([]),
};

/** Statements with their images: more than this, and trying them costs more than they save. */
const MOST_IMAGES = 500;

/**
 * Finds what is alike on a machine for a search with these actions. A class under which the actions do not map to
 * themselves is left out.
 */
export function findSymmetry(
  xen: Xen,
  names: ActionNames,
  bounds: AlphabetBounds,
  actions: readonly Action[],
): SymmetryFound {
  const alike = findAlike(xen, happeningsOf(xen, bounds, actions));
  const apart = [...alike.apart];
  const keys = new Set(actions.map(({ op, args }) => keyOf(op, args)));
  const tried = new Set(actions.map(({ op }) => op));
  const classes = alike.classes.filter((one) => {
    const ordered = [...ORDERED[one.part]].find((op) => tried.has(op));
    if (ordered !== undefined) {
      apart.push(`${PLURALS[one.part]}: \`${ordered}\` goes by their numbers`);
      return false;
    }
    const several = one.part === 'frames' && actions.some(isOfMany);
    if (several) {
      apart.push('pages: several are given at once, by their numbers');
      return false;
    }
    if (one.part === 'frames' && actions.some(takesAnyPage)) {
      apart.push('pages: Xen gives the one with the lowest number');
      return false;
    }
    const open = exchanges(xen, one).some((renaming) => {
      const rename = new ActionImage(xen, names, renaming);
      return actions.some((action) => !keys.has(rename.key(action)));
    });
    if (open) apart.push(`${PLURALS[one.part]}: not all of them can be used in the same ways`);
    return !open;
  });
  return { classes, apart, ...imagesOf(xen, classes, alike) };
}

type Tried = Pick<Action, 'op' | 'args'>;

/** The argument by which an operation takes a page. */
const pageTaken = ({ op, args }: Tried): Argument | undefined => {
  const parameter = OPERATION_BY_NAME.get(op)!.parameters.find(({ kind }) => kind === 'newPage');
  return parameter === undefined ? undefined : args[parameter.name];
};

/** Whether it is about several pages that stand together. */
const isOfMany = (action: Tried): boolean => {
  const { order = 0, count = 1 } = action.args;
  return Number(order) > 0 || (Number(count) > 1 && pageTaken(action) !== undefined);
};

/** Whether it takes a page, and does not say which. */
const takesAnyPage = (action: Tried): boolean => {
  const page = pageTaken(action);
  return page !== undefined && !Number.isInteger(Number(page));
};

/**
 * Statements, and what they are when things that are alike change places: without these a search could make no use of what
 * is alike. Where they would be too many, none are added.
 */
export function withImages(
  xen: Xen,
  names: ActionNames,
  bounds: AlphabetBounds,
  statements: readonly Tried[],
): readonly Tried[] {
  if (statements.length === 0) return statements;
  const actions = statements.map(({ op, args }) => ({ op, args, actor: '', perform: () => 0 as const }));
  const { classes } = findAlike(xen, happeningsOf(xen, bounds, actions));
  const images = classes
    .flatMap((one) => exchanges(xen, one))
    .map((renaming) => new ActionImage(xen, names, renaming));
  const found = new Map(statements.map((one) => [keyOf(one.op, one.args), one]));
  for (const one of found.values()) {
    for (const image of images) {
      const there = { op: one.op, args: image.argsOf(one) };
      found.set(keyOf(there.op, there.args), there);
    }
    if (found.size > MOST_IMAGES) return statements;
  }
  return [...found.values()];
}

function imagesOf(
  xen: Xen,
  classes: readonly Class[],
  { roles }: Alike,
): Pick<SymmetryFound, 'images' | 'renamings'> {
  const renamings = allRenamings(xen, classes).slice(1);
  const words = new TableWords(xen);
  return { renamings, images: renamings.map((renaming) => new Image(xen, renaming, roles, words)) };
}

function happeningsOf(xen: Xen, bounds: AlphabetBounds, actions: readonly Action[]): Happenings {
  const tried = new Set(actions.map(({ op }) => op));
  return {
    frames: bounds.only?.frames,
    named: framesNamed(actions),
    gfns: numbersOf(actions, ['gfn', 'index']),
    written: numbersOf(actions, ['value']),
    refs: refsTried(xen, bounds),
    handles: bounds.handles,
    deaths: tried.has('destroydomain') || tried.has('begin destroydomain'),
    slowDeaths: tried.has('begin destroydomain'),
    failures: tried.has('fail'),
    version2: tried.has('grant_set_version') || tried.has('begin grant_set_version'),
  };
}

/** Numbers of the frames that actions name, as pages or as what devices access. */
export function framesNamed(actions: readonly Tried[]): number[] {
  const found = new Set<number>();
  for (const { op, args } of actions) {
    for (const { name, kind } of OPERATION_BY_NAME.get(op)!.parameters) {
      const value = Number(args[name]);
      if (kind === 'page' || kind === 'newPage') found.add(value);
      if (kind === 'address') found.add(Math.floor(value / 4096));
    }
  }
  return [...found].filter((frame) => Number.isInteger(frame));
}

/** Numbers that actions have as these arguments. */
function numbersOf(actions: readonly Action[], names: readonly string[]): number[] {
  const found = new Set(actions.flatMap(({ args }) => names.map((name) => args[name])));
  return [...found].filter((value) => typeof value === 'number');
}

/** How a class of things is called. */
const PLURALS: Readonly<Record<Part, string>> = {
  frames: 'pages',
  refs: 'refs',
  handles: 'handles',
  devices: 'devices',
};

/** `3 pages`. */
export const classText = ({ part, members }: Class): string => `${members.length} ${PLURALS[part]}`;

/** What says which action is meant. */
function keyOf(op: string, args: Readonly<Record<string, Argument>>): string {
  return `${op} ${JSON.stringify(Object.entries(args).sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}

/** Numbers that are grant references, by the parameter's name. */
const REFS: ReadonlySet<string> = new Set(['ref', 'viaref', 'from_ref', 'to_ref', 'a', 'b']);

/** What a renaming makes of actions. */
export class ActionImage {
  private readonly xen: Xen;
  private readonly renaming: Renaming;
  private readonly devices: ReadonlyMap<string, number>;
  private readonly handles = new Map<string, string>();

  constructor(xen: Xen, names: ActionNames, renaming: Renaming) {
    this.xen = xen;
    this.renaming = renaming;
    this.devices = new Map(xen.spec.devices.map(({ name }, row) => [name, row]));
    const { handles } = xen.spec.limits;
    renaming.handles.forEach((to, from) => {
      const nameOf = (row: number) => names.handle(Math.floor(row / handles), row % handles);
      if (to !== from) this.handles.set(nameOf(from), nameOf(to));
    });
  }

  /** The key of the action that takes this one's place. */
  key(action: Tried): string {
    return keyOf(action.op, this.argsOf(action));
  }

  /** The arguments of the action that takes this one's place. */
  argsOf({ op, args }: Tried): Action['args'] {
    const parameters = OPERATION_BY_NAME.get(op)!.parameters;
    const renamed = parameters.flatMap(({ name, kind }): [string, Argument][] =>
      args[name] === undefined ? [] : [[name, this.rename(name, kind, args[name])]],
    );
    return { ...args, ...Object.fromEntries(renamed) };
  }

  private rename(name: string, kind: Parameter['kind'], value: Argument): Argument {
    switch (kind) {
      case 'page':
      case 'newPage':
        return Number.isInteger(Number(value)) ? this.frame(Number(value)) : value;
      case 'address':
        return this.frame(Math.floor(Number(value) / 4096)) * 4096 + (Number(value) % 4096);
      case 'entry': {
        const [, page, index] = /^(.*)\[(.*)\]$/.exec(String(value))!;
        return `0x${this.frame(Number(page)).toString(16)}[${index}]`;
      }
      case 'number':
        return REFS.has(name) ? (this.renaming.refs[Number(value)] ?? value) : value;
      case 'handle':
      case 'newHandle':
        return this.handles.get(String(value)) ?? value;
      case 'device':
      case 'anyDevice': {
        const row = this.devices.get(String(value));
        return row === undefined ? value : this.xen.spec.devices[this.renaming.devices[row]!]!.name;
      }
      default:
        return value;
    }
  }

  private frame(frame: number): number {
    const pdx = this.xen.ram.indexOf(frame);
    return pdx < 0 ? frame : this.xen.ram.frameAt(this.renaming.frames[pdx]!);
  }
}
