import { describe, expect, it } from 'vitest';
import { InputError } from '../text/diagnostic.js';
import { toolstackBehaviours } from './behaviours.js';
import { carries, DEFAULT_RELEASE, parseRelease, SUPPORTED_SERIES } from './release.js';

describe('a release', () => {
  it.each([
    ['4.11', '4.11', 11, 0],
    ['4.13.2', '4.13.2', 13, 2],
    [' 4.17 ', '4.17', 17, 0],
    ['RELEASE-4.14.1', '4.14.1', 14, 1],
  ])('is read from %j and called %s', (written, text, minor, point) => {
    expect(parseRelease(written)).toEqual({ text, minor, point });
  });

  it.each(['4.10', '4.23', '4.22.1', '4', '5.0', '4.17-rc1', 'xen', '', '4.170'])(
    'that is not known, as %j, is refused as everywhere, with the known ones',
    (text) => {
      const parse = () => parseRelease(text, 'host.txt');
      expect(parse).toThrow(InputError);
      expect(parse).toThrow(/^host\.txt:1:1: unknown Xen release/);
    },
  );

  it('is 4.22 when nothing is asked for', () => {
    expect(DEFAULT_RELEASE.text).toBe(SUPPORTED_SERIES.at(-1));
  });

  it('carries a change from the main line on, and from a backport on within its series', () => {
    const first = ['4.15', '4.14.2', '4.13.3'];
    const having = ['4.15', '4.16', '4.22', '4.14.2', '4.14.5', '4.13.3'];
    const lacking = ['4.12.4', '4.13.2', '4.14', '4.14.1'];
    expect(having.filter((text) => carries(parseRelease(text), first))).toEqual(having);
    expect(lacking.filter((text) => carries(parseRelease(text), first))).toEqual([]);
  });
});

describe('the behaviour of the toolstack', () => {
  it('lets devices bring the context up to 4.12 and declares it from 4.13 on', () => {
    const decided = (text: string) => toolstackBehaviours(parseRelease(text)).contextDecided;
    expect(['4.11', '4.12.4'].map(decided)).toEqual(['at-first-assignment', 'at-first-assignment']);
    expect(['4.13', '4.22'].map(decided)).toEqual(['at-creation', 'at-creation']);
  });

  it('refuses PoD with any passthrough in 4.17 and in the stable releases that got the fix', () => {
    const refused = (text: string) => toolstackBehaviours(parseRelease(text)).podRefused;
    for (const text of ['4.17', '4.16.1', '4.15.3', '4.14.5'])
      expect(refused(text)).toBe('with-any-passthrough');
    for (const text of ['4.13.5', '4.16', '4.15.2', '4.14.4']) expect(refused(text)).toBe('with-pci-devices');
  });
});
