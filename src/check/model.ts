/**
 * What a model must offer to be searched. The search knows nothing else of it: state is whatever `mark` and `rollback`
 * bring back and the hash identifies.
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
}

/** A journaled store, or anything that can do the same. */
export interface SearchableState {
  mark(): number;
  rollback(mark: number): void;
  readonly hashLow: number;
  readonly hashHigh: number;
  readonly journalLength: number;
}

/** A property of states, or, when it has `remember`, of steps from one state to another. */
export interface Property {
  readonly id: string;
  /** undefined while the property holds in the present state; otherwise what breaks it. Of steps: see `remember`. */
  violation(): string | undefined;
  /**
   * Called in a state before the steps from there are taken, one by one; `violation` is then asked after each whether
   * the step from this state to the present one may be.
   */
  remember?(): void;
}
