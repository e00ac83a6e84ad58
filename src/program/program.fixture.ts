import fc from 'fast-check';
import { INVARIANTS } from '../xen/invariants.js';
import { REGION_KINDS } from '../xen/machine.js';
import { hexText } from './argument-kinds.js';
import { EXPECTATIONS, makeExpectation } from './expectations.js';
import { OPERATIONS, type Operation, type Parameter, type ParameterKind } from './operations.js';
import {
  type Argument,
  type ConfigDomain,
  completeMachine,
  type DeviceDeclaration,
  type Expectation,
  GNTTAB_WORDS,
  LIMIT_NAMES,
  LOOP_STATUSES,
  type MachineDeclaration,
  type Program,
  type Statement,
  type Step,
  UNIT_FLAGS,
  type UnitDeclaration,
} from './program.js';

/** Arbitrary programs that pass all static checks, made of everything the tables offer. */
export const arbitraryProgram: fc.Arbitrary<Program> = fc
  .gen()
  .map((draw) => new ProgramMaker(draw).program());

/** A program as its two forms must agree on it: whatever the places. */
export function withoutPlaces(program: Program): unknown {
  const places = new Set(['line', 'column', 'file']);
  const { configs, ...rest } = program;
  const plain = JSON.stringify(rest, (key, value) => (places.has(key) ? undefined : value));
  return { ...JSON.parse(plain), configs: configs.map(({ line, column, ...config }) => config) };
}

const PLACE = { line: 1, column: 1 };
const NAME = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_-]{0,5}$/);
const EDITIONS = ['4.12', '4.13.2', '4.22', 'up-front'];

class ProgramMaker {
  private readonly draw: fc.GeneratorValue;
  private machine!: MachineDeclaration;
  private readonly names = {
    domain: ['dom0', 'dom_io', 'dom_invalid'],
    page: [] as string[],
    handle: [] as string[],
    mark: [] as string[],
    device: [] as string[],
  };

  constructor(draw: fc.GeneratorValue) {
    this.draw = draw;
  }

  program(): Program {
    this.machine = this.makeMachine();
    const edition = this.maybe(() => this.one(EDITIONS));
    const configs = this.times(2, () => this.config());
    const steps = this.steps(0);
    return { file: 'program', ...(edition && { edition }), machine: this.machine, configs, steps };
  }

  private makeMachine(): MachineDeclaration {
    const arm = this.flip();
    const devices = this.times(3, (index) => this.device(arm, index));
    const frames = (base: number) => {
      const first = base + this.number(16);
      return { first, last: first + this.number(16) };
    };
    const ram = this.flip() ? [frames(0x8424c0)] : [frames(0x400), frames(0x100)];
    const iommu = this.flip() ? 'none' : arm ? this.one(['smmu', 'smmuv3'] as const) : 'vtd';
    const reserved = arm
      ? []
      : devices.flatMap(({ name }) => (this.flip() ? [{ ...frames(0x80), device: name }] : []));
    const limits = LIMIT_NAMES.filter(() => this.flip()).map((name) => [name, 2 ** this.number(5)]);
    return completeMachine({
      arch: arm ? 'arm' : 'x86',
      ram,
      iommu,
      ...(this.flip() && { xenHeap: frames(0x10) }),
      ...(iommu === 'smmu' && {
        smmuPath: this.one(['/smmu@fd800000', '/soc/iommu@1=a']),
        s1cbndx: this.number(255),
        ...(this.flip() && { smmuBanks: 1 + this.number(7), smmuMappings: 1 + this.number(7) }),
      }),
      ...(iommu === 'smmuv3' && this.flip() && { streamBits: 1 + this.number(15) }),
      sharept: this.flip(),
      quarantine: this.flip(),
      verbosity: this.one(['quiet', 'verbose', 'debug'] as const),
      gnttab: GNTTAB_WORDS.filter(() => this.flip()),
      dom0Mode: this.one(['relaxed', 'strict', 'passthrough'] as const),
      dom0Pages: 1,
      dom0PageTables: arm ? 0 : this.number(1),
      devices,
      streams: devices.flatMap(({ name, stream }, index) =>
        stream !== undefined && this.flip() ? [{ device: name, stream: 0x800 + index }] : [],
      ),
      reserved,
      regions: arm
        ? []
        : this.times(2, (index) => ({
            first: 0xe0000 + index * 16,
            last: 0xe0000 + index * 16 + this.number(15),
            kind: this.one(REGION_KINDS),
            ...(this.flip() && { flags: ['read-only'] as const }),
          })),
      ...(!arm && this.flip() && { mapInclusive: this.flip() }),
      ...(!arm && this.flip() && { mapReserved: false }),
      units: iommu === 'vtd' && this.flip() ? this.units(devices) : [],
      limits: Object.fromEntries(limits),
    });
  }

  /** One unit in front of each device and one in front of all others. */
  private units(devices: readonly DeviceDeclaration[]): UnitDeclaration[] {
    const own = devices.map(({ name }, index) => ({
      name: `unit-${index}`,
      devices: name,
      ...(this.flip() && { domain_ids: this.one([16, 256]) }),
      ...(this.flip() && { levels: this.one([3, 4]) }),
      ...(this.flip() && { mamv: this.number(63) }),
      ...(this.flip() && { superpages: 1 + this.number(2) }),
      ...(this.flip() && { flags: [this.one(UNIT_FLAGS)] }),
    }));
    return [...own, { name: 'rest' }];
  }

  private device(arm: boolean, index: number): DeviceDeclaration {
    const address = arm ? `/amba/ethernet@${index}` : `0000:0${index}:1f.${this.number(7)}`;
    return {
      name: this.fresh('device'),
      address,
      ...(arm && { stream: 16 * index + this.number(15) }),
      ...(this.flip() && { withheld: true }),
    };
  }

  private config(): ConfigDomain {
    const file = this.draw(fc.string, { unit: 'binary', minLength: 1 });
    const pages = this.maybe(() => this.number(100));
    return { name: this.fresh('domain'), file, ...(pages !== undefined && { pages }), ...PLACE };
  }

  private steps(depth: number): Step[] {
    return this.times(6, () => {
      if (depth === 3 || this.number(5) > 0) return this.statement();
      const repeat = this.flip() ? 'forever' : 1 + this.number(1000);
      const body = this.steps(depth + 1);
      const says = repeat === 'forever' && this.flip();
      const expect = says ? [{ kind: 'status' as const, status: this.one(LOOP_STATUSES), ...PLACE }] : [];
      return { repeat, body, expect, ...PLACE };
    });
  }

  private statement(): Statement {
    const missing = (kind: ParameterKind): boolean =>
      (kind === 'handle' || kind === 'mark' || kind === 'device') && this.names[kind].length === 0;
    const possible = OPERATIONS.filter(({ parameters }) => !parameters.some(({ kind }) => missing(kind)));
    const operation = this.one(possible);
    const args = this.arguments(operation);
    return { op: operation.name, args, expect: this.times(2, () => this.expectation()), ...PLACE };
  }

  private arguments({ parameters }: Operation): Record<string, Argument> {
    const args: Record<string, Argument> = {};
    let gap = false;
    for (const parameter of parameters) {
      const { name, kind, keyed, optional } = parameter;
      const positional = !keyed && kind !== 'flags';
      if (optional && ((gap && positional) || this.flip())) {
        gap ||= positional;
        continue;
      }
      const value = this.argument(parameter);
      if (!Array.isArray(value) || value.length > 0) args[name] = value;
    }
    return args;
  }

  private argument({ kind, words = [] }: Parameter): Argument {
    const make: Readonly<Record<ParameterKind, () => Argument>> = {
      domain: () => this.one(this.names.domain),
      newDomain: () => this.fresh('domain'),
      page: () => this.page(),
      newPage: () => (this.flip() ? this.fresh('page') : this.frame()),
      address: () => this.address(),
      entry: () => `${this.pageText()}[${this.number(511)}]`,
      device: () => this.one(this.names.device),
      anyDevice: () => this.draw(() => NAME),
      handle: () => this.one(this.names.handle),
      newHandle: () => this.fresh('handle'),
      number: () => this.number(Number.MAX_SAFE_INTEGER),
      name: () => this.draw(() => NAME),
      mark: () => this.one(this.names.mark),
      newMark: () => this.fresh('mark'),
      word: () => this.one(words),
      flags: () => this.draw(fc.shuffledSubarray, [...words]),
    };
    return make[kind]();
  }

  private address(): string | number {
    if (this.flip()) return this.number(Number.MAX_SAFE_INTEGER);
    const page = this.page();
    const offset = this.number(0xfff);
    return typeof page === 'string' && offset === 0 ? page : `${written(page)}+${hexText(offset)}`;
  }

  private page(): string | number {
    return this.names.page.length > 0 && this.flip() ? this.one(this.names.page) : this.frame();
  }

  private pageText(): string {
    return written(this.page());
  }

  private frame(): number {
    const { first, last } = this.one(this.machine.ram);
    return first + this.number(last - first);
  }

  private expectation(): Expectation {
    const kind = this.one(['status', ...EXPECTATIONS.map(({ word }) => word)] as const);
    const invariant = (): string => this.one(INVARIANTS.map(({ id }) => id));
    const text = (): string => this.draw(fc.string, { unit: 'binary' });
    const status = (): string =>
      this.flip() ? this.one(['ok', 'EINVAL', 'rw -- r-', 'fault', 'change x']) : text();
    return makeExpectation(
      kind,
      kind === 'violation' ? invariant() : kind === 'status' ? status() : text(),
      PLACE,
    );
  }

  private fresh(space: keyof typeof this.names): string {
    const taken = this.names[space];
    const name = `${this.draw(() => NAME)}-${taken.length}`;
    taken.push(name);
    return name;
  }

  private one<Value>(values: readonly Value[]): Value {
    return values[this.number(values.length - 1)]!;
  }

  private maybe<Value>(make: () => Value): Value | undefined {
    return this.flip() ? make() : undefined;
  }

  private times<Value>(max: number, make: (index: number) => Value): Value[] {
    return Array.from({ length: this.number(max) }, (_, index) => make(index));
  }

  private number(max: number): number {
    return this.draw(fc.integer, { min: 0, max });
  }

  private flip(): boolean {
    return this.draw(fc.boolean);
  }
}

const written = (page: string | number): string => (typeof page === 'number' ? hexText(page) : page);
