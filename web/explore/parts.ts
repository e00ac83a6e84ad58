import type { PageData } from '../../src/explore/page-data.js';
import './head-start.js';
import { scriptUrl, textOf } from './texts.js';
import type { EditorPart } from './what-if/editor-part.js';

/** Scripts that the page has as text, or asks its server for: a file cannot load another. */

/** What the page was given to show. */
export const pageData = (): PageData => globalThis.headStart.data;

/** The model's script, as something that any number of workers can be started from. */
export const modelScript = (): string => globalThis.headStart.script;

/**
 * A script that is needed only now and then, by the name of its file: the page has it inside, or asks the server that it
 * came from. @throws Error where the server is gone.
 */
async function laterText(name: string): Promise<string> {
  const inside = textOf(name);
  if (inside !== undefined) return inside;
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name} cannot be loaded: ${response.status}`);
  return response.text();
}

/** Such a script for a worker, as something that it can be started from. */
export const laterScript = async (name: string): Promise<string> => scriptUrl(await laterText(name));

/** What scripts that run in the page itself have for it. */
interface LaterParts {
  readonly 'explore-editor.js': EditorPart;
}

/** Runs such a script in the page, whose policy names it by its hash, and takes what it hands over. */
export async function laterPart<N extends keyof LaterParts>(name: N): Promise<LaterParts[N]> {
  const script = document.createElement('script');
  script.textContent = await laterText(name);
  let part: LaterParts[N] | undefined;
  script.addEventListener('part', (event) => {
    part = (event as CustomEvent<LaterParts[N]>).detail;
  });
  // A script that stands in the page has been run by the time that it is in.
  document.head.append(script);
  script.remove();
  if (part === undefined) throw new Error(`${name} cannot be used`);
  return part;
}

/** Said by a script that runs in the page, while it runs: what it has for it. */
export const handOver = (part: LaterParts[keyof LaterParts]): void =>
  void document.currentScript!.dispatchEvent(new CustomEvent('part', { detail: part }));
