import type { Xen } from '../state.js';
import type { Notes } from './notes.js';

/** The worst a violation leads to, in the words of dommu's users. Ordered from the gravest. */
export type Harm = 'isolation broken' | 'crash' | 'livelock' | 'mapping lost' | 'leak';

/** A property of every state, or, where it has `remember`, of every step. */
export interface Invariant {
  /** Its number in dossier §10, its name in the bug gallery's catalogue (`INV-…`), or one of our own. */
  readonly id: string;
  readonly title: string;
  /** Why it must hold. */
  readonly reason: string;
  readonly harm: Harm;
  /** Entries of dossier §10 and of the catalogue that it states besides `id`, wholly or in part. */
  readonly states?: readonly string[];
  /** Too dear for a search: looked at by `run --check` only. */
  readonly dear?: true;
  /**
   * undefined while it holds; otherwise the facts that break it. Allocates nothing while it holds.
   * @param inputs input frames worth looking at (inputFrames).
   */
  readonly violation: (xen: Xen, inputs: readonly number[], notes: Notes) => string | undefined;
  /** Notes what `violation` needs to know of the state that the step starts from. */
  readonly remember?: (xen: Xen, inputs: readonly number[], notes: Notes) => void;
}
