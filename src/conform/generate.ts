import type { Premise, ReachedRules } from '../coverage/reached.js';
import type { Situation } from '../coverage/situation.js';
import { bootMachine } from '../program/build.js';
import { performStatement } from '../program/perform.js';
import {
  completeMachine,
  type MachineDeclaration,
  type Program,
  type Statement,
} from '../program/program.js';
import { isPageTable } from '../xen/page-info.js';
import type { Xen } from '../xen/state.js';
import { ARGUMENTS, WEIGHTS } from './generate-arguments.js';
import { deviceNames, MAX_GUESTS, type ProgramShape, Stock } from './generate-stock.js';
import type { Random } from './random.js';

/** Statements tried for each place in a program: the first that meets a rule not yet reached is taken. */
const CANDIDATES = 5;
/** How often an operation that succeeds is preferred to one that is refused. */
const PREFER_OK = 0.7;

/**
 * A random program, run on the model while it is written: only what the language accepts, seldom what Xen refuses, and
 * rather what meets a rule that no program has met so far (`reached`).
 */
export function randomProgram(
  name: string,
  random: Random,
  shape: ProgramShape,
  reached: ReachedRules,
): Program {
  return new Generator(name, random, shape, reached).write();
}

class Generator {
  private readonly name: string;
  private readonly random: Random;
  private readonly shape: ProgramShape;
  private readonly reached: ReachedRules;
  private readonly machine: MachineDeclaration;
  private readonly model: Xen;
  private readonly stock: Stock;
  private readonly steps: Statement[] = [];
  private readonly choices: readonly { readonly op: string; readonly weight: number }[];

  constructor(name: string, random: Random, shape: ProgramShape, reached: ReachedRules) {
    this.name = name;
    this.random = random;
    this.shape = shape;
    this.reached = reached;
    this.machine = completeMachine({
      ram: [{ first: 0x100, last: 0x17f }],
      xenHeap: { first: 0x10, last: 0xff },
      iommu: shape.iommu,
      dom0Mode: shape.dom0Mode,
      devices: deviceNames(shape).map((device, i) => ({
        name: device,
        address: `0000:00:${(i + 4).toString(16).padStart(2, '0')}.0`,
      })),
      limits: { domains: MAX_GUESTS + 3, grant_frames: 4 },
    });
    this.model = bootMachine(this.machine, shape.edition.profile);
    this.stock = new Stock(random, shape, this.model);
    this.choices = Object.entries(WEIGHTS)
      .map(([op, weight]) => ({ op, weight }))
      .filter(({ op }) => op !== 'dma' || shape.dma);
  }

  write(): Program {
    while (this.steps.length < this.shape.length) {
      const chosen = this.choose();
      if (chosen === undefined) continue;
      const premise = this.reached.before(this.model, this.stock.names, chosen);
      const { status } = performStatement(this.model, this.stock.names, chosen, this.name);
      this.reached.after(premise, status);
      this.stock.introduce(chosen);
      this.steps.push(chosen);
    }
    return { file: this.name, machine: this.machine, configs: [], steps: this.steps };
  }

  /** The next statement, or undefined when none of those thought of can be carried out. */
  private choose(): Statement | undefined {
    let best: Statement | undefined;
    let bestScore = -1;
    for (let i = 0; i < CANDIDATES; i++) {
      const statement = this.candidate();
      if (statement === undefined) continue;
      const tried = this.attempt(statement);
      if (tried === undefined) continue;
      if (this.reached.wouldBeNew(tried.premise, tried.status)) return statement;
      const score = (tried.status === 'ok' ? 1 : 0) + (this.random.chance(PREFER_OK) ? 0 : 1);
      if (score <= bestScore) continue;
      best = statement;
      bestScore = score;
    }
    return best;
  }

  /** What the model answers to a statement, without carrying it out for good; undefined where the host would go down. */
  private attempt(statement: Statement): { premise: Premise; status: string } | undefined {
    const { model } = this;
    const { names } = this.stock;
    const premise = this.reached.before(model, names, statement);
    if (isReckless(statement, premise.situation)) return undefined;
    const before = model.store.mark();
    const kept = [new Map(names.domains), new Map(names.pages), new Map(names.handles)] as const;
    const { status } = performStatement(model, names, statement, this.name);
    const down = model.hostBug !== undefined;
    model.store.rollback(before);
    [names.domains, names.pages, names.handles].forEach((map, i) => {
      map.clear();
      for (const [name, value] of kept[i]!) map.set(name, value);
    });
    return down ? undefined : { premise, status };
  }

  private candidate(): Statement | undefined {
    const { op } =
      this.stock.living().length === 0 ? { op: 'createdomain' } : this.random.weighted(this.choices);
    const args = ARGUMENTS[op]!(this.stock);
    return args === undefined ? undefined : { line: 0, column: 0, op, args, expect: [] };
  }
}

/** DMA that writes over a page table: from a device that may, Xen need not survive it. */
const isReckless = ({ op, args }: Statement, { type, count, device }: Situation): boolean =>
  op === 'dma' && args.access === 'write' && device === 'dom0' && isPageTable(type) && count > 0;
