import { describe, expect, it } from 'vitest';
import { SourceText } from '../text/source.js';
import { loadDomainConfig } from './domain-config.js';
import { describeHost, type Host } from './host.js';
import { iommuMemoryKib, type Resolution, resolvePassthrough } from './passthrough.js';
import { parseRelease } from './release.js';

const HOSTS = {
  vtd: describeHost({ iommu: 'vtd' }),
  amdvi: describeHost({ iommu: 'amdvi' }),
  smmu: describeHost({ iommu: 'smmu' }),
  none: describeHost({ iommu: 'none' }),
  'arm-none': describeHost({ iommu: 'none', arch: 'arm' }),
} satisfies Record<string, Host>;

function resolve(text: string, host: Host, release = '4.22'): Resolution {
  const parsed = parseRelease(release);
  const source = new SourceText('t.cfg', `name = "t"\nkernel = "/vmlinuz"\n${text}`);
  const { config, diagnostics } = loadDomainConfig(source, parsed);
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  return resolvePassthrough(config, host, parsed);
}

const errors = ({ diagnostics }: Resolution): string[] =>
  diagnostics.filter(({ severity }) => severity === 'error').map(({ message }) => message);

/** What the tables below write for a result. */
const verdict = (resolution: Resolution): string =>
  errors(resolution)[0] ?? resolution.effective ?? 'nothing';

const OFF = 'disabled';
const SYNC = 'sync_pt';
const SHARE = 'share_pt';
const NO_IOMMU = 'passthrough not supported on this platform';
const WITH_DEVICES = 'passthrough disabled but devices are specified';
const PVH = 'passthrough not yet supported for x86 PVH guests';
const NOT_PV = 'passthrough="share_pt" not valid for PV domain';
const NOT_HERE = 'passthrough="share_pt" not supported on this platform';
const NOT_HAP = 'passthrough="share_pt" only valid for HAP guests';
const NOT_ARM = 'passthrough="sync_pt" not supported on ARM';

const REQUESTS = ['unset', 'disabled', 'enabled', 'sync_pt', 'share_pt'] as const;

interface Row {
  readonly guest: string;
  readonly host: keyof typeof HOSTS;
  readonly config: string;
  /** Results for each of REQUESTS, without and with a device. */
  readonly without: readonly string[];
  readonly withDevice: readonly string[];
}

/** Dossier §2.6, whole: every guest on every host. */
const MATRIX: readonly Row[] = [
  {
    guest: 'PV',
    host: 'vtd',
    config: 'type="pv"',
    without: [OFF, OFF, SYNC, SYNC, NOT_PV],
    withDevice: [SYNC, WITH_DEVICES, SYNC, SYNC, NOT_PV],
  },
  {
    guest: 'PV',
    host: 'amdvi',
    config: 'type="pv"',
    without: [OFF, OFF, SYNC, SYNC, NOT_PV],
    withDevice: [SYNC, WITH_DEVICES, SYNC, SYNC, NOT_PV],
  },
  {
    guest: 'HVM with HAP',
    host: 'vtd',
    config: 'type="hvm"',
    without: [OFF, OFF, SHARE, SYNC, SHARE],
    withDevice: [SHARE, WITH_DEVICES, SHARE, SYNC, SHARE],
  },
  {
    guest: 'HVM with HAP',
    host: 'amdvi',
    config: 'type="hvm"',
    without: [OFF, OFF, SYNC, SYNC, NOT_HERE],
    withDevice: [SYNC, WITH_DEVICES, SYNC, SYNC, NOT_HERE],
  },
  {
    guest: 'HVM with shadow paging',
    host: 'vtd',
    config: 'type="hvm"\nhap=0',
    without: [OFF, OFF, SYNC, SYNC, NOT_HAP],
    withDevice: [SYNC, WITH_DEVICES, SYNC, SYNC, NOT_HAP],
  },
  {
    guest: 'PVH',
    host: 'vtd',
    config: 'type="pvh"',
    without: [OFF, OFF, PVH, PVH, PVH],
    withDevice: [PVH, WITH_DEVICES, PVH, PVH, PVH],
  },
  {
    guest: 'PVH',
    host: 'amdvi',
    config: 'type="pvh"',
    without: [OFF, OFF, PVH, PVH, PVH],
    withDevice: [PVH, WITH_DEVICES, PVH, PVH, PVH],
  },
  {
    guest: 'a guest on Arm',
    host: 'smmu',
    config: '',
    without: [OFF, OFF, SHARE, NOT_ARM, SHARE],
    withDevice: [SHARE, WITH_DEVICES, SHARE, NOT_ARM, SHARE],
  },
  ...(['pv', 'hvm', 'pvh'] as const).map(
    (type): Row => ({
      guest: type.toUpperCase(),
      host: 'none',
      config: `type="${type}"`,
      without: [OFF, OFF, NO_IOMMU, NO_IOMMU, NO_IOMMU],
      withDevice: [NO_IOMMU, WITH_DEVICES, NO_IOMMU, NO_IOMMU, NO_IOMMU],
    }),
  ),
  {
    guest: 'a guest on Arm',
    host: 'arm-none',
    config: '',
    without: [OFF, OFF, NO_IOMMU, NO_IOMMU, NO_IOMMU],
    withDevice: [NO_IOMMU, WITH_DEVICES, NO_IOMMU, NO_IOMMU, NO_IOMMU],
  },
];

describe.each(MATRIX)('$guest on $host', ({ host, config, without, withDevice }) => {
  const devices = host === 'smmu' || host === 'arm-none' ? 'dtdev=["/soc/eth"]' : "pci=['03:00.0']";
  const cases = REQUESTS.flatMap((request, i) => [
    { request, listed: 'no device', extra: '', expected: without[i]! },
    { request, listed: 'a device', extra: devices, expected: withDevice[i]! },
  ]);

  it.each(cases)('with passthrough $request and $listed: $expected', ({ request, extra, expected }) => {
    const asked = request === 'unset' ? '' : `passthrough="${request}"`;
    for (const release of ['4.13', '4.17', '4.22']) {
      expect(verdict(resolve(`${config}\n${asked}\n${extra}`, HOSTS[host], release))).toBe(expected);
    }
  });
});

describe('the context that Xen creates', () => {
  it.each([
    ['type="pv"\npassthrough="enabled"', 'vtd', 'split', ['iommu'], ['no_sharept']],
    ['type="hvm"\npassthrough="enabled"', 'vtd', 'shared', ['hvm', 'hap', 'iommu'], []],
    ['type="hvm"\npassthrough="sync_pt"', 'vtd', 'split', ['hvm', 'hap', 'iommu'], ['no_sharept']],
    ['type="hvm"\npassthrough="enabled"', 'amdvi', 'split', ['hvm', 'hap', 'iommu'], ['no_sharept']],
    ['type="hvm"\nhap=0\npassthrough="enabled"', 'vtd', 'split', ['hvm', 'iommu'], ['no_sharept']],
    ['type="hvm"\noos=0', 'vtd', 'none', ['hvm', 'hap', 'oos_off'], []],
    ['type="pvh"', 'vtd', 'none', ['hvm', 'hap'], []],
    ['dtdev=["/soc/eth"]', 'smmu', 'shared', ['hvm', 'hap', 'iommu', 'trap_unmapped_accesses'], []],
    ['nestedhvm=1\nvpmu=1\ntype="hvm"', 'vtd', 'none', ['hvm', 'hap', 'nested_virt', 'vpmu'], []],
  ] as const)('for %j on %s is %s', (config, host, context, flags, iommuOpts) => {
    expect(resolve(config, HOSTS[host])).toMatchObject({ context, flags, iommuOpts, lateContext: null });
  });

  it('leaves out flags that came later than the release', () => {
    expect(resolve('type="hvm"\nnestedhvm=1\nvpmu=1', HOSTS.vtd, '4.14').flags).toEqual(['hvm', 'hap']);
    expect(resolve('', HOSTS.smmu, '4.20').flags).toEqual(['hvm', 'hap']);
  });

  it('comes with a reserve of memory when it is split', () => {
    // 512 MiB are 131072 pages: 256 tables of level 1, then 1, 1 and 1.
    expect(iommuMemoryKib(512 * 1024)).toBe((256 + 1 + 1 + 1) * 4);
    expect(iommuMemoryKib(0)).toBe(0);
    expect(resolve('memory=512\npassthrough="enabled"', HOSTS.vtd).iommuMemoryKib).toBe(1036);
    expect(resolve('type="hvm"\nmemory=512\npassthrough="enabled"', HOSTS.vtd).iommuMemoryKib).toBe(0);
  });

  it.each([
    ['passthrough="enabled"\npci=["03:00.0"]', 'passthrough'],
    ['passthrough="disabled"', 'passthrough'],
    ['pci=["03:00.0"]', 'devices'],
    ['passthrough="default"\npci=["03:00.0"]', 'devices'],
    ['passthrough="default"', 'default'],
    ['pci=[]', 'default'],
  ])('for %j is declared by %s', (config, declared) => {
    expect(resolve(config, HOSTS.vtd).declared).toBe(declared);
  });

  it('is explained step by step', () => {
    const { why } = resolve("pci=['03:00.0','03:00.1']", HOSTS.vtd);
    expect(why).toEqual([
      'passthrough is not set and pci= lists 2 devices, so libxl enables it.',
      'enabled becomes sync_pt: share_pt is not valid for PV domain.',
      expect.stringContaining('tables of its own'),
    ]);
  });
});

describe('a domain that would not start', () => {
  it('has no context and no flags, and its error points at the setting', () => {
    const resolution = resolve('passthrough="share_pt"', HOSTS.vtd);
    expect(resolution).toMatchObject({ requested: 'share_pt', effective: null, context: 'none', flags: [] });
    expect(resolution.diagnostics).toMatchObject([{ line: 3, column: 13, length: 10 }]);
  });

  it('because of a device points at the device', () => {
    const { diagnostics } = resolve("pci = [\n  '03:00.0' ]", HOSTS.none);
    expect(diagnostics).toMatchObject([{ line: 4, column: 3 }]);
  });

  it.each([
    ['type="hvm"\nmemory=64\nmaxmem=128\npassthrough="enabled"', '4.22', /together with PoD/],
    ['type="hvm"\nmemory=64\nmaxmem=128\npassthrough="enabled"', '4.16.1', /together with PoD/],
    ['type="hvm"\nmemory=64\nmaxmem=128\npassthrough="enabled"', '4.16', undefined],
    ['type="hvm"\nmemory=64\nmaxmem=128\npci=["03:00.0"]', '4.16', /failed due to PoD enabled/],
    ['type="hvm"\nmemory=64\nmaxmem=128\npci=["03:00.0"]', '4.12', /failed due to PoD enabled/],
    ['type="hvm"\nmemory=64\nmaxmem=128', '4.22', undefined],
    ['type="hvm"\nmaxmem=128\npassthrough="enabled"', '4.22', undefined],
    ['type="pv"\nmemory=64\nmaxmem=128\npassthrough="enabled"', '4.22', undefined],
  ])('for populate on demand: %j on %s', (config, release, expected) => {
    const [error] = errors(resolve(config, HOSTS.vtd, release));
    if (expected === undefined) expect(error).toBeUndefined();
    else expect(error).toMatch(expected);
  });

  it.each([
    ['type="hvm"', { hvm: false }, /HVM support not available/],
    ['type="hvm"\nhap=1', { hap: false }, /HAP requested but not available/],
    ['type="hvm"\nhap=0', { shadow: false }, /Shadow paging requested but not available/],
    ['type="hvm"', { hap: false, shadow: false }, /neither hap nor shadow paging available/],
    ['type="pv"', { hvm: false, hap: false, shadow: false }, undefined],
    ['type="hvm"', { hap: false }, undefined],
    ['type="pv"', { pv: false }, /PV support not available/],
  ])('for want of a capability: %j with %j', (config, lacking, expected) => {
    const [error] = errors(resolve(config, { ...HOSTS.vtd, ...lacking }));
    if (expected === undefined) expect(error).toBeUndefined();
    else expect(error).toMatch(expected);
  });

  it('because x86 has no device tree', () => {
    expect(errors(resolve('dtdev=["/soc/eth"]', HOSTS.vtd))[0]).toMatch(/x86 has no device tree/);
  });
});

describe('up to 4.12', () => {
  it('a domain is created without a context, and its first device brings one', () => {
    for (const release of ['4.11', '4.12.4']) {
      const pv = resolve("pci=['03:00.0']", HOSTS.vtd, release);
      expect(pv).toMatchObject({ effective: 'disabled', context: 'none', lateContext: 'split', flags: [] });
      const hvm = resolve('type="hvm"\npci=["03:00.0"]', HOSTS.vtd, release);
      expect(hvm).toMatchObject({ context: 'none', lateContext: 'shared', flags: ['hvm', 'hap'] });
      const amd = resolve('type="hvm"\npci=["03:00.0"]', HOSTS.amdvi, release);
      expect(amd.lateContext).toBe('split');
      expect(resolve('dtdev=["/soc/eth"]', HOSTS.smmu, release).lateContext).toBe('shared');
    }
  });

  it('a domain without devices stays without a context', () => {
    expect(resolve('', HOSTS.vtd, '4.12')).toMatchObject({ context: 'none', lateContext: null });
  });

  it('HAP on a host without it falls back to shadow paging, so that nothing is shared', () => {
    const resolution = resolve('type="hvm"\npci=["03:00.0"]', { ...HOSTS.vtd, hap: false }, '4.12');
    expect(resolution).toMatchObject({ effective: 'disabled', lateContext: 'split' });
  });

  it('passthrough= decides nothing', () => {
    const resolution = resolve('passthrough="share_pt"', HOSTS.vtd, '4.12');
    expect(resolution).toMatchObject({ requested: 'default', declared: 'default', effective: 'disabled' });
  });

  it('a PV guest gets its device even without an IOMMU, and an HVM guest does not start', () => {
    const pv = resolve("pci=['03:00.0']", HOSTS.none, '4.12');
    expect(pv).toMatchObject({ effective: 'disabled', lateContext: null });
    expect(pv.diagnostics).toMatchObject([{ severity: 'warning', code: 'assigned-without-iommu' }]);
    expect(errors(resolve('type="hvm"\npci=["03:00.0"]', HOSTS.none, '4.12'))[0]).toMatch(/no IOMMU/);
  });
});
