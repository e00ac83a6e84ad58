import { describe, expect, it } from 'vitest';
import { DESIGNS, resolveEdition } from '../xen/editions/edition.js';
import { RELEASES, releaseName } from '../xen/editions/release.js';
import {
  BEHAVIOUR_NAMES_OF_ALL,
  behavioursOfEdition,
  compareEditions,
  editionSummaries,
  PARTS,
  valuesOverReleases,
} from './edition-record.js';

const compare = (from: string, to: string) => compareEditions(resolveEdition(from), resolveEdition(to));

describe('the list of editions', () => {
  it('has every release in order, then the development tree, then the designs', () => {
    expect(editionSummaries().map(({ name }) => name)).toEqual([
      ...RELEASES.map(releaseName),
      'staging',
      ...Object.keys(DESIGNS),
    ]);
  });

  it('calls a point release by the first of its branch that is the same', () => {
    const of = (name: string) => editionSummaries().find((one) => one.name === name)!;
    for (const { name, as, changed, kind } of editionSummaries()) {
      if (kind === 'release') expect(compare(as, name), name).toEqual([]);
      if (changed.length > 0) expect(as).toBe(name);
    }
    expect(of('4.13').before).toBe('4.12');
    expect(of('4.13.1').before).toBe('4.13');
  });
});

describe('what an edition does', () => {
  it.each(['4.11.0', '4.17', 'staging', 'late-enable'])(
    '%s has every behaviour of every part once',
    (name) => {
      const found = behavioursOfEdition(resolveEdition(name));
      expect(found.map(({ behaviour }) => behaviour)).toEqual(BEHAVIOUR_NAMES_OF_ALL);
      expect(new Set(BEHAVIOUR_NAMES_OF_ALL).size).toBe(BEHAVIOUR_NAMES_OF_ALL.length);
      for (const { behaviour, value, meaning } of found)
        expect(meaning, `${behaviour}=${value}`).toBeTruthy();
    },
  );

  it('is since before the record where no change has made it so', () => {
    const oldest = behavioursOfEdition(resolveEdition('4.11.0'));
    expect(oldest.filter(({ since }) => since !== undefined)).toEqual([]);
  });
});

describe('a comparison', () => {
  it('has the commits that one has and the other lacks, in either direction', () => {
    const commits = (from: string, to: string) =>
      compare(from, to).find(({ behaviour }) => behaviour === 'armGrantNeedsIommu')!.by;
    expect(commits('4.13.2', '4.13.3').map(({ arrived }) => arrived)).toEqual(['4.13.3']);
    expect(commits('4.13.3', '4.13.2').map(({ commit }) => commit)).toEqual(['04085ec1ac05']);
    expect(compare('4.17', '4.17')).toEqual([]);
  });

  it('names no commit where a design decides', () => {
    const [context] = compare('4.22', 'late-enable').filter(({ behaviour }) => behaviour === 'iommuContext');
    expect(context).toMatchObject({ byDesign: true, by: [], from: 'at-creation' });
  });
});

describe('a behaviour over releases', () => {
  it('begins each branch, and names each point release that changed it', () => {
    for (const { history } of PARTS) {
      for (const name of Object.keys(history.specs)) {
        const spans = valuesOverReleases(name)!;
        expect(spans[0]!.edition, name).toBe('4.11.0');
        expect(
          spans.filter(({ edition }) => edition.split('.').length === 2),
          name,
        ).toHaveLength(11);
      }
    }
    expect(valuesOverReleases('nonsense')).toBeUndefined();
  });
});
