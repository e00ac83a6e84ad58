import { XEN_HISTORY } from '../xen/editions/changes.js';
import { DEFAULT_EDITION, DESIGNS, type Edition, resolveEdition } from '../xen/editions/edition.js';
import {
  arrivedWith,
  type BehaviourSpec,
  type Change,
  contains,
  type History,
  latest,
  STAGING,
  valuesAt,
} from '../xen/editions/history.js';
import { RELEASES, type Release, releaseName, requireRelease } from '../xen/editions/release.js';
import { TOOLSTACK_HISTORY } from './behaviours.js';
import { COMMAND_LINE_HISTORY } from './cmdline-behaviours.js';
import { toolstackRelease } from './release.js';

/** What is known of editions, across hypervisor and toolstack: what `dommu editions` prints. */

/** A part of Xen with a history of its own. */
export interface Part {
  readonly name: 'xen' | 'command-line' | 'toolstack';
  readonly title: string;
  readonly history: History;
}

export const PARTS: readonly Part[] = [
  { name: 'xen', title: 'the hypervisor', history: XEN_HISTORY as unknown as History },
  { name: 'command-line', title: 'its command line', history: COMMAND_LINE_HISTORY as unknown as History },
  { name: 'toolstack', title: 'xl and libxl', history: TOOLSTACK_HISTORY as unknown as History },
];

/** The commit that gave a behaviour its value in an edition. */
export interface Origin {
  readonly commit: string;
  readonly title: string;
  /** First x.y.0, or `staging`, and the first point releases of older branches. */
  readonly release: string;
  readonly backports: readonly string[];
  /** The release on the edition’s own branch that brought it. */
  readonly arrived: string;
}

/** One behaviour of an edition. */
export interface BehaviourOf {
  readonly part: Part['name'];
  readonly behaviour: string;
  readonly doc: string;
  readonly section: string;
  readonly value: string;
  readonly meaning: string;
  /** Undefined where it is older than the record, or where a design has it its own way. */
  readonly since: Origin | undefined;
  /** Whether a design has it otherwise than the release it is based on. */
  readonly byDesign: boolean;
}

/** One behaviour in which two editions differ. */
export interface BehaviourChanged {
  readonly part: Part['name'];
  readonly behaviour: string;
  readonly doc: string;
  readonly section: string;
  readonly from: string;
  readonly to: string;
  readonly fromMeaning: string;
  readonly toMeaning: string;
  /** Changes that one of the two has and the other lacks, oldest first; none where a design decides it. */
  readonly by: readonly Origin[];
  readonly byDesign: boolean;
}

/** An edition, and in what it differs from the one before. */
export interface EditionSummary {
  readonly name: string;
  readonly kind: 'release' | 'staging' | 'design';
  /** The edition it is compared with; undefined for the first. */
  readonly before: string | undefined;
  readonly changed: readonly string[];
  /** The first edition of its branch that is the same in everything: itself where something changed. */
  readonly as: string;
}

/** Every edition: releases with their point releases, oldest first, the development tree, the designs. */
export function editionSummaries(): EditionSummary[] {
  const all: EditionSummary[] = [];
  for (const release of RELEASES) {
    const before = releaseBefore(release);
    const one = summary(releaseName(release), 'release', before && releaseName(before));
    const same = release.point > 0 && one.changed.length === 0;
    all.push(same ? { ...one, as: all.at(-1)!.as } : one);
  }
  const newest = releaseName(RELEASES.at(-1)!);
  const designs = Object.keys(DESIGNS).map((name) => summary(name, 'design', newest));
  return [...all, summary(STAGING, 'staging', newest), ...designs];
}

/** The point release before on the branch, or the x.y.0 of the branch before. */
function releaseBefore({ minor, point }: Release): Release | undefined {
  if (point > 0) return { minor, point: point - 1 };
  return RELEASES.find((one) => one.minor === minor - 1 && one.point === 0);
}

/** A design is one of the hypervisor, whatever toolstack it is used with. */
function summary(name: string, kind: EditionSummary['kind'], before: string | undefined): EditionSummary {
  const found = before === undefined ? [] : compareEditions(resolveEdition(before), resolveEdition(name));
  const changed = found.filter(({ part }) => kind !== 'design' || part === 'xen');
  return { name, kind, before, changed: changed.map(({ behaviour }) => behaviour), as: name };
}

/** Every behaviour of an edition, part by part. */
export function behavioursOfEdition(edition: Edition): BehaviourOf[] {
  return PARTS.flatMap((part) => {
    const values = valuesOf(part, edition);
    return Object.entries(part.history.specs).map(([behaviour, spec]): BehaviourOf => {
      const value = values[behaviour]!;
      const byDesign = isByDesign(part, edition, behaviour);
      const last = byDesign ? undefined : changesIn(part, edition, behaviour).at(-1);
      return {
        ...head(part, behaviour, spec),
        value,
        meaning: spec.values[value]!,
        since: last && originIn(edition, last),
        byDesign,
      };
    });
  });
}

/** What differs between two editions, and which commits made the difference. */
export function compareEditions(from: Edition, to: Edition): BehaviourChanged[] {
  return PARTS.flatMap((part) => {
    const [old, now] = [valuesOf(part, from), valuesOf(part, to)];
    return Object.entries(part.history.specs)
      .filter(([behaviour]) => old[behaviour] !== now[behaviour])
      .map(([behaviour, spec]): BehaviourChanged => {
        const [before, after] = [changesIn(part, from, behaviour), changesIn(part, to, behaviour)];
        const gained = after.filter((change) => !before.includes(change));
        const lost = before.filter((change) => !after.includes(change));
        return {
          ...head(part, behaviour, spec),
          from: old[behaviour]!,
          to: now[behaviour]!,
          fromMeaning: spec.values[old[behaviour]!]!,
          toMeaning: spec.values[now[behaviour]!]!,
          by: [
            ...lost.map((change) => originIn(from, change)),
            ...gained.map((change) => originIn(to, change)),
          ],
          byDesign: isByDesign(part, from, behaviour) || isByDesign(part, to, behaviour),
        };
      });
  });
}

/** A behaviour's value from one release on, within its branch. */
export interface ValueSpan {
  readonly edition: string;
  readonly value: string;
  readonly since: Origin | undefined;
}

/** The values of a behaviour, branch by branch: the first release of each, and each point release that changed it. */
export function valuesOverReleases(name: string): ValueSpan[] | undefined {
  const part = PARTS.find(({ history }) => name in history.specs);
  if (part === undefined) return undefined;
  const at = (release: Release) => valuesAt(part.history, release)[name]!;
  return RELEASES.filter(({ minor, point }) => {
    if (point === 0) return true;
    return at({ minor, point: point - 1 }) !== at({ minor, point });
  }).map((release) => {
    const edition = resolveEdition(releaseName(release));
    const last = changesIn(part, edition, name).at(-1);
    return { edition: edition.name, value: at(release), since: last && originIn(edition, last) };
  });
}

/** A behaviour's own description. */
export function behaviourSpec(name: string): (BehaviourSpec & { part: Part['name'] }) | undefined {
  const part = PARTS.find(({ history }) => name in history.specs);
  return part && { ...part.history.specs[name]!, part: part.name };
}

export const BEHAVIOUR_NAMES_OF_ALL: readonly string[] = PARTS.flatMap(({ history }) =>
  Object.keys(history.specs),
);

const head = ({ name }: Part, behaviour: string, { doc, section }: BehaviourSpec) => ({
  part: name,
  behaviour,
  doc,
  section,
});

function valuesOf(part: Part, edition: Edition): Readonly<Record<string, string>> {
  if (part.name === 'xen') return edition.profile;
  return edition.name === STAGING ? latest(part.history) : valuesAt(part.history, toolstackRelease(edition));
}

/** The changes of a behaviour that an edition has. The development tree has all; a design those of its release. */
function changesIn({ name: part, history }: Part, edition: Edition, behaviour: string): Change[] {
  const changes = history.changes.filter(({ behaviours }) => behaviours[behaviour] !== undefined);
  if (edition.name === STAGING) return changes;
  const release =
    part === 'xen' ? (edition.release ?? requireRelease(DEFAULT_EDITION)) : toolstackRelease(edition);
  return changes.filter((change) => contains(release, change));
}

/** Whether a design, and no release's change, gives a behaviour its value. */
function isByDesign(part: Part, edition: Edition, behaviour: string): boolean {
  if (part.name !== 'xen' || !(edition.name in DESIGNS)) return false;
  return (
    resolveEdition(DEFAULT_EDITION).profile[behaviour as keyof Edition['profile']] !==
    valuesOf(part, edition)[behaviour]
  );
}

function originIn(edition: Edition, change: Change): Origin {
  const { commit, title, release, backports } = change;
  const arrived = edition.release === undefined ? release : arrivedWith(edition.release, change);
  return { commit, title, release, backports, arrived };
}
