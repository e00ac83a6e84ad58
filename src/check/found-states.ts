/** The states that a search has found, by number in the order in which they were found; 0 is the first. */
export interface FoundStates {
  readonly count: number;
  /** Brings the model to a state. Cheapest in ascending order. */
  goTo(state: number): void;
  /** The number of the state that the model is in, or −1. With symmetry, of the one that stands for it. */
  find(): number;
  /** Actions from the first state to this one: as few as there are. */
  pathTo(state: number): number[];
  /** Bytes that the states take. */
  readonly bytes: number;
}
