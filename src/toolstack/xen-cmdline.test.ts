import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeHost } from './host.js';
import { parseRelease } from './release.js';
import {
  applyCommandLine,
  parseXenCommandLine,
  type XenCommandLine,
  type XenContext,
} from './xen-cmdline.js';

type Overrides = Partial<Omit<XenContext, 'release'>> & { release?: string };

function parse(text: string, { release = '4.22', arch = 'x86', vendor }: Overrides = {}): XenCommandLine {
  const iommu = vendor ?? (arch === 'arm' ? 'smmu' : 'vtd');
  return parseXenCommandLine(text, { release: parseRelease(release), arch, vendor: iommu });
}

const codes = ({ diagnostics }: XenCommandLine): string[] =>
  diagnostics.map(({ code, column }) => `${code} ${column}`);

describe('iommu=', () => {
  it('is on by default, with the defaults of the release', () => {
    expect(parse('').iommu).toMatchObject({
      enabled: true,
      force: false,
      quarantine: 'basic',
      intremap: true,
      intpost: false,
      hapPtShare: true,
    });
    expect(parse('', { release: '4.12' }).iommu.quarantine).toBe('none');
  });

  it.each(['1', 'on', 'yes', 'true', 'enable'])('takes %s for on', (word) => {
    expect(parse(`iommu=off,${word}`).iommu.enable).toBe(true);
    expect(parse(`iommu=no-sharept,sharept=${word}`).iommu.sharept).toBe(true);
  });

  it.each(['0', 'off', 'no', 'false', 'disable'])('takes %s for off', (word) => {
    expect(parse(`iommu=${word}`).iommu).toMatchObject({ enable: false, enabled: false, hapPtShare: false });
    expect(parse(`iommu=sharept=${word}`).iommu.sharept).toBe(false);
  });

  it.each<[string, Partial<XenCommandLine['iommu']>]>([
    ['iommu=force', { force: true }],
    ['iommu=required', { force: true }],
    ['iommu=required,no-force', { force: false }],
    ['iommu=no-sharept', { sharept: false, hapPtShare: false }],
    ['iommu=no-sharept,sharept', { sharept: true }],
    ['iommu=sharept iommu=no-sharept', { sharept: false }],
    ['iommu=debug', { debug: true, verbose: true }],
    ['iommu=debug,no-verbose', { debug: true, verbose: false }],
    ['iommu=no-debug', { debug: false, verbose: false }],
    ['iommu=quarantine=scratch-page', { quarantine: 'scratch-page' }],
    ['iommu=quarantine=0', { quarantine: 'none' }],
    ['iommu=no-quarantine', { quarantine: 'none' }],
    ['iommu=intpost', { intpost: true }],
    ['iommu=intpost,no-intremap', { intpost: false, intremap: false }],
    ['iommu=off,intpost', { intpost: false, intremap: false }],
    ['no-iommu', { enable: false }],
    [
      'iommu=no-superpages,no-snoop,no-qinval,no-igfx',
      { superpages: false, snoop: false, qinval: false, igfx: false },
    ],
    ['iommu=crash-disable,no-amd-iommu-perdev-intremap', { crashDisable: true, amdPerdevIntremap: false }],
  ])('%j sets %j', (text, expected) => {
    const result = parse(text);
    expect(result.iommu).toMatchObject(expected);
    expect(result.diagnostics).toEqual([]);
  });

  it.each([
    ['iommu=bogus,no-sharept', 'unrecognised-item 7'],
    ['iommu=no-sharept,bogus', 'unrecognised-item 18'],
    ['iommu=sharept=maybe,no-sharept', 'unrecognised-item 7'],
    ['iommu=no-sharept=1,no-sharept', 'unrecognised-item 7'],
    ['iommu=NO,no-sharept', 'unrecognised-item 7'],
    ['iommu=,no-sharept', 'unrecognised-item 7'],
    ['iommu=no-sharept,', 'unrecognised-item 18'],
    ['iommu=no-sharept,quarantine=scratch', 'unrecognised-item 18'],
    ['iommu=no-no-igfx,no-sharept', 'unrecognised-item 7'],
    ['iommu no-sharept iommu=no-sharept', 'unrecognised-item 6'],
  ])('%j reports what is not recognised (%s), and the rest applies', (text, expected) => {
    const result = parse(text);
    expect(codes(result)).toEqual([expected]);
    expect(result.iommu.sharept).toBe(false);
  });

  it('offers the item that was meant, or all', () => {
    expect(parse('iommu=no-sharpt').diagnostics[0]?.hint).toBe('did you mean `sharept`?');
    expect(parse('iommu=sharept=maybe').diagnostics[0]?.hint).toMatch(/NAME=/);
    expect(parse('iommu=zzz').diagnostics[0]?.hint).toMatch(/force.*sharept/);
    expect(codes(parse('iomu=off'))).toEqual(['unknown-parameter 1']);
  });

  it('as no-iommu=… is invalid and left alone', () => {
    const result = parse('no-iommu=off');
    expect(codes(result)).toEqual(['invalid-parameter 1']);
    expect(result.iommu.enable).toBe(true);
  });

  it('forced without an IOMMU makes Xen panic', () => {
    expect(parse('iommu=force,off').diagnostics).toMatchObject([
      { severity: 'error', code: 'iommu-required' },
    ]);
    expect(parse('iommu=force', { vendor: 'none' }).diagnostics).toMatchObject([{ code: 'iommu-required' }]);
    expect(parse('', { vendor: 'none' })).toMatchObject({ diagnostics: [], dom0Iommu: { mode: 'off' } });
  });

  it('never shares tables on AMD-Vi, and always on Arm, where sharept is not recognised', () => {
    expect(parse('iommu=sharept', { vendor: 'amdvi' }).iommu.hapPtShare).toBe(false);
    const arm = parse('iommu=no-sharept', { arch: 'arm' });
    expect(arm.iommu.hapPtShare).toBe(true);
    expect(codes(arm)).toEqual(['unrecognised-item 7']);
    expect(codes(parse('iommu=no-sharept', { arch: 'arm', release: '4.12' }))).toEqual([]);
  });

  it('knows options from their release on, in the builds that have them', () => {
    const known = (item: string, overrides: Overrides): boolean =>
      !codes(parse(`iommu=${item}`, overrides)).some((code) => code.startsWith('unrecognised'));
    expect(['4.16', '4.17'].map((release) => known('superpages', { release }))).toEqual([false, true]);
    expect(['4.12.1', '4.12.2', '4.13'].map((release) => known('quarantine', { release }))).toEqual([
      false,
      true,
      true,
    ]);
    expect(['4.15', '4.16'].map((release) => known('quarantine=scratch-page', { release }))).toEqual([
      false,
      true,
    ]);
    expect(['4.15', '4.16'].map((release) => known('quarantine', { release, arch: 'arm' }))).toEqual([
      true,
      false,
    ]);
    expect(['4.13', '4.14', '4.18'].map((release) => known('igfx', { release, arch: 'arm' }))).toEqual([
      true,
      false,
      true,
    ]);
    expect(known('workaround_bios_bug', { release: '4.11' })).toBe(true);
    expect(known('workaround_bios_bug', { release: '4.12' })).toBe(false);
  });
});

describe('iommu= of old releases', () => {
  const old = { release: '4.11' };

  it.each<[string, Partial<XenCommandLine['iommu']>]>([
    ['iommu=', { force: true }],
    ['iommu=,', { force: true }],
    ['iommu', { force: true }],
    ['iommu=no-', { force: false }],
    ['iommu=v', { verbose: true }],
    ['iommu=no-sh', { sharept: false }],
    ['iommu=f', { enable: false }],
    ['iommu=o', { enable: false }],
    ['iommu=e', { enable: true }],
    ['iommu=int', { intremap: true }],
    ['iommu=no-in', { intremap: false }],
    ['iommu=no-1', { enable: true }],
  ])('%j is taken by its start in 4.11.0: %j', (text, expected) => {
    expect(parse(text, old).iommu).toMatchObject(expected);
  });

  it('warns when the start of a name is taken for the name', () => {
    expect(codes(parse('iommu=dom0', old))).toEqual(['prefix-match 7']);
    expect(parse('iommu=dom0', old).dom0Iommu.mode).toBe('passthrough');
    expect(codes(parse('iommu=sharept=0', old))).toEqual(['unrecognised-item 7']);
  });

  it('compares whole names from 4.11.2 on, but leaves a value unread', () => {
    const result = parse('iommu=sharept=0', { release: '4.11.2' });
    expect(result.iommu.sharept).toBe(true);
    expect(codes(result)).toEqual(['value-unread 7']);
    expect(codes(parse('iommu=', { release: '4.11.2' }))).toEqual(['unrecognised-item 7']);
  });

  it('forgets the no- of no-X=value from 4.12 until the fix of 2022', () => {
    for (const release of ['4.12', '4.16.1', '4.13.4']) {
      const result = parse('iommu=no-intpost=1', { release });
      expect(result.iommu.intpost).toBe(true);
      expect(codes(result)).toEqual(['negation-lost 7']);
    }
    for (const release of ['4.17', '4.16.2', '4.13.5']) {
      expect(codes(parse('iommu=no-intpost=1', { release }))).toEqual(['unrecognised-item 7']);
    }
  });
});

describe('dom0-iommu=', () => {
  it.each<[string, Partial<XenCommandLine['dom0Iommu']>]>([
    ['', { mode: 'relaxed', mapInclusive: false, mapReserved: true, none: false }],
    ['dom0-iommu=strict', { mode: 'strict' }],
    ['dom0-iommu=passthrough', { mode: 'passthrough' }],
    ['dom0-iommu=strict,no-strict', { mode: 'relaxed' }],
    ['dom0-iommu=map-inclusive,no-map-reserved', { mapInclusive: true, mapReserved: false }],
    ['iommu_inclusive_mapping', { mapInclusive: true }],
    ['iommu_inclusive_mapping=no', { mapInclusive: false }],
    ['no-iommu_inclusive_mapping', { mapInclusive: false }],
    ['dom0-iommu=none', { none: true, mode: 'relaxed' }],
    ['dom0=pvh', { mode: 'strict' }],
    ['dom0=pvh,verbose dom0-iommu=none,passthrough', { mode: 'passthrough' }],
    ['iommu=off dom0-iommu=strict', { mode: 'off', strict: false }],
  ])('%j gives %j', (text, expected) => {
    const result = parse(text);
    expect(result.dom0Iommu).toMatchObject(expected);
    expect(result.diagnostics).toEqual([]);
  });

  it.each([
    ['dom0-iommu=strict,passthrough', 'strict', ['no-effect 1']],
    ['dom0=pvh dom0-iommu=passthrough', 'strict', ['no-effect 1']],
    ['dom0=pvh dom0-iommu=map-inclusive', 'strict', ['no-effect 1']],
    ['dom0-iommu=strict,none=0', 'strict', ['none-with-value 19']],
    ['dom0-iommu=no-none', 'relaxed', ['unrecognised-item 12']],
    ['dom0-iommu=on', 'relaxed', ['unrecognised-item 12']],
    ['iommu=dom0-strict', 'strict', ['deprecated 7']],
    ['iommu=dom0-passthrough', 'passthrough', ['deprecated 7']],
  ])('%j gives %s, with %j', (text, mode, expected) => {
    const result = parse(text);
    expect(result.dom0Iommu.mode).toBe(mode);
    expect(codes(result)).toEqual(expected);
  });

  it('on Arm maps no extra ranges, and says so when it is asked to', () => {
    const result = parse('dom0-iommu=map-inclusive,map-reserved', { arch: 'arm' });
    expect(result.dom0Iommu).toMatchObject({ mapInclusive: false, mapReserved: false });
    expect(codes(result)).toEqual(['no-effect 1', 'no-effect 1']);
  });

  it('is unknown to 4.11, where inclusive mapping is on', () => {
    const result = parse('dom0-iommu=strict', { release: '4.11.4' });
    expect(result.dom0Iommu).toMatchObject({ mode: 'relaxed', mapInclusive: true });
    expect(codes(result)).toEqual(['unknown-parameter 1']);
    expect(parse('iommu=dom0-strict', { release: '4.11.4' }).dom0Iommu.mode).toBe('strict');
  });
});

describe('other parameters', () => {
  it('are read when they bear on the IOMMU, and passed over otherwise', () => {
    const text =
      'console=com1 ats pci-phantom=0a:1f,2 pci-phantom=1:02:03,1 iommu_dev_iotlb_timeout=0x10 quiet';
    expect(parse(text)).toMatchObject({
      ats: true,
      deviceIotlbTimeout: 16,
      phantomFunctions: [
        { segment: 0, bus: 0x0a, device: 0x1f, stride: 2 },
        { segment: 1, bus: 2, device: 3, stride: 1 },
      ],
      diagnostics: [],
    });
  });

  it.each(['0a:1f', '0a:1f,3', '0a:20,1', 'x:1,1', '0a:1f,1x'])('pci-phantom=%s is invalid', (value) => {
    expect(codes(parse(`pci-phantom=${value}`))).toEqual(['invalid-parameter 13']);
  });

  it('pci-phantom= can be given eight times', () => {
    const result = parse(Array.from({ length: 9 }, (_, i) => `pci-phantom=0${i}:00,1`).join(' '));
    expect(result.phantomFunctions).toHaveLength(8);
    expect(result.diagnostics).toMatchObject([{ code: 'too-many-phantoms' }]);
  });

  it('rmrr= and ivmd= reserve frames for devices', () => {
    const result = parse('rmrr=d5d45=0:0:1d.0;0xd5d46-0xd5d48=0:0:1a.0,0:0:1a.1 ivmd=100-1ff');
    expect(result.diagnostics).toEqual([]);
    expect(result.reserved).toEqual([
      { kind: 'rmrr', first: 0xd5d45n, last: 0xd5d45n, devices: ['0:0:1d.0'] },
      { kind: 'rmrr', first: 0xd5d46n, last: 0xd5d48n, devices: ['0:0:1a.0', '0:0:1a.1'] },
      { kind: 'ivmd', first: 0x100n, last: 0x1ffn, devices: [] },
    ]);
    expect(codes(parse('rmrr=5-4=0:0:1d.0;d5d45'))).toEqual(['invalid-parameter 6', 'invalid-parameter 19']);
  });

  it('for PCI are unknown on Arm', () => {
    expect(codes(parse('pci-phantom=0a:1f,2', { arch: 'arm' }))).toEqual(['unknown-parameter 1']);
  });

  it('that are longer than Xen reads lose their end', () => {
    const text = `iommu=${'verbose,'.repeat(16)}no-sharept`;
    const result = parse(text);
    expect(codes(result)).toContain('parameter-too-long 128');
    expect(result.iommu.sharept).toBe(true);
  });
});

describe('a command line', () => {
  it('changes what the host can do', () => {
    const host = describeHost({ iommu: 'vtd' });
    expect(applyCommandLine(host, parse('iommu=no-sharept'))).toMatchObject({ directio: true, share: false });
    expect(applyCommandLine(host, parse('iommu=off'))).toMatchObject({ directio: false, share: false });
    expect(applyCommandLine(host, parse('quiet'))).toEqual(host);
  });

  it('never throws, whatever it holds', () => {
    const item = fc.constantFrom(
      'iommu',
      'dom0-iommu',
      '=',
      ',',
      'no-',
      'force',
      'none',
      ' ',
      '1',
      ':',
      ';',
      'rmrr',
    );
    const release = fc.constantFrom('4.11', '4.11.2', '4.12', '4.16', '4.22');
    const text = fc.oneof(
      fc.string(),
      fc.array(item).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, release, (line, r) => {
        for (const { column } of parse(line, { release: r }).diagnostics) {
          expect(column).toBeLessThanOrEqual(line.length + 1);
        }
      }),
    );
  });
});
