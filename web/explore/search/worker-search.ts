import { problemOf } from '../../../src/explore/explorer.js';
import { runSearch } from '../../../src/explore/search/search.js';
import type { SearchNews, SearchRequest } from './messages.js';

const stop = new AbortController();

const post = (news: SearchNews): void => self.postMessage(news);

/** Searches, in a worker that does nothing else, until it is done or told to stop; what is known by then is told. */
export async function heedSearch(request: SearchRequest): Promise<void> {
  if ('stopSearch' in request) return stop.abort();
  try {
    const onProgress = (progress: Extract<SearchNews, { progress: unknown }>['progress']) =>
      post({ progress });
    post({ outcome: await runSearch(request.search, { onProgress, signal: stop.signal }) });
  } catch (error) {
    post({ problem: problemOf(error) });
  }
}
