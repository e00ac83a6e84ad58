import { Explorer, problemOf } from '../../src/explore/explorer.js';
import type { News, Reply, Request } from './messages.js';

/** The model's side of the page: it records the program, answers about places in it, and judges it when nothing is asked. */

/** Milliseconds of work in the background between two looks for questions. */
const SLICE = 8;
/** Milliseconds between two news of it. */
const NEWS = 100;

let explorer: Explorer | undefined;
let told = 0;
let underWay = false;

const post = (message: Reply | News): void => self.postMessage(message);

/** A turn of the event loop, in which questions are heard; a timer would be held back by the browser. */
const turns = new MessageChannel();
turns.port1.onmessage = work;

function work(): void {
  if (explorer === undefined) return;
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

self.onmessage = ({ data: request }: MessageEvent<Request>) => {
  const { id } = request;
  try {
    if ('open' in request) {
      explorer = new Explorer(request.open);
      post({ id, opened: explorer.opened });
      begin();
    } else {
      const { step, questions } = request;
      const current = explorer;
      if (current === undefined) throw new Error('no program is open');
      post({ id, answers: questions.map(({ view, args }) => current.answer(step, view, args as never)) });
    }
  } catch (error) {
    post({ id, problem: problemOf(error) });
  }
};
