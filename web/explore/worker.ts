import { Explorer, problemOf } from '../../src/explore/explorer.js';
import { type ExploreSource, readSource } from '../../src/explore/source.js';
import type { News, Reply, Request } from './messages.js';
import type { SearchRequest } from './search/messages.js';
import { heedSearch } from './search/worker-search.js';
import type { GraphRequest } from './states/graph-messages.js';
import { answerGraph, isGraphRequest } from './states/graph-worker.js';

/** The model's side of the page: it records the program, answers about places in it, and judges it when nothing is asked. */

/** Milliseconds of work in the background between two looks for questions. */
const SLICE = 8;
/** Milliseconds without a question before it goes on: who moves through the run does not wait for it. */
const QUIET = 50;
/** Milliseconds between two news of it. */
const NEWS = 100;

let explorer: Explorer | undefined;
let told = 0;
/** When the last question came. */
let asked = Number.NEGATIVE_INFINITY;
let underWay = false;

const post = (message: Reply | News): void => self.postMessage(message);

/** A turn of the event loop, in which questions are heard; a timer would be held back by the browser. */
const turns = new MessageChannel();
turns.port1.onmessage = work;

function work(): void {
  if (explorer === undefined) return;
  const quiet = performance.now() - asked;
  if (quiet < QUIET) {
    setTimeout(work, QUIET - quiet);
    return;
  }
  // Work that throws is given up, and the next program's is begun.
  underWay = false;
  const done = explorer.workFor(SLICE);
  if (done || performance.now() - told >= NEWS) {
    told = performance.now();
    post({ marks: explorer.marks });
  }
  underWay = !done;
  if (underWay) turns.port2.postMessage(undefined);
}

function begin(): void {
  if (underWay) return;
  underWay = true;
  turns.port2.postMessage(undefined);
}

self.onmessage = ({ data: request }: MessageEvent<Request | SearchRequest | GraphRequest>) => {
  if ('search' in request || 'stopSearch' in request) return void heedSearch(request);
  if (isGraphRequest(request)) return void answerGraph(request);
  try {
    post(answer(request));
  } catch (error) {
    post({ id: request.id, problem: problemOf(error) });
  }
};

function answer(request: Request): Reply {
  const { id } = request;
  if ('open' in request) return open(id, request.open, request.from);
  if ('check' in request) {
    readSource(request.check);
    return { id, done: true };
  }
  const current = explorer;
  if (current === undefined) throw new Error('no program is open');
  if ('compareWith' in request) {
    current.compareWith(request.compareWith);
    post({ marks: current.marks });
    begin();
    return { id, done: true };
  }
  if ('askAllEditions' in request) {
    current.askAllEditions();
    begin();
    return { id, done: true };
  }
  const { step, questions } = request;
  asked = performance.now();
  return { id, answers: questions.map(({ view, args }) => current.answer(step, view, args as never)) };
}

function open(id: number, source: ExploreSource, from: number | undefined): Reply {
  const before = explorer;
  explorer = new Explorer(source);
  const step = before === undefined || from === undefined ? 0 : explorer.besideStep(before, from);
  // The page asks at once about what it shows.
  asked = performance.now();
  begin();
  return { id, opened: explorer.opened, step };
}
