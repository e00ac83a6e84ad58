import type { ReachedRules } from '../coverage/reached.js';
import { IommuView } from '../formats/iommu-view.js';
import { PGT } from '../formats/x86-page-info.js';
import { bootMachine } from '../program/build.js';
import { expandConfig } from '../program/config-domain.js';
import type { Outcome } from '../program/handlers/handler.js';
import { Names } from '../program/names.js';
import { performStatement } from '../program/perform.js';
import { printStatement } from '../program/print.js';
import {
  isRepeat,
  type MachineDeclaration,
  type Program,
  type Statement,
  type Step,
} from '../program/program.js';
import { deviceOwner } from '../xen/devices.js';
import { destroyDomain } from '../xen/domain-death.js';
import type { Edition } from '../xen/editions/edition.js';
import { isDomainFrame } from '../xen/frames.js';
import { typeOf } from '../xen/page-info.js';
import type { Xen } from '../xen/state.js';
import { type Allocation, allocate, allocates } from './allocation.js';
import { type Bindings, XensFrames } from './bindings.js';
import { isClean, STAINED } from './clean-machine.js';
import { compareTables, type Difference, type ObservedDevice, type Renaming } from './observation.js';
import { CannotRun, type RealMachine, RealXen } from './real-xen.js';
import { recordAgent } from './recorded-agent.js';

/** A machine that programs are held against, and what is known of it. */
export interface Judge {
  /** Another one once {@link renew} has been called. */
  readonly machine: RealMachine;
  readonly edition: Edition;
  readonly iommu: 'vtd' | 'amdvi' | 'none';
  readonly dom0Mode: Program['machine']['dom0Mode'];
  /** Requester ids of devices that can do DMA, and of others. */
  readonly edus: readonly number[];
  readonly nics: readonly number[];
  /** Whether the CPU lets guests be HVM. */
  readonly hvm: boolean;
  /** Stops the machine, and lets it go on. Absent where tables cannot be looked at. */
  stop?(): Promise<void>;
  cont?(): Promise<void>;
  /** Puts a machine that has just been booted in the place of this one. Absent where none can be had. */
  renew?(): Promise<void>;
}

/** Where model and real Xen part: the step, and what each says. */
export interface Divergence {
  /** Index among the steps carried out; 0 is the first. */
  readonly step: number;
  readonly statement: Statement;
  readonly op: string;
  readonly differences: readonly Difference[];
  /** What Xen logged during the step. */
  readonly log: readonly string[];
  /** What the agent was asked from the program's beginning on, and what it answered. */
  readonly requests: readonly string[];
}

export interface LockstepResult {
  /** Operations carried out on both. */
  readonly operations: number;
  /** Why the program was left out, or given up at some step. */
  readonly skipped?: string;
  readonly divergence?: Divergence;
}

/** Both machines between two steps. */
export interface Moment {
  /** The step that was carried out; undefined before the first. */
  readonly statement: Statement | undefined;
  /** What the real machine answered. */
  readonly outcome: Outcome | undefined;
  readonly model: Xen;
  /** The model's tables, read as an outsider would. */
  readonly modelView: IommuView;
  readonly devices: readonly ObservedDevice[];
  /** Which real frame stands for which of the model's. */
  readonly bindings: Bindings;
}

export interface LockstepOptions {
  /** Rules that steps meet are added to it. */
  readonly reached?: ReachedRules;
  /** Told of each step, and what each side answered. */
  readonly onStep?: (statement: Statement, model: Outcome, real: Outcome) => void;
  /** Looks at both machines after each step, and before the first, while the real one stands still. */
  readonly look?: (moment: Moment) => Promise<void>;
  /** Goes on after a difference, and reports none: to see what the machine does by itself. */
  readonly goOn?: boolean;
}

/** Runs a program on the model and the real machine, comparing after every operation; ends at the first difference. */
export async function runLockstep(
  program: Program,
  judge: Judge,
  options: LockstepOptions = {},
): Promise<LockstepResult> {
  const skipped = unsuitable(program, judge);
  if (skipped !== undefined) return { operations: 0, skipped };
  if (!(await isClean(judge))) return { operations: 0, skipped: STAINED };
  const run = new Lockstep(program, judge, options);
  try {
    return await run.run();
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error;
    return { operations: run.operations, skipped: error.message };
  }
}

/** Frames by number: real ones stand for any, but where the number itself decides. */
const MOST_FRAMES = 2 ** 32;

/** Options of a device that those of the lab do not have. */
const UNLIKE_OURS = ['type', 'alias', 'phantom', 'behind', 'vfof', 'hidden', 'absent'] as const;

/** Why a program cannot be judged by this machine, or undefined. */
export function unsuitable({ machine, steps }: Program, judge: Judge): string | undefined {
  const { arch, iommu, reserved, dom0Mode, dom0PageTables, devices, quarantine, sharept, gnttab } = machine;
  const { regions, units, noDom0, mapInclusive, mapReserved, scratchPage } = machine;
  if (arch !== 'x86') return 'an Arm machine: QEMU has no SMMU that Debian’s Xen drives';
  if ((iommu === 'none') !== (judge.iommu === 'none'))
    return `IOMMU ${iommu}: the machine has ${judge.iommu}`;
  if (iommu !== 'none' && dom0Mode !== judge.dom0Mode)
    return `a ${dom0Mode} dom0: the machine’s is ${judge.dom0Mode}`;
  if (reserved.length > 0) return 'reserved regions: QEMU’s firmware declares none';
  if (dom0PageTables > 0) return 'page tables of dom0 by number: those of the real dom0 are elsewhere';
  if (devices.some(({ withheld }) => withheld)) return 'a device withheld from dom0: Xen on x86 gives it all';
  if (devices.some((device) => UNLIKE_OURS.some((option) => device[option] !== undefined)))
    return 'a device unlike any of the machine’s: a bridge, a virtual function, one that Xen hides or does not find';
  if (machine.ram.some(({ last }) => last >= MOST_FRAMES)) return 'more memory than the machine has';
  if (regions.length > 0 || units.length > 0) return 'memory or an IOMMU unlike the machine’s';
  const options = [noDom0, mapInclusive, mapReserved, scratchPage].includes(true);
  if (!quarantine || !sharept || gnttab.length > 0 || options)
    return 'options of Xen’s that the machine was not booted with';
  if (devices.length > judge.edus.length + judge.nics.length) return 'more devices than the machine has';
  const statements = [...statementsOf(steps)];
  if (!judge.hvm && statements.some(({ op, args }) => op === 'createdomain' && hasFlag(args, 'hvm')))
    return 'HVM guests: QEMU’s CPU has no virtualisation here';
  if (steps.some((step) => isRepeat(step) && step.repeat === 'forever'))
    return '`repeat forever`: the real machine cannot be asked whether its state recurs';
  return undefined;
}

const hasFlag = (args: Statement['args'], flag: string): boolean =>
  Array.isArray(args.flags) && args.flags.includes(flag);

/** All statements, repeated ones as often as they run. */
function* statementsOf(steps: readonly Step[]): Generator<Statement> {
  for (const step of steps) {
    if (!isRepeat(step)) yield step;
    else
      for (let i = 0; i < (step.repeat === 'forever' ? 1 : step.repeat); i++) yield* statementsOf(step.body);
  }
}

/** A program's machine with the IOMMU that the real one has: a program for VT-d is one for AMD-Vi as well. */
function machineFor({ machine }: Program, { iommu }: Judge): MachineDeclaration {
  if (iommu === 'none' || machine.iommu === iommu) return machine;
  const { first } = machine.xenHeap;
  const above = machine.ram.filter((range) => range.first > first).map((range) => range.first);
  return { ...machine, iommu, xenHeap: { first, last: Math.min(...above) - 1 } };
}

/** The devices of a program on those of the machine: what does DMA on edu devices, the rest on any. */
function bindDevices(program: Program, { edus, nics }: Judge): Map<string, number> {
  const dma = new Set(
    [...statementsOf(program.steps)].filter(({ op }) => op === 'dma').map(({ args }) => String(args.device)),
  );
  const names = program.machine.devices.map(({ name }) => name);
  const inOrder = [...names.filter((name) => dma.has(name)), ...names.filter((name) => !dma.has(name))];
  const free = [...edus, ...nics];
  return new Map(inOrder.map((name, i) => [name, free[i]!]));
}

/** Operations that only a domain's own vCPU can ask for. */
const BY_VCPU_ONLY = new Set([
  'map_grant_ref',
  'unmap_grant_ref',
  'unmap_and_replace',
  'grant_copy',
  'grant_transfer',
  'swap_grant_ref',
  'grant_cache_flush',
  'grant_set_version',
  'grant_get_version',
  'grant_setup_table',
  'grant_query_size',
  'grant_get_status_frames',
]);

/**
 * Whether guests ask for what only their own vCPU can: then all of them get one. (A name may outlive its domain and stand
 * for the next one with its domid, so that names do not tell which.)
 */
function guestsAct(program: Program): boolean {
  return [...statementsOf(program.steps)].some(
    ({ op, args }) => args.domain !== 'dom0' && (BY_VCPU_ONLY.has(op) || isForeign(op, args)),
  );
}

/** A guest maps another's page: dom0 in its place would be allowed to. */
const isForeign = (op: string, args: Statement['args']): boolean =>
  op === 'update_va_mapping' && args.of !== undefined && args.of !== args.domain;

/** Bytes of an L4 table that Xen fills: slots 256 to 271. */
const XEN_ENTRIES = { first: 256 * 8, last: 271 * 8 + 4 };

class Lockstep {
  operations = 0;
  private readonly program: Program;
  private readonly judge: Judge;
  private readonly model: Xen;
  private readonly names: Names;
  private readonly real: RealXen;
  private readonly devices: readonly ObservedDevice[];
  private readonly views: { readonly model: IommuView; readonly real: IommuView } | undefined;
  private readonly renaming: Renaming;
  private readonly options: LockstepOptions;
  private readonly trail: readonly string[];
  /** Frames of the real machine that hold Xen's mappings. */
  private readonly wereL4 = new Set<number>();

  constructor(program: Program, judge: Judge, options: LockstepOptions) {
    this.program = program;
    this.judge = judge;
    this.options = options;
    this.model = bootMachine(machineFor(program, judge), judge.edition.profile);
    this.names = new Names(this.model);
    const bound = bindDevices(program, judge);
    const { agent, trail } = recordAgent(judge.machine.agent);
    this.trail = trail;
    this.real = new RealXen(judge.machine, agent, this.model, this.names, bound, guestsAct(program));
    this.devices = this.model.spec.devices.map(({ name, requester }) => ({
      name,
      requester,
      realRequester: bound.get(name)!,
    }));
    this.renaming = {
      bindings: this.real.bindings,
      isXens: (frame) => !isDomainFrame(this.model, this.model.ram.indexOf(frame)),
      xens: new XensFrames(),
    };
    const { memory, rootTable } = judge.machine;
    if (memory === undefined || rootTable === undefined || judge.iommu === 'none') return;
    this.views = {
      model: modelView(this.model),
      real: new IommuView(memory, judge.iommu, rootTable),
    };
  }

  async run(): Promise<LockstepResult> {
    const { edition } = this.judge;
    const started = this.program.configs.flatMap((config) => expandConfig(config, this.program, edition));
    const atBoot = await this.compareTables();
    if (atBoot.length > 0) {
      const statement = { line: 0, column: 0, op: 'boot', args: {}, expect: [] };
      return {
        operations: 0,
        divergence: { step: 0, statement, op: 'boot', differences: atBoot, log: [], requests: this.trail },
      };
    }
    await this.look(undefined, undefined);
    for (const statement of [...started, ...statementsOf(this.program.steps)]) {
      const divergence = await this.step(statement);
      if (divergence !== undefined) return { operations: this.operations, divergence };
    }
    return { operations: this.operations };
  }

  private async step(statement: Statement): Promise<Divergence | undefined> {
    const { machine } = this.judge;
    const logStart = machine.consoleLength?.() ?? 0;
    const { reached, onStep, goOn } = this.options;
    const facts = reached?.before(this.model, this.names, statement);
    const { model, real } = await this.perform(statement);
    if (facts !== undefined) reached?.after(facts, model.status);
    this.clearXenEntries();
    const differences: Difference[] = [];
    if (model.status !== real.status) {
      differences.push({ what: 'status', model: model.status, real: real.status });
    }
    const [wanted, found] = [model.faults?.join('\n') ?? '', real.faults?.join('\n') ?? ''];
    if (model.status === real.status && wanted !== found && !this.isQuietWrite(statement, found))
      differences.push({ what: 'log', model: wanted, real: found });
    differences.push(...(await this.compareTables()));
    const index = this.operations++;
    onStep?.(statement, model, real);
    await this.look(statement, real);
    if (differences.length === 0 || goOn === true) return undefined;
    return {
      step: index,
      statement,
      op: printStatement(statement),
      differences,
      log: machine.consoleLines?.(logStart) ?? [],
      requests: this.trail,
    };
  }

  private async perform(statement: Statement): Promise<Allocation> {
    const { file } = this.program;
    if (allocates(statement)) return allocate(this.real, statement, file);
    const model = performStatement(this.model, this.names, statement, file);
    if (this.model.hostBug !== undefined)
      throw new CannotRun(`the model’s host goes down: ${this.model.hostBug}`);
    if (statement.op === 'createdomain' && this.isDoomed())
      throw new CannotRun(
        'a domain has the domid of another whose grant is still mapped: that Xen does not survive',
      );
    return { model, real: await this.real.perform(statement, model) };
  }

  /**
   * Whether the host goes down when the program's domains are destroyed, as they are after it. It does when a handle names a
   * granter that is gone and whose domid another one has (docs/settled.md).
   */
  private isDoomed(): boolean {
    const { model } = this;
    const before = model.store.mark();
    for (let slot = 1; slot < model.domIo; slot++) if (model.exists(slot)) destroyDomain(model, 0, slot);
    const doomed = model.hostBug !== undefined;
    model.store.rollback(before);
    return doomed;
  }

  /** The artefact `xen-entries`: what was an L4 table and has another type now loses Xen's mappings. */
  private clearXenEntries(): void {
    const { memory } = this.judge.machine;
    if (memory === undefined) return;
    for (const [frame, mfn] of this.real.bindings) {
      const isL4 = typeOf(this.model.frame.typeInfo.get(this.model.ram.indexOf(frame))) === PGT.l4;
      if (isL4) this.wereL4.add(mfn);
      else if (this.wereL4.delete(mfn))
        for (let offset = XEN_ENTRIES.first; offset <= XEN_ENTRIES.last; offset += 4)
          memory.write32(mfn * 4096 + offset, 0);
    }
  }

  /** The artefact `warm-write`: a write that was refused, as memory shows, without a line in the log. */
  private isQuietWrite({ op, args }: Statement, found: string): boolean {
    return op === 'dma' && args.access === 'write' && found === '';
  }

  private async look(statement: Statement | undefined, outcome: Outcome | undefined): Promise<void> {
    const { look } = this.options;
    if (look === undefined || this.views === undefined) return;
    await this.judge.stop?.();
    try {
      const { model, devices, renaming, views } = this;
      await look({
        statement,
        outcome,
        model,
        modelView: views.model,
        devices,
        bindings: renaming.bindings,
      });
    } finally {
      await this.judge.cont?.();
    }
  }

  private async compareTables(): Promise<Difference[]> {
    if (this.views === undefined) return [];
    const { judge, devices } = this;
    await judge.stop?.();
    try {
      judge.machine.memory!.refresh();
      const { model: ours, real: theirs } = this.views;
      const isTranslated = ({ name }: ObservedDevice) => {
        const owner = deviceOwner(
          this.model,
          this.model.spec.devices.findIndex((one) => one.name === name),
        );
        return owner >= 0 && owner < this.model.domIo && this.model.isTranslated(owner);
      };
      return [...compareTables(ours, theirs, devices, this.renaming, isTranslated)];
    } finally {
      await judge.cont?.();
    }
  }
}

/** The model's own tables, read as the real ones are. */
function modelView(xen: Xen): IommuView {
  return xen.amdvi === undefined
    ? new IommuView(xen.ram, 'vtd', xen.vtd!.rootTable * 4096)
    : new IommuView(xen.ram, 'amdvi', xen.amdvi.deviceTable * 4096);
}
