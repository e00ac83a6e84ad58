import { InputError } from '../../text/diagnostic.js';

/** A release 4.`minor`.`point` of Xen. */
export interface Release {
  readonly minor: number;
  readonly point: number;
}

/** The last point release of each branch, by minor version, as tagged in the public repository. */
const LAST_POINT: Readonly<Record<number, number>> = {
  11: 4,
  12: 4,
  13: 5,
  14: 6,
  15: 7,
  16: 7,
  17: 7,
  18: 6,
  19: 6,
  20: 4,
  21: 2,
  22: 0,
};

/** Every release this project knows, oldest first. */
export const RELEASES: readonly Release[] = Object.entries(LAST_POINT).flatMap(([minor, last]) =>
  Array.from({ length: last + 1 }, (_, point) => ({ minor: Number(minor), point })),
);

/** `4.11`, `4.12`, …: the branches that have releases. */
export const BRANCHES: readonly string[] = Object.keys(LAST_POINT).map((minor) => `4.${minor}`);

const SYNTAX = /^(?:RELEASE-|xen[- ]?)?4\.(\d{1,2})(?:\.(\d{1,2}))?$/i;

/**
 * The release named by `4.13`, `4.13.2`, `Xen 4.13.2` or `RELEASE-4.13.2`; `4.13` means 4.13.0. Undefined for any
 * other text, for a branch that has no release and for a point release that was never tagged.
 */
export function parseRelease(text: string): Release | undefined {
  const match = SYNTAX.exec(text.trim());
  if (match === null) return undefined;
  const release = { minor: Number(match[1]), point: Number(match[2] ?? 0) };
  const last = LAST_POINT[release.minor];
  return last !== undefined && release.point <= last ? release : undefined;
}

/**
 * The same where a text must name a release.
 * @param origin where the text comes from: an option or a file.
 * @param others what else may stand there, for the error's hint.
 * @throws InputError (`unknown-release`) that lists what is known.
 */
export function requireRelease(text: string, origin = '--xen', others = ''): Release {
  const release = parseRelease(text);
  if (release !== undefined) return release;
  throw new InputError({
    severity: 'error',
    code: 'unknown-release',
    message: `unknown Xen release \`${text}\`${unreleased(text)}`,
    file: origin,
    line: 1,
    column: 1,
    hint: `known: ${knownReleases()}${others}`,
  });
}

/** What would have been right: the branches, or the last release of the branch. */
function unreleased(text: string): string {
  const match = SYNTAX.exec(text.trim());
  const last = LAST_POINT[Number(match?.[1])];
  if (last === undefined) return `; expected one of ${BRANCHES.join(', ')}, or a point release of these`;
  return `: the last one of this branch that is known is 4.${match![1]}.${last}`;
}

/** `4.11.0–4, 4.12.0–4, …`. */
function knownReleases(): string {
  return Object.entries(LAST_POINT)
    .map(([minor, last]) => (last === 0 ? `4.${minor}.0` : `4.${minor}.0–${last}`))
    .join(', ');
}

/** `4.13.2`; an x.y.0 is called `4.13`, but for 4.11.0, whose later point releases differ so much in substance. */
export function releaseName({ minor, point }: Release): string {
  return point === 0 && minor !== 11 ? `4.${minor}` : `4.${minor}.${point}`;
}

export function compareReleases(a: Release, b: Release): number {
  return a.minor - b.minor || a.point - b.point;
}

/**
 * Whether `release` has a change that came with the release `first` of the main line, or on an older branch with one
 * of the point releases `backports`.
 */
export function includesChange(release: Release, first: Release, backports: readonly Release[]): boolean {
  return (
    compareReleases(release, first) >= 0 ||
    backports.some(({ minor, point }) => minor === release.minor && point <= release.point)
  );
}
