import type { SearchOrder } from '../../../src/explore/search/order.js';
import type { SearchOutcome } from '../../../src/explore/search/outcome.js';
import type { SearchProgress } from '../../../src/explore/search/search.js';
import type { Diagnostic } from '../../../src/text/diagnostic.js';

/** What the page tells the worker that searches for it: one search a worker. */
export type SearchRequest = { readonly search: SearchOrder } | { readonly stopSearch: true };

/** What that worker says: how it is getting on, and at last what it came to, or why it could not begin. */
export type SearchNews =
  | { readonly progress: SearchProgress }
  | { readonly outcome: SearchOutcome }
  | { readonly problem: Diagnostic };
