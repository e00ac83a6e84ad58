import { boundsForBug } from '../../bugs/asked-bounds.js';
import { type Bug, buggyEdition } from '../../bugs/bug.js';
import { GALLERY } from '../../bugs/gallery.js';
import { boundsText } from '../../program/verify-bounds.js';
import { DEFAULT_SETTINGS, type VerifySettings } from '../../program/verify-options.js';
import type { Here } from '../here.js';

/** A bug of the gallery that the edition has: what finding it takes. */
export interface SearchableBug {
  readonly id: string;
  readonly title: string;
  /** Invariants of which the search must break one; `livelock` where a hypercall never ends. */
  readonly invariants: readonly string[];
  /** Those of them at which a search does not look unless it is for such a bug. */
  readonly dear: readonly string[];
  /** Its bounds: in words, and as far as they are settings, where they differ from those of other searches. */
  readonly bounds: string;
  readonly settings: Partial<VerifySettings>;
}

/** What has been asked last, and the answer, which does not change from step to step. */
let last: { readonly edition: string; readonly bugs: readonly SearchableBug[] } | undefined;

/** What a search from here can be about, beside the program: the bugs that the edition is made of. */
export function searchable({ timeline }: Here): readonly SearchableBug[] {
  const { name } = timeline.edition;
  if (last?.edition !== name) {
    const bugs = name.includes('+') ? GALLERY.filter((bug) => buggyEdition(bug).name === name) : [];
    last = { edition: name, bugs: bugs.map(searchableBug) };
  }
  return last.bugs;
}

function searchableBug(bug: Bug): SearchableBug {
  const bounds = boundsForBug(bug, DEFAULT_SETTINGS, () => false);
  const { operations = [], onlyOperations = false, search, ...rest } = bounds;
  const { maxSeconds, ...limits } = search;
  const all: Record<string, unknown> = {
    ...{ ...rest, with: operations, only: onlyOperations },
    ...{ ...limits, timeout: maxSeconds },
  };
  const differs = Object.entries(DEFAULT_SETTINGS).filter(
    ([setting, byDefault]) => setting in all && String(all[setting]) !== String(byDefault),
  );
  return {
    id: bug.id,
    title: bug.title,
    invariants: bug.invariants,
    dear: bounds.dear ?? [],
    bounds: boundsText(bounds, false),
    settings: Object.fromEntries(differs.map(([setting]) => [setting, all[setting]])),
  };
}
