import type { Xen } from '../xen/state.js';
import type { AlphabetBounds } from './alphabet-bounds.js';
import type { Argument, Statement } from './program.js';

/** One thing that some actor may try: an operation of the program language with its arguments fixed. */
export interface Action {
  readonly op: string;
  readonly actor: string;
  readonly args: Readonly<Record<string, Argument>>;
  /** Tries it. Allocates nothing. */
  readonly perform: () => Attempt;
}

/** What came of trying an action. */
export const Attempt = {
  /** It cannot be tried now, or would be another action: whatever it changed is to be undone. */
  impossible: 0,
  /** Xen refused, which may have left traces: a page that fails to become a page table has lost its type. */
  refused: 1,
  done: 2,
} as const;
export type Attempt = (typeof Attempt)[keyof typeof Attempt];

/** What an operation with this status came to. */
export const answered = (status: number): Attempt => (status < 0 ? Attempt.refused : Attempt.done);
/** What came of something that either is done or is none of the actions. */
export const possible = (done: boolean): Attempt => (done ? Attempt.done : Attempt.impossible);

/** What a program calls the things that actions are about. */
export interface ActionNames {
  domain(slot: number): string;
  handle(mapper: number, handle: number): string;
}

/** Adds an action to the alphabet. */
export type AddAction = (
  op: string,
  actor: string,
  args: Record<string, Argument>,
  perform: () => Attempt,
) => void;

/** What actions are made from, and where they go. */
export interface ActionScene {
  readonly xen: Xen;
  readonly names: ActionNames;
  readonly bounds: AlphabetBounds;
  /** Indexes of the frames that domains can own. */
  readonly frames: readonly number[];
  readonly add: AddAction;
}

/** An action as a statement of the program language. */
export function actionStatement(action: Action, line: number): Statement {
  return { line, column: 1, op: action.op, args: action.args, expect: [] };
}
