import { type Edition, resolveEdition } from '../xen/editions/edition.js';
import { STAGING } from '../xen/editions/history.js';
import { BRANCHES, parseRelease, RELEASES, releaseName } from '../xen/editions/release.js';

/**
 * The edition that behaves as a version which a log names: `4.17.3`, `4.17.3-pre`, `4.13.5-9.40.1`, `4.21-unstable`.
 * A point release newer than those that are known behaves as the newest that is; a tree towards a release (`-unstable`,
 * `-rc2`) as this release; undefined for what is older than every edition.
 */
export function editionOfVersion(version: string): Edition | undefined {
  const match = /^4\.(\d{1,3})(?:\.(\d{1,3}))?/.exec(version);
  if (match === null) return undefined;
  const branch = `4.${Number(match[1])}`;
  const last = RELEASES.findLast(({ minor }) => minor === Number(match[1]));
  if (last === undefined) {
    return Number(match[1]) > Number(BRANCHES.at(-1)!.slice(2)) ? resolveEdition(STAGING) : undefined;
  }
  const release = parseRelease(`${branch}.${Number(match[2] ?? 0)}`) ?? last;
  return resolveEdition(releaseName(release));
}
