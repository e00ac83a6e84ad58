import { describe, expect, it } from 'vitest';
import { InputError } from '../text/diagnostic.js';
import { SourceText } from '../text/source.js';
import { describeHost, parseXlInfo } from './host.js';

const info = (lines: Record<string, string>) =>
  parseXlInfo(
    new SourceText(
      'xl-info.txt',
      Object.entries(lines)
        .map(([key, value]) => `${key.padEnd(23)}: ${value}\n`)
        .join(''),
    ),
  );

describe('a host that is described by options', () => {
  it.each([
    [{}, { arch: 'x86', iommu: 'vtd', directio: true, share: true }],
    [{ iommu: 'amdvi' }, { arch: 'x86', directio: true, share: false }],
    [{ iommu: 'none' }, { arch: 'x86', directio: false, share: false }],
    [{ arch: 'arm' }, { iommu: 'smmu', share: true, shadow: false }],
    [{ iommu: 'smmu' }, { arch: 'arm' }],
    [
      { arch: 'arm', iommu: 'none' },
      { iommu: 'none', directio: false },
    ],
  ])('%j is %j', (options, expected) => {
    expect(describeHost(options)).toMatchObject(expected);
  });

  it.each([
    [{ arch: 'arm', iommu: 'vtd' }, /no arm host has `vtd`; expected smmu or none/],
    [{ arch: 'x86', iommu: 'smmu' }, /no x86 host has `smmu`/],
    [{ iommu: 'vt-d' }, /did you mean `vtd`/],
    [{ arch: 'mips' }, /x86, arm/],
  ])('%j cannot be', (options, message) => {
    expect(() => describeHost(options)).toThrow(InputError);
    expect(() => describeHost(options)).toThrow(message);
  });
});

describe('the output of xl info', () => {
  it('tells what the host can do, which release it runs and how it was started', () => {
    const { host, release, commandLine } = info({
      machine: 'x86_64',
      virt_caps: 'pv hvm hvm_directio pv_directio hap iommu_hap_pt_share gnttab-v1 gnttab-v2',
      xen_version: '4.17.7',
      xen_commandline: 'console=com1 iommu=verbose',
    });
    expect(host).toMatchObject({
      iommu: 'vtd',
      hvm: true,
      hap: true,
      shadow: false,
      directio: true,
      share: true,
    });
    expect(release?.text).toBe('4.17.7');
    expect(commandLine?.text).toBe('console=com1 iommu=verbose');
  });

  it('of a machine without VMX but with an IOMMU still has passthrough for PV', () => {
    const { host } = info({
      virt_caps: 'pv pv_directio iommu_hap_pt_share gnttab-v1',
      xen_version: '4.17.7',
    });
    expect(host).toMatchObject({ hvm: false, hap: false, directio: true, share: true });
  });

  it('does not tell AMD-Vi from a VT-d that cannot share', () => {
    const { host } = info({
      virt_caps: 'pv hvm hvm_directio pv_directio hap shadow',
      xen_version: '4.20.0',
    });
    expect(host).toMatchObject({ iommu: 'unknown', share: false, shadow: true });
  });

  it('of Arm is told by the machine', () => {
    const { host } = info({ machine: 'aarch64', virt_caps: 'hvm hvm_directio hap iommu_hap_pt_share' });
    expect(host).toMatchObject({ arch: 'arm', iommu: 'smmu' });
  });

  it('up to 4.12 does not print all capabilities, which is said', () => {
    const { host, diagnostics } = info({
      virt_caps: 'pv hvm hvm_directio pv_directio',
      xen_version: '4.12.4',
    });
    expect(host).toMatchObject({ hap: true, shadow: true, share: true });
    expect(diagnostics).toMatchObject([{ severity: 'info', code: 'short-virt-caps', line: 1, column: 26 }]);
  });

  it('without virt_caps is refused', () => {
    expect(() => info({ host: 'x', xen_version: '4.17.0' })).toThrow(/no `virt_caps` line/);
    expect(() => parseXlInfo(new SourceText('e', ''))).toThrow(InputError);
  });

  it('of an unknown release is used, with a warning', () => {
    const { release, diagnostics } = info({ virt_caps: 'pv', xen_version: '4.23-unstable' });
    expect(release).toBeUndefined();
    expect(diagnostics).toMatchObject([{ severity: 'warning', code: 'unknown-release', line: 2 }]);
  });

  it('gives the release by its parts when xen_version is missing', () => {
    expect(info({ virt_caps: 'pv', xen_major: '4', xen_minor: '17', xen_extra: '.5' }).release?.text).toBe(
      '4.17.5',
    );
  });
});
