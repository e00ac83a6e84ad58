import type { PageData } from '../../src/explore/page-data.js';

/** Scripts for workers, which the page has as text: a file cannot start a worker from another file. */

const textOf = (id: string): string | undefined => document.getElementById(id)?.textContent ?? undefined;

const urlOf = (script: string): string =>
  URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));

let model: string | undefined;

/** What the page was given to show. */
export const pageData = (): PageData => JSON.parse(textOf('data')!) as PageData;

/** The model's script, as something that any number of workers can be started from. */
export function modelScript(): string {
  model ??= urlOf(textOf('worker')!);
  return model;
}

/**
 * The same for a script that is needed only now and then, by the name of its file: the page has it inside, or asks the
 * server that it came from. @throws Error where the server is gone.
 */
export async function laterScript(name: string): Promise<string> {
  const inside = textOf(name);
  if (inside !== undefined) return urlOf(inside);
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name} cannot be loaded: ${response.status}`);
  return urlOf(await response.text());
}
