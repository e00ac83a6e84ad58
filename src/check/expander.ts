import { Findings } from './findings.js';
import { type Foresight, type Model, type Property, UNFORESEEN } from './model.js';
import type { Stop, Violation } from './result.js';
import type { States } from './states.js';
import { FULL, NO_ROOM } from './visited.js';

export interface ExpanderOptions {
  /** Whether to stop at the first violation. */
  readonly first: boolean;
  /** Bytes for all tables, and how many threads have tables of facts. */
  readonly maxMemory: number;
  readonly threads: number;
  /** Makes room for a state that finds none. False when there can be none. */
  readonly room: () => boolean;
}

const NO_STATE = -1;

/** Tries every action in states, adds the states that they lead to, and holds these against the properties. */
export class Expander {
  /** Depth of the states that are being expanded. */
  level = 0;
  /** Actions that changed something. */
  transitions = 0;
  /** By action: whether it ever changed something. */
  readonly enabled: Uint8Array;
  readonly findings: Findings;
  /** Violations found since somebody took them from here. */
  readonly violations: Violation[] = [];
  /** Why to end now. */
  stop: Stop | undefined;
  /** The bound that keeps states from being added: the search goes on until it meets one that it would have to add. */
  full: Stop | undefined;
  private readonly model: Model;
  private readonly states: States;
  private readonly options: ExpanderOptions;
  private readonly stateProperties: readonly Property[];
  private readonly stepProperties: readonly Property[];

  constructor(model: Model, states: States, options: ExpanderOptions) {
    this.model = model;
    this.states = states;
    this.options = options;
    this.enabled = new Uint8Array(model.actionCount);
    this.findings = new Findings(model.properties);
    this.stateProperties = model.properties.filter(({ remember }) => remember === undefined);
    this.stepProperties = model.properties.filter(({ remember }) => remember !== undefined);
  }

  /** Holds the first state, in which the model stands, against the properties. */
  judgeFirst(): void {
    this.found(NO_STATE, 0);
  }

  /** Tries every action in a state of the present level. */
  expand(state: number): void {
    const { foresight, actionCount } = this.model;
    this.enter(state);
    if (foresight === undefined) {
      for (let action = 0; action < actionCount && this.stop === undefined; action++)
        this.take(state, action);
      return;
    }
    const { possible, foreseen } = foresight;
    const count = foresight.look();
    for (let n = 0; n < count && this.stop === undefined; n++) {
      if (this.isForeseen(foresight, foreseen[n]!)) this.count(possible[n]!);
      else this.take(state, possible[n]!);
    }
  }

  /** Whether an effect is known to break nothing and to lead to a state that was found. */
  private isForeseen(foresight: Foresight, effect: number): boolean {
    return effect !== UNFORESEEN && this.states.leadsToFound(effect) && foresight.stepPropertiesHold(effect);
  }

  private count(action: number): void {
    this.enabled[action] = 1;
    this.transitions++;
  }

  /** Performs an action in a state, and undoes it. */
  private take(state: number, action: number): void {
    const { model, states } = this;
    if (!model.perform(action) || model.state.journalLength === states.mark) return;
    this.count(action);
    if (this.full === undefined) this.add(state, action);
    else if (states.find() < 0) this.stop = this.full;
    for (const property of this.stepProperties) this.judge(property, state, action);
    states.undo();
  }

  private enter(state: number): void {
    this.states.goTo(state, this.level);
    for (const property of this.stepProperties) property.remember!();
  }

  /** Keeps the present state, to which `action` led from `state`, if it is new. */
  private add(state: number, action: number): void {
    let added = this.states.add(state, action);
    while (added === NO_ROOM) {
      if (!this.options.room()) {
        this.stop = 'memory';
        return;
      }
      this.enter(state);
      this.model.perform(action);
      added = this.states.add(state, action);
    }
    if (added === FULL) this.stop = 'states';
    if (added >= 0) this.found(state, action);
  }

  /** A state not seen before is held against the properties. */
  private found(parent: number, action: number): void {
    this.findings.note();
    if (this.model.foresight?.statePropertiesHold() !== true)
      for (const property of this.stateProperties) this.judge(property, parent, action);
    const { maxMemory, threads } = this.options;
    if (this.states.bytesToLearn(threads) > maxMemory) this.full = 'memory';
  }

  /** Holds a property against the present state, or the step to it: `action` in the state `parent`. */
  private judge(property: Property, parent: number, action: number): void {
    const found = this.findings.judge(property, () =>
      parent === NO_STATE ? [] : [...this.states.pathTo(parent), action],
    );
    if (found === undefined) return;
    this.violations.push(found);
    if (this.options.first) this.stop = 'violation';
  }
}
