import type { PageData } from '../../src/explore/page-data.js';
import type { ExploreSource } from '../../src/explore/source.js';
import type { Request } from './messages.js';

/** The model's worker as it is started before there is anybody who hears it. */
export interface BegunModel {
  readonly worker: Worker;
  /** The program that it opens already, by the request {@link FIRST_REQUEST}. */
  readonly opening: ExploreSource | undefined;
  /** What it has said so far. */
  readonly said: readonly Event[];
}

/** What the first script of the page leaves to the page's own. */
export interface HeadStart {
  readonly data: PageData;
  /** The model's script, as something that any number of workers can be started from. */
  readonly script: string;
  readonly model: BegunModel;
}

declare global {
  var headStart: HeadStart;
}

export const FIRST_REQUEST = 0;

/** Starts the model's worker, and has it open a program where one is given. */
export function beginModel(script: string, opening?: ExploreSource): BegunModel {
  const worker = new Worker(script);
  const said: Event[] = [];
  const keep = (event: Event): void => void said.push(event);
  worker.onmessage = keep;
  worker.onerror = keep;
  worker.onmessageerror = keep;
  if (opening !== undefined) worker.postMessage({ id: FIRST_REQUEST, open: opening } satisfies Request);
  return { worker, opening, said };
}
