import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

/** Where `npm run build` puts the parts of pages, seen from the sources and from what is built of them. */
const FOLDERS = ['../../dist/web/', '../web/'].map((folder) => new URL(folder, import.meta.url));

/** A part of a page: its HTML, its style, a script. */
export function pagePart(name: string): string {
  const folder = FOLDERS.find((candidate) => existsSync(new URL(name, candidate)));
  if (folder === undefined) throw new Error(`${name} of the page is missing; npm run build makes it`);
  return readFileSync(new URL(name, folder), 'utf8');
}

/** What a page's Content-Security-Policy calls a script or style by. */
export const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64');

export const escapedHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char]!);

/** JSON for a script element: `<` cannot end it. */
export const scriptJson = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');

/** Puts values in the places of a page's HTML that are called so, in capitals. */
export function* filledIn(
  html: string,
  values: Readonly<Record<string, string | Iterable<string>>>,
): Generator<string> {
  // The longest name first: STYLE-HASH is not STYLE.
  const names = Object.keys(values).sort((a, b) => b.length - a.length);
  for (const [i, piece] of html.split(new RegExp(`\\b(${names.join('|')})\\b`)).entries()) {
    if (i % 2 === 0) yield piece;
    else {
      const value = values[piece]!;
      if (typeof value === 'string') yield value;
      else yield* value;
    }
  }
}
