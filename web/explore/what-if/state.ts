import { effect, type Signal, signal } from '@preact/signals';
import type { EditionChoice } from '../../../src/explore/editions.js';
import type { LanguageWord } from '../../../src/explore/language.js';
import type { ExploreSource } from '../../../src/explore/source.js';
import type { Session } from '../session.js';
import type { CodeEditor } from './code-editor.js';

/** What the reader has in hand of other editions and other steps; it stays while other tabs are open. */
export class WhatIf {
  readonly session: Session;
  /** All editions there are; undefined until the model has named them. */
  readonly editions = signal<readonly EditionChoice[] | undefined>(undefined);
  /** The words with which a line of a program can begin. */
  readonly words = signal<readonly LanguageWord[] | undefined>(undefined);
  /** The edition that the run is compared with, by its name. */
  readonly comparedWith = signal<string | undefined>(undefined);
  /** Why it cannot be compared with the one that was asked for. */
  readonly refusal = signal<string | undefined>(undefined);
  /** Whether the text in the editor is another than the one that was run. */
  readonly isChanged = signal(false);
  /** What has just been done, in a sentence. */
  readonly told: Signal<string> = signal('');
  readonly canUndo = signal(false);
  readonly canRedo = signal(false);
  /** The program's text; undefined until the editor is loaded. */
  readonly editor = signal<CodeEditor | undefined>(undefined);

  private constructor(session: Session) {
    this.session = session;
    // There is nobody to ask before a program is open.
    const stop = effect(() => {
      if (session.opened.value === undefined) return;
      queueMicrotask(() => stop());
      void this.learn();
    });
  }

  private static readonly known = new WeakMap<Session, WhatIf>();

  static of(session: Session): WhatIf {
    const known = WhatIf.known.get(session) ?? new WhatIf(session);
    WhatIf.known.set(session, known);
    return known;
  }

  private async learn(): Promise<void> {
    const { model } = this.session;
    const questions = [
      { view: 'editions', args: undefined },
      { view: 'language', args: undefined },
    ] as const;
    const [editions, words] = await model.ask(0, questions);
    this.editions.value = editions as readonly EditionChoice[];
    this.words.value = words as readonly LanguageWord[];
  }

  /** What people call an edition. */
  titleOf(name: string): string {
    return this.editions.value?.find((one) => one.name === name)?.title ?? `Xen ${name}`;
  }

  /** Runs the program under another edition beside this one; under none where none is said. */
  async compareWith(edition: string | undefined): Promise<void> {
    this.refusal.value = undefined;
    this.comparedWith.value = edition;
    try {
      await this.session.model.compareWith(edition);
    } catch (error) {
      this.comparedWith.value = undefined;
      this.refusal.value = `${edition}: ${error instanceof Error ? error.message : String(error)}`;
    }
    this.session.refresh();
  }

  /** Shows the run on another edition instead, at the step that corresponds to the one that is shown. */
  async switchTo(edition: string): Promise<void> {
    const { source, opened } = this.session;
    if (source === undefined) return;
    const before = opened.value?.edition;
    if (!(await this.reopen({ ...source, edition }))) return;
    this.told.value = `Now on ${this.titleOf(edition)}, before on ${this.titleOf(before ?? '')}.`;
  }

  /** Runs a text in place of the one that is open. */
  async run(text: string): Promise<boolean> {
    const { source } = this.session;
    return source !== undefined && this.reopen({ ...source, text });
  }

  /** Runs the editor's text, and says at its place what is wrong with it. */
  async runEditor(): Promise<boolean> {
    const { session } = this;
    const editor = this.editor.peek();
    if (editor === undefined || !session.editable) return false;
    const done = await this.run(editor.text);
    editor.showProblem(done ? undefined : session.problem.value);
    this.isChanged.value = !done && this.isChanged.value;
    if (done) this.told.value = '';
    return done;
  }

  /** Takes the last change back, and runs what the text was before. */
  async undo(): Promise<void> {
    this.editor.peek()?.undo();
    await this.runEditor();
  }

  async redo(): Promise<void> {
    this.editor.peek()?.redo();
    await this.runEditor();
  }

  /** The editor's text has become another. */
  textChanged(): void {
    const { session } = this;
    const editor = this.editor.peek();
    if (editor === undefined) return;
    this.canUndo.value = editor.canUndo;
    this.canRedo.value = editor.canRedo;
    const text = session.opened.value?.text;
    this.isChanged.value = editor.length !== text?.length || editor.text !== text;
  }

  private async reopen(source: ExploreSource): Promise<boolean> {
    const { session } = this;
    const compared = this.comparedWith.value;
    if (!(await session.reopen(source))) return false;
    this.comparedWith.value = undefined;
    if (compared !== undefined && compared !== session.opened.value?.edition)
      await this.compareWith(compared);
    return true;
  }
}
