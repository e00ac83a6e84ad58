import { InputError } from '../text/diagnostic.js';
import type { SourceText } from '../text/source.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { INVARIANTS } from '../xen/invariants.js';
import { hexText, readAddress, readEntry, readNumber } from './argument-kinds.js';
import { checkMachine } from './check-machine.js';
import { describeRanges, FrameSet } from './frame-set.js';
import { Namespace } from './namespace.js';
import { OPERATION_BY_NAME, type Operation, type ParameterKind, usage } from './operations.js';
import type { Places } from './places.js';
import {
  type Argument,
  CONFIG_PAGES,
  type ConfigDomain,
  configPageName,
  type Expectation,
  isRepeat,
  LOOP_STATUSES,
  type Program,
  type Repeat,
  type Statement,
  type Step,
} from './program.js';
import { inputError, offer, type Problem, quote, type Refuse } from './refuse.js';

/** Blocks in blocks; deeper ones are no program a person wrote. */
export const MAX_NESTING = 32;

/**
 * The checks of a program that need no machine to run on: that every name is introduced, once and before its use, and
 * every frame exists. Text and JSON form both end here.
 * @throws InputError at the first thing that is wrong.
 */
export function checkProgram(program: Program, source: SourceText, places: Places): void {
  const refuse: Refuse = (node, part, problem) => {
    const path = places.path?.(node, part);
    const message = path ? `${path}: ${problem.message}` : problem.message;
    return inputError(source, places.at(node, part), { ...problem, message });
  };
  checkEdition(program, refuse);
  checkMachine(program.machine, refuse);
  new NameChecker(program, refuse, places).steps(program.steps, 0);
}

function checkEdition(program: Program, refuse: Refuse): void {
  if (program.edition === undefined) return;
  try {
    resolveEdition(program.edition);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const { code, message, hint } = error.diagnostic;
    throw refuse(program, 'edition', { code, message, hint });
  }
}

/** Whether a name is that of a page which a domain from a config starts with. */
function configPages(configs: readonly ConfigDomain[]): (name: string) => boolean {
  const pages = new Map(configs.map(({ name, pages = CONFIG_PAGES }) => [name, pages]));
  return (name) => {
    const number = readNumber(name.slice(name.lastIndexOf('_') + 1)) ?? Number.POSITIVE_INFINITY;
    const domain = name.slice(0, name.lastIndexOf('_'));
    return number < (pages.get(domain) ?? 0) && name === configPageName(domain, number);
  };
}

type Check = (checker: NameChecker, value: Argument, line: number) => Problem | undefined;

const using =
  (of: (checker: NameChecker) => Namespace): Check =>
  (checker, value) =>
    of(checker).use(value as string);
const binding =
  (of: (checker: NameChecker) => Namespace): Check =>
  (checker, value, line) =>
    of(checker).bind(value as string, line);
const usingPage = (checker: NameChecker, page: string | number): Problem | undefined =>
  typeof page === 'string' ? checker.pages.use(page) : checker.frame(page);

/** What must hold of an argument of each kind. */
const CHECKS: Readonly<Partial<Record<ParameterKind, Check>>> = {
  domain: using(({ domains }) => domains),
  newDomain: binding(({ domains }) => domains),
  device: using(({ devices }) => devices),
  handle: using(({ handles }) => handles),
  newHandle: binding(({ handles }) => handles),
  mark: using(({ marks }) => marks),
  newMark: binding(({ marks }) => marks),
  page: (checker, value) => usingPage(checker, value as string | number),
  newPage: (checker, value, line) =>
    typeof value === 'number' ? checker.domainFrame(value) : checker.pages.bind(value as string, line),
  entry: (checker, value) => {
    const entry = readEntry(value as string);
    return entry && usingPage(checker, entry.page);
  },
  address: (checker, value) => {
    const read = typeof value === 'string' ? readAddress(value) : undefined;
    return read && 'page' in read ? usingPage(checker, read.page) : undefined;
  },
};

/** Where names of things are kept that an operation makes. */
const NEW_NAMES: Readonly<Partial<Record<ParameterKind, (checker: NameChecker) => Namespace>>> = {
  newDomain: ({ domains }) => domains,
  newHandle: ({ handles }) => handles,
  newPage: ({ pages }) => pages,
};

class NameChecker {
  readonly domains = new Namespace('domain', 'domains come from `createdomain` and `config`', [
    'dom0',
    'dom_io',
    'dom_invalid',
  ]);
  readonly pages: Namespace;
  readonly handles = new Namespace('handle', 'handles get their names in `map_grant_ref`');
  readonly marks = new Namespace('mark', 'marks get their names in `mark`');
  readonly devices: Namespace;
  private readonly program: Program;
  /** A `fail` has been seen: from there on anything can be refused. */
  private thingsFail = false;
  private readonly refuse: Refuse;
  private readonly ram: FrameSet;
  private readonly frames: FrameSet;

  constructor(program: Program, refuse: Refuse, places: Places) {
    const { machine, configs } = program;
    this.program = program;
    this.refuse = refuse;
    const pageOrigin = 'pages get their names in `populate_physmap`';
    this.pages = new Namespace('page', pageOrigin, [], configs.length > 0 ? configPages(configs) : undefined);
    this.ram = new FrameSet(machine.ram);
    this.frames = new FrameSet([...machine.ram, machine.xenHeap]);
    this.devices = new Namespace(
      'device',
      'devices come from `device`',
      machine.devices.map(({ name }) => name),
    );
    for (const config of configs) {
      const problem = this.domains.bind(config.name, places.at(config).line);
      if (problem !== undefined) throw refuse(config, 'name', problem);
    }
  }

  steps(steps: readonly Step[], depth: number): void {
    for (const step of steps) {
      if (isRepeat(step)) this.repeat(step, depth + 1);
      else this.statement(step);
    }
  }

  frame(frame: number): Problem | undefined {
    return this.frames.has(frame) ? undefined : this.beyond(frame);
  }

  domainFrame(frame: number): Problem | undefined {
    return this.ram.has(frame) ? undefined : this.beyond(frame);
  }

  private beyond(frame: number): Problem {
    const hint = describeRanges(this.program.machine);
    return {
      code: 'frame-beyond-machine',
      message: `frame ${hexText(frame)} is beyond the machine’s memory`,
      hint,
    };
  }

  private repeat(step: Repeat, depth: number): void {
    if (step.repeat !== 'forever' && step.repeat < 1) {
      throw this.refuse(step, 'repeat', { code: 'bad-repeat', message: 'repeat at least once' });
    }
    if (depth > MAX_NESTING) {
      const message = `blocks are nested more than ${MAX_NESTING} deep`;
      throw this.refuse(step, undefined, { code: 'nested-too-deeply', message });
    }
    this.steps(step.body, depth);
    for (const expectation of step.expect) this.loopExpectation(step, expectation);
  }

  /** Of a block that is repeated for ever it can be said what it comes to, and nothing else. */
  private loopExpectation(step: Repeat, expectation: Expectation): void {
    const code = 'bad-expectation';
    const hint = `usage: repeat forever … end, then expect ${LOOP_STATUSES.join(' | ')}`;
    if (step.repeat !== 'forever') {
      const message = '`repeat` a number of times comes to nothing that could be expected';
      throw this.refuse(expectation, undefined, { code, message, hint });
    }
    const { kind } = expectation;
    if (kind === 'status' && (LOOP_STATUSES as readonly string[]).includes(expectation.status)) return;
    const message = '`repeat forever` never comes to that';
    throw this.refuse(expectation, undefined, { code, message, hint });
  }

  private statement(statement: Statement): void {
    const operation = OPERATION_BY_NAME.get(statement.op)!;
    this.arguments(operation, statement);
    this.release(operation, statement);
    if (statement.op === 'fail') this.thingsFail = true;
    if (this.thingsFail) this.releaseNew(operation, statement);
    for (const expectation of statement.expect) {
      if (expectation.kind !== 'violation' || INVARIANT_IDS.includes(expectation.invariant)) continue;
      const message = `unknown invariant ${quote(expectation.invariant)}`;
      const hint = offer(expectation.invariant, INVARIANT_IDS);
      throw this.refuse(expectation, undefined, { code: 'unknown-invariant', message, hint });
    }
  }

  private release({ parameters, frees }: Operation, { args }: Statement): void {
    const freed = parameters.find(({ name }) => name === frees);
    const value = freed && args[freed.name];
    if (typeof value !== 'string') return;
    const { domains, handles, pages } = this;
    (({ domain: domains, handle: handles })[freed!.kind as string] ?? pages).release(value);
  }

  /** Names that the statement gives, but not for sure: what is refused gives none, so they can be given again. */
  private releaseNew({ parameters }: Operation, { args }: Statement): void {
    for (const { name, kind } of parameters) {
      const value = args[name];
      if (typeof value === 'string') NEW_NAMES[kind]?.(this).release(value);
    }
  }

  private arguments(operation: Operation, statement: Statement): void {
    const { args, line } = statement;
    let missing: string | undefined;
    for (const { name, kind, keyed } of operation.parameters) {
      const value = args[name];
      if (value === undefined) {
        if (!keyed && kind !== 'flags') missing ??= name;
        continue;
      }
      const gap = keyed || kind === 'flags' ? undefined : missing;
      const problem =
        gap === undefined ? CHECKS[kind]?.(this, value, line) : gapProblem(operation, name, gap);
      if (problem !== undefined) throw this.refuse(statement, name, problem);
    }
  }
}

/** The text form could not tell the second of two optional arguments from the first. */
function gapProblem(operation: Operation, given: string, missing: string): Problem {
  const message = `${quote(given)} is given without ${quote(missing)}`;
  return { code: 'missing-argument', message, hint: `usage: ${usage(operation)}` };
}

const INVARIANT_IDS: readonly string[] = INVARIANTS.map(({ id }) => id);
