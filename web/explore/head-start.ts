import type { PageData } from '../../src/explore/page-data.js';
import type { ExploreSource } from '../../src/explore/source.js';

/** The model's worker as it is started before there is anybody who hears it. */
export interface BegunModel {
  readonly worker: Worker;
  /** The program that it opens already, as if by the request {@link FIRST_REQUEST}. */
  readonly opening: ExploreSource | undefined;
  /** What it has said so far. */
  readonly said: readonly Event[];
}

/** What the first script of the page leaves to the page's own. */
export interface HeadStart {
  readonly data: PageData;
  readonly model: BegunModel;
}

declare global {
  var headStart: HeadStart;
}

export const FIRST_REQUEST = 0;

/**
 * What stands behind the model's script where it opens a program from the start. A message would not do: it reaches a
 * worker that gets up only when the page is not busy, and the page is then busy with getting up itself.
 */
export const openingLine = (source: ExploreSource): string =>
  `\nself.onmessage({ data: { id: ${FIRST_REQUEST}, open: JSON.parse(${JSON.stringify(JSON.stringify(source))}) } });\n`;

/** Starts the model's worker; `opening` is what its script opens, if it does. */
export function beginModel(script: string, opening?: ExploreSource): BegunModel {
  const worker = new Worker(script);
  const said: Event[] = [];
  const keep = (event: Event): void => void said.push(event);
  worker.onmessage = keep;
  worker.onerror = keep;
  worker.onmessageerror = keep;
  return { worker, opening, said };
}
