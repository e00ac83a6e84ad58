import type { ExploreSource } from './source.js';

/** What the explorer's page is given, as JSON inside of it. */
export interface PageData {
  readonly source: ExploreSource;
  /** The step to begin with. */
  readonly step: number;
  /** Whether the program can be changed: not where the page is a file that tells of one run. */
  readonly editable: boolean;
}
