import { type EditorState, type Extension, Facet, RangeSetBuilder } from '@codemirror/state';
import {
  Decoration,
  type DecorationSet,
  type EditorView,
  ViewPlugin,
  type ViewUpdate,
} from '@codemirror/view';
import type { LanguageWord } from '../../../src/explore/language.js';
import { MOST_COLOURED } from './colours.js';

/** The words with which a line can begin, as the model has them. */
export const languageWords = Facet.define<readonly LanguageWord[], ReadonlyMap<string, LanguageWord>>({
  combine: (lists) => new Map(lists.flat().map((word) => [word.word, word])),
});

/** Letters of a line that are coloured: a line can be of any length. */
const MOST_LETTERS = 2000;

const mark = (name: string): Decoration => Decoration.mark({ class: `tok-${name}` });
const MARKS = {
  comment: mark('comment'),
  operation: mark('operation'),
  declaration: mark('declaration'),
  block: mark('block'),
  unknown: mark('unknown'),
  string: mark('string'),
  number: mark('number'),
  key: mark('key'),
};

/** A comment, a text in quotes, a key with its `=`, a number, or a word that is none of these. */
const TOKEN = /(#.*)|("(?:[^"\\]|\\.)*"?)|([A-Za-z_][\w-]*=)|(0[xX][0-9a-fA-F]+|\b\d+\b)|([^\s"#=]+)|=/g;

type Put = (from: number, to: number, decoration: Decoration) => void;

/** Colours the words of a line, which begins at `at`. */
function colourLine(text: string, at: number, words: ReadonlyMap<string, LanguageWord>, put: Put): void {
  let isFirst = true;
  let begins = false;
  TOKEN.lastIndex = 0;
  for (let token = TOKEN.exec(text); token !== null; token = TOKEN.exec(text)) {
    const [all, comment, string, key, number, word] = token;
    const from = at + token.index;
    const to = from + all.length;
    if (comment !== undefined) put(from, to, MARKS.comment);
    else if (string !== undefined) put(from, to, MARKS.string);
    else if (isFirst || begins) {
      const name: string = begins ? `begin ${all}` : all.replace(/^\ufeff/, '');
      begins = isFirst && name === 'begin';
      const known = words.get(name)?.kind ?? (begins ? 'operation' : 'unknown');
      if (words.size > 0) put(from, to, MARKS[known]);
    } else if (key !== undefined) put(from, to, MARKS.key);
    else if (number !== undefined) put(from, to, MARKS.number);
    else if (word !== undefined && /^\d/.test(word)) put(from, to, MARKS.number);
    isFirst = false;
  }
}

function coloured(view: EditorView): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  const { doc } = view.state;
  if (doc.length > MOST_COLOURED) return Decoration.none;
  const words = wordsOf(view.state);
  for (const { from, to } of view.visibleRanges) {
    for (let line = doc.lineAt(from); ; line = doc.line(line.number + 1)) {
      if (line.from >= from || line.length <= MOST_LETTERS) {
        const text = line.length > MOST_LETTERS ? line.text.slice(0, MOST_LETTERS) : line.text;
        colourLine(text, line.from, words, (a, b, decoration) => builder.add(a, b, decoration));
      }
      if (line.to >= to || line.number === doc.lines) break;
    }
  }
  return builder.finish();
}

const wordsOf = (state: EditorState): ReadonlyMap<string, LanguageWord> => state.facet(languageWords);

/** Colours what can be seen of a program. */
export const highlighting: Extension = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;
    constructor(view: EditorView) {
      this.decorations = coloured(view);
    }
    update(update: ViewUpdate): void {
      const hasWords = wordsOf(update.startState) !== wordsOf(update.state);
      if (update.docChanged || update.viewportChanged || hasWords) this.decorations = coloured(update.view);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);
