import { type Coding, ExactCoding, FingerprintCoding, omissionProbability } from './coding.js';
import type { Words } from './control.js';
import { Identity } from './identity.js';
import type { Model } from './model.js';
import { Position } from './position.js';
import type { HashChoice } from './result.js';
import { SharedFacts } from './shared-facts.js';
import { NO_ROOM, Visited, type VisitedTables } from './visited.js';

/** Words of an identity up to which states are told apart exactly unless asked otherwise. */
const MAX_EXACT_WORDS = 16;
/** Facts that the list which threads share has room for, at first and each time it is full. */
const SHARED_FACTS = 1 << 14;

/** Of what there is too little. */
export type Need = 'states' | 'identities';

/** What another thread needs to work on the same states. */
export interface SharedStates {
  readonly tables: VisitedTables;
  /** The facts that have exact codes; undefined where there are fingerprints. */
  readonly facts: Words | undefined;
}

/** What of the states was saved, but for the arrays. */
export interface SavedStates {
  readonly count: number;
  /** Words of an identity. */
  readonly words: number;
  /** The facts that have exact codes, in the order in which they got them: name and value; null where there are fingerprints. */
  readonly facts: readonly (readonly [number, number])[] | null;
}

/** Saved states: `fill` gives the arrays what they held, one after the other. */
export interface RestoredStates {
  readonly states: SavedStates;
  readonly fill: (bytes: Uint8Array<ArrayBufferLike>) => void;
}

export interface StatesOptions {
  readonly hash: HashChoice;
  readonly symmetries: boolean;
  /** States after which no more are wanted. */
  readonly limit: number;
  readonly shared?: SharedStates;
  readonly restored?: RestoredStates | undefined;
}

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
  private facts: SharedFacts | undefined;
  /** Whether all facts that have codes were met in this process: who does not know them cannot code them anew. */
  private knowsAllFacts = true;
  /** Of what there was too little when the last state could not be added; undefined when another thread wants room. */
  need: Need | undefined;

  /**
   * The model stands in the state in which the search begins; it is not added yet.
   * `shared` are the states that another thread has found and shares, `restored` those that an earlier search had found.
   */
  constructor(model: Model, { hash, symmetries, limit, shared, restored }: StatesOptions) {
    this.hash = hash;
    this.coding =
      hash === '64' || restored?.states.facts === null ? new FingerprintCoding() : new ExactCoding();
    if (this.coding instanceof ExactCoding && restored !== undefined) {
      const facts = restored.states.facts!.map(([name, value]) => ({ name, value }));
      this.coding.replay(facts, restored.states.words);
    }
    this.visited = new Visited(this.coding.words, model.actionCount);
    this.visited.limit = limit;
    if (shared !== undefined) this.join(shared);
    if (restored !== undefined) this.restore(restored);
    this.identity = new Identity(model, symmetries ? (model.symmetries ?? []) : [], this.coding);
    this.position = new Position(model, this.visited, this.identity);
    this.begin();
  }

  private restore({ states, fill }: RestoredStates): void {
    this.knowsAllFacts = false;
    this.visited.eachArray(states.count, fill);
    this.visited.restore(states.count);
    if (this.coding instanceof FingerprintCoding) this.coding.isShared = true;
  }

  /** What to save of the states, and the arrays that hold the rest. */
  save(): { states: SavedStates; eachArray: (visit: (bytes: Uint8Array<ArrayBufferLike>) => void) => void } {
    const { coding, count } = this;
    const facts =
      coding instanceof ExactCoding ? coding.all.map(({ name, value }) => [name, value] as const) : null;
    return {
      states: { count, words: coding.words, facts },
      eachArray: (visit) => this.visited.eachArray(count, visit),
    };
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

  /** How another thread tells the same states apart. */
  get sharedHash(): HashChoice {
    return this.coding instanceof ExactCoding ? 'exact' : '64';
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
   * @returns its number, or `KNOWN`, `FULL`, or `NO_ROOM`: then somebody must make room, and the model may have to come
   *   here again.
   */
  add(parent: number, action: number): number {
    const { identity } = this;
    this.need = undefined;
    if (this.visited.isPaused) return NO_ROOM;
    if (!this.position.identify(true)) {
      this.need = 'identities';
      return NO_ROOM;
    }
    const added = this.visited.add(identity.now, identity.least, parent, action);
    if (added === NO_ROOM) this.need = 'states';
    return added;
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
   * Makes room for what was needed: for `spare` states, or wider identities, or fingerprints in place of identities that
   * would become too wide. The model goes back to the first state.
   * @returns false when that would take more than `maxMemory` bytes; then nothing has changed.
   */
  makeRoom(need: Need, spare: number, maxMemory: number): boolean {
    if (need === 'states') return this.visited.grow(spare, maxMemory - this.identity.bytes);
    if (this.facts?.isFull) {
      this.share();
      return true;
    }
    const words = this.isWideEnough ? 2 : this.coding.words + 1;
    if (this.visited.bytesToRewrite(words) + this.identity.bytes > maxMemory) return false;
    this.position.leave();
    this.recode();
    this.begin();
    return true;
  }

  private get isWideEnough(): boolean {
    return this.hash === 'auto' && this.coding.words >= MAX_EXACT_WORDS && this.knowsAllFacts;
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

  /** Lets other threads work on the same states: what they need for it. */
  share(): SharedStates {
    const { coding, visited } = this;
    const { tables } = visited;
    this.knowsAllFacts = false;
    if (coding instanceof FingerprintCoding) coding.isShared = true;
    else if (coding instanceof ExactCoding && this.facts?.isFull !== false) {
      const room = Math.max(coding.facts.length, this.facts?.capacity ?? 0) + SHARED_FACTS;
      this.facts = SharedFacts.withRoomFor(room, tables.control, this.facts);
      coding.share(this.facts);
    }
    return { tables, facts: this.facts?.entries };
  }

  private join({ tables, facts }: SharedStates): void {
    const { coding } = this;
    this.visited.adopt(tables);
    while (coding.words < tables.words) coding.widen();
    if (coding instanceof FingerprintCoding) coding.isShared = true;
    if (coding instanceof ExactCoding && facts !== undefined && facts !== this.facts?.entries) {
      this.facts = new SharedFacts(tables.control, facts);
      coding.share(this.facts);
    }
  }

  /** Takes up what the thread shares that made room. When identities became wider, the model goes back to the first state. */
  adopt(shared: SharedStates): void {
    const { words } = this.coding;
    this.join(shared);
    if (this.coding.words === words) return;
    this.position.leave();
    this.identity.recode(this.coding);
    this.begin();
  }

  get bytes(): number {
    return this.visited.bytes + this.identity.bytes;
  }

  /** Bytes while the next fact is learnt, when `threads` threads have facts as this one has. */
  bytesToLearn(threads = 1): number {
    return this.visited.bytes + this.identity.bytesToLearn * threads;
  }
}
