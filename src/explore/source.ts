import { parseProgram } from '../program/parse.js';
import type { Program } from '../program/program.js';
import { SourceText } from '../text/source.js';
import { DEFAULT_EDITION, type Edition, resolveEdition } from '../xen/editions/edition.js';

/** What is explored: a program's text, what it needs of files, and on which Xen it runs. All of it is plain data. */
export interface ExploreSource {
  /** What the program is called: a file's name, for messages. */
  readonly name: string;
  /** The program as text; a page does not read the JSON form, which takes a validator that is larger than the model. */
  readonly text: string;
  /** Contents of the configs that it takes domains from, by the path that it says. */
  readonly configs: Readonly<Record<string, { readonly name: string; readonly content: string }>>;
  /** Release, design, with `+behaviour=value`; the program's own, or the newest release, unless set. */
  readonly edition?: string;
}

/**
 * Reads it. @throws InputError where the text is no program or there is no such edition.
 */
export function readSource(source: ExploreSource): { program: Program; edition: Edition } {
  const parsed = parseProgram(new SourceText(source.name, source.text));
  const configs = parsed.configs.map((config) => {
    const text = source.configs[config.file];
    return text === undefined ? config : { ...config, text };
  });
  const program = { ...parsed, configs };
  return { program, edition: resolveEdition(source.edition ?? program.edition ?? DEFAULT_EDITION) };
}
