import type { FoundStates } from './found-states.js';
import { GrowingList } from './growing.js';
import type { Model, Obligations } from './model.js';

/** Obligations that fit into the bits of a word. */
export const MAX_OBLIGATIONS = 31;

/**
 * The obligations of a model that some action is a step of, as bits. What never makes a step cannot be kept from ending
 * while it makes steps.
 */
export class ObligationBits {
  /** Obligations by bit. */
  readonly obligations: readonly number[];
  /** By action: the obligations it is a step of, and those whose loops it may be in. */
  readonly steps: Int32Array;
  readonly allowed: Int32Array;
  private readonly model: Obligations;

  /** @throws RangeError when there are more than {@link MAX_OBLIGATIONS}. */
  constructor(obligations: Obligations, actionCount: number) {
    this.model = obligations;
    const actions = Array.from({ length: actionCount }, (_, action) => action);
    this.obligations = Array.from({ length: obligations.count }, (_, n) => n).filter((n) =>
      actions.some((action) => obligations.isStep(action, n)),
    );
    if (this.obligations.length > MAX_OBLIGATIONS)
      throw new RangeError(`${this.obligations.length} obligations, and a word has ${MAX_OBLIGATIONS} bits`);
    this.steps = Int32Array.from(actions, (action) => this.bits((n) => obligations.isStep(action, n)));
    this.allowed = Int32Array.from(actions, (action) =>
      this.steps[action] !== 0
        ? -1
        : this.bits((n) => obligations.mustWithstand === undefined || obligations.mustWithstand(action, n)),
    );
  }

  /** Those under way in the present state. */
  underWay(): number {
    const { model, obligations } = this;
    let bits = 0;
    for (let bit = 0; bit < obligations.length; bit++) {
      if (model.underWay(obligations[bit]!)) bits |= 1 << bit;
    }
    return bits;
  }

  private bits(of: (obligation: number) => boolean): number {
    return this.obligations.reduce((bits, n, bit) => bits | (of(n) ? 1 << bit : 0), 0);
  }
}

/**
 * The part of a state space in which something is under way: its states as nodes in the order of their numbers, and the
 * actions from one to another that a loop may be made of, node by node.
 */
export class StepGraph {
  readonly bits: ObligationBits;
  /** By node: the state, the obligations under way in it, and those of them that can make a step. */
  readonly stateOf = new GrowingList();
  readonly underWay = new GrowingList();
  readonly enabled = new GrowingList();
  /** Where the edges of a node begin; of the node behind the last one, where they end. */
  readonly firstEdge = new GrowingList();
  /** By edge: the node it leads to, and the action. Until {@link seal} it is the state. */
  readonly target = new GrowingList();
  readonly action = new GrowingList();

  constructor(bits: ObligationBits) {
    this.bits = bits;
    this.firstEdge.push(0);
  }

  get nodes(): number {
    return this.stateOf.length;
  }

  get bytes(): number {
    return this.lists.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Bytes while a state with so many edges is added, at most. */
  bytesToAdd(edges: number): number {
    return this.lists.reduce((sum, list) => sum + list.bytesToAdd(edges), 0);
  }

  private get lists(): readonly GrowingList[] {
    return [this.stateOf, this.underWay, this.enabled, this.firstEdge, this.target, this.action];
  }

  /** Adds the state that `found` goes to, when something is under way in it, with all that can be done there. */
  expand(model: Model, found: FoundStates, state: number): void {
    const { bits } = this;
    found.goTo(state);
    const underWay = bits.underWay();
    if (underWay === 0) return;
    const { state: store } = model;
    const mark = store.mark();
    let enabled = 0;
    for (let action = 0; action < model.actionCount; action++) {
      const allowed = bits.allowed[action]! & underWay;
      if (allowed === 0 || !model.perform(action)) continue;
      const steps = bits.steps[action]!;
      enabled |= steps & underWay;
      // A step that changes nothing is one; another action that does is nothing.
      if (store.journalLength === mark) {
        if ((steps & underWay) !== 0) this.addEdge(state, action);
        continue;
      }
      if ((allowed & bits.underWay()) !== 0) {
        const target = found.find();
        if (target >= 0) this.addEdge(target, action);
      }
      store.rollback(mark);
    }
    this.stateOf.push(state);
    this.underWay.push(underWay);
    this.enabled.push(enabled);
    this.firstEdge.push(this.target.length);
  }

  private addEdge(state: number, action: number): void {
    this.target.push(state);
    this.action.push(action);
  }

  /** Once all states are there: edges lead to nodes instead of states. `states` is their number. */
  seal(states: number): void {
    const nodeOf = new Int32Array(states).fill(-1);
    for (let node = 0; node < this.nodes; node++) nodeOf[this.stateOf.get(node)] = node;
    for (let edge = 0; edge < this.target.length; edge++) {
      this.target.set(edge, nodeOf[this.target.get(edge)]!);
    }
  }

  /** Whether a loop of the obligation may go along the edge, which starts at a node where it is under way. */
  keeps(edge: number, bit: number): boolean {
    const wanted = 1 << bit;
    return (
      (this.bits.allowed[this.action.get(edge)]! & this.underWay.get(this.target.get(edge)) & wanted) !== 0
    );
  }

  stepsOf(edge: number): number {
    return this.bits.steps[this.action.get(edge)]!;
  }

  /** Obligations that could make a step at a node: who is fair lets them, or leaves the node. */
  waiting(node: number): number {
    return this.underWay.get(node) & this.enabled.get(node);
  }
}
