import type { Edition } from '../xen/editions/edition.js';
import {
  BRANCHES,
  includesChange,
  requireRelease,
  type Release as XenRelease,
} from '../xen/editions/release.js';

/** A release of Xen, as the toolstack and the hypervisor of that release behave. */
export interface Release extends XenRelease {
  /** As it was written: `4.17`, `4.13.2`. */
  readonly text: string;
}

/** The series that can be asked for, with the point releases of each. */
export const SUPPORTED_SERIES = BRANCHES;

export const DEFAULT_RELEASE: Release = { text: '4.22', minor: 22, point: 0 };

/**
 * @param origin names where the text comes from in the error: an option or a file.
 * @throws InputError (`unknown-release`) that lists the known releases.
 */
export function parseRelease(text: string, origin = '--xen'): Release {
  return { ...requireRelease(text, origin), text: text.trim().replace(/^.*?(?=4\.)/, '') };
}

/**
 * Whether `release` has a change that first appeared in `first`: the release of the main line, and before it any
 * point releases of stable series that got it as a backport, e.g. `['4.15', '4.14.2', '4.13.3']`.
 */
export function carries(release: Release, first: readonly string[]): boolean {
  const [main, ...backports] = first.map((text) => requireRelease(text, 'the behaviour table'));
  return main !== undefined && includesChange(release, main, backports);
}

/**
 * The toolstack that goes with an edition. The development tree and the designs of the founding argument have none of
 * their own: they take the newest that declares contexts, or the last that did not, as they do themselves.
 */
export function toolstackRelease({ name, release, profile }: Edition): Release {
  if (release !== undefined) return { ...release, text: name };
  return profile.iommuContext === 'at-creation' ? DEFAULT_RELEASE : parseRelease('4.12');
}
