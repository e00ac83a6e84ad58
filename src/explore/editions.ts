import { buggyEdition } from '../bugs/bug.js';
import { GALLERY } from '../bugs/gallery.js';
import { DESIGNS, distinctEditions } from '../xen/editions/edition.js';
import { STAGING } from '../xen/editions/history.js';
import { RELEASES, releaseName } from '../xen/editions/release.js';

/** A Xen that a program can be run on. */
export interface EditionChoice {
  /** What `--xen` and the program's `xen` line call it. */
  readonly name: string;
  readonly kind: 'release' | 'tree' | 'design' | 'bug';
  /** What people call it: `Xen 4.12.1`, `XSA-288a`. */
  readonly title: string;
  /** In a sentence. */
  readonly detail: string;
}

const DESIGN_DETAILS: Readonly<Record<string, string>> = {
  'late-enable': 'an IOMMU context is built when the first device is assigned, while the guest runs',
  'unified-checks': 'the same, with one test at all places for which pages go into it',
  'up-front': 'a context is declared when the domain is created, and kept in sync from then on',
};

let choices: readonly EditionChoice[] | undefined;

/** All that can be chosen: releases, newest first, the development tree, the designs, and the bugs of the gallery. */
export function editionChoices(): readonly EditionChoice[] {
  choices ??= [...releases(), TREE, ...designs(), ...bugs()];
  return choices;
}

const TREE: EditionChoice = {
  name: STAGING,
  kind: 'tree',
  title: 'Xen staging',
  detail: 'the development tree after the newest release',
};

function releases(): EditionChoice[] {
  const distinct = new Set(distinctEditions().map(({ name }) => name));
  let before = '';
  const found = RELEASES.map((release): EditionChoice => {
    const name = releaseName(release);
    const detail = distinct.has(name) ? '' : `behaves as ${before} does`;
    if (distinct.has(name)) before = name;
    return { name, kind: 'release', title: `Xen ${name}`, detail };
  });
  return found.reverse();
}

const designs = (): EditionChoice[] =>
  Object.keys(DESIGNS).map((name) => ({
    name,
    kind: 'design',
    title: name,
    detail: DESIGN_DETAILS[name] ?? '',
  }));

const bugs = (): EditionChoice[] =>
  GALLERY.map((bug) => ({
    name: buggyEdition(bug).name,
    kind: 'bug',
    title: bug.id,
    detail: `${bug.title} (${bug.year}; ${bug.releases})`,
  }));
