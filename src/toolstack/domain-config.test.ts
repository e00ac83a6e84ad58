import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../text/diagnostic.js';
import { SourceText } from '../text/source.js';
import { renderBdf } from './bdf.js';
import { type DomainConfig, domainType, loadDomainConfig } from './domain-config.js';
import { parseRelease } from './release.js';
import { XL_KEYS } from './xl-keys.js';

const KERNEL = 'kernel = "/vmlinuz"\n';

function load(text: string, release = '4.22'): { config: DomainConfig; diagnostics: readonly Diagnostic[] } {
  return loadDomainConfig(new SourceText('t.cfg', `name = "t"\n${KERNEL}${text}`), parseRelease(release));
}

/** `severity code line:column` of each diagnostic; the text starts at line 3. */
const report = (text: string, release?: string): string[] =>
  load(text, release).diagnostics.map(
    ({ severity, code, line, column }) => `${severity} ${code} ${line}:${column}`,
  );

describe('a domain config', () => {
  it('gives memory in KiB, with maxmem as much as memory unless it is set', () => {
    expect(load('memory = 512').config).toMatchObject({ memoryKib: 524288, maxmemKib: 524288 });
    expect(load('memory = "0x10"\nmaxmem = 32').config).toMatchObject({
      memoryKib: 16 * 1024,
      maxmemKib: 32 * 1024,
    });
    expect(load('maxmem = 32').config).not.toHaveProperty('memoryKib');
  });

  it('keeps what decides devices and their memory', () => {
    const { config, diagnostics } = load(
      [
        'type = "hvm"',
        'hap = 0',
        'vcpus = 2',
        'pci_permissive = 1',
        "pci = [ '03:00.0', '0000:0b:00.1@6,permissive=0' ]",
        'vif = [ "bridge=xenbr0, backend=net" ]',
        'dtdev = [ "/soc/eth" ]',
        'device_tree = "/p.dtb"',
        'shadow_memory = 8',
        'passthrough = "Share_PT"',
      ].join('\n'),
    );
    expect(diagnostics).toEqual([]);
    expect(config).toMatchObject({
      name: 't',
      type: 'hvm',
      hap: false,
      vcpus: 2,
      maxvcpus: 2,
      dtdev: ['/soc/eth'],
      deviceTree: '/p.dtb',
      shadowMemoryKib: 8192,
      passthrough: 'share_pt',
    });
    expect(config.pci.map((device) => [renderBdf(device.bdf!), device.permissive])).toEqual([
      ['0000:03:00.0', true],
      ['0000:0b:00.1', false],
    ]);
    expect(config.vif).toMatchObject([{ backend: 'net', bridge: 'xenbr0' }]);
  });

  it.each([
    ['', 'x86', 'pv'],
    ['', 'arm', 'pvh'],
    ['type="pv"', 'arm', 'pvh'],
    ['type="pvh"', 'x86', 'pvh'],
    ['builder="hvm"', 'x86', 'hvm'],
    ['builder="generic"', 'x86', 'pv'],
    ['type="hvm"\nbuilder="hvm"', 'x86', 'hvm'],
  ] as const)('%j on %s is %s', (text, arch, type) => {
    expect(domainType(load(text).config, arch)).toBe(type);
  });

  it.each<[string, string[]]>([
    ['pasthrough = "enabled"', ['error unknown-key 3:1']],
    ['iommu_memkb = 1', ['error unknown-key 3:1']],
    ['memory = "lots"', ['error wrong-kind 3:10']],
    ['memory = ["1"]', ['error wrong-kind 3:10']],
    ['hap = "yes"', ['error wrong-kind 3:7']],
    ['memory = 1\nmemory += 2', ['error wrong-kind 3:10']],
    ["pci = '03:00.0'", ['error wrong-kind 3:7']],
    ["pci = [ ['03:00.0'] ]", ['error wrong-kind 3:9']],
    ["pci = [ '03:00.0',\n  '0b::00.1' ]", ['error malformed-bdf 4:7']],
    ["pci = [ '\\'0b:00.1' ]", ['error malformed-bdf 3:10']],
    ['passthrough = "bogus"', ['error unknown-passthrough 3:15']],
    ['passthrough = "unknown"', ['error unknown-passthrough 3:15']],
    ['type = "xen"', ['error unknown-type 3:8']],
    ['type = "pv"\nbuilder = "hvm"', ['error type-contradiction 4:11']],
    ['type = "hv"', ['warning short-type 3:8']],
    ['vcpus = 4\nmaxvcpus = 2', ['error maxvcpus 4:12']],
    ['memory = 0512', ['warning octal-number 3:10']],
    ['memory = "-1"', ['error out-of-range 3:10']],
    ['vif = [ "brige=x" ]', ['error vif-option 3:10']],
    ['rdm = "strategy=host,policy=strict"', ['warning rdm-dropped 3:22']],
    ['memory = 1\nmemory = 2', ['error duplicate-key 4:1']],
    ["pci = []\nvcpus = 0\ncpus = ['1']\nviridian = 1\nspice = 1", []],
  ])('%j is reported as %j', (text, expected) => {
    expect(report(text)).toEqual(expected);
  });

  it('offers the key that was meant', () => {
    const [{ message }] = load('pasthrough = "enabled"').diagnostics as [Diagnostic];
    expect(message).toBe('unknown key `pasthrough`, did you mean `passthrough`?');
  });

  it('speaks of an unknown passthrough in the words of xl', () => {
    const [{ message, hint }] = load('passthrough = "bogus"').diagnostics as [Diagnostic];
    expect(message).toBe("unknown passthrough option 'bogus'");
    expect(hint).toContain('default, disabled, enabled, sync_pt, share_pt');
    expect(load('passthrough = "sync"').diagnostics[0]?.hint).toMatch(/sync_pt/);
  });

  it('has a name, or is refused', () => {
    const { config, diagnostics } = loadDomainConfig(new SourceText('t.cfg', KERNEL), parseRelease('4.22'));
    expect(config.name).toBe('');
    expect(diagnostics).toMatchObject([{ severity: 'error', code: 'no-name', line: 1, column: 1 }]);
  });

  it('without a kernel may still get one on the command line of xl', () => {
    const of = (text: string) =>
      loadDomainConfig(new SourceText('t.cfg', `name="t"\n${text}`), parseRelease('4.22')).diagnostics;
    expect(of('type="pv"\n')).toMatchObject([{ severity: 'warning', code: 'no-kernel' }]);
    expect(of('type="hvm"\n')).toEqual([]);
    expect(of('bootloader="pygrub"\n')).toEqual([]);
  });

  it('of a release that has no passthrough= is read without it, with a warning', () => {
    expect(report('passthrough = "bogus"', '4.12')).toEqual(['warning passthrough-not-in-release 3:1']);
    expect(load('passthrough = "enabled"', '4.12').config.passthrough).toBe('default');
    expect(report('passthrough = "enabled"', '4.13')).toEqual([]);
    expect(report('vpmu = 1', '4.15')).toEqual(['warning key-not-in-release 3:1']);
  });

  it('that is no config at all does not bury its reader', () => {
    const { diagnostics } = load(Array.from({ length: 50_000 }, (_, i) => `nonsense${i} = 1`).join('\n'));
    expect(diagnostics).toHaveLength(101);
    expect(diagnostics.at(-1)?.message).toBe('there are more than 100 problems; the rest is not shown');
  });

  it('knows the keys of xl.cfg(5), each with one kind', () => {
    for (const key of ['name', 'disk', 'device_model_args_hvm', 'xenstore_quota', 'arm_sci', 'viridian']) {
      expect(XL_KEYS.has(key)).toBe(true);
    }
    expect(XL_KEYS.size).toBe(172);
  });
});
