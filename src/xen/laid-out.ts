import { type EntryLayout, fieldText, kindOf, nameInWords } from '../formats/layout.js';
import { bitParts, type Field, flag } from '../store/table.js';

/** A word of a table that holds what a layout says, told by the layout's fields: the store knows no layouts. */
export function laidOut(layout: EntryLayout): Field {
  return bitParts(
    layout.fields
      .filter((field) => kindOf(field) !== 'ignored')
      .map((field) => ({
        name: nameInWords(field.name),
        low: field.lo,
        width: field.hi - field.lo + 1,
        show: kindOf(field) === 'flag' ? flag.show : (value: number) => fieldText(field, value),
      })),
  );
}
