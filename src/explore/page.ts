import { escapedHtml, filledIn, hashOf, pagePart, scriptJson } from '../report/page-parts.js';
import type { PageData } from './page-data.js';

/**
 * Where the page has what it needs only now and then: `inside`, so that it is one file and asks nobody for anything; or
 * `beside` it, where a server gives {@link laterPart} when it is first used.
 */
export type PartsAt = 'inside' | 'beside';

/** Scripts that the page needs only now and then, each by the name of its file: those that run in the page itself … */
const LATER_IN_PAGE: readonly string[] = ['explore-editor.js'];
/** … and all, with those that run in workers. */
const LATER_PARTS: readonly string[] = [...LATER_IN_PAGE, 'explore-layout.js'];

/** The explorer as one HTML page; the model runs in it. */
export function explorePage(data: PageData, parts: PartsAt = 'inside'): string {
  const later = parts === 'inside' ? LATER_PARTS : [];
  return [
    ...filledIn(pagePart('explore.html'), {
      POLICY: explorePolicy(parts),
      TITLE: escapedHtml(`${data.source.name}: dommu explore`),
      STYLE: pagePart('explore.css'),
      DATA: scriptJson(data),
      WORKER: scriptText(pagePart('explore-worker.js')),
      FIRST: pagePart('explore-first.js'),
      LATER: later.map((name) => textElement(name, laterPart(name)!)),
      SCRIPT: pagePart('explore.js'),
    }),
  ].join('');
}

/** What the page may do, as a Content-Security-Policy: run its own scripts, whose hashes this names, and the model. */
export function explorePolicy(parts: PartsAt = 'inside'): string {
  const scripts = [
    ...['explore-first.js', 'explore.js'].map(pagePart),
    ...LATER_IN_PAGE.map((name) => laterPart(name)!),
  ];
  return [
    "default-src 'none'",
    `style-src 'sha256-${hashOf(pagePart('explore.css'))}'`,
    `script-src ${scripts.map((script) => `'sha256-${hashOf(script)}'`).join(' ')}`,
    'worker-src blob:',
    ...(parts === 'beside' ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

/** The text of a script that the page loads when it is first used; undefined where there is none of that name. */
export const laterPart = (name: string): string | undefined =>
  LATER_PARTS.includes(name) ? scriptText(pagePart(name)) : undefined;

const textElement = (id: string, script: string): string =>
  `<script type="text/plain" id="${id}">${script}</script>\n`;

/**
 * A script as text in a script element: nothing in it ends the element, or hides its end. Such places are in strings, for
 * esbuild writes nothing else so.
 */
const scriptText = (script: string): string => script.replaceAll(/<(?=\/script|!--)/gi, '\\x3c');
