import { ReachedRules } from '../coverage/reached.js';
import { sbdfText } from '../formats/requester.js';
import { type Agent, LabError, type LabMachine } from '../lab/machine-api.js';
import type { MachineDeclaration, Program } from '../program/program.js';
import type { Edition } from '../xen/editions/edition.js';
import { type FoundDivergence, type ProgramReport, runCampaign } from './campaign.js';
import { type Dom0Tables, dom0PageTables } from './dom0-tables.js';
import { hereJudge, labJudge, xenVersion } from './judge.js';
import { runXlMatrix, type XlOutcome } from './xl-matrix.js';

export type Dom0Mode = MachineDeclaration['dom0Mode'];
export const DOM0_MODES: readonly Dom0Mode[] = ['relaxed', 'strict', 'passthrough'];

/** What to hold against a real Xen. */
export interface ConformPlan {
  readonly programs: readonly Program[];
  /** The passthrough matrix through the real xl. */
  readonly xl: boolean;
  /** Whether dom0's own page tables are looked for in its devices' reach. */
  readonly dom0Tables: boolean;
  readonly randomPrograms: number;
  readonly length: number;
  readonly seed: number;
  readonly modes: readonly Dom0Mode[];
  /** Release that Xen is to behave as; what it says it is unless given. */
  readonly edition?: Edition;
  readonly maxDivergences: number;
  /** How many machines work at the same time. */
  readonly jobs: number;
  /** Whether a machine that is opened is always one that was just booted, and never the one that was there before. */
  readonly alwaysNew: boolean;
}

export interface ConformHooks {
  readonly onProgress?: (operations: number, divergences: number) => void;
  readonly isInterrupted?: () => boolean;
}

export interface ConformReport {
  readonly xen: string;
  readonly edition: string;
  readonly programs: readonly ProgramReport[];
  readonly operations: number;
  readonly divergences: readonly FoundDivergence[];
  readonly xl: readonly XlOutcome[];
  readonly dom0Tables: readonly (Dom0Tables & { readonly mode: Dom0Mode; readonly asExpected: boolean })[];
  readonly reached: ReachedRules;
  /** Seconds that programs took, without boots. */
  readonly seconds: number;
  readonly interrupted: boolean;
  /** A machine broke: everything up to then is here. */
  readonly broken?: LabError;
  /** What ran on it then, up to the operation that was under way. */
  readonly underWay?: Program;
}

/**
 * Carries a plan out: for each mode of dom0 a machine is opened, programs of that mode run on it, then random ones. Every
 * machine is closed, whatever happens.
 * @throws LabError when a machine cannot be had.
 */
export async function conform(
  plan: ConformPlan,
  open: (mode: Dom0Mode) => Promise<LabMachine>,
  hooks: ConformHooks = {},
): Promise<ConformReport> {
  const reached = new ReachedRules();
  const programs: ProgramReport[] = [];
  const divergences: FoundDivergence[] = [];
  const xl: XlOutcome[] = [];
  const dom0Tables: ConformReport['dom0Tables'][number][] = [];
  let [operations, seconds, xen, edition] = [0, 0, '', ''];
  let broken: LabError | undefined;
  let underWay: Program | undefined;
  const isOver = () =>
    broken !== undefined || hooks.isInterrupted?.() === true || divergences.length >= plan.maxDivergences;
  for (const mode of plan.modes) {
    const scripted = plan.programs.filter((program) => modeFor(program, plan.modes) === mode);
    const random = randomShare(plan, mode);
    const matrix = plan.xl && mode === plan.modes[0];
    if (scripted.length === 0 && random === 0 && !matrix && !plan.dom0Tables) continue;
    if (isOver()) break;
    const jobs = Math.max(1, Math.min(plan.jobs, scripted.length + random));
    const machines = await openAll(jobs, () => open(mode));
    const reopen = async (old: LabMachine): Promise<LabMachine> => {
      machines.splice(machines.indexOf(old), 1);
      await old.close();
      const another = await open(mode);
      machines.push(another);
      return another;
    };
    try {
      const machine = machines[0]!;
      const judges = machines.map((one) => labJudge(one, plan.edition, plan.alwaysNew ? reopen : undefined));
      const judge = judges[0]!;
      xen = xenVersion(machine.agent.hello);
      edition = judge.edition.name;
      if (plan.dom0Tables && machine.iommu !== 'none')
        dom0Tables.push(await judgeDom0Tables(machine, judge.dom0Mode));
      const done = operations;
      const result = await runCampaign(judges, {
        programs: scripted,
        random,
        seed: plan.seed,
        length: plan.length,
        maxDivergences: plan.maxDivergences - divergences.length,
        reached,
        onProgress: (count, found) => hooks.onProgress?.(done + count, divergences.length + found),
        ...(hooks.isInterrupted === undefined ? {} : { isInterrupted: hooks.isInterrupted }),
      });
      programs.push(...result.programs);
      divergences.push(...result.divergences);
      operations += result.operations;
      seconds += result.seconds;
      broken ??= result.broken;
      underWay ??= result.underWay;
      if (matrix && !isOver()) xl.push(...(await runXlMatrix(judge.machine.agent, deviceText(machine))));
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      broken = error;
    } finally {
      await Promise.all(machines.map((machine) => machine.close()));
    }
  }
  const interrupted = hooks.isInterrupted?.() === true;
  return {
    xen,
    edition,
    programs,
    operations,
    divergences,
    xl,
    dom0Tables,
    reached,
    seconds,
    interrupted,
    ...(broken === undefined ? {} : { broken }),
    ...(underWay === undefined ? {} : { underWay }),
  };
}

/**
 * Carries a plan out on the Xen of this host: answers are compared, nothing is looked at from outside, xl is left alone.
 * The agent gives back what it took, but is not closed.
 * @param devices requester ids of devices that programs may take from dom0.
 */
export async function conformHere(
  plan: ConformPlan,
  agent: Agent,
  devices: readonly number[],
  hooks: ConformHooks = {},
): Promise<ConformReport> {
  const [{ stdout }] = await agent.perform([{ call: 'exec', argv: ['xl', 'info'], timeoutSeconds: 10 }]);
  const judge = hereJudge(agent, devices, stdout, plan.edition);
  try {
    const result = await runCampaign([judge], {
      programs: plan.programs,
      random: plan.randomPrograms,
      seed: plan.seed,
      length: plan.length,
      maxDivergences: plan.maxDivergences,
      ...hooks,
    });
    return {
      ...result,
      xen: xenVersion(agent.hello),
      edition: judge.edition.name,
      xl: [],
      dom0Tables: [],
    };
  } finally {
    // Where the agent has died, that is what has been said already.
    await agent.perform([{ call: 'reset' }]).catch(() => {});
  }
}

/** Opens so many machines: the first alone, since it may leave a snapshot to the others. All or none stay open. */
async function openAll(count: number, open: () => Promise<LabMachine>): Promise<LabMachine[]> {
  const machines = [await open()];
  const others = await Promise.allSettled(Array.from({ length: count - 1 }, open));
  for (const other of others) if (other.status === 'fulfilled') machines.push(other.value);
  const failed = others.find((other) => other.status === 'rejected');
  if (failed === undefined) return machines;
  await Promise.all(machines.map((machine) => machine.close()));
  throw failed.reason;
}

/** The mode a program is run in: its own, or the first where no machine would suit it and it is left out. */
function modeFor({ machine }: Program, modes: readonly Dom0Mode[]): Dom0Mode {
  return modes.includes(machine.dom0Mode) && machine.arch === 'x86' ? machine.dom0Mode : modes[0]!;
}

/** Random programs of a mode. In passthrough mode dom0's devices have no tables to compare: others come first. */
function randomShare({ randomPrograms, modes }: ConformPlan, mode: Dom0Mode): number {
  const telling = modes.filter((one) => one !== 'passthrough');
  const sharing = telling.length > 0 ? telling : modes;
  const index = sharing.indexOf(mode);
  if (index < 0) return 0;
  const share = Math.floor(randomPrograms / sharing.length);
  return share + (index < randomPrograms % sharing.length ? 1 : 0);
}

/** Strict: none of dom0's page tables may be in reach of its devices. Otherwise all are (dossier §2.4). */
async function judgeDom0Tables(
  machine: LabMachine,
  mode: Dom0Mode,
): Promise<ConformReport['dom0Tables'][number]> {
  const found = await dom0PageTables(machine, machine.devices[0]!.sbdf);
  const expected = mode === 'strict' ? 0 : found.tables;
  return { ...found, mode, asExpected: found.readable === expected && found.writable === expected };
}

const deviceText = (machine: LabMachine): string => sbdfText(machine.devices[0]!.sbdf);
