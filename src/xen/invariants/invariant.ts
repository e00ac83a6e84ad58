import type { Xen } from '../state.js';
import type { Breach, Harm } from './harm.js';
import type { Notes } from './notes.js';

/** A property of every state, or, where it has `remember`, of every step. */
export interface Invariant {
  /** Its number in dossier §10, its name in the bug gallery's catalogue (`INV-…`), or one of our own. */
  readonly id: string;
  readonly title: string;
  /** Why it must hold. */
  readonly reason: string;
  /** What a violation leads to that says nothing else itself. */
  readonly harm: Harm;
  /** What violations lead to that say it themselves, and which these are: “isolation broken where …”. */
  readonly otherHarms?: Readonly<Partial<Record<Harm, string>>>;
  /** Entries of dossier §10 and of the catalogue that it states besides `id`, wholly or in part. */
  readonly states?: readonly string[];
  /** Too dear for a search: looked at by `run --check` only. */
  readonly dear?: true;
  /**
   * undefined while it holds; otherwise the facts that break it. Where these lead to one harm or to another, a breach that
   * says to which: of several, one of the gravest. Allocates nothing while it holds.
   * @param inputs input frames worth looking at (inputFrames).
   */
  readonly violation: (xen: Xen, inputs: readonly number[], notes: Notes) => Breach | string | undefined;
  /** Notes what `violation` needs to know of the state that the step starts from. */
  readonly remember?: (xen: Xen, inputs: readonly number[], notes: Notes) => void;
}
