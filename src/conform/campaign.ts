import { PV_MACHINE_RULES } from '../coverage/pv-machine.js';
import { ReachedRules } from '../coverage/reached.js';
import { PACKAGE_FOLDER } from '../lab/image/overlay.js';
import { LabError } from '../lab/machine-api.js';
import { parseProgramText } from '../program/load.js';
import { OPERATION_BY_NAME } from '../program/operations.js';
import { printProgram } from '../program/print.js';
import type { Program, Statement } from '../program/program.js';
import { InputError } from '../text/diagnostic.js';
import { SourceText } from '../text/source.js';
import { randomProgram } from './generate.js';
import type { ProgramShape } from './generate-stock.js';
import { type Divergence, type Judge, type LockstepResult, runLockstep } from './lockstep.js';
import { minimise } from './minimise.js';
import { Random } from './random.js';

/** A program that model and real Xen answered differently, as short as it could be made. */
export interface FoundDivergence {
  /** The program it was found in. */
  readonly found: string;
  /** The shortest program that shows it; ends with the step where they part. */
  readonly program: Program;
  readonly divergence: Divergence;
  /** The dossier rule concerned. */
  readonly rule: string;
}

/** One program's part of a campaign. */
export interface ProgramReport {
  readonly name: string;
  readonly operations: number;
  readonly skipped?: string;
  readonly diverged: boolean;
  readonly seconds: number;
}

export interface CampaignResult {
  readonly programs: readonly ProgramReport[];
  readonly operations: number;
  readonly divergences: readonly FoundDivergence[];
  readonly reached: ReachedRules;
  readonly seconds: number;
  /** Whether it was ended from outside. */
  readonly interrupted: boolean;
  /** What ended it before its time: a machine that broke. */
  readonly broken?: LabError;
  /** What ran on it then, up to the operation that was under way: it may be what brought it down. */
  readonly underWay?: Program;
}

export interface CampaignOptions {
  /** Programs to run first. */
  readonly programs: readonly Program[];
  /** How many random ones follow. */
  readonly random: number;
  readonly seed: number;
  /** Operations a random program. */
  readonly length: number;
  /** Stops after so many divergences: one cause shows in many programs. */
  readonly maxDivergences: number;
  /** Rules reached so far, to be added to; none unless given. */
  readonly reached?: ReachedRules;
  readonly onProgress?: (operations: number, divergences: number) => void;
  readonly isInterrupted?: () => boolean;
}

/** How often a divergence is tried to be shown by less. */
const MINIMISE_BUDGET = 120;

/**
 * Holds machines against the model: programs given, then random ones that are steered towards rules not yet met. Each
 * program runs on one of the machines, which must be alike; what is run does not depend on how many there are.
 */
export async function runCampaign(
  judges: readonly Judge[],
  options: CampaignOptions,
): Promise<CampaignResult> {
  const started = performance.now();
  const reports: ProgramReport[] = [];
  const divergences: FoundDivergence[] = [];
  const reached = options.reached ?? new ReachedRules();
  let operations = 0;
  let broken: LabError | undefined;
  let underWay: Program | undefined;
  const isInterrupted = () => broken !== undefined || options.isInterrupted?.() === true;
  const isOver = () => isInterrupted() || divergences.length >= options.maxDivergences;
  const programs = programsOf(judges[0]!, options);
  const hold = async (program: Program, judge: Judge): Promise<void> => {
    const start = performance.now();
    let done = 0;
    const result = await runLockstep(program, judge, { reached, onStep: () => void done++ }).catch(
      (error) => {
        operations += done;
        if (broken === undefined) underWay = upTo(program, done);
        throw error;
      },
    );
    operations += result.operations;
    if (result.divergence !== undefined)
      divergences.push(await shorten(program, result.divergence, judge, isInterrupted));
    reports.push(reportOf(program, result, (performance.now() - start) / 1000));
    options.onProgress?.(operations, divergences.length);
  };
  const work = async (judge: Judge): Promise<void> => {
    // The generator is shared: each program is handed to one of the workers.
    while (!isOver()) {
      const { value: program } = programs.next();
      if (program === undefined) return;
      await hold(program, judge);
    }
  };
  const workers = judges.map((judge) =>
    work(judge).catch((error: unknown) => {
      if (!(error instanceof LabError)) throw error;
      broken ??= error;
    }),
  );
  await Promise.all(workers);
  return {
    programs: reports,
    operations,
    divergences,
    reached,
    seconds: (performance.now() - started) / 1000,
    interrupted: options.isInterrupted?.() === true,
    ...(broken === undefined ? {} : { broken }),
    ...(underWay === undefined ? {} : { underWay }),
  };
}

/** All programs of a campaign, each handed out once. */
function* programsOf(judge: Judge, options: CampaignOptions): Generator<Program, undefined> {
  yield* options.programs;
  const steered = new ReachedRules();
  const { seed, length } = options;
  for (let index = 0; index < options.random; index++)
    yield nthProgram(index, seed, shapeFor(judge, length), steered);
  return undefined;
}

function shapeFor(judge: Judge, length: number): ProgramShape {
  return {
    edition: judge.edition,
    iommu: judge.iommu,
    dom0Mode: judge.dom0Mode,
    length,
    edus: judge.edus.length,
    nics: judge.nics.length,
    dma: judge.iommu === 'vtd' && judge.edus.length > 0,
  };
}

/**
 * The random program of a seed by its number. Its choices are its own, and others for each mode of dom0; what steers it are
 * the programs before.
 */
function nthProgram(index: number, seed: number, shape: ProgramShape, reached: ReachedRules): Program {
  const { dom0Mode } = shape;
  const random = new Random(Math.imul(seed, 0x9e37_79b1) + Math.imul(dom0Mode.length, 0x85eb_ca6b) + index);
  return randomProgram(`random-${dom0Mode}-${seed}-${index}`, random, shape, reached);
}

/** Programs of dommu's own are named from its folder. */
const nameOf = ({ file }: Program): string =>
  file.startsWith(PACKAGE_FOLDER) ? file.slice(PACKAGE_FOLDER.length) : file;

function reportOf(program: Program, result: LockstepResult, seconds: number): ProgramReport {
  const { operations, skipped, divergence } = result;
  const diverged = divergence !== undefined;
  return {
    name: nameOf(program),
    operations,
    diverged,
    seconds,
    ...(skipped === undefined ? {} : { skipped }),
  };
}

/** The shortest program that shows the same difference. */
async function shorten(
  program: Program,
  divergence: Divergence,
  judge: Judge,
  isInterrupted: () => boolean,
): Promise<FoundDivergence> {
  const statements = plainStatements(program);
  let shortest = divergence;
  const about = aspectOf(divergence);
  const shows = async (steps: readonly Statement[]): Promise<boolean> => {
    const candidate = { ...program, steps };
    if (isInterrupted() || !isProgram(candidate)) return false;
    const again = await divergenceOf(candidate, judge);
    if (again === undefined || aspectOf(again) !== about) return false;
    shortest = again;
    return true;
  };
  const steps =
    statements === undefined
      ? program.steps
      : await minimise(statements.slice(0, divergence.step + 1), shows, MINIMISE_BUDGET);
  const short = { ...program, steps };
  return { found: nameOf(program), program: short, divergence: shortest, rule: ruleOf(shortest) };
}

/** A program's steps when there are only statements, each carried out once; undefined otherwise. */
function plainStatements({ steps, configs }: Program): readonly Statement[] | undefined {
  const statements = steps.filter((step): step is Statement => 'op' in step);
  return statements.length === steps.length && configs.length === 0 ? statements : undefined;
}

/** A program up to the operation after the first `done`; the whole one where that cannot be told. */
const upTo = (program: Program, done: number): Program => ({
  ...program,
  file: nameOf(program),
  steps: plainStatements(program)?.slice(0, done + 1) ?? program.steps,
});

/** A machine that breaks over a candidate shows nothing by it; the next program will tell that it has broken. */
async function divergenceOf(candidate: Program, judge: Judge): Promise<Divergence | undefined> {
  try {
    return (await runLockstep(candidate, judge)).divergence;
  } catch (error) {
    if (error instanceof LabError) return undefined;
    throw error;
  }
}

/** What a divergence is about: it must stay the same while the program shrinks. */
function aspectOf({ statement, differences }: Divergence): string {
  const [{ what, model, real } = { what: '', model: '', real: '' }] = differences;
  const kind = what.replace(/0x[0-9a-f]+|gfn \d+/g, 'frame');
  return [statement.op, kind, kind === 'log' ? '' : `${model} / ${real}`].join(': ');
}

/** Whether the language still takes it: names are introduced before they are used. */
function isProgram(program: Program): boolean {
  try {
    parseProgramText(new SourceText(program.file, printProgram(program)));
    return true;
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}

/** The rule whose words fit best, or the sections that the operation comes from. */
function ruleOf({ statement, differences }: Divergence): string {
  const status = differences.find(({ what }) => what === 'status')?.model;
  const rules = PV_MACHINE_RULES.filter((rule) => rule.ops.includes(statement.op) && rule.status === status);
  if (rules.length === 1) return rules[0]!.id;
  return OPERATION_BY_NAME.get(statement.op)?.source ?? '§3.6';
}
