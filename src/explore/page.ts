import { escapedHtml, filledIn, hashOf, pagePart, scriptJson } from '../report/page-parts.js';
import type { PageData } from './page-data.js';

/** The explorer as one HTML page that needs nothing else and asks nobody for anything; the model runs in it. */
export function explorePage(data: PageData): string {
  const [script, style] = [pagePart('explore.js'), pagePart('explore.css')];
  return [
    ...filledIn(pagePart('explore.html'), {
      TITLE: escapedHtml(`${data.source.name}: dommu explore`),
      STYLE: style,
      'STYLE-HASH': hashOf(style),
      DATA: scriptJson(data),
      WORKER: scriptText(pagePart('explore-worker.js')),
      SCRIPT: script,
      'SCRIPT-HASH': hashOf(script),
    }),
  ].join('');
}

/** A script as text in a script element: nothing in it ends the element, or hides its end. */
const scriptText = (script: string): string => script.replaceAll(/<(?=\/script|!--|script)/gi, '\\x3c');
