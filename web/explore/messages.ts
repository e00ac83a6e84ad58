import type { Marks, Opened, Question } from '../../src/explore/explorer.js';
import type { ExploreSource } from '../../src/explore/source.js';
import type { Diagnostic } from '../../src/text/diagnostic.js';

/**
 * What the page asks its worker. Every request is answered once, under its id. "from" is a step of the run that is open: the
 * answer says which step of the new one stands beside it.
 */
export type Request =
  | { readonly id: number; readonly open: ExploreSource; readonly from?: number }
  | { readonly id: number; readonly check: ExploreSource }
  | { readonly id: number; readonly compareWith: string | undefined }
  | { readonly id: number; readonly askAllEditions: true }
  | { readonly id: number; readonly step: number; readonly questions: readonly Question[] };

/** Answers stand in the order of their questions. */
export type Reply =
  | { readonly id: number; readonly opened: Opened; readonly step: number }
  | { readonly id: number; readonly done: true }
  | { readonly id: number; readonly answers: readonly unknown[] }
  | { readonly id: number; readonly problem: Diagnostic };

/** What the worker says unasked: how far it has come with what it does in the background. */
export interface News {
  readonly marks: Marks;
}
