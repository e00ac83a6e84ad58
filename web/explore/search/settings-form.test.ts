import { describe, expect, it } from 'vitest';
import { VERIFY_SETTINGS } from '../../../src/program/verify-options.js';
import { defaultTextOf, flagsOf, readFields } from './settings-form.js';

const setting = (name: string) => VERIFY_SETTINGS.find((one) => one.name === name)!;

describe('the form of a search', () => {
  it('says what has been written into it, and nothing else', () => {
    expect(readFields({})).toEqual({ said: {}, expected: {} });
    expect(
      readFields({ refs: ' 2 ', levels: '4,1', maxMemory: '64M', with: 'grant_copy, dma', deeper: '' }),
    ).toEqual({
      said: { refs: 2, levels: [1, 4], maxMemory: 64 * 2 ** 20, with: ['grant_copy', 'dma'] },
      expected: {},
    });
  });

  it('takes a switch for its flag: off says nothing, as on a command line', () => {
    expect(readFields({ hotplug: true, destroy: true, steps: false }).said).toEqual({
      hotplug: false,
      destroy: true,
    });
  });

  it.each([
    ['refs', '17', 'a whole number from 0 to 16'],
    ['handles', '0', 'a whole number from 1 to 16'],
    ['timeout', '1.5', /^a whole number from 1/],
    ['levels', '1;4', 'a whole number from 1 to 4'],
    ['maxMemory', 'much', 'a size such as 512M or 2G'],
  ])('refuses %s %s as the command line does', (name, text, expected) => {
    const read = readFields({ [name]: text });
    expect(read.said).toEqual({});
    expect(read.expected[name as 'refs']).toMatch(expected);
  });

  it('is a command line', () => {
    expect(flagsOf({ refs: '2', hotplug: true, steps: false, levels: '', fair: 'none' })).toEqual([
      '--refs 2',
      '--no-hotplug',
      '--fair none',
    ]);
    expect(flagsOf({ with: "dom0: grant_copy,x'; rm" })).toEqual([`--with 'dom0: grant_copy,x'\\''; rm'`]);
  });

  it('says what holds where nothing is said, for any search or for a bug', () => {
    expect(defaultTextOf(setting('levels'))).toBe('1,4');
    expect(defaultTextOf(setting('maxMemory'))).toBe('1G');
    expect(defaultTextOf(setting('failuresWithin'))).toBe('none');
    expect(defaultTextOf(setting('refs'), { refs: 3 })).toBe('3');
  });
});
