import { DECLARATIONS } from '../program/declarations.js';
import { OPERATIONS, usage } from '../program/operations.js';

/** What a word at the beginning of a line means. */
export interface LanguageWord {
  readonly word: string;
  readonly kind: 'operation' | 'declaration' | 'block';
  /** How it is written. */
  readonly usage: string;
  readonly doc: string;
}

const BLOCKS: readonly LanguageWord[] = [
  { word: 'expect', kind: 'block', usage: 'expect STATUS', doc: 'What the step before is to come to.' },
  { word: 'repeat', kind: 'block', usage: 'repeat N|forever … end', doc: 'Steps again and again.' },
  { word: 'end', kind: 'block', usage: 'end', doc: 'The end of a repeat.' },
];

let words: readonly LanguageWord[] | undefined;

/** The words of the program language with which a line can begin. */
export function language(): readonly LanguageWord[] {
  words ??= [
    ...BLOCKS,
    ...DECLARATIONS.map((declaration): LanguageWord => {
      const { name, doc } = declaration;
      return { word: name, kind: 'declaration', usage: usage(declaration), doc };
    }),
    ...OPERATIONS.map((operation): LanguageWord => {
      const { name, doc } = operation;
      return { word: name, kind: 'operation', usage: usage(operation), doc };
    }),
  ];
  return words;
}
