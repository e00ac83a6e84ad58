import { readField } from '../formats/layout.js';
import type { Words } from './here.js';
import type { Value } from './value.js';

/** Bits [`low`, `low + width`) of words that read as one thing, as something to ask about. */
export function bitsValue(
  { words, now, was }: Words,
  low: number,
  width: number,
  show: (value: number) => string,
): Value {
  const field = { name: '', lo: low, hi: low + width - 1, doc: '' };
  const [is, before] = [readField(field, now), was === undefined ? undefined : readField(field, was)];
  const mine = words?.slice(field.lo >>> 5, (field.hi >>> 5) + 1);
  return {
    text: show(is),
    ...(mine !== undefined && { words: mine, low: low & 31, width }),
    ...(before !== undefined && before !== is && { was: show(before) }),
  };
}
