import { describe, expect, it } from 'vitest';
import { InputError } from '../../text/diagnostic.js';
import {
  BRANCHES,
  compareReleases,
  includesChange,
  parseRelease,
  RELEASES,
  releaseName,
  requireRelease,
} from './release.js';

const release = (text: string) => parseRelease(text)!;

describe('a release', () => {
  it.each([
    ['4.13', 13, 0],
    ['4.13.0', 13, 0],
    ['4.13.2', 13, 2],
    [' 4.17 ', 17, 0],
    ['RELEASE-4.14.1', 14, 1],
    ['Xen 4.11.2', 11, 2],
    ['xen-4.22', 22, 0],
  ])('is read from %j', (text, minor, point) => {
    expect(parseRelease(text)).toEqual({ minor, point });
    expect(requireRelease(text)).toEqual({ minor, point });
  });

  it.each(['4.10', '4.23', '4.23.0', '4.22.1', '4.13.6', '4.11.5', '5.0', '4', '4.170', '4.17-rc1', ''])(
    'is not read from %j, which was never tagged; the error lists what was',
    (text) => {
      expect(parseRelease(text)).toBeUndefined();
      expect(() => requireRelease(text, 'here')).toThrow(InputError);
      try {
        requireRelease(text, 'here');
      } catch (error) {
        const { code, file, hint } = (error as InputError).diagnostic;
        expect({ code, file }).toEqual({ code: 'unknown-release', file: 'here' });
        expect(hint).toMatch(/4\.11\.0–4, 4\.12\.0–4, 4\.13\.0–5.*4\.22\.0/);
      }
    },
  );

  it('that its branch does not have (yet) is refused with the last one known', () => {
    expect(() => requireRelease('4.22.1')).toThrow(/last one of this branch that is known is 4\.22\.0/);
    expect(() => requireRelease('4.13.9')).toThrow(/known is 4\.13\.5/);
    expect(() => requireRelease('4.23')).toThrow(/expected one of 4\.11, .*4\.22, or a point release/);
  });

  it('is called by its number, x.y.0 by its branch, but for 4.11.0', () => {
    expect(RELEASES.map(releaseName)).toEqual(expect.arrayContaining(['4.11.0', '4.11.4', '4.12', '4.13.5']));
    for (const one of RELEASES) expect(parseRelease(releaseName(one))).toEqual(one);
  });

  it('stands in order, from 4.11.0 to 4.22.0', () => {
    expect([...RELEASES].sort(compareReleases)).toEqual(RELEASES);
    expect([RELEASES[0], RELEASES.at(-1)].map((one) => releaseName(one!))).toEqual(['4.11.0', '4.22']);
    expect(BRANCHES).toHaveLength(12);
  });

  it('has a change from the main line on, and from a backport on within its branch', () => {
    const has = (text: string) =>
      includesChange(release(text), release('4.15'), [release('4.14.2'), release('4.13.3')]);
    const having = ['4.15', '4.16', '4.22', '4.14.2', '4.14.6', '4.13.3', '4.13.5'];
    const lacking = ['4.12.4', '4.13', '4.13.2', '4.14', '4.14.1', '4.11.0'];
    expect(having.filter(has)).toEqual(having);
    expect(lacking.filter(has)).toEqual([]);
  });
});
