import { describe, expect, it } from 'vitest';
import { affectedBy } from '../../program/affected.js';
import { loadProgram } from '../../program/load.js';
import { example } from '../../program/scene.fixture.js';
import { parseRelease, RELEASES, releaseName } from '../../xen/editions/release.js';
import { mendedBy, releaseList } from './affected-releases.js';
import { releasesLosingArmGrants } from './grants.js';

const list = (...names: readonly string[]) => releaseList(names.map((name) => parseRelease(name)!));

describe('releases in words', () => {
  it('are named by branches where all of a branch is meant, else by their ends', () => {
    expect(releaseList([])).toBe('no release');
    expect(list('4.14.1')).toBe('4.14.1');
    expect(list('4.13.0', '4.13.1', '4.14.0')).toBe('4.13.0 to 4.13.1 and 4.14.0');
    expect(releaseList(RELEASES.filter(({ minor }) => minor <= 12))).toBe('4.11 to 4.12');
    expect(releaseList(RELEASES.filter(({ minor }) => minor >= 20))).toBe('4.20 and later');
  });
});

describe('the releases that lose grant mappings on Arm', () => {
  it('are by their profiles those on which the program of the founding mail fails', () => {
    const { editions } = affectedBy(loadProgram(example('arm-grant-fault.dommu')));
    const judged = new Map(editions.map(({ edition, affected }) => [edition, affected]));
    const losing = new Set(releasesLosingArmGrants().map(releaseName));
    for (const [edition, affected] of judged) expect(losing.has(edition), edition).toBe(affected);
    expect(releaseList(releasesLosingArmGrants())).toBe('all of 4.12, 4.13.0 to 4.13.2 and 4.14.0 to 4.14.1');
    expect(mendedBy('armGrantNeedsIommu', 'need_sync')).toBe('04085ec1ac');
  });
});
