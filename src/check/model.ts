/**
 * What a model must offer to be searched. The search knows nothing else of it: a state is what the words of its store
 * hold, and `mark` and `rollback` bring it back.
 */
export interface Model {
  readonly state: SearchableState;
  /** Actions are numbered from 0 to this. */
  readonly actionCount: number;
  /**
   * Performs an action in the present state: deterministic, so that the same action in the same state always leads to
   * the same one. False when it cannot run now; then nothing was changed.
   */
  perform(action: number): boolean;
  /** Properties that every state, or every step, must have. */
  readonly properties: readonly Property[];
  /**
   * All elements but the identity of a group of permutations under which the actions as a set and every property are
   * invariant: two states of which one is the other's image have the same future, but for names.
   */
  readonly symmetries?: readonly Symmetry[];
  /** Whether a word of the state follows from the others, and so may be left out of a state's identity. */
  derived?(word: number): boolean;
  /** What must come to an end once it is begun. */
  readonly obligations?: Obligations;
  /** What it knows of actions without performing them. */
  readonly foresight?: Foresight;
}

/** What an action would do, known without performing it: then nothing is written to find that it leads nowhere new. */
export interface Foresight {
  /**
   * Looks at what actions would do in the present state. @returns how many can do something: `possible` has their numbers,
   * and `foreseen`, at the same places, what each would do: the number of an effect, or {@link UNFORESEEN}.
   */
  look(): number;
  readonly possible: Int32Array;
  readonly foreseen: Int32Array;
  /** What effects change. Effects are numbered from 0, and a number always stands for the same. */
  readonly effects: EffectList;
  /** Whether all properties of steps are known to hold of a step that does this, from the present state, which they remember. */
  stepPropertiesHold(effect: number): boolean;
  /** Bytes that all this takes. */
  readonly bytes: number;
  /** Whether all properties of states are known to hold in the present one. */
  statePropertiesHold(): boolean;
}

/** The action changes nothing. */
export const NO_EFFECT = -1;
/** What the action does is seen when it is performed. */
export const UNFORESEEN = -2;

/** Changes of words: of each the word, what it holds before and what it holds after. */
export interface EffectList {
  /** All changes of all effects; replaced by a longer array: do not keep a reference. */
  readonly changes: Int32Array;
  /** Where in {@link changes} those of an effect begin and end. A change from a value to itself is none. */
  start(effect: number): number;
  end(effect: number): number;
}

/** Words of a change. */
export const CHANGE = 3;

/**
 * What a model begins and must end: a loop in which it goes on and on is a livelock. Obligations are numbered from 0, and
 * a number can be under way again later; between one end and the next beginning there is a state in which it is not.
 */
export interface Obligations {
  readonly count: number;
  /** Whether it is begun and not ended in the present state. */
  underWay(obligation: number): boolean;
  /** Whether performing the action is a step of it. */
  isStep(action: number, obligation: number): boolean;
  /**
   * Whether the action is one that the obligation must end in spite of. Steps, of any obligation, always are; others are
   * unless this says that they are not: what a party does to itself.
   */
  mustWithstand?(action: number, obligation: number): boolean;
  /** What is under way in the present state; loops of one obligation that go by different names are told apart. */
  name?(obligation: number): string;
}

/**
 * A permutation of states, word by word: the image of a state holds `value(index, w)` at `word(index)` wherever the state
 * holds `w` at `index`. Neither depends on other words, so that an image can be kept up to date write by write. 0 maps to
 * 0; a word that is 0 everywhere may stand at an `index` that the store has not got, and for one that is not, `word` adds
 * the page if need be.
 */
export interface Symmetry {
  /** The word that takes this word's place in the image. */
  word(index: number): number;
  /** What stands there when `index` holds `value`. */
  value(index: number, value: number): number;
}

/** A journaled store, or anything that can do the same. */
export interface SearchableState {
  mark(): number;
  rollback(mark: number): void;
  readonly journalLength: number;
  /** 64 bits of what the words hold: of no use for telling all states apart, enough to see that two are the same word for word. */
  readonly hashLow: number;
  readonly hashHigh: number;
  /** Words there are. More may come while the search goes on, all of them 0. */
  readonly wordCount: number;
  read(index: number): number;
  /** Which word entry `entry` of the journal wrote, and what it held before. */
  writtenWord(entry: number): number;
  valueBefore(entry: number): number;
  /** A number for the word that is the same wherever the model is built alike: its page's key · 1024 + its offset there. */
  nameOf(index: number): number;
}

/** A property of states, or, when it has `remember`, of steps from one state to another. */
export interface Property {
  readonly id: string;
  /** undefined while the property holds in the present state; otherwise what breaks it. Of steps: see `remember`. */
  violation(): string | undefined;
  /**
   * Which of the ways to break the property a violation is, so that a search tells one from another: the message without
   * what it happened to. Unless there is this, all are one.
   */
  clause?(message: string): string;
  /** Whether the present state is one that the property is about. Where no state is, it holds of nothing. */
  premise?(): boolean;
  /**
   * Called in a state before the steps from there are taken, one by one; `violation` is then asked after each whether
   * the step from this state to the present one may be.
   */
  remember?(): void;
}
