import { describe, expect, it } from 'vitest';
import type { Hello } from '../lab/agent/protocol.js';
import { InputError } from '../text/diagnostic.js';
import { dom0ModeOf, editionOf, xenVersion } from './judge.js';

const hello = (major: number, minor: number, extra: string): Hello => ({
  hello: 'dommu-agent',
  protocol: 2,
  version: '0',
  slots: 8,
  xen: { major, minor, extra },
});

describe('the edition that a Xen should behave as', () => {
  it.each([
    ['a point release', 17, '.7', '4.17.7'],
    ['one with a vendor’s suffix', 17, '.3-pre', '4.17.3'],
    ['one that is being made', 20, '.2-pre', '4.20.2'],
    ['a first release', 18, '.0', '4.18'],
    ['one without a point', 19, '', '4.19'],
    ['a release candidate', 19, '.0-rc', '4.19'],
    ['the oldest', 11, '.0', '4.11.0'],
    ['a tree under development, now released', 22, '-unstable', '4.22'],
    ['the tree under development', 23, '-unstable', 'staging'],
  ])('is its own: %s', (_, minor, extra, name) => {
    expect(editionOf(hello(4, minor, extra)).name).toBe(name);
  });

  it('is of its series where the point release is newer than what the model knows', () => {
    expect(editionOf(hello(4, 17, '.99')).name).toBe('4.17.7');
  });

  it.each([
    [3, 4, '.0'],
    [4, 6, '.1'],
    [5, 0, '.0'],
    [4, 24, '.0'],
    [4, 6, '-unstable'],
  ])('has to be said for %i.%i%s, which the model does not know', (major, minor, extra) => {
    const judge = () => editionOf(hello(major, minor, extra));
    expect(judge).toThrow(InputError);
    expect(judge).toThrow(`Xen ${major}.${minor}${extra}, which the model does not know`);
    try {
      judge();
    } catch (error) {
      expect((error as InputError).diagnostic).toMatchObject({ file: '--edition', hint: /which release/ });
    }
  });
});

it('a version is printed as Xen prints it', () => {
  expect(xenVersion(hello(4, 20, '.2-pre'))).toBe('4.20.2-pre');
  expect(xenVersion(hello(4, 22, '-unstable'))).toBe('4.22-unstable');
});

it.each([
  ['', 'relaxed'],
  ['console=com1 dom0-iommu=strict', 'strict'],
  ['dom0-iommu=passthrough loglvl=all', 'passthrough'],
  ['iommu=verbose,debug', 'relaxed'],
] as const)('dom0’s mode is what the command line says: `%s`', (xenArguments, mode) => {
  expect(dom0ModeOf({ xenArguments, iommu: 'vtd' }, editionOf(hello(4, 17, '.0')))).toBe(mode);
});
