import type { Stop, Violation } from './result.js';
import type { States } from './states.js';

/** What threads are told of the search that they help. */
export interface CrewOptions {
  /** What their models are made from, as {@link SearchOptions.modelData} says. */
  readonly modelData: unknown;
  readonly symmetries: boolean;
  readonly limit: number;
  readonly first: boolean;
  readonly maxMemory: number;
  /** What the model here began with: {@link rootOf}. */
  readonly root: string;
}

/** A level, or the rest of one, as threads are asked to expand it. */
export interface LevelWork {
  readonly level: number;
  readonly end: number;
  readonly full: Stop | undefined;
  /** What is known to be broken, and the properties that no state was about so far. */
  readonly known: readonly Pick<Violation, 'property' | 'clause'>[];
  readonly vacuous: readonly string[];
}

/** What the threads made of a level, or of the rest of one. */
export interface LevelOutcome {
  readonly transitions: number;
  readonly enabled: readonly Uint8Array[];
  readonly violations: readonly Violation[];
  /** Properties that no state was about, for all that the threads know. */
  readonly vacuous: readonly string[];
  readonly stop: Stop | undefined;
}

/** Threads that expand the states of a level together, each with a model of its own. */
export interface Crew {
  /** Whether all threads have built their models, and the promise that they have. */
  readonly isReady: boolean;
  readonly started: Promise<void>;
  /** @throws Error when a thread could not go on, or not begin. */
  check(): void;
  /** Lets the threads expand the states from `from` up to `end`, which lie `level` actions from the first. */
  expand(work: LevelWork, from: number): Promise<LevelOutcome>;
  /** Makes the threads end their work once they have expanded the states that they have taken. */
  stop(): void;
  /** Transitions made in the level under way. */
  readonly transitions: number;
  /** The first state of the level under way that nobody has taken to expand; may lie beyond its end. */
  readonly next: number;
  close(): Promise<void>;
}

/** Where a search has its threads from: it knows of none itself, and runs where there are none. */
export interface Threads {
  readonly count: number;
  /** Starts them, which takes them a while. */
  start(states: States, options: CrewOptions): Crew;
}
