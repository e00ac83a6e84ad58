import type { WordWrites } from '../program/timeline/word-history.js';
import type { Timeline } from '../program/timeline.js';
import { countUpTo } from '../store/ascending.js';
import { type AskedWords, bitsOf, maskOf } from './word-terms.js';

/** When bits of words were written in a run. */
export interface Written {
  /** The steps that wrote them, in order. */
  readonly steps: Int32Array;
  /** Steps that wrote other bits of the same words only. */
  readonly otherBits: number;
  /** What a word holds after a step; undefined for one that no step wrote. */
  valueAfter(word: number, step: number): number | undefined;
}

const OTHERS = 1;
const ASKED = 2;

/** Finds all steps that wrote bits of words. A step that changed them and changed them back wrote them, too. */
export function writtenIn(timeline: Timeline, asked: AskedWords): Written {
  const bits = bitsOf(asked);
  const writes = new Map<number, WordWrites>(bits.map(({ word }) => [word, timeline.writers(word)]));
  const kinds = new Uint8Array(timeline.length + 1);
  for (const one of bits) {
    const mask = maskOf(one);
    const { steps, before, after } = writes.get(one.word)!;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i]!;
      if (kinds[step] === ASKED) continue;
      const wrote =
        mask === -1 || ((before[i]! ^ after[i]!) & mask) !== 0 || wroteIn(timeline, step, one.word, mask);
      kinds[step] = wrote ? ASKED : OTHERS;
    }
  }
  let count = 0;
  let otherBits = 0;
  for (const kind of kinds) {
    if (kind === ASKED) count++;
    if (kind === OTHERS) otherBits++;
  }
  const steps = new Int32Array(count);
  for (let step = 0, next = 0; next < count; step++) if (kinds[step] === ASKED) steps[next++] = step;
  return {
    steps,
    otherBits,
    valueAfter: (word, step) => {
      const of = writes.get(word);
      if (of === undefined || of.steps.length === 0) return undefined;
      const last = countUpTo(of.steps, step) - 1;
      return last < 0 ? of.before[0]! : of.after[last]!;
    },
  };
}

/** Whether any of a step's writes of a word changed bits of it, if only for a while. */
function wroteIn(timeline: Timeline, step: number, asked: number, mask: number): boolean {
  let wrote = false;
  timeline.forEachWrite(step, (word, before, after) => {
    if (word === asked && ((before ^ after) & mask) !== 0) wrote = true;
  });
  return wrote;
}
