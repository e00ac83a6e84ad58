import { InputError } from '../text/diagnostic.js';
import { compareReleases, RELEASES, type Release as XenRelease } from '../xen/editions/release.js';

/** A release of Xen, as the toolstack and the hypervisor of that release behave. */
export interface Release extends XenRelease {
  /** As it was written: `4.17`, `4.13.2`. */
  readonly text: string;
}

const MINORS = [...new Set(RELEASES.map(({ minor }) => minor))];

/** The series that can be asked for; point releases of each are understood, those to come as well. */
export const SUPPORTED_SERIES: readonly string[] = MINORS.map((minor) => `4.${minor}`);

export const DEFAULT_RELEASE: Release = { text: '4.22', minor: 22, point: 0 };

/**
 * @param origin names where the text comes from in the error: an option or a file.
 * @throws InputError (`unknown-release`) that lists the supported series.
 */
export function parseRelease(text: string, origin = '--xen'): Release {
  const match = /^4\.(\d{1,2})(?:\.(\d{1,2}))?$/.exec(text.trim());
  const minor = Number(match?.[1]);
  if (match === null || !MINORS.includes(minor)) {
    throw new InputError({
      severity: 'error',
      code: 'unknown-release',
      message: `unknown Xen release \`${text}\`; expected one of ${SUPPORTED_SERIES.join(', ')}, or a point release of these such as 4.13.2`,
      file: origin,
      line: 1,
      column: 1,
    });
  }
  return { text: text.trim(), minor, point: Number(match[2] ?? 0) };
}

/**
 * Whether `release` has a change that first appeared in `first`: the release of the main line, and before it any
 * point releases of stable series that got it as a backport, e.g. `['4.15', '4.14.2', '4.13.3']`.
 */
export function carries(release: Release, first: readonly string[]): boolean {
  return first.some((text, index) => {
    const carrier = parseRelease(text, 'the behaviour table');
    if (index === 0 && release.minor >= carrier.minor) return compareReleases(release, carrier) >= 0;
    return release.minor === carrier.minor && release.point >= carrier.point;
  });
}
