import type { Diagnostic } from '../text/diagnostic.js';
import type { ExploreSource } from './source.js';

/** What the explorer's page is given, as JSON inside of it. */
export interface PageData {
  readonly source: ExploreSource;
  /** The step to begin with. */
  readonly step: number;
  /** Whether the program can be changed: not where the page is a file that tells of one run. */
  readonly editable: boolean;
  /** Why the source, as far as there is one, cannot be opened; absent where that is for the page to find out. */
  readonly problem?: Diagnostic;
}
