import { Store } from '../store/store.js';
import type { FoundStates } from './found-states.js';
import type { Model, Obligations } from './model.js';

/** A state machine: what each action leads to, which obligations are under way where, and whose steps actions are. */
export interface Machine {
  /** By node and action: the node it leads to, or -1. */
  readonly to: readonly (readonly number[])[];
  /** By node: the obligations under way there. */
  readonly underWay: readonly (readonly number[])[];
  /** By action: the obligation that it is a step of, or -1. */
  readonly stepOf: readonly number[];
  /** Obligations by action that need not withstand it. */
  readonly own?: readonly (readonly number[])[];
  readonly names?: readonly string[];
}

/** A {@link Machine} as a model. Its first node is 0. A step of an obligation can only be made where that is under way. */
export class MachineModel implements Model {
  readonly state = new Store(1);
  readonly actionCount: number;
  readonly properties = [];
  readonly obligations: Obligations;
  readonly machine: Machine;
  private readonly word: number;

  constructor(machine: Machine) {
    this.machine = machine;
    this.actionCount = machine.stepOf.length;
    this.word = this.state.addPages(1, 1);
    const { names } = machine;
    this.obligations = {
      count: Math.max(-1, ...machine.stepOf, ...machine.underWay.flat()) + 1,
      underWay: (n) => machine.underWay[this.node]!.includes(n),
      isStep: (action, n) => machine.stepOf[action] === n,
      mustWithstand: (action, n) => machine.own?.[action]?.includes(n) !== true,
      ...(names !== undefined && { name: () => names[this.node]! }),
    };
  }

  get node(): number {
    return this.state.read(this.word);
  }

  perform(action: number): boolean {
    const to = successor(this.machine, this.node, action);
    if (to < 0) return false;
    this.state.write(this.word, to);
    return true;
  }
}

/** The node that an action leads to, or -1. */
export function successor({ to, stepOf, underWay }: Machine, node: number, action: number): number {
  const obligation = stepOf[action]!;
  if (obligation >= 0 && !underWay[node]!.includes(obligation)) return -1;
  return to[node]![action] ?? -1;
}

/** The states of a machine, found by the plainest search there is. */
export class PlainStates implements FoundStates {
  readonly bytes = 0;
  private readonly model: MachineModel;
  private readonly ways = new Map<number, readonly number[]>();
  private readonly nodes: number[];

  /** @param most states to find. */
  constructor(model: MachineModel, most = Number.POSITIVE_INFINITY) {
    this.model = model;
    this.ways.set(0, []);
    for (const [node, way] of this.ways) {
      for (let action = 0; action < model.actionCount; action++) {
        const to = successor(model.machine, node, action);
        if (to >= 0 && !this.ways.has(to) && this.ways.size < most) this.ways.set(to, [...way, action]);
      }
    }
    this.nodes = [...this.ways.keys()];
  }

  get count(): number {
    return this.nodes.length;
  }

  goTo(state: number): void {
    this.model.state.rollback(0);
    for (const action of this.pathTo(state)) this.model.perform(action);
  }

  find(): number {
    return this.nodes.indexOf(this.model.node);
  }

  pathTo(state: number): number[] {
    return [...this.ways.get(this.nodes[state]!)!];
  }

  node(state: number): number {
    return this.nodes[state]!;
  }
}
