import { InputError } from '../../text/diagnostic.js';
import { suggest } from '../../text/suggest.js';
import { BEHAVIOUR_NAMES, BEHAVIOURS, type Profile } from './behaviours.js';
import { XEN_HISTORY } from './changes.js';
import { type BehaviourSpec, latest, STAGING, valuesAt } from './history.js';
import { ALL_MENDED, MENDED } from './mended.js';
import { parseRelease, RELEASES, type Release, releaseName, requireRelease } from './release.js';

/** A named profile: a release of Xen, the development tree, or a design. */
export interface Edition {
  readonly name: string;
  readonly profile: Profile;
  /** The release; undefined for a design and for the development tree. */
  readonly release: Release | undefined;
}

/** The behaviours of a release. */
export const releaseProfile = (release: Release): Profile => ({
  ...valuesAt(XEN_HISTORY, release),
  ...ALL_MENDED,
});

/** The development tree after the newest release: every change there is. */
const STAGING_PROFILE: Profile = { ...latest(XEN_HISTORY), ...ALL_MENDED };

/** All that has been mended since, but contexts as they were in 4.12. */
const LATE_ENABLE: Profile = {
  ...releaseProfile(RELEASES.at(-1)!),
  iommuContext: 'at-first-assignment',
  strictHwdomPages: 'every-page',
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

/** The newest release. */
export const DEFAULT_EDITION = '4.22';

/**
 * The edition called `name`: `4.12`, `4.13.2`, `RELEASE-4.14.1`, `staging`, `late-enable`; `x.y` means `x.y.0`. With
 * `+behaviour=value` behind it, once or several times, it behaves so instead: `4.22+selfGrant=reaches-iommu`.
 * @param origin where the name comes from, for the error.
 * @throws InputError naming the alternatives.
 */
export function requireEdition(name: string, origin: string): Edition {
  const [base, ...replaced] = name.split('+');
  const edition = requireBase(base!, origin);
  if (replaced.length === 0) return edition;
  return withBehaviours(edition, Object.fromEntries(replaced.map((text) => replacement(text, origin))));
}

/** An edition with some behaviours replaced, named after them. It is no release any more. */
export function withBehaviours(edition: Edition, behaviours: Partial<Profile>): Edition {
  const parts = Object.entries(behaviours).map(([name, value]) => `+${name}=${value}`);
  return {
    name: `${edition.name}${parts.join('')}`,
    profile: { ...edition.profile, ...behaviours },
    release: edition.release,
  };
}

const ALL_BEHAVIOURS: Readonly<Record<string, BehaviourSpec>> = { ...BEHAVIOURS, ...MENDED };

/** `selfGrant=reaches-iommu`, read and held against the table of behaviours. */
function replacement(text: string, origin: string): [name: string, value: string] {
  const [name, value] = text.split('=') as [string, string | undefined];
  const values = Object.hasOwn(ALL_BEHAVIOURS, name) ? Object.keys(ALL_BEHAVIOURS[name]!.values) : undefined;
  if (values === undefined) {
    const near = suggest(name, Object.keys(ALL_BEHAVIOURS));
    const hint = `\`dommu editions\` lists them${near === undefined ? '' : `; did you mean \`${near}\`?`}`;
    throw noSuch(`there is no behaviour \`${name}\``, hint, origin);
  }
  if (value === undefined || !values.includes(value)) {
    const said = value === undefined ? 'has no value here' : `cannot be \`${value}\``;
    throw noSuch(`the behaviour ${name} ${said}`, `it can be ${values.join(', ')}`, origin);
  }
  return [name, value];
}

function noSuch(message: string, hint: string, origin: string): InputError {
  return new InputError({
    severity: 'error',
    code: 'behaviour',
    message,
    file: origin,
    line: 1,
    column: 1,
    hint,
  });
}

function requireBase(name: string, origin: string): Edition {
  const design = DESIGNS[name];
  if (design !== undefined) return { name, profile: design, release: undefined };
  if (name === STAGING) return { name, profile: STAGING_PROFILE, release: undefined };
  const release = parseRelease(name) ?? requireRelease(name, origin, otherEditions(name));
  return { name: releaseName(release), profile: releaseProfile(release), release };
}

/** The same for a name from `--xen`. */
export const resolveEdition = (name: string): Edition => requireEdition(name, '--xen');

/** What can be named besides releases, the one that was probably meant in front. */
function otherEditions(name: string): string {
  const others = [STAGING, ...Object.keys(DESIGNS)];
  const near = /^[a-z]/i.test(name) ? suggest(name, others) : undefined;
  return `, and ${others.join(', ')}${near === undefined ? '' : `; did you mean \`${near}\`?`}`;
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
