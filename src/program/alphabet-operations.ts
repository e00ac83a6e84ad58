import { InputError } from '../text/diagnostic.js';
import { suggest } from '../text/suggest.js';
import type { Xen } from '../xen/state.js';
import type { AddAction } from './alphabet-action.js';
import { type ActionNames, Attempt } from './alphabet-action.js';
import type { AlphabetBounds } from './alphabet-bounds.js';
import { gfnsTried, refsTried } from './alphabet-examples.js';
import { Arguments, Nameless } from './arguments.js';
import { HANDLERS } from './handlers.js';
import { Names } from './names.js';
import { OPERATION_BY_NAME, OPERATIONS, type Operation, type Parameter } from './operations.js';
import type { Argument, Statement } from './program.js';

/**
 * Any operation of the language as actions of the search: with every combination of what its parameters can be on this
 * machine, within the bounds. So the search can try whatever a program can say, without an alphabet made for it.
 */

/** What an optional parameter is given, where it is given at all: sets of them that make sense together. */
const VARIANTS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  grant_copy: [
    ['from_ref', 'from_domain', 'to'],
    ['from', 'to_ref', 'to_domain'],
  ],
  populate_physmap: [['gfn'], ['gfn', 'order'], []],
  decrease_reservation: [['page'], ['gfn'], ['gfn', 'order']],
  populate_on_demand: [[], ['order']],
  add_to_physmap: [['index'], ['of', 'index'], ['index', 'size']],
  set_mem_access: [['gfn']],
  memory_mapping: [[], ['count']],
  mmu_update: [[], ['page', 'rights']],
  'begin mmu_update': [[], ['page', 'rights']],
  store: [[], ['page', 'rights']],
  update_linear_mapping: [[], ['page', 'rights']],
  machphys_update: [[], ['of']],
  update_va_mapping: [[], ['page', 'rights']],
  new_user_baseptr: [[], ['page']],
  set_gdt: [[], ['entries']],
  map_grant_ref: [[], ['va'], ['gfn']],
};

/** What flags are given, where an operation has any: none, unless it stands here. */
const FLAGS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  grant: [[], ['readonly'], ['sub_page']],
  grant_transitive: [[], ['readonly']],
  map_grant_ref: [['host'], ['device'], ['host', 'device']].flatMap((halves) => [
    halves,
    [...halves, 'readonly'],
  ]),
  unmap_grant_ref: [[], ['host'], ['device'], ['nothing']],
  grant_cache_flush: [['clean']],
};

/** An operation that is begun is given what the whole of it is. */
const wholeOf = (name: string): string => name.replace(/^begin /, '');

/** What numbers are tried, by the name of the parameter. Others are left to those who write programs. */
type Numbers = (xen: Xen, bounds: AlphabetBounds) => readonly number[];
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const gfns: Numbers = (xen, bounds) =>
  xen.hasTranslatedDomains ? [...gfnsTried(xen, bounds), ...(growsTables(xen) ? [THREE_LEVELS] : [])] : [];

/** The lowest guest frame for which tables of two levels, which grow, must grow by two. */
const THREE_LEVELS = 2 ** 27;
const growsTables = (xen: Xen): boolean => xen.amdvi !== undefined && xen.profile.amdLevels === 'growing';

const refs: Numbers = refsTried;
const NUMBERS: Readonly<Record<string, Numbers>> = {
  ref: refs,
  viaref: refs,
  from_ref: refs,
  to_ref: refs,
  a: refs,
  b: refs,
  gfn: gfns,
  index: gfns,
  with: (xen, { vaSlots }) => upTo(Math.min(vaSlots, xen.spec.limits.vaSlots)),
  va: (xen, { vaSlots }) => upTo(Math.min(vaSlots, xen.spec.limits.vaSlots)),
  size: () => [2],
  // More than is handled at once.
  count: () => [256],
  order: (_xen, { orders = [] }) => orders,
  version: () => [1, 2],
  frames: (xen) => [xen.spec.limits.grantFrames],
  pages: (_xen, { pages = 2 }) => upTo(pages + 1),
  entries: () => [0],
  l1_index: (_xen, { entries }) => upTo(entries),
  mfn: (xen) => {
    const declared = [
      ...(xen.spec.readOnlyMmio ?? []),
      ...(xen.spec.regions ?? []).map(({ range }) => range),
    ];
    return declared.length > 0 ? declared.map(({ base }) => base) : [DEVICE_MEMORY];
  },
};

/** A frame of device memory, where the machine says nothing of any. */
const DEVICE_MEMORY = 0xf_e000;

/** Operations that are no action of anybody on the machine, or that only make sense in a program that is written. */
const NO_ACTIONS: ReadonlySet<string> = new Set([
  'mark',
  'same_state',
  'checks',
  'wait',
  'step',
  'finish',
  'fail',
  'boot_domain',
]);

/** The names of the operations that can be asked for. */
export const ACTION_OPERATIONS: readonly string[] = OPERATIONS.map(({ name }) => name).filter(
  (name) => !NO_ACTIONS.has(name),
);

/** Adds an action of the domain `slot`; of the toolstack, a device or nobody, where that is 0. */
type AddOf = (slot: number, ...action: Parameters<AddAction>) => void;

/**
 * Adds the actions of the operations called `asked`.
 * @throws InputError for a name that is no operation.
 */
export function addOperations(
  xen: Xen,
  actionNames: ActionNames,
  bounds: AlphabetBounds,
  frames: readonly number[],
  asked: readonly string[],
  add: AddOf,
): void {
  const names = namesOf(xen, actionNames, (slot) => xen.exists(slot));
  const choices = new Choices(xen, names, actionNames, bounds, frames);
  for (const one of asked) {
    const { name, who } = readAsked(one);
    const operation = OPERATION_BY_NAME.get(name);
    if (operation === undefined || !ACTION_OPERATIONS.includes(name)) throw unknownOperation(name);
    for (const args of choices.combinations(operation)) {
      if (who === undefined || args.domain === who) addOne(xen, names, operation, args, add);
    }
  }
}

/** Adds statements of programs, which may also be about domains that are only made meanwhile. */
export function addStatements(
  xen: Xen,
  actionNames: ActionNames,
  statements: readonly Pick<Statement, 'op' | 'args'>[],
  add: AddOf,
): void {
  const names = namesOf(xen, actionNames, () => true);
  for (const { op, args } of statements) addOne(xen, names, OPERATION_BY_NAME.get(op)!, args, add);
}

/** Adds an operation with its arguments, done as a program does it. */
function addOne(
  xen: Xen,
  names: Names,
  operation: Operation,
  args: Readonly<Record<string, Argument>>,
  add: AddOf,
): void {
  const { name, actor } = operation;
  const handler = HANDLERS[name]!;
  const slot = actor === 'guest' ? names.domains.get(String(args.domain)) : undefined;
  const acting = String(
    args[{ guest: 'domain', device: 'device', toolstack: '', program: '' }[actor]] ?? 'dom0',
  );
  const values = new Arguments(args, names, xen);
  const given = newName(operation, args, names);
  const number = given?.table.get(given.name);
  add(slot ?? 0, name, acting, { ...args }, () => {
    try {
      handler(xen, values, names);
    } catch (error) {
      if (error instanceof Nameless) return Attempt.impossible;
      throw error;
    }
    if (given !== undefined && given.table.get(given.name) !== number) {
      // The name stands for something else: the action that names what was given is another.
      given.table.set(given.name, number!);
      return Attempt.impossible;
    }
    // Whether Xen refused or not: what counts is what it changed.
    return Attempt.refused;
  });
}

/** `guest: grant_copy` is the operation as this domain alone tries it. */
function readAsked(asked: string): { name: string; who?: string } {
  const colon = asked.indexOf(': ');
  return colon < 0 ? { name: asked } : { name: asked.slice(colon + 2), who: asked.slice(0, colon) };
}

/** The name that an operation gives to a handle or a domain, if it gives one. */
function newName(
  { parameters }: Operation,
  args: Readonly<Record<string, Argument>>,
  { handles, domains }: Names,
): { readonly table: Map<string, number>; readonly name: string } | undefined {
  const parameter = parameters.find(({ kind }) => kind === 'newHandle' || kind === 'newDomain');
  if (parameter === undefined) return undefined;
  return { table: parameter.kind === 'newHandle' ? handles : domains, name: String(args[parameter.name]) };
}

/** All names that actions use, bound once: the search gives the same thing the same name each time. */
function namesOf(xen: Xen, actionNames: ActionNames, isNamed: (slot: number) => boolean): Names {
  const names = new Names(xen);
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (!isNamed(slot)) continue;
    names.domains.set(actionNames.domain(slot), slot);
    for (let handle = 0; handle < xen.spec.limits.handles; handle++)
      names.handles.set(actionNames.handle(slot, handle), handle);
  }
  return names;
}

/** Every frame of RAM, Xen's own among them, and one beyond. */
function everyFrame(xen: Xen): number[] {
  const frames = upTo(xen.ram.frames).map((pdx) => xen.ram.frameAt(pdx));
  return [...frames, Math.max(...frames) + 1];
}

class Choices {
  private readonly xen: Xen;
  private readonly names: Names;
  private readonly actionNames: ActionNames;
  private readonly bounds: AlphabetBounds;
  private readonly pages: readonly number[];
  private readonly domains: readonly string[];

  constructor(
    xen: Xen,
    names: Names,
    actionNames: ActionNames,
    bounds: AlphabetBounds,
    frames: readonly number[],
  ) {
    this.xen = xen;
    this.names = names;
    this.actionNames = actionNames;
    this.bounds = bounds;
    this.pages = bounds.anyFrame ? everyFrame(xen) : frames.map((pdx) => xen.ram.frameAt(pdx));
    this.domains = [...names.domains]
      .filter(([, slot]) => slot >= 0 && slot < xen.domIo)
      .map(([name]) => name);
  }

  /** Every combination of arguments. */
  *combinations({ name, parameters }: Operation): Generator<Record<string, Argument>> {
    const whole = wholeOf(name);
    const flags = FLAGS[whole] ?? [[]];
    for (const variant of VARIANTS[whole] ?? [[]]) {
      const given = parameters.filter(
        ({ kind, optional, name: parameter }) =>
          kind !== 'flags' && (optional !== true || variant.includes(parameter)),
      );
      for (const args of this.product(given, {}))
        for (const set of flags) yield set.length === 0 ? args : { ...args, flags: [...set] };
    }
  }

  private *product(
    [first, ...rest]: readonly Parameter[],
    before: Record<string, Argument>,
  ): Generator<Record<string, Argument>> {
    if (first === undefined) yield before;
    else
      for (const value of this.values(first, before))
        yield* this.product(rest, { ...before, [first.name]: value });
  }

  private values(
    { name, kind, words = [] }: Parameter,
    before: Record<string, Argument>,
  ): readonly Argument[] {
    const { xen, bounds, names } = this;
    switch (kind) {
      case 'domain':
        return this.domains;
      case 'page':
      case 'newPage':
        return this.pages;
      case 'entry':
        return this.pages.flatMap((page) => upTo(bounds.entries).map((n) => `0x${page.toString(16)}[${n}]`));
      case 'address':
        return [...gfns(xen, bounds), ...this.pages].map((frame) => frame * 4096);
      case 'device':
      case 'anyDevice':
        return xen.spec.devices.map((device) => device.name);
      case 'handle':
      case 'newHandle':
        return this.handlesOf(names.domains.get(String(before.domain)) ?? 0);
      case 'number':
        return this.isFor(name, before) ? (NUMBERS[name]?.(xen, bounds) ?? []) : [];
      case 'word':
        return words;
      default:
        return [];
    }
  }

  /** Whether a parameter means anything to the domain of the statement: gfns are for translated domains, virtual pages for others. */
  private isFor(parameter: string, { domain }: Record<string, Argument>): boolean {
    const slot = domain === undefined ? undefined : this.names.domains.get(String(domain));
    if (slot === undefined) return true;
    if (parameter === 'gfn') return this.xen.isTranslated(slot);
    return parameter !== 'va' || this.xen.isPv(slot);
  }

  private handlesOf(slot: number): readonly string[] {
    const { xen, bounds, actionNames } = this;
    const count = Math.min(xen.spec.limits.handles, bounds.handles);
    return upTo(count).map((handle) => actionNames.handle(slot, handle));
  }
}

function unknownOperation(name: string): InputError {
  const near = suggest(name, ACTION_OPERATIONS);
  return new InputError({
    severity: 'error',
    code: 'unknown-operation',
    message: `\`${name}\` is no operation that the search can try`,
    file: '--with',
    line: 1,
    column: 1,
    hint: `${near === undefined ? '' : `did you mean \`${near}\`? `}docs/program.md lists the operations`,
  });
}
