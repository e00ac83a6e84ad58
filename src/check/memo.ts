import { longer } from '../store/longer.js';
import type { Store } from '../store/store.js';
import { Answers, LEAF } from './answers.js';
import { UNKNOWN } from './decisions.js';
import { Effects } from './effects.js';
import { type Group, Groups } from './groups.js';
import {
  type Foresight,
  type Model,
  NO_EFFECT,
  type Obligations,
  type Property,
  type Symmetry,
  UNFORESEEN,
} from './model.js';
import { meet, SET } from './word-set.js';

/** A model whose state is a store: all that its actions and properties depend on are words that they read from there. */
export interface StoreModel extends Model {
  readonly state: Store;
}

// Answers of a property, of a premise, or of several properties together.
const HOLDS = 0;
const BROKEN = 1;

/** Bytes that a memo may take unless it is told otherwise. */
export const MEMO_BYTES = 1 << 26;
/** Actions, and properties, that are asked together to begin with. */
const GROUP = 16;
/** What an action did that was performed without being watched, or that cannot run. */
const UNWATCHED = -3;
const IMPOSSIBLE = -4;
/** Not looked up yet, and none. */
const NEW = -2;
const NONE = -1;

/**
 * A model that remembers what its actions did and which of its properties held, by the words that they read. An action
 * is a function of the state and reads few words of it, so most of what a search tries was tried before with the same
 * words: then it takes a look at these words and no more. What is not known is asked of the model itself, which is watched
 * doing it.
 *
 * States must be reached from the one in which the memo was made, by performing its actions and rolling back.
 */
export class Memo implements Model, Foresight {
  readonly state: Store;
  readonly actionCount: number;
  readonly properties: readonly Property[];
  readonly symmetries?: readonly Symmetry[];
  readonly obligations?: Obligations;
  readonly foresight: Foresight = this;
  readonly effects = new Effects();
  readonly possible: Int32Array;
  readonly foreseen: Int32Array;
  /** Times that something was not known and had to be asked of the model. */
  misses = 0;
  private readonly model: StoreModel;
  private readonly ofStates: readonly Property[];
  private readonly ofSteps: readonly Property[];
  private readonly answers: Answers;
  /** Functions asked so far have numbers below this. */
  private functions = 0;
  private readonly actionGroups: Groups;
  private readonly propertyGroups: Groups;
  /** Whether the properties of steps hold of a step that changes nothing; and by effect, of one that does this, or 0. */
  private readonly stillStep: number;
  private stepFunctions = new Int32Array(256);
  /** What groups of actions do: the number of pairs that follow, of an action and its effect. Answers are places here. */
  private lists: number[] = [];
  /** By effect: the set of words that it changes. */
  private effectSets = new Int32Array(SET * 256);
  private effectsWithSets = 0;
  /** The journal's length where the present step began, the leaf of `stillStep` there if it holds, what the step did. */
  private before = 0;
  private stillLeaf = NEW;
  private done = UNWATCHED;
  /** Whether the model, too, has been told that the present step began there. */
  private told = false;

  /** @param model stands in the state from which it will be searched. */
  constructor(model: StoreModel, maxBytes = MEMO_BYTES) {
    this.model = model;
    this.state = model.state;
    this.actionCount = model.actionCount;
    if (model.symmetries !== undefined) this.symmetries = model.symmetries;
    if (model.obligations !== undefined) this.obligations = model.obligations;
    this.possible = new Int32Array(model.actionCount);
    this.foreseen = new Int32Array(model.actionCount);
    this.answers = new Answers(model.state, maxBytes);
    this.ofSteps = model.properties.filter(({ remember }) => remember !== undefined);
    this.ofStates = model.properties.filter(({ remember }) => remember === undefined);
    this.properties = model.properties.map((property) => this.remembering(property));
    const newFunction = () => this.functions++;
    this.stillStep = newFunction();
    this.actionGroups = new Groups(model.actionCount, GROUP, newFunction);
    this.propertyGroups = new Groups(this.ofStates.length, GROUP, newFunction);
  }

  derived(word: number): boolean {
    return this.model.derived?.(word) === true;
  }

  perform(action: number): boolean {
    const group = this.actionGroups.of(action);
    const list = this.listOf(group);
    if (list === UNKNOWN) return this.performUnwatched(action);
    this.done = this.effectIn(list, action);
    if (this.done >= 0) this.effects.apply(this.done, this.state);
    return this.done !== IMPOSSIBLE;
  }

  private performUnwatched(action: number): boolean {
    const mark = this.state.journalLength;
    this.misses++;
    if (!this.told || mark !== this.before) this.rememberAll();
    this.done = UNWATCHED;
    const performed = this.model.perform(action);
    if (this.state.journalLength !== mark) this.noteChanges(mark);
    return performed;
  }

  private effectIn(list: number, action: number): number {
    const { lists } = this;
    const end = list + lists[list]! * 2;
    for (let at = list + 1; at < end; at += 2) if (lists[at] === action) return lists[at + 1]!;
    return IMPOSSIBLE;
  }

  /** What the actions of a group do in the present state, or UNKNOWN where there is no room to learn it. */
  private listOf(group: Group): number {
    group.asked++;
    const list = this.answers.ask(group.of);
    return list === UNKNOWN ? this.watchActions(group) : list;
  }

  look(): number {
    const { lists, possible, foreseen, actionGroups } = this;
    const { groups } = actionGroups;
    let count = 0;
    for (let n = 0; n < groups.length; n++) {
      const group = groups[n]!;
      const list = this.listOf(group);
      // It was split meanwhile, but has been looked at as a whole.
      if (groups[n] !== group) n++;
      if (list === UNKNOWN) {
        for (let action = group.first; action < group.end; action++, count++) {
          possible[count] = action;
          foreseen[count] = UNFORESEEN;
        }
        continue;
      }
      const end = list + lists[list]! * 2;
      for (let at = list + 1; at < end; at += 2) {
        if (lists[at + 1] === NO_EFFECT) continue;
        possible[count] = lists[at]!;
        foreseen[count++] = lists[at + 1]!;
      }
    }
    return count;
  }

  /** Lets the model perform each action of a group, and learns what they do. The state is the same afterwards. */
  private watchActions(group: Group): number {
    const { state, model, answers, lists } = this;
    if (!answers.watch(group.of)) {
      if (!answers.isFull) this.actionGroups.split(group);
      return UNKNOWN;
    }
    const mark = state.journalLength;
    const pairs: number[] = [];
    for (let action = group.first; action < group.end; action++) {
      answers.resume();
      const performed = model.perform(action);
      answers.stop();
      if (state.journalLength !== mark) {
        const mistaken = this.noteChanges(mark);
        const effect = this.effectSince(mark);
        state.rollback(mark);
        // What was read so far was noted but for words that were no news then.
        if (mistaken) return this.watchActions(group);
        pairs.push(action, effect);
      } else if (performed) pairs.push(action, NO_EFFECT);
    }
    this.misses++;
    const list = lists.length;
    lists.push(pairs.length / 2, ...pairs);
    answers.learn(group.of, list);
    this.actionGroups.noteLearnt(group);
    return list;
  }

  /** @returns whether all that was learnt is forgotten. */
  private noteChanges(mark: number): boolean {
    const mistaken = this.answers.noteChanges(mark);
    if (mistaken) {
      this.stillLeaf = NEW;
      this.lists.length = 0;
    }
    return mistaken;
  }

  /** The effect of what was written since `mark`. */
  private effectSince(mark: number): number {
    const effect = this.effects.ofJournal(this.state, mark);
    if (effect < this.effectsWithSets) return effect;
    const at = effect * SET;
    if (at === this.effectSets.length) this.effectSets = longer(this.effectSets, at + SET);
    this.effects.forEachWord(effect, (word) => this.answers.addTo(this.effectSets, at, word));
    this.effectsWithSets++;
    return effect;
  }

  private remembering(property: Property): Property {
    const { premise, remember } = property;
    const own = premise === undefined ? property : { ...property, premise: this.asFunction(premise) };
    if (remember !== undefined)
      return { ...own, violation: () => this.violationOfStep(property), remember: () => this.remember() };
    const holds = this.asFunction(() => property.violation() === undefined);
    return { ...own, violation: () => (holds() ? undefined : property.violation()) };
  }

  /** The same, remembered. */
  private asFunction(ask: () => boolean): () => boolean {
    const of = this.functions++;
    return () => this.holds(of, ask);
  }

  /** Whether something holds in the present state that is a function of it. */
  private holds(of: number, ask: () => boolean): boolean {
    const answer = this.answers.ask(of);
    return answer === UNKNOWN ? this.watch(of, ask) : answer === HOLDS;
  }

  private watch(of: number, ask: () => boolean): boolean {
    const { answers } = this;
    this.misses++;
    const watched = answers.watch(of);
    const holds = ask();
    answers.stop();
    if (watched) answers.learn(of, holds ? HOLDS : BROKEN);
    return holds;
  }

  statePropertiesHold(): boolean {
    const { groups } = this.propertyGroups;
    for (let n = 0; n < groups.length; n++) if (!this.groupHolds(groups[n]!)) return false;
    return true;
  }

  private groupHolds(group: Group): boolean {
    group.asked++;
    const answer = this.answers.ask(group.of);
    if (answer !== UNKNOWN) return answer === HOLDS;
    const holds = this.watch(group.of, () =>
      this.ofStates.slice(group.first, group.end).every((property) => property.violation() === undefined),
    );
    this.propertyGroups.noteLearnt(group);
    return holds;
  }

  /** The present state is the one that steps begin from. The model is told only when it is asked of such a step. */
  private remember(): void {
    this.before = this.state.journalLength;
    this.stillLeaf = NEW;
    this.told = false;
  }

  private rememberAll(): void {
    for (const property of this.ofSteps) property.remember!();
    this.told = this.state.journalLength === this.before;
  }

  private stepHolds(): boolean {
    return this.ofSteps.every((property) => property.violation() === undefined);
  }

  stepPropertiesHold(effect: number): boolean {
    if (this.ofSteps.length === 0 || this.isBesideSteps(effect)) return true;
    const answer = this.answers.ask(this.stepFunction(effect));
    if (answer !== UNKNOWN) return answer === HOLDS;
    this.done = effect;
    const holds = this.watchStep();
    this.state.rollback(this.before);
    return holds;
  }

  /**
   * Whether an effect changes nothing in the present state that the properties of steps look at: then they are as of a
   * step that changes nothing.
   */
  private isBesideSteps(effect: number): boolean {
    if (this.stillLeaf === NEW) this.stillLeaf = this.lookAtStillStep();
    const { stillLeaf, answers } = this;
    return stillLeaf !== NONE && !meet(answers.leaves, stillLeaf * LEAF + 1, this.effectSets, effect * SET);
  }

  private lookAtStillStep(): number {
    const { answers, stillStep } = this;
    const holds = this.holds(stillStep, () => {
      this.rememberAll();
      return this.stepHolds();
    });
    return holds ? answers.find(stillStep) : NONE;
  }

  private stepFunction(effect: number): number {
    // Most steps need not be judged: the first that must be may have an effect far behind those before it.
    if (effect >= this.stepFunctions.length) this.stepFunctions = longer(this.stepFunctions, effect + 1);
    const of = this.stepFunctions[effect]!;
    return of === 0 ? (this.stepFunctions[effect] = this.functions++) : of;
  }

  /** Of the step that was taken from the state remembered, by performing one action. */
  private violationOfStep(property: Property): string | undefined {
    if (this.done < 0) {
      // Before an action that is not watched the model was told; one that did nothing leads from a state to itself.
      if (this.done !== UNWATCHED) this.rememberAll();
      return property.violation();
    }
    const answer = this.answers.ask(this.stepFunction(this.done));
    if (answer === HOLDS) return undefined;
    if (answer === BROKEN) this.takeAgain();
    else if (this.watchStep()) return undefined;
    return property.violation();
  }

  private takeAgain(): void {
    this.state.rollback(this.before);
    this.rememberAll();
    this.effects.apply(this.done, this.state);
  }

  /**
   * Takes the step again, and learns whether the properties of steps hold of it. What it changes is the same in every such
   * step, and is not asked for; all other words are the same before and after. @returns whether they hold.
   */
  private watchStep(): boolean {
    const { answers, effects, done, state } = this;
    this.misses++;
    state.rollback(this.before);
    const of = this.stepFunction(done);
    const watched = answers.watch(of);
    if (watched) effects.forEachWord(done, (word) => answers.leaveOut(word));
    this.rememberAll();
    answers.stop();
    effects.apply(done, state);
    if (watched) answers.resume();
    const hold = this.stepHolds();
    answers.stop();
    if (watched) answers.learn(of, hold ? HOLDS : BROKEN);
    return hold;
  }

  /** Bytes taken. */
  get bytes(): number {
    return this.answers.bytes + this.effects.bytes + this.effectSets.byteLength + this.lists.length * 8;
  }
}
