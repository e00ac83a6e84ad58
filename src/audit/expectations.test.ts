import { describe, expect, it } from 'vitest';
import { InputError } from '../text/diagnostic.js';
import { SourceText } from '../text/source.js';
import { parseGroups, rangeOption } from './expectations.js';

describe('a range on the command line', () => {
  it('has an end or a size, and perhaps a name', () => {
    const range = (text: string) => rangeOption('--protect', text, 'the range');
    expect(range('0x1000-0x3000')).toEqual({ name: 'the range', start: 0x1000, end: 0x3000 });
    expect(range('2G+8M=Xen text')).toEqual({ name: 'Xen text', start: 2 ** 31, end: 2 ** 31 + 2 ** 23 });
  });

  it('is refused where it is none', () => {
    for (const text of ['', '1', '3-2', '5-5', '0x-0x1', '1-2-3', '0-0xffffffffffffff', 'a+b', '1e3-2e3']) {
      expect(() => rangeOption('--protect', text, 'x'), text).toThrow(InputError);
    }
  });
});

describe('groups of devices', () => {
  it('are lines, or paths of sysfs', () => {
    expect(parseGroups(new SourceText('g', '00:1F.0 0000:00:1f.3 # LPC\n\n0001:02:00.0\n'))).toEqual([
      ['0000:00:1f.0', '0000:00:1f.3'],
      ['0001:02:00.0'],
    ]);
    const paths = ['7/devices/0000:00:1f.0', '8/devices/0000:01:00.0', '7/devices/0000:00:1f.3'];
    const text = paths.map((path) => `/sys/kernel/iommu_groups/${path}`).join('\n');
    expect(parseGroups(new SourceText('g', text))).toEqual([
      ['0000:00:1f.0', '0000:00:1f.3'],
      ['0000:01:00.0'],
    ]);
  });

  it('are refused with the line that has no device', () => {
    expect(() => parseGroups(new SourceText('g', '00:1f.0\nnothing\n'))).toThrow('g:2:1');
  });
});
