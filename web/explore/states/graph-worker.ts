import { problemOf } from '../../../src/explore/explorer.js';
import { GraphWork } from '../../../src/explore/machine-graph.js';
import type { GraphReply, GraphRequest } from './graph-messages.js';

/** The part of the model's worker that makes graphs of states. */

/** Milliseconds between two words about how far it has come. */
const NEWS = 100;

const stop = new AbortController();
let work: GraphWork | undefined;

const post = (reply: GraphReply): void => self.postMessage(reply);

export const isGraphRequest = (request: object): request is GraphRequest =>
  'graphOf' in request || 'graphStop' in request || 'graphState' in request;

/** Makes a graph, or answers about one of its states; `graphStop` ends the making with what there is. */
export async function answerGraph(request: GraphRequest): Promise<void> {
  try {
    if ('graphStop' in request) stop.abort();
    else if ('graphState' in request) post({ story: work!.story(request.graphState) });
    else await make(request);
  } catch (error) {
    post({ problem: problemOf(error) });
  }
}

async function make({ graphOf, asked }: Extract<GraphRequest, { graphOf: unknown }>): Promise<void> {
  let told = performance.now();
  work = await GraphWork.make(graphOf, asked, {
    signal: stop.signal,
    onProgress: (found, expanded) => {
      if (performance.now() - told < NEWS) return;
      told = performance.now();
      post({ found, expanded });
    },
  });
  post({ graph: work.graph });
}
