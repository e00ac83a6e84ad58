import { longer } from './longer.js';

/**
 * Which words a run looked at, and what they held before it: each word once, in the order of first use. A word that is
 * written counts as looked at, as whether a write changes anything depends on what was there.
 */
export class Trace {
  /** Words looked at. */
  length = 0;
  words = new Int32Array(1024);
  values = new Int32Array(1024);
  /** By word: 1 where nobody wants to know. */
  ignored: Uint8Array = new Uint8Array(0);
  /** By word: the run that looked at it last. */
  private runs = new Int32Array(1024);
  private run = 0;

  /** Forgets what was noted: a new run begins. */
  begin(): void {
    this.length = 0;
    this.run++;
  }

  /** Leaves a word out of what this run notes. */
  leaveOut(word: number): void {
    if (word >= this.runs.length) this.runs = longer(this.runs, word + 1);
    this.runs[word] = this.run;
  }

  /** Notes that `word` is looked at; `value` counts if it is for the first time in this run. */
  note(word: number, value: number): void {
    if (this.ignored[word] === 1 || this.runs[word] === this.run) return;
    this.leaveOut(word);
    const at = this.length++;
    if (at === this.words.length) {
      this.words = longer(this.words, at + 1);
      this.values = longer(this.values, at + 1);
    }
    this.words[at] = word;
    this.values[at] = value;
  }
}
