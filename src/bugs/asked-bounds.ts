import type { VerifyBounds } from '../program/verify.js';
import { boundsOf as boundsOfSettings } from '../program/verify-bounds.js';
import type { SaidSettings } from '../program/verify-options.js';
import { type Bug, boundsOf } from './bug.js';

/** Settings whose names are other than those of the bounds. */
const OPTION_OF: Readonly<Record<string, string>> = {
  operations: 'with',
  onlyOperations: 'only',
  maxSeconds: 'timeout',
};

/**
 * The bounds of the search for a bug: its own, but for what settings say themselves.
 * @param isGiven whether somebody has said a setting, by its name.
 */
export function boundsForBug(
  bug: Bug,
  options: SaidSettings & { readonly memo?: boolean },
  isGiven: (option: string) => boolean,
): VerifyBounds {
  const { search: asked, ...alphabet } = boundsOfSettings(options);
  const { search, ...own } = boundsOf(bug);
  const given = (bounds: object) =>
    Object.fromEntries(Object.entries(bounds).filter(([name]) => isGiven(OPTION_OF[name] ?? name)));
  // A bug's search is bounded by its states; what it leaves open is as for every search.
  const first = options.first === true ? { deeper: 0 } : {};
  return {
    ...own,
    merge: options.merge,
    memo: options.memo !== false,
    ...given(alphabet),
    search: { ...asked, ...search, ...given(asked), ...first },
  };
}
