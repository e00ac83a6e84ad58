import {
  defaultKeymap,
  history,
  historyKeymap,
  redo,
  redoDepth,
  undo,
  undoDepth,
} from '@codemirror/commands';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, type Text } from '@codemirror/state';
import { drawSelection, EditorView, keymap, lineNumbers } from '@codemirror/view';
import type { LanguageWord } from '../../../src/explore/language.js';
import type { Diagnostic } from '../../../src/text/diagnostic.js';
import { highlighting, languageWords } from './highlight.js';
import { currentLine, problemSigns, showLine, showProblem } from './signs.js';
import { THEME } from './theme.js';

/** Whom the editor tells. */
export interface EditorListener {
  /** Ctrl+Enter. */
  readonly onRun: () => void;
  readonly onChange: () => void;
  /** A line was clicked, from 1. */
  readonly onLine: (line: number) => void;
}

/**
 * The program's text. It stands in a shadow root, where CodeMirror's styles are adopted by script and no policy needs to
 * allow them. The text is kept letter by letter: lines end where the model ends them.
 */
export class CodeEditor {
  readonly host = document.createElement('div');
  private readonly view: EditorView;
  private readonly words = new Compartment();

  constructor(text: string, editable: boolean, listener: EditorListener) {
    this.host.className = 'code-editor';
    const root = this.host.attachShadow({ mode: 'open' });
    // Keys that are typed are none of the page's.
    this.host.addEventListener('keydown', (event) => event.stopPropagation());
    const state = EditorState.create({
      doc: EditorState.create({ doc: text, extensions: EditorState.lineSeparator.of('\n') }).doc,
      extensions: [
        EditorState.lineSeparator.of('\n'),
        EditorState.tabSize.of(2),
        EditorState.readOnly.of(!editable),
        lineNumbers({
          domEventHandlers: {
            mousedown: (view, { from }) => {
              listener.onLine(view.state.doc.lineAt(from).number);
              return true;
            },
          },
        }),
        drawSelection(),
        history(),
        search({ top: true }),
        highlightSelectionMatches(),
        keymap.of([
          {
            key: 'Mod-Enter',
            run: () => {
              listener.onRun();
              return true;
            },
          },
          ...searchKeymap,
          ...historyKeymap,
          ...defaultKeymap,
        ]),
        EditorView.contentAttributes.of({
          'aria-label': 'text of the program',
          spellcheck: 'false',
          tabindex: '0',
        }),
        EditorView.domEventHandlers({
          click: (event, view) => {
            const at = view.posAtCoords(event);
            if (at !== null && view.state.selection.main.empty)
              listener.onLine(view.state.doc.lineAt(at).number);
          },
        }),
        EditorView.updateListener.of(({ docChanged }) => docChanged && listener.onChange()),
        this.words.of(languageWords.of([])),
        highlighting,
        currentLine,
        problemSigns,
        THEME,
      ],
    });
    this.view = new EditorView({ state, root, parent: root });
  }

  get text(): string {
    return this.view.state.sliceDoc();
  }

  /** The text as it stands, to be compared with another moment's. */
  get document(): Text {
    return this.view.state.doc;
  }

  get length(): number {
    return this.view.state.doc.length;
  }

  lines(): string[] {
    return this.text.split('\n');
  }

  /** Puts another text in place of this one; it can be undone. */
  replace(text: string): void {
    this.view.dispatch({ changes: { from: 0, to: this.length, insert: this.view.state.toText(text) } });
  }

  /** Puts a line in before another, from 1. */
  insertLine(line: number, text: string): void {
    const { doc } = this.view.state;
    const isBehind = line > doc.lines;
    const at = isBehind ? doc.length : doc.line(line).from;
    const insert = this.view.state.toText(isBehind && doc.length > 0 ? `\n${text}` : `${text}\n`);
    this.view.dispatch({ changes: { from: at, insert }, userEvent: 'input.step' });
  }

  setWords(words: readonly LanguageWord[]): void {
    this.view.dispatch({ effects: this.words.reconfigure(languageWords.of(words)) });
  }

  /** Marks the line of the step that is shown, and brings it into sight where the reader is not typing. */
  showLine(line: number): void {
    this.view.dispatch({ effects: showLine.of(line) });
    const { doc } = this.view.state;
    if (line < 1 || line > doc.lines || this.view.hasFocus) return;
    const { from } = doc.line(line);
    // Nothing but the editor is scrolled: what the reader looks at beside it stays where it is.
    this.view.requestMeasure({
      key: 'show-line',
      read: ({ scrollDOM: { scrollTop, clientHeight } }) => {
        if (from > this.length) return undefined;
        const { top, bottom } = this.view.lineBlockAt(from);
        const isSeen = top >= scrollTop && bottom <= scrollTop + clientHeight;
        return isSeen ? undefined : (top + bottom - clientHeight) / 2;
      },
      write: (top, { scrollDOM }) => {
        if (top !== undefined) scrollDOM.scrollTop = top;
      },
    });
  }

  showProblem(problem: Diagnostic | undefined): void {
    this.view.dispatch({ effects: showProblem.of(problem) });
  }

  get canUndo(): boolean {
    return undoDepth(this.view.state) > 0;
  }

  get canRedo(): boolean {
    return redoDepth(this.view.state) > 0;
  }

  undo(): void {
    undo(this.view);
  }

  redo(): void {
    redo(this.view);
  }

  /** The editor has come onto the page, or back. */
  measure(): void {
    this.view.requestMeasure();
  }
}
