import type { z } from 'zod';
import type { InputError } from '../text/diagnostic.js';
import type { SourceText } from '../text/source.js';
import { checkProgram } from './check-names.js';
import { expectedText, makeExpectation } from './expectations.js';
import { type Located, locateJson, spanOf } from './json-locate.js';
import { type Places, START } from './places.js';
import {
  type Argument,
  type ConfigDomain,
  completeMachine,
  type Expectation,
  isRepeat,
  type MachineDeclaration,
  type Place,
  type Program,
  type Step,
} from './program.js';
import { inputError, offer, quote, type Span } from './refuse.js';
import { OPERATION_SCHEMAS, PROGRAM_SCHEMA, REPEAT_SCHEMA } from './schema.js';

/**
 * Reads the JSON form of a program.
 * @throws InputError at the first thing that is wrong, with its JSON path and its place in the text.
 */
export function parseProgramJson(source: SourceText): Program {
  const root = locateJson(source);
  const places = new JsonPlaces(source);
  const value: unknown = JSON.parse(source.text.replace(/^\ufeff/, ''));
  const program = new JsonReader(source, places).program(value, root);
  checkProgram(program, source, places);
  return program;
}

interface Noted {
  readonly at: Located | undefined;
  readonly path: Path;
}

/** Places and paths worked out only when asked for. */
class JsonPlaces implements Places {
  private readonly source: SourceText;
  private readonly noted = new Map<object, Noted>();

  constructor(source: SourceText) {
    this.source = source;
  }

  note<Node extends object>(node: Node, at: Located | undefined, path: Path): Node {
    this.noted.set(node, { at, path });
    return node;
  }

  at(node: object, part = ''): Span {
    const whole = this.noted.get(node)?.at;
    const at = whole?.fields?.get(part) ?? whole;
    return at === undefined ? START : spanOf(this.source, at);
  }

  path(node: object, part = ''): string {
    const { at, path = [] } = this.noted.get(node) ?? {};
    return pathText(at?.fields?.has(part) ? [...path, part] : path);
  }
}

type Path = readonly (string | number)[];

class JsonReader {
  private readonly source: SourceText;
  private readonly places: JsonPlaces;

  constructor(source: SourceText, places: JsonPlaces) {
    this.source = source;
    this.places = places;
  }

  program(value: unknown, at: Located): Program {
    const read = this.check(PROGRAM_SCHEMA, value, at, []);
    const field = (name: string): Located | undefined => at.fields?.get(name);
    const program: Program = {
      file: this.source.name,
      ...(read.edition !== undefined && { edition: read.edition }),
      machine: this.machine(read.machine ?? {}, field('machine')),
      configs: (read.configs ?? []).map((config, index) => {
        const located = field('configs')!.items![index]!;
        const domain = { ...config, ...this.place(located) } as ConfigDomain;
        return this.places.note(domain, located, ['configs', index]);
      }),
      steps: this.steps(read.steps, field('steps')!, ['steps']),
    };
    return this.places.note(program, at, []);
  }

  private machine(
    read: z.infer<typeof PROGRAM_SCHEMA>['machine'] & object,
    at: Located | undefined,
  ): MachineDeclaration {
    // A flag that is said not to be is not said.
    const devices = read.devices?.map((device) =>
      Object.fromEntries(Object.entries(device).filter(([, value]) => value !== false)),
    );
    const declared = { ...read, ...(devices && { devices }) } as Partial<MachineDeclaration>;
    for (const list of ['ram', 'devices', 'streams', 'reserved', 'regions', 'units'] as const) {
      declared[list]?.forEach((item, index) => {
        this.places.note(item, at?.fields?.get(list)?.items?.[index], ['machine', list, index]);
      });
    }
    for (const part of ['xenHeap', 'limits'] as const) {
      const node = declared[part];
      if (node !== undefined) this.places.note(node, at?.fields?.get(part), ['machine', part]);
    }
    return this.places.note(completeMachine(declared), at, ['machine']);
  }

  private steps(values: readonly unknown[], at: Located, path: Path): Step[] {
    return values.map((value, index) => this.step(value, at.items![index]!, [...path, index]));
  }

  private step(value: unknown, at: Located, path: Path): Step {
    const place = this.place(at);
    if (at.fields?.has('repeat')) {
      const { repeat, body, expect: expected = [] } = this.check(REPEAT_SCHEMA, value, at, path);
      const steps = this.steps(body, at.fields.get('body')!, [...path, 'body']);
      const expect = this.expectations(expected, at, path);
      return this.places.note({ repeat, body: steps, expect, ...place }, at, path);
    }
    const { op: name } = (at.fields === undefined ? {} : value) as { op?: unknown };
    const schema = typeof name === 'string' ? OPERATION_SCHEMAS.get(name) : undefined;
    if (schema === undefined) throw this.unknownStep(name, at, path);
    const { op, expect = [], ...given } = this.check(schema, value, at, path);
    const args = Object.entries(given).filter(([, arg]) => !(Array.isArray(arg) && arg.length === 0));
    const statement = {
      op,
      args: Object.fromEntries(args) as Record<string, Argument>,
      expect: this.expectations(expect, at, path),
      ...place,
    };
    return this.places.note(statement, at, path);
  }

  private expectations(
    values: readonly (string | Record<string, unknown>)[],
    at: Located,
    path: Path,
  ): Expectation[] {
    const items = at.fields?.get('expect')?.items ?? [];
    return values.map((value, index) => this.expectation(value, items[index]!, [...path, 'expect', index]));
  }

  private expectation(value: string | Record<string, unknown>, at: Located, path: Path): Expectation {
    const [kind, text] = typeof value === 'string' ? ['status', value] : Object.entries(value)[0]!;
    const expectation = makeExpectation(kind as Expectation['kind'], text as string, this.place(at));
    return this.places.note(expectation, at, path);
  }

  private unknownStep(name: unknown, at: Located, path: Path): InputError {
    const known = [...OPERATION_SCHEMAS.keys()];
    const where = at.fields?.get('op') ?? at;
    if (typeof name === 'string') {
      const message = `unknown operation ${quote(name)}`;
      return this.refuse(where, [...path, 'op'], 'unknown-operation', message, offer(name, known));
    }
    const hint = `operations: ${known.join(', ')}`;
    const message = 'expected a step: an object with `op`, or with `repeat` and `body`';
    return this.refuse(where, path, 'bad-step', message, hint);
  }

  /** What a schema makes of a value, or the error of its first issue. */
  private check<Schema extends z.ZodType>(
    schema: Schema,
    value: unknown,
    at: Located,
    path: Path,
  ): z.infer<Schema> {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    const [issue] = result.error.issues as [z.core.$ZodIssue];
    const inner = [...issue.path] as (string | number)[];
    const key = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
    let where = at;
    let missing = false;
    for (const part of [...inner, ...key]) {
      const next: Located | undefined =
        typeof part === 'number' ? where.items?.[part] : where.fields?.get(part);
      missing = next === undefined;
      where = next ?? where;
    }
    const message = missing ? `${quote(String(inner.pop()))} is missing; ${issue.message}` : issue.message;
    throw this.refuse(
      key.length > 0 ? (where.key ?? where) : where,
      [...path, ...inner],
      'bad-value',
      message,
    );
  }

  private refuse(
    at: Pick<Located, 'start' | 'end'>,
    path: Path,
    code: string,
    message: string,
    hint?: string,
  ) {
    const shown = pathText(path);
    const located = shown === '' ? message : `${shown}: ${message}`;
    return inputError(this.source, spanOf(this.source, at), { code, message: located, hint });
  }

  private place({ start }: Located): Place {
    return this.source.position(start);
  }
}

/** `steps[3].page` */
function pathText(path: Path): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '');
}

/** The JSON form of a program, as data. */
export interface JsonProgram {
  readonly edition?: string;
  readonly machine: MachineDeclaration;
  readonly configs: readonly Omit<ConfigDomain, keyof Place>[];
  readonly steps: readonly JsonStep[];
}

export type JsonStep =
  | {
      readonly repeat: number | 'forever';
      readonly body: readonly JsonStep[];
      readonly expect?: readonly JsonExpectation[];
    }
  | {
      readonly op: string;
      readonly expect?: readonly JsonExpectation[];
      readonly [argument: string]: unknown;
    };

export type JsonExpectation = string | Readonly<Record<string, string>>;

/** The JSON form of a program; {@link parseProgramJson} reads its text back. */
export function programToJson({ edition, machine, configs, steps }: Program): JsonProgram {
  return {
    ...(edition !== undefined && { edition }),
    machine,
    configs: configs.map(({ name, file, pages }) => ({ name, file, ...(pages !== undefined && { pages }) })),
    steps: steps.map(stepToJson),
  };
}

function stepToJson(step: Step): JsonStep {
  const expected = step.expect.map((expectation): JsonExpectation => {
    const text = expectedText(expectation);
    return expectation.kind === 'status' ? text : { [expectation.kind]: text };
  });
  const expect = expected.length > 0 && { expect: expected };
  if (isRepeat(step)) return { repeat: step.repeat, body: step.body.map(stepToJson), ...expect };
  return { op: step.op, ...step.args, ...expect };
}
