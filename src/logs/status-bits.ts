import { type EntryLayout, kindOf, readField } from '../formats/layout.js';
import type { StatusBit } from './event.js';

/**
 * What a register or record says, bit by bit: its fields that are not zero, those named in `always` whatever they hold,
 * and never the reserved ones. The manual's abbreviation and the meaning are those of the layout (`TF: no valid descriptor`);
 * a value with a name of its own is named.
 */
export function statusBits(
  layout: EntryLayout,
  words: ArrayLike<number>,
  always: readonly string[] = [],
): StatusBit[] {
  const bits: StatusBit[] = [];
  for (const field of layout.fields) {
    const kind = kindOf(field);
    if (kind === 'reserved' || kind === 'ignored' || field.hi >>> 5 >= words.length) continue;
    const value = readField(field, words);
    if (value === 0 && !always.includes(field.name)) continue;
    const colon = field.doc.indexOf(': ');
    const name = colon < 0 ? field.doc.replace(/,.*/, '') : field.doc.slice(0, colon);
    const meaning = colon < 0 ? field.doc : field.doc.slice(colon + 2);
    const named = field.values?.[value];
    const denied = value === 0 && kind === 'flag' ? `not ${meaning}` : meaning;
    bits.push({ name, value, meaning: named === undefined ? denied : `${meaning}: ${named}` });
  }
  return bits;
}
