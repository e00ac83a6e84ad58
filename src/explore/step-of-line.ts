import type { Here } from './here.js';

/** The step that a line of the program makes: the next one from here on, or else its first; undefined where it makes none. */
export function stepOfLine(
  { timeline, step: here }: Here,
  { line }: { readonly line: number },
): number | undefined {
  let first: number | undefined;
  for (let step = 1; step <= timeline.length; step++) {
    if (timeline.statement(step).line !== line) continue;
    if (step >= here) return step;
    first ??= step;
  }
  return first;
}
