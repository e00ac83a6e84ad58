import type { Identity } from './identity.js';
import type { Model } from './model.js';
import type { Visited } from './visited.js';

/**
 * Where a model stands among the states that were found. To go to another is to roll the journal back to their common
 * ancestor and to perform the actions down from there: states are kept as their parent and the action that led from it.
 */
export class Position {
  /** The journal's length in the state where the model stands: what was written since is not part of it. */
  mark: number;
  private readonly model: Model;
  private readonly visited: Visited;
  private readonly identity: Identity;
  // The state at each depth of the present path, and the journal's length when the model got there.
  private path = new Int32Array(64);
  private marks = new Float64Array(64);
  private chain = new Int32Array(64);
  private standing = 0;

  /** The model stands in the state in which the search begins. */
  constructor(model: Model, visited: Visited, identity: Identity) {
    this.model = model;
    this.visited = visited;
    this.identity = identity;
    this.mark = model.state.mark();
    this.marks[0] = this.mark;
  }

  /** Back to where the search began. */
  leave(): void {
    this.mark = this.marks[0]!;
    this.model.state.rollback(this.mark);
    this.standing = 0;
  }

  /** Undoes what was written since the model came to the state where it stands. */
  undo(): void {
    this.model.state.rollback(this.mark);
  }

  /**
   * Brings the model to `state`, which was found `depth` actions from the first.
   * @throws Error when the same actions do not lead there again.
   */
  goTo(state: number, depth = this.depthOf(state)): void {
    if (depth >= this.path.length) this.lengthenPath(depth);
    let at = state;
    let level = depth;
    while (level > this.standing || this.path[level] !== at) {
      this.chain[level] = at;
      at = this.visited.parentOf(at);
      level--;
    }
    this.standing = level;
    this.mark = this.marks[level]!;
    this.undo();
    while (this.standing < depth) this.stepTo(this.chain[this.standing + 1]!);
  }

  private stepTo(next: number): void {
    const { model, identity, visited } = this;
    const done = model.perform(visited.actionOf(next));
    const found = done && this.identify(true) && visited.equals(next, identity.now, identity.least);
    if (!found) throw this.notDeterministic(next);
    this.standing++;
    this.path[this.standing] = next;
    this.mark = model.state.mark();
    this.marks[this.standing] = this.mark;
    identity.keep(this.standing);
  }

  /**
   * Works out the identity of the present state: that in which the model stands, and what was written since.
   * @returns false when it holds a fact that has no code: see {@link Identity.advance}.
   */
  identify(fresh: boolean): boolean {
    return this.identity.advance(this.standing, this.mark, fresh);
  }

  /** The number of the present state, wherever the model was led from the state it stands in; -1 when it was not found. */
  find(): number {
    const { identity } = this;
    return this.identify(false) ? this.visited.find(identity.now, identity.least) : -1;
  }

  /** Whether an effect leads from the state where the model stands to one that was found. */
  leadsToFound(effect: number): boolean {
    const { identity } = this;
    return identity.foresee(this.standing, effect) && this.visited.find(identity.now, identity.least) >= 0;
  }

  /** Actions from the first state to `state`. */
  pathTo(state: number): number[] {
    const actions: number[] = [];
    for (let at = state; this.visited.parentOf(at) >= 0; at = this.visited.parentOf(at))
      actions.push(this.visited.actionOf(at));
    return actions.reverse();
  }

  private depthOf(state: number): number {
    let depth = 0;
    for (let at = this.visited.parentOf(state); at >= 0; at = this.visited.parentOf(at)) depth++;
    return depth;
  }

  private notDeterministic(state: number): Error {
    const way = this.pathTo(state).join(', ');
    return new Error(`the model is not deterministic: actions ${way} lead to another state than before`);
  }

  private lengthenPath(depth: number): void {
    const length = Math.max(depth + 1, this.path.length * 2);
    this.path = copyInto(new Int32Array(length), this.path);
    this.chain = copyInto(new Int32Array(length), this.chain);
    this.marks = copyInto(new Float64Array(length), this.marks);
  }
}

function copyInto<A extends Int32Array | Float64Array>(longer: A, array: A): A {
  longer.set(array);
  return longer;
}
