import type { Profile } from '../../xen/editions/behaviours.js';
import { CHANGES } from '../../xen/editions/changes.js';
import { releaseProfile } from '../../xen/editions/edition.js';
import { compareReleases, RELEASES, type Release } from '../../xen/editions/release.js';

const exact = ({ minor, point }: Release): string => `4.${minor}.${point}`;

/** Each release with its profile, made when first asked for: events by the thousand ask again and again. */
let profiles: readonly (readonly [Release, Profile])[] | undefined;

/** All releases of which the profile behaves so, oldest first. */
export function releasesThat(behave: (profile: Profile) => boolean): readonly Release[] {
  profiles ??= RELEASES.map((release) => [release, releaseProfile(release)] as const);
  return profiles.filter(([, profile]) => behave(profile)).map(([release]) => release);
}

interface Run {
  readonly first: Release;
  readonly last: Release;
  /** Whether it has all releases of its branches. */
  readonly whole: boolean;
}

/** The releases of each branch, from the first to the last of those that are given. */
function runsOfBranches(releases: readonly Release[]): Run[] {
  return [...new Set(releases.map(({ minor }) => minor))].flatMap((minor) => {
    const has = RELEASES.filter((one) => one.minor === minor);
    const given = releases.filter((one) => one.minor === minor);
    const runs: Run[] = [];
    for (const release of given) {
      const run = runs.at(-1);
      if (run?.last.point === release.point - 1)
        runs[runs.length - 1] = { ...run, last: release, whole: false };
      else runs.push({ first: release, last: release, whole: false });
    }
    return given.length === has.length ? [{ first: has[0]!, last: has.at(-1)!, whole: true }] : runs;
  });
}

/** Releases in words: `all of 4.12, 4.13.0 to 4.13.2 and 4.14.0 to 4.14.1`; `no release` for none. */
export function releaseList(releases: readonly Release[]): string {
  const merged: Run[] = [];
  for (const run of runsOfBranches(releases)) {
    const before = merged.at(-1);
    if (before?.whole && run.whole && before.last.minor === run.first.minor - 1)
      merged[merged.length - 1] = { ...before, last: run.last };
    else merged.push(run);
  }
  return merged.length === 0 ? 'no release' : joined(merged.map(runText));
}

function runText({ first, last, whole }: Run): string {
  if (!whole) return first.point === last.point ? exact(first) : `${exact(first)} to ${exact(last)}`;
  if (compareReleases(last, RELEASES.at(-1)!) === 0) return `4.${first.minor} and later`;
  return first.minor === last.minor ? `all of 4.${first.minor}` : `4.${first.minor} to 4.${last.minor}`;
}

function joined(texts: readonly string[]): string {
  if (texts.length === 1) return texts[0]!;
  return `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)!}`;
}

/** The commit, 10 digits, that took a value of a behaviour away; undefined where it still is what the newest release does. */
export function mendedBy<Name extends keyof Profile>(
  behaviour: Name,
  value: Profile[Name],
): string | undefined {
  const changes = CHANGES.filter(
    ({ behaviours }) => (behaviours as Partial<Profile>)[behaviour] !== undefined,
  );
  const brought = changes.findIndex(
    ({ behaviours }) => (behaviours as Partial<Profile>)[behaviour] === value,
  );
  return changes[brought + 1]?.commit.slice(0, 10);
}
