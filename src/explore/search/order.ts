import { boundsForBug } from '../../bugs/asked-bounds.js';
import { requireBug } from '../../bugs/gallery.js';
import type { Program } from '../../program/program.js';
import { Timeline } from '../../program/timeline.js';
import type { VerifyBounds } from '../../program/verify.js';
import { boundsOf } from '../../program/verify-bounds.js';
import { DEFAULT_SETTINGS, type VerifySettings } from '../../program/verify-options.js';
import type { Edition } from '../../xen/editions/edition.js';
import { programUpTo } from '../graph-scene.js';
import { type ExploreSource, readSource } from '../source.js';

/** What somebody wants searched. Plain data. */
export interface SearchOrder {
  readonly source: ExploreSource;
  /** The step after which the search begins; where the program ends, unless it is set. */
  readonly step?: number;
  /** What has been said of its bounds; the rest is as it is for `dommu verify`, or for the bug. */
  readonly settings: Partial<VerifySettings>;
  /** A bug of the gallery that is searched for: its bounds hold where nothing else has been said. */
  readonly bug?: string;
}

/** An order as the search understands it. */
export interface ReadOrder {
  readonly program: Program;
  readonly edition: Edition;
  readonly settings: VerifySettings;
  readonly bounds: VerifyBounds;
}

/** @throws InputError where the source is no program, or there is no such bug. */
export function readOrder({ source, step, settings: said, bug }: SearchOrder): ReadOrder {
  const { program, edition } = readSource(source);
  const settings = { ...DEFAULT_SETTINGS, ...said };
  const bounds =
    bug === undefined
      ? boundsOf(settings)
      : boundsForBug(requireBug(bug, 'the bug'), settings, (name) => name in said);
  const searched = step === undefined ? program : programUpTo(Timeline.record(program, edition), step);
  return { program: searched, edition, settings, bounds };
}
