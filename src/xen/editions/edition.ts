import { InputError } from '../../text/diagnostic.js';
import { suggest } from '../../text/suggest.js';
import { BEHAVIOUR_NAMES, type Profile } from './behaviours.js';
import { CHANGES, type Change, OLDEST } from './changes.js';
import { compareReleases, parseRelease, RELEASES, type Release, releaseName } from './release.js';

/** A named profile: a release of Xen or a design. */
export interface Edition {
  readonly name: string;
  readonly profile: Profile;
  /** The release, or undefined for a design. */
  readonly release: Release | undefined;
}

/** Whether a release contains a change: by its minor version, or by a backport to its branch. */
export function contains(release: Release, change: Change): boolean {
  if (compareReleases(release, parseRelease(change.release)!) >= 0) return true;
  return change.backports.some((text) => {
    const backport = parseRelease(text)!;
    return backport.minor === release.minor && backport.point <= release.point;
  });
}

/** The behaviours of a release: the oldest profile with every change it contains applied in order. */
export function releaseProfile(release: Release): Profile {
  const applied = CHANGES.filter((change) => contains(release, change)).map((change) => change.behaviours);
  return Object.assign({}, OLDEST, ...applied) as Profile;
}

const LATE_ENABLE: Profile = {
  ...releaseProfile({ minor: 12, point: 0 }),
  needSyncAfterTeardown: 'cleared',
};

/**
 * The three designs of the founding argument (dossier §3.5). They differ in nothing but how an IOMMU context comes
 * to be and which pages it holds.
 */
export const DESIGNS: Readonly<Record<string, Profile>> = {
  'late-enable': LATE_ENABLE,
  'unified-checks': {
    ...LATE_ENABLE,
    pvPageAddedTest: 'system-wide',
    strictHwdomPages: 'writable-or-untyped',
  },
  'up-front': { ...LATE_ENABLE, iommuContext: 'at-creation', strictHwdomPages: 'typed-by-boot' },
};

export const DESIGN_DOCS: Readonly<Record<string, string>> = {
  'late-enable': 'three checks, the context built at the first assignment (Xen 4.12)',
  'unified-checks': 'one rule for all pages, typed by the system-wide state; the context still built late',
  'up-front': 'the context declared at creation; two of the three checks deleted',
};

/** The newest release. */
export const DEFAULT_EDITION = '4.22';

/**
 * The edition called `name`: `4.12`, `4.13.2`, `RELEASE-4.14.1`, `late-enable`. `x.y` means `x.y.0`.
 * @throws InputError (file `--xen`) naming the alternatives.
 */
export function resolveEdition(name: string): Edition {
  const design = DESIGNS[name];
  if (design !== undefined) return { name, profile: design, release: undefined };
  const release = parseRelease(name);
  if (release !== undefined) return { name: releaseName(release), profile: releaseProfile(release), release };
  const names = [...RELEASES.map(releaseName), ...Object.keys(DESIGNS)];
  const near = /^[a-z]/.test(name) ? suggest(name, Object.keys(DESIGNS)) : undefined;
  throw new InputError({
    severity: 'error',
    code: 'unknown-release',
    message: `unknown release \`${name}\`${near ? `, did you mean \`${near}\`?` : ''}`,
    file: '--xen',
    line: 1,
    column: 1,
    hint: `known: ${knownReleases()}, and the designs ${Object.keys(DESIGNS).join(', ')} (of ${names.length} editions)`,
  });
}

function knownReleases(): string {
  const branches = new Map<number, number>();
  for (const { minor, point } of RELEASES) branches.set(minor, Math.max(point, branches.get(minor) ?? 0));
  return [...branches]
    .map(([minor, last]) => (last === 0 ? `4.${minor}` : `4.${minor}.0–${last}`))
    .join(', ');
}

/** Releases at which a profile differs from that of the release before on its branch, and every x.y.0. */
export function distinctEditions(): Edition[] {
  return RELEASES.filter((release) => {
    if (release.point === 0) return true;
    const before = releaseProfile({ minor: release.minor, point: release.point - 1 });
    return differences(before, releaseProfile(release)).length > 0;
  }).map((release) => resolveEdition(releaseName(release)));
}

/** Names of the behaviours in which two profiles differ. */
export function differences(a: Profile, b: Profile): (keyof Profile)[] {
  return BEHAVIOUR_NAMES.filter((name) => a[name] !== b[name]);
}
