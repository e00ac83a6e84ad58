import { type Coding, ExactCoding, FingerprintCoding, omissionProbability } from './coding.js';
import { Identity } from './identity.js';
import type { Model } from './model.js';
import { Position } from './position.js';
import type { HashChoice } from './result.js';
import { Visited } from './visited.js';

/** Words of an identity up to which states are told apart exactly unless asked otherwise. */
const MAX_EXACT_WORDS = 16;

/**
 * The states that a search has found, by number, and the model that stands in one of them: what is known of a state, the
 * way to it, and which the present one is.
 */
export class States {
  private readonly position: Position;
  private readonly visited: Visited;
  private readonly identity: Identity;
  private readonly hash: HashChoice;
  private coding: Coding;

  /** The model stands in the state in which the search begins; it is not added yet. */
  constructor(model: Model, hash: HashChoice, symmetries: boolean) {
    this.hash = hash;
    this.coding = hash === '64' ? new FingerprintCoding() : new ExactCoding();
    this.identity = new Identity(model, symmetries ? (model.symmetries ?? []) : [], this.coding);
    this.visited = new Visited(this.coding.words, model.actionCount);
    this.position = new Position(model, this.visited, this.identity);
    this.begin();
  }

  private begin(): void {
    while (!this.identity.begin()) this.recode();
  }

  /** States found. */
  get count(): number {
    return this.visited.size;
  }

  /** true when states are told apart exactly, else the probability that one was overlooked. */
  get exact(): true | number {
    return this.coding instanceof ExactCoding || omissionProbability(this.count);
  }

  /** Words of a state's identity. */
  get identityWords(): number {
    return this.coding.words;
  }

  /** Elements of the group under which images count as one state: 1 is no symmetry. */
  get symmetries(): number {
    return this.identity.group;
  }

  /** The journal's length in the state where the model stands: what was written since is not part of it. */
  get mark(): number {
    return this.position.mark;
  }

  /** Adds the first state, in which the model stands. */
  addFirst(): void {
    this.visited.add(this.identity.now, this.identity.least, -1, 0);
  }

  /**
   * Adds the present state, which `action` led to from `parent`, where the model stands.
   * @returns its number; {@link KNOWN} when it was found before; {@link NO_ROOM} when its identity needs more room, which
   *   {@link makeRoom} makes.
   */
  add(parent: number, action: number): number {
    const { identity } = this;
    if (!this.position.identify(true)) return NO_ROOM;
    return this.visited.add(identity.now, identity.least, parent, action);
  }

  /** The number of the present state, wherever the model was led from the state it stands in; -1 when it was not found. */
  find(): number {
    return this.position.find();
  }

  /** Whether an effect leads from the state where the model stands to one that was found. */
  leadsToFound(effect: number): boolean {
    return this.position.leadsToFound(effect);
  }

  /** Brings the model to a state, which lies `depth` actions from the first. */
  goTo(state: number, depth?: number): void {
    this.position.goTo(state, depth);
  }

  /** Undoes what was written since the model came to the state where it stands. */
  undo(): void {
    this.position.undo();
  }

  /** Brings the model back to where the search began. */
  leave(): void {
    this.position.leave();
  }

  /** Actions from the first state to `state`. */
  pathTo(state: number): number[] {
    return this.position.pathTo(state);
  }

  /** The state that `state` was found from, -1 for the first, and the action that led here from there. */
  parentOf(state: number): number {
    return this.visited.parentOf(state);
  }

  actionOf(state: number): number {
    return this.visited.actionOf(state);
  }

  /**
   * Makes identities wider, or turns to fingerprints when they would become too wide. The model goes back to the first
   * state.
   * @returns false when that would take more than `maxMemory` bytes; then nothing has changed.
   */
  makeRoom(maxMemory: number): boolean {
    const words = this.isWideEnough ? 2 : this.coding.words + 1;
    if (this.visited.bytesToRewrite(words) + this.identity.bytes > maxMemory) return false;
    this.position.leave();
    this.recode();
    this.begin();
    return true;
  }

  private get isWideEnough(): boolean {
    return this.hash === 'auto' && this.coding.words >= MAX_EXACT_WORDS;
  }

  private recode(): void {
    const { coding, visited, identity } = this;
    if (this.isWideEnough && coding instanceof ExactCoding) {
      this.coding = new FingerprintCoding();
      identity.recode(this.coding);
      identity.begin();
      visited.rewrite(this.coding.words, (from, at, to, there) => {
        identity.assemble(coding.decode(from, at));
        const { now, least } = identity;
        for (let n = 0; n < 2; n++) to[there + n] = now[least + n]!;
      });
    } else {
      const before = coding.words;
      coding.widen();
      identity.recode(coding);
      visited.rewrite(coding.words, (from, at, to, there) => {
        for (let n = 0; n < before; n++) to[there + n] = from[at + n]!;
      });
    }
  }

  get bytes(): number {
    return this.visited.bytes + this.identity.bytes;
  }

  /** Bytes while the next state is added: an array that must grow is there twice. */
  get bytesToAdd(): number {
    return this.visited.bytesToAdd + this.identity.bytesToLearn;
  }
}

/** Answers of {@link States.add} that are no numbers of states. */
export const KNOWN = -1;
export const NO_ROOM = -2;
