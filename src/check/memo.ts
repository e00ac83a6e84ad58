import type { Store } from '../store/store.js';
import { Answers } from './answers.js';
import { UNKNOWN } from './decisions.js';
import { Effects } from './effects.js';
import {
  type Foresight,
  type Model,
  NO_EFFECT,
  type Obligations,
  type Property,
  type Symmetry,
  UNFORESEEN,
} from './model.js';

/** A model whose state is a store: all that its actions and properties depend on are words that they read from there. */
export interface StoreModel extends Model {
  readonly state: Store;
}

// Answers of an action: it cannot run; it ran and wrote nothing; what it did is the effect of the number less 2.
const IMPOSSIBLE = 0;
const NOTHING = 1;
const FIRST_EFFECT = 2;
// Answers of a property, or of all properties of steps together.
const HOLDS = 0;
const BROKEN = 1;

/** Bytes that a memo may take unless it is told otherwise. */
export const MEMO_BYTES = 1 << 26;
/** What an action did that was performed without being watched. */
const UNWATCHED = NOTHING - FIRST_EFFECT - 2;

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
  /** Times that something was not known and had to be asked of the model. */
  misses = 0;
  private readonly model: StoreModel;
  readonly effects = new Effects();
  /** By action, then by property, then by effect: whether the properties of steps hold of one that does this. */
  private readonly answers: Answers;
  private readonly steps: readonly Property[];
  private readonly firstStep: number;
  /** The journal's length where the present step began, and what the step did: an effect, or below 0. */
  private before = 0;
  private done = UNWATCHED;

  /** @param model stands in the state from which it will be searched. */
  constructor(model: StoreModel, maxBytes = MEMO_BYTES) {
    this.model = model;
    this.state = model.state;
    this.actionCount = model.actionCount;
    if (model.symmetries !== undefined) this.symmetries = model.symmetries;
    if (model.obligations !== undefined) this.obligations = model.obligations;
    this.answers = new Answers(model.state, maxBytes);
    this.firstStep = model.actionCount + model.properties.length;
    this.steps = model.properties.filter(({ remember }) => remember !== undefined);
    this.properties = model.properties.map((property, n) => this.remembering(property, this.actionCount + n));
  }

  derived(word: number): boolean {
    return this.model.derived?.(word) === true;
  }

  perform(action: number): boolean {
    const answer = this.answers.ask(action);
    if (answer === UNKNOWN) return this.watchAction(action);
    this.done = answer - FIRST_EFFECT;
    if (answer >= FIRST_EFFECT) this.effects.apply(this.done, this.state);
    return answer !== IMPOSSIBLE;
  }

  effectOf(action: number): number {
    let answer = this.answers.ask(action);
    if (answer === UNKNOWN) {
      if (!this.answers.canWatch(action)) return UNFORESEEN;
      const mark = this.state.journalLength;
      this.watchAction(action);
      this.state.rollback(mark);
      answer = this.done + FIRST_EFFECT;
    }
    return answer < FIRST_EFFECT ? NO_EFFECT : answer - FIRST_EFFECT;
  }

  holdsOfStep(effect: number): boolean {
    if (this.steps.length === 0) return true;
    const answer = this.answers.ask(this.firstStep + effect);
    if (answer !== UNKNOWN) return answer === HOLDS;
    this.done = effect;
    const holds = this.watchStep();
    this.state.rollback(this.before);
    return holds;
  }

  /** Lets the model perform an action, and learns what it does. */
  private watchAction(action: number): boolean {
    const { state, model, answers } = this;
    this.misses++;
    const mark = state.journalLength;
    const watched = answers.watch(action);
    if (!watched) this.rememberAll();
    const performed = model.perform(action);
    answers.stop();
    const written = state.journalLength !== mark;
    if (written) answers.noteChanges(mark);
    this.done = UNWATCHED;
    if (!watched) return performed;
    const nothing = performed ? NOTHING : IMPOSSIBLE;
    const answer = written ? FIRST_EFFECT + this.effects.ofJournal(state, mark) : nothing;
    answers.learn(action, answer);
    this.done = answer - FIRST_EFFECT;
    return performed;
  }

  private remembering(property: Property, of: number): Property {
    if (property.remember === undefined)
      return { ...property, violation: () => this.violation(property, of) };
    return { ...property, violation: () => this.violationOfStep(property), remember: () => this.remember() };
  }

  private violation(property: Property, of: number): string | undefined {
    const { answers } = this;
    const answer = answers.ask(of);
    if (answer === HOLDS) return undefined;
    if (answer === BROKEN) return property.violation();
    this.misses++;
    const watched = answers.watch(of);
    const message = property.violation();
    answers.stop();
    if (watched) answers.learn(of, message === undefined ? HOLDS : BROKEN);
    return message;
  }

  /** The present state is the one that steps begin from. The model is told only when it is asked of such a step. */
  private remember(): void {
    this.before = this.state.journalLength;
  }

  private rememberAll(): void {
    for (const property of this.steps) property.remember!();
  }

  /** Of the step that was taken from the state remembered, by performing one action. */
  private violationOfStep(property: Property): string | undefined {
    if (this.done < 0) {
      // Before an action that is not watched the model was told; one that did nothing leads from a state to itself.
      if (this.done !== UNWATCHED) this.rememberAll();
      return property.violation();
    }
    const answer = this.answers.ask(this.firstStep + this.done);
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
    const of = this.firstStep + done;
    const watched = answers.watch(of);
    if (watched) effects.forEachWord(done, (word) => answers.leaveOut(word));
    this.rememberAll();
    answers.stop();
    effects.apply(done, state);
    if (watched) answers.resume();
    const hold = this.steps.every((property) => property.violation() === undefined);
    answers.stop();
    if (watched) answers.learn(of, hold ? HOLDS : BROKEN);
    return hold;
  }

  /** Bytes taken. */
  get bytes(): number {
    return this.answers.bytes + this.effects.bytes;
  }
}
