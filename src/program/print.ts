import { rangeText, writeArgument } from './argument-kinds.js';
import { DECLARATION_BY_NAME, type Shape, type ShapeParameter } from './declarations.js';
import { printExpectation } from './expectations.js';
import { OPERATION_BY_NAME } from './operations.js';
import {
  type Argument,
  type ConfigDomain,
  DEVICE_FLAGS,
  type DeviceDeclaration,
  isRepeat,
  type MachineDeclaration,
  type Program,
  type Range,
  type Statement,
  type Step,
} from './program.js';

const INDENT = '  ';

/** The canonical line of an operation, without its expectations. */
export function printStatement({ op, args }: Pick<Statement, 'op' | 'args'>): string {
  return printShape(OPERATION_BY_NAME.get(op)!, args);
}

/** A program in its canonical text form; `comments` stand before their steps. */
export function printProgram(program: Program, comments?: ReadonlyMap<Step, string>): string {
  const declared = declarations(program);
  const steps = program.steps.flatMap((step) => printStep(step, comments));
  return [...declared, ...(steps.length > 0 ? [''] : []), ...steps, ''].join('\n');
}

function printStep(step: Step, comments: ReadonlyMap<Step, string> | undefined): string[] {
  const comment = comments?.get(step);
  const head = comment === undefined ? [] : comment.split(/\r?\n/).map((line) => `# ${line}`.trimEnd());
  const indented = (lines: readonly string[]): string[] => lines.map((line) => INDENT + line);
  if (!isRepeat(step)) return [...head, printStatement(step), ...indented(step.expect.map(printExpectation))];
  const body = step.body.flatMap((inner) => printStep(inner, comments));
  const expect = indented(step.expect.map(printExpectation));
  return [...head, `repeat ${step.repeat}`, ...indented(body), 'end', ...expect];
}

type Values = Readonly<Record<string, Argument | Range | undefined>>;

function printShape({ name, parameters }: Shape, values: Values): string {
  const words = parameters.flatMap((parameter) => {
    const value = values[parameter.name];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return [];
    const written = printValue(parameter, value);
    return [parameter.keyed ? `${parameter.name}=${written}` : written];
  });
  return [name, ...words].join(' ');
}

function printValue(parameter: ShapeParameter, value: Argument | Range): string {
  if (typeof value === 'object' && 'first' in value) return rangeText(value);
  return parameter.kind === 'file' ? JSON.stringify(value) : writeArgument(parameter, value);
}

const declare = (name: string, values: Values): string => printShape(DECLARATION_BY_NAME.get(name)!, values);

/** Everything is said, defaults too: a program that was kept must not change when they do. */
function declarations({ edition, machine, configs }: Program): string[] {
  const { arch, ram, xenHeap, devices, streams, reserved, regions, units, limits } = machine;
  return [
    ...(edition === undefined ? [] : [declare('xen', { edition })]),
    declare('machine', { arch }),
    ...ram.map((frames) => declare('ram', { frames })),
    declare('xen-heap', { frames: xenHeap }),
    declare('iommu', iommuValues(machine)),
    declare('dom0', {
      mode: machine.dom0Mode,
      pages: machine.dom0Pages,
      tables: machine.dom0PageTables,
      flags: dom0Flags(machine),
    }),
    ...devices.map((device) => declare('device', deviceValues(device))),
    ...streams.map((stream) => declare('stream', { ...stream })),
    ...units.map((unit) => declare('unit', { ...unit })),
    ...(machine.gnttab.length === 0 ? [] : [declare('gnttab', { flags: machine.gnttab })]),
    ...reserved.map(({ first, last, ...rest }) => declare('reserved', { frames: { first, last }, ...rest })),
    ...regions.map(({ first, last, ...rest }) => declare('e820', { frames: { first, last }, ...rest })),
    ...(Object.keys(limits).length === 0 ? [] : [declare('limits', limits)]),
    ...configs.map(({ name, file, pages }: ConfigDomain) => declare('config', { name, file, pages })),
  ];
}

function dom0Flags({ noDom0, mapInclusive, mapReserved }: MachineDeclaration): string[] {
  return [
    ...(noDom0 ? ['none'] : []),
    ...(mapInclusive === undefined ? [] : [mapInclusive ? 'map-inclusive' : 'no-map-inclusive']),
    ...(mapReserved === false ? ['no-map-reserved'] : []),
  ];
}

function iommuValues(machine: MachineDeclaration): Values {
  const { iommu, smmuPath: path, s1cbndx, sharept, quarantine, scratchPage, verbosity } = machine;
  const flags = [
    ...(sharept ? [] : ['no-sharept']),
    ...(quarantine ? [] : ['no-quarantine']),
    ...(scratchPage ? ['scratch-page'] : []),
    ...(verbosity === 'quiet' ? [] : [verbosity]),
  ];
  const { smmuBanks: banks, smmuMappings: mappings, streamBits: streambits } = machine;
  if (iommu === 'smmu') return { kind: iommu, path, s1cbndx, banks, mappings, flags };
  return { kind: iommu, flags, ...(iommu === 'smmuv3' && { path, streambits }) };
}

function deviceValues(device: DeviceDeclaration): Values {
  const values: Record<string, Argument> = { flags: DEVICE_FLAGS.filter((flag) => device[flag]) };
  for (const [name, value] of Object.entries(device)) if (typeof value !== 'boolean') values[name] = value;
  return values;
}
