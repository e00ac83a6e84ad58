import type { Store } from '../../store/store.js';
import type { Trace } from '../../store/trace.js';

/**
 * Something that was worked out from the machine, kept with all the words that were read for it: as long as they hold what
 * they held, so does it, wherever in the run the machine stands. Whoever asks need not know what it depends on, and what
 * a step did not touch costs a comparison a word.
 */
export class ReadMemo<T> {
  private words = new Int32Array(0);
  private values = new Int32Array(0);
  private result: T | undefined;
  private known = false;
  private key: unknown;
  private readonly trace: Trace;

  /** @param trace may be shared by memos that are not asked from within one another. */
  constructor(trace: Trace) {
    this.trace = trace;
  }

  /**
   * What `look` finds in the store as it is. It must depend on words of the store alone, and on `key`.
   */
  get(store: Store, look: () => T, key?: unknown): T {
    if (!this.known || this.key !== key || !this.holds(store.words)) {
      this.result = this.looked(store, look);
      this.known = true;
      this.key = key;
    }
    return this.result as T;
  }

  private holds(now: Int32Array): boolean {
    const { words, values } = this;
    for (let i = 0; i < words.length; i++) if (now[words[i]!] !== values[i]) return false;
    return true;
  }

  private looked(store: Store, look: () => T): T {
    const { trace } = this;
    trace.begin();
    store.trace = trace;
    try {
      return look();
    } finally {
      store.trace = undefined;
      this.words = trace.words.slice(0, trace.length);
      this.values = trace.values.slice(0, trace.length);
    }
  }
}
