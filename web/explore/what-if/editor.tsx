import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem } from '../model.js';
import type { Panel, PanelProps } from '../panel.js';
import { laterPart } from '../parts.js';
import { type Session, useView } from '../session.js';
import { AddStep } from './add-step.js';
import type { CodeEditor } from './code-editor.js';
import { MOST_COLOURED } from './colours.js';
import type { EditorPart } from './editor-part.js';
import { SaveAndShare } from './save-and-share.js';
import { WhatIf } from './state.js';

/** Letters of a text that is looked at while it is typed. */
const MOST_CHECKED = 200_000;
/** Milliseconds after the last letter. */
const PAUSE = 400;

/** The program's text: it can be changed and run again where the page is not a file that tells of one run. */
function Editor({ session }: PanelProps) {
  const whatIf = WhatIf.of(session);
  const opened = session.opened.value;
  const place = useRef<HTMLDivElement>(null);
  const here = useView(session, 'placeInText', undefined).value;
  const words = whatIf.words.value;
  const { isChanged } = whatIf;
  const text = textOf(session);
  const editor = whatIf.editor.value;
  const failure = useEditorPart(whatIf, text !== undefined);

  useEffect(() => {
    if (text === undefined || editor === undefined) return;
    if (!isChanged.value && editor.text !== text) editor.replace(text);
    isChanged.value = editor.text !== text;
    if (editor.host.parentNode !== place.current) place.current!.replaceChildren(editor.host);
    editor.measure();
    if (opened === undefined) editor.showProblem(session.problem.value);
  }, [opened, text, editor]);
  useEffect(() => {
    if (words !== undefined) editor?.setWords(words);
  }, [words, editor]);
  useEffect(() => {
    if (here !== undefined && !isChanged.value) editor?.showLine(here.line);
  }, [here, opened, editor]);

  const isLarge = (text?.length ?? 0) > MOST_COLOURED;
  return (
    <>
      <p class="hint">
        {session.editable
          ? 'What if it went another way? Change the text and run it. The line of the step that is shown is marked; a click on a line goes to its step.'
          : 'This page is a file that tells of one run, so its text cannot be changed; `dommu explore` shows a program that can. Comparing, switching and all else works. The line of the step that is shown is marked; a click on a line goes to its step.'}
        {isLarge && ' The text is so large that it is shown without colours.'}
      </p>
      {session.editable && (
        <div class="toolbar">
          <button
            type="button"
            class={isChanged.value ? 'primary' : ''}
            title="Ctrl+Enter"
            onClick={() => void whatIf.runEditor()}
          >
            Run <kbd>Ctrl+Enter</kbd>
          </button>
          <button type="button" disabled={!whatIf.canUndo.value} onClick={() => void whatIf.undo()}>
            Undo
          </button>
          <button type="button" disabled={!whatIf.canRedo.value} onClick={() => void whatIf.redo()}>
            Redo
          </button>
          <span role="status">{isChanged.value ? 'Changed since it was run.' : whatIf.told.value}</span>
        </div>
      )}
      {failure !== undefined && <p class="bad">The program’s text cannot be shown: {failure}.</p>}
      <div class="editor-place" ref={place} />
      <SaveAndShare session={session} />
      {session.editable && <AddStep session={session} />}
    </>
  );
}

/** What is to be edited; a program that could not be opened from the start can be mended. */
const textOf = ({ opened, problem, source }: Session): string | undefined =>
  opened.value?.text ?? (problem.value === undefined ? undefined : source?.text);

/** Loads the editor as soon as it has something to show, and says what went wrong with that. */
function useEditorPart(whatIf: WhatIf, isWanted: boolean): string | undefined {
  const [failure, setFailure] = useState<string | undefined>(undefined);
  useEffect(() => {
    if (!isWanted || whatIf.editor.peek() !== undefined) return;
    const load = async (): Promise<void> => {
      const part = await laterPart('explore-editor.js');
      whatIf.editor.value ??= makeEditor(part, whatIf, textOf(whatIf.session) ?? '');
    };
    load().catch((error: unknown) => setFailure(error instanceof Error ? error.message : String(error)));
  }, [isWanted]);
  return failure;
}

function makeEditor(CodeEditor: EditorPart, whatIf: WhatIf, text: string): CodeEditor {
  const { session } = whatIf;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const editor: CodeEditor = new CodeEditor(text, session.editable, {
    onRun: () => void whatIf.runEditor(),
    onChange: () => {
      whatIf.textChanged();
      clearTimeout(timer);
      if (editor.length <= MOST_CHECKED) timer = setTimeout(() => void checkText(whatIf), PAUSE);
    },
    onLine: (line) => void goToLine(whatIf, line),
  });
  return editor;
}

/** Says at its place what is wrong with the text as it is typed. */
async function checkText(whatIf: WhatIf): Promise<void> {
  const { session } = whatIf;
  const editor = whatIf.editor.peek();
  const { source } = session;
  if (source === undefined || editor === undefined) return;
  const text = editor.text;
  try {
    await session.model.check({ ...source, text });
    if (editor.text === text) editor.showProblem(undefined);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (editor.text === text) editor.showProblem(error.diagnostic);
  }
}

/** Goes to the next step that a line makes, or to its first. Lines of a changed text are other lines. */
async function goToLine({ session, isChanged }: WhatIf, line: number): Promise<void> {
  if (isChanged.value || session.opened.value === undefined) return;
  const step = await session.view(session.step.value, 'stepOfLine', { line });
  if (step !== undefined) session.goTo(step);
}

export const editorPanel: Panel = {
  id: 'editor',
  title: 'Other steps',
  place: 'What if?',
  Component: Editor,
};
