import { InputError } from '../text/diagnostic.js';
import { distinctEditions, requireEdition } from '../xen/editions/edition.js';
import { compareReleases } from '../xen/editions/release.js';

/** A comment of a program that names the editions in which it goes as it says: `# Releases: 4.11.0 4.13..4.16 late-enable`. */
const LINE = /^#\s*Releases:\s*(.+?)\s*$/m;

/**
 * The editions that a program’s text says it is for: releases, designs, and `A..B` for A, B and every release between
 * them that differs from the one before on its branch. Undefined without such a line.
 * @param file for the error's place.
 * @throws InputError for an edition that there is not, or a range that is none.
 */
export function editionsNamed(text: string, file: string): string[] | undefined {
  const found = LINE.exec(text);
  if (found === null) return undefined;
  const line = text.slice(0, found.index).split('\n').length;
  const names = found[1]!.split(/[\s,]+/).flatMap((word) => wordEditions(word, file, line));
  return [...new Set(names)];
}

function wordEditions(word: string, file: string, line: number): string[] {
  const ends = word.split('..');
  if (ends.length !== 2) return [requireEdition(word, file).name];
  const [from, to] = ends.map((end) => requireEdition(end, file));
  const [first, last] = [from!.release, to!.release];
  if (first === undefined || last === undefined || compareReleases(first, last) > 0) {
    const message = `\`${word}\` is no range of releases`;
    throw new InputError({ severity: 'error', code: 'unknown-release', message, file, line, column: 1 });
  }
  const between = distinctEditions().filter(
    ({ release }) => compareReleases(release!, first) >= 0 && compareReleases(release!, last) <= 0,
  );
  return [from!.name, ...between.map(({ name }) => name), to!.name];
}
