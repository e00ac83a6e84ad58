import { compareReleases, includesChange, type Release, requireRelease } from './release.js';

/** One behaviour in which releases differ. */
export interface BehaviourSpec {
  /** One sentence: what this behaviour decides. */
  readonly doc: string;
  /** Section of the dossier that states it. */
  readonly section: string;
  /** Each value with its meaning, from the oldest to the newest. */
  readonly values: Readonly<Record<string, string>>;
}

/**
 * The commit that gave behaviours a new value, and the releases that have it. `release` is the first x.y.0 that
 * contains the commit, or {@link STAGING}; `backports` are the first point releases of older branches that contain a
 * cherry-pick.
 * Source: the public Xen history (tags and "cherry picked from" trailers of the stable branches), dossier §0.
 */
export interface Change<Values = Readonly<Record<string, string>>> {
  readonly behaviours: Partial<Values>;
  readonly commit: string;
  readonly title: string;
  readonly release: string;
  readonly backports: readonly string[];
}

/** The development tree: changes that no release has yet are filed under it. */
export const STAGING = 'staging';

/** What one part of Xen has done since 4.11.0, as data: the hypervisor, its command line, the toolstack. */
export interface History<Values = Readonly<Record<string, string>>> {
  readonly specs: { readonly [Name in keyof Values]: BehaviourSpec };
  /** 4.11.0, where the record begins. */
  readonly oldest: Values;
  /** Every change since, oldest first: later ones win. */
  readonly changes: readonly Change<Values>[];
}

/** The values that a part's table of behaviours allows: one for each behaviour. */
export type ValuesOf<Specs extends Readonly<Record<string, BehaviourSpec>>> = {
  readonly [Name in keyof Specs]: keyof Specs[Name]['values'] & string;
};

const TABLE = 'the table of changes';

/** Whether a release contains a change: by its minor version, or by a backport to its branch. */
export function contains(
  release: Release,
  { release: first, backports }: Pick<Change, 'release' | 'backports'>,
): boolean {
  if (first === STAGING) return false;
  return includesChange(
    release,
    requireRelease(first, TABLE),
    backports.map((text) => requireRelease(text, TABLE)),
  );
}

/** The release of the same branch with which a change that `release` contains came: `4.13.3`, or the main line's. */
export function arrivedWith(release: Release, { release: first, backports }: Change): string {
  const backport = backports.find((text) => requireRelease(text, TABLE).minor === release.minor);
  const late = first === STAGING || compareReleases(release, requireRelease(first, TABLE)) < 0;
  return late && backport !== undefined ? backport : first;
}

/** The behaviours of a release: the oldest values with every change it contains applied in order. */
export function valuesAt<Values>(history: History<Values>, release: Release): Values {
  const applied = history.changes.filter((change) => contains(release, change));
  return latest({ ...history, changes: applied });
}

/** The behaviours after the last change there is. */
export function latest<Values>({ oldest, changes }: History<Values>): Values {
  return Object.assign({}, oldest, ...changes.map(({ behaviours }) => behaviours)) as Values;
}
