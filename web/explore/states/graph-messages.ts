import type { GraphAsked, MachineGraph, StateStory } from '../../../src/explore/machine-graph.js';
import type { ExploreSource } from '../../../src/explore/source.js';
import type { Diagnostic } from '../../../src/text/diagnostic.js';

/** What the page asks a worker that makes a graph, and nothing else: it is begun once, and then asked about states of it. */
export type GraphRequest =
  | { readonly graphOf: ExploreSource; readonly asked: GraphAsked }
  /** What there is so far will do. */
  | { readonly graphStop: true }
  | { readonly graphState: number };

export type GraphReply =
  | { readonly found: number; readonly expanded: number }
  | { readonly graph: MachineGraph }
  | { readonly story: StateStory }
  | { readonly problem: Diagnostic };
