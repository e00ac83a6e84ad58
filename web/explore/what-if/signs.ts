import { StateEffect, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView, WidgetType } from '@codemirror/view';
import type { Diagnostic } from '../../../src/text/diagnostic.js';

/** What the page points out in the text: the line of the step that is shown, and what is wrong with the text. */

/** The line of the step that is shown, from 1; 0 where it is none. */
export const showLine = StateEffect.define<number>();
/** What is wrong; undefined where nothing is. */
export const showProblem = StateEffect.define<Diagnostic | undefined>();

const CURRENT = Decoration.line({ class: 'cm-current-step', attributes: { 'aria-current': 'step' } });

export const currentLine = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(lines, transaction) {
    let now = lines.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(showLine)) continue;
      const { doc } = transaction.state;
      const line = effect.value;
      now =
        line < 1 || line > doc.lines ? Decoration.none : Decoration.set(CURRENT.range(doc.line(line).from));
    }
    return now;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** What is wrong, in words, under the line that it is wrong in. */
class ProblemText extends WidgetType {
  constructor(private readonly problem: Diagnostic) {
    super();
  }

  override eq(other: ProblemText): boolean {
    return other.problem === this.problem;
  }

  toDOM(): HTMLElement {
    const { line, column, message, hint } = this.problem;
    const element = document.createElement('div');
    element.className = 'cm-problem';
    element.setAttribute('role', 'alert');
    const what = document.createElement('strong');
    what.textContent = `✗ line ${line}, column ${column}: `;
    element.append(what, message);
    if (hint !== undefined) {
      const advice = document.createElement('div');
      advice.textContent = hint;
      element.append(advice);
    }
    return element;
  }
}

const WRONG = Decoration.mark({ class: 'cm-wrong' });
const WRONG_LINE = Decoration.line({ class: 'cm-wrong-line' });

export const problemSigns = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(signs, transaction) {
    let now = signs.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(showProblem)) now = signsOf(effect.value, transaction.state.doc);
    }
    return now;
  },
  provide: (field) => EditorView.decorations.from(field),
});

function signsOf(problem: Diagnostic | undefined, doc: EditorView['state']['doc']): DecorationSet {
  if (problem === undefined) return Decoration.none;
  const line = doc.line(Math.min(Math.max(1, problem.line), doc.lines));
  const from = Math.min(line.to, line.from + problem.column - 1);
  const to = Math.min(line.to, from + (problem.length ?? 1));
  const text = Decoration.widget({ widget: new ProblemText(problem), block: true, side: 1 });
  return Decoration.set(
    [WRONG_LINE.range(line.from), ...(to > from ? [WRONG.range(from, to)] : []), text.range(line.to)],
    true,
  );
}
