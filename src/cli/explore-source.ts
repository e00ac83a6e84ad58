import { basename, extname } from 'node:path';
import { requireBug } from '../bugs/gallery.js';
import { type ExploreSource, readSource } from '../explore/source.js';
import { DEFAULT_ALPHABET } from '../program/alphabet-bounds.js';
import { Execution } from '../program/execution.js';
import { printProgram } from '../program/print.js';
import type { Program } from '../program/program.js';
import { type Diagnostic, InputError, printable } from '../text/diagnostic.js';
import { type Scene, type SceneOptions, sceneOf } from './scene.js';

/** What a page is made of, and why it cannot be opened where that is so. */
export interface Opening {
  readonly source: ExploreSource;
  readonly problem?: Diagnostic;
}

/**
 * Reads what is to be explored: a program, xl configs, or a bug's scene. A text stays as it was written, comments and all;
 * what was made of something else is printed, with the release in it.
 * @throws InputError where it cannot be read, or is none; or its machine does not boot.
 */
export function exploreSource(files: readonly string[], options: SceneOptions): ExploreSource {
  const bug = options.bug === undefined ? undefined : requireBug(options.bug, '--bug');
  const bounds = { ...DEFAULT_ALPHABET, pages: options.pages, search: {} };
  const scene = sceneOf(files, options, bounds, bug);
  const { program, edition } = scene;
  const release = options.xen === undefined && bug === undefined ? {} : { edition: edition.name };
  const name = nameOf(files, bug?.id);
  const configs = configsOf(program);
  const source: ExploreSource =
    scene.source === undefined
      ? { name, text: madeText(scene, files, bug), configs }
      : { name, text: programText(scene.source.text, program), configs, ...release };
  boot(source);
  return source;
}

/** The same, with what is wrong told as data: a file may be half written when a page is loaded again. */
export function openingOf(files: readonly string[], options: SceneOptions): Opening {
  try {
    return { source: exploreSource(files, options) };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const text = error.source?.text ?? '';
    return { source: { name: nameOf(files, options.bug), text, configs: {} }, problem: error.diagnostic };
  }
}

/** What the text is called: by its file's name without folders, which are nobody's business who gets the page. */
function nameOf(files: readonly string[], bug = ''): string {
  const stems = files.map((file) => basename(file, extname(file)));
  return `${stems.length === 0 ? bug : stems.join('+')}.dommu`;
}

/** Which form it has tells the program, not the file's name: JSON begins with a brace, and no program does. */
const programText = (text: string, program: Program): string =>
  /^\ufeff?\s*\{/.test(text) ? printProgram(program) : text;

/** A program that was made, with its release and what it was made of. */
function madeText(
  { program, edition }: Scene,
  files: readonly string[],
  bug: { readonly id: string; readonly title: string; readonly mechanism: string } | undefined,
): string {
  const head =
    files.length === 0
      ? [`${bug!.id}: ${bug!.title}.`, bug!.mechanism]
      : [
          `The domains of ${files.map((file) => basename(file)).join(' ')}, started on a small machine as xl would.`,
        ];
  const comments = head.map((line) => `# ${printable(line).replaceAll('\n', '?')}\n`).join('');
  return `${comments}\n${printProgram({ ...program, edition: edition.name })}`;
}

const configsOf = ({ configs }: Program): ExploreSource['configs'] =>
  Object.fromEntries(
    configs.flatMap(({ file, text }) =>
      text === undefined ? [] : [[file, { name: file, content: text.content }]],
    ),
  );

/** Boots the machine as the page will. @throws InputError where that would only be seen there. */
function boot(source: ExploreSource): void {
  const { program, edition } = readSource(source);
  new Execution(program, edition, { before: () => {}, after: () => {} });
}
