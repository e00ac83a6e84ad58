import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';
import { describeSamples, type Sample } from './samples.fixture.js';
import { XEN_BOOT_FACTS } from './xen-boot-facts.js';
import { XEN_CREATEDOMAIN_FORMS } from './xen-createdomain.js';
import { XEN_INIT_FORMS } from './xen-init.js';

const ALL = [...XEN_INIT_FORMS, ...XEN_BOOT_FACTS];

const said = (text: string, name: string, rest: object = {}): Sample => ({
  log: `(XEN) ${text}`,
  events: [{ source: 'xen', unit: null, kind: 'init', reason: { name }, ...rest }],
});
const coded = (text: string, name: string, code: number, rest: object = {}): Sample =>
  said(text, name, { reason: { name, code }, ...rest });
const DEVICE = { device: '0000:03:00.0' };

describeSamples('lines of Xen about the IOMMU at boot, and devices that move', XEN_INIT_FORMS, [
  said('I/O virtualisation enabled', 'iommu-on'),
  said('I/O virtualisation disabled', 'iommu-off'),
  said(' - Dom0 mode: Relaxed', 'mode', {
    reason: { name: 'mode', meaning: expect.stringContaining('guests’ memory') },
  }),
  said(' - Dom0 mode: Strict', 'mode'),
  said(' - Dom0 mode: Passthrough', 'mode'),
  said('Interrupt remapping enabled', 'feature-on'),
  said('Interrupt remapping disabled', 'interrupts-exposed'),
  said("Couldn't enable IOMMU and iommu=required/force", 'panic', { details: { what: 'IOMMU' } }),
  said("Couldn't enable Interrupt Remapping and iommu=required/force", 'panic'),
  said('Presently, iommu must be enabled for PVH hardware domain', 'panic'),
  said("PVH hardware domain iommu must be set in 'strict' mode", 'panic'),
  said('Dom0 uses paging translated mode, dom0-passthrough must not be enabled', 'panic'),
  said('Could not set up quarantine', 'panic'),
  said('IOMMU: page size mask 200000 unsupported', 'unit-failed'),
  said('IOMMU inclusive mappings are deprecated and will be removed in future versions', 'option-invalid'),
  said('IOMMU inclusive mappings are only supported on PV Dom0', 'option-invalid'),
  coded('IOMMU failed to remove Xen ranges: -12', 'panic', -12, { details: { what: 'remove Xen ranges' } }),
  coded("IOMMU inclusive mappings can't be added: -12", 'panic', -12),
  coded('IOMMU unable to remove MMCFG areas: -12', 'panic', -12),
  said('IOMMU init: unable to allocate rangeset', 'panic'),
  coded('d0: IOMMU identity mapping of [9d000,100000) failed: -12', 'map-failed', -12, { domain: 0 }),
  coded('IOMMU identity mapping of [9d000, fffff] failed: -12', 'map-failed', -12),
  coded('IOMMU unable to create mappings: -12', 'map-failed', -12),
  coded('IOMMU unable to create read-only mappings: -12', 'map-failed', -12),
  coded('d0: identity IOMMU mapping of 9d failed: -12', 'map-failed', -12, { domain: 0, address: 0x9_d000n }),
  coded('d0: identity mapping of 9d failed: -12', 'map-failed', -12, { domain: 0, address: 0x9_d000n }),
  coded('pre-mapping d0 MFN [134000,134200) into IOMMU failed: -12', 'map-failed', -12),
  said('RMRR: [0xab800000, 0xabffffff] is not (entirely) in reserved memory', 'rmrr-invalid', {
    address: 0xab80_0000n,
    details: { table: 'RMRR' },
  }),
  said("IVMD: page at 0xab800 couldn't be reserved", 'rmrr-invalid', {
    address: 0xab80_0000n,
    details: { table: 'IVMD' },
  }),
  said("IVMD: page at 0xab800 can't be converted", 'rmrr-invalid'),
  said('Not enabling x2APIC: depends on IOMMU support', 'feature-refused'),
  said('Not enabling x2APIC: depends on iommu_supports_eim.', 'feature-refused'),
  said('Not enabling x2APIC (upon firmware request)', 'feature-off'),
  said('Not enabling x2APIC: disabled by cmdline.', 'feature-off'),
  said('Failed to enable Interrupt Remapping: Will not enable x2APIC.', 'interrupts-exposed'),
  said('IOMMU requests xAPIC mode, but x2APIC already enabled by firmware', 'panic'),
  said('Interrupt remapping could not be enabled while x2APIC is already enabled by BIOS', 'panic'),
  said('x2APIC: already enabled by BIOS, but iommu_supports_eim failed', 'panic'),
  said('x2APIC: already enabled by BIOS, but no IOMMU support', 'panic'),
  said(
    'WARNING: x2APIC cluster mode is not supported without interrupt remapping - forcing phys mode',
    'feature-off',
  ),
  said(
    'WARNING: x2APIC cluster mode is not supported with restricted interrupt remapping - forcing mixed mode',
    'feature-off',
  ),
  said('Enabled directed EOI with ioapic_ack_old on!', 'workaround'),
  coded('IOMMU: add 0000:03:00.0 failed (-19)', 'device-failed', -19, DEVICE),
  coded('IOMMU: remove 0000:03:00.0 failed (-19)', 'device-failed', -19, DEVICE),
  said('Failed to add /soc/ethernet@ff0e0000 to the IOMMU', 'device-failed', {
    device: '/soc/ethernet@ff0e0000',
  }),
  coded('d3: assign (phantom function 0000:03:00.0) failed (-22)', 'device-failed', -22, {
    ...DEVICE,
    domain: 3,
  }),
  coded('d3: assign phantom function (0000:03:00.0) failed (-22)', 'device-failed', -22, {
    ...DEVICE,
    domain: 3,
  }),
  coded('d3: assign (0000:03:00.0) failed (-22)', 'device-failed', -22, { ...DEVICE, domain: 3 }),
  coded('XEN_DOMCTL_assign_device: assign 0000:03:00.0 to dom3 failed (-22)', 'device-failed', -22, {
    ...DEVICE,
    domain: 3,
  }),
  coded(
    'XEN_DOMCTL_assign_dt_device: assign "/edu-dma@ffffc000000" to dom3 failed (-22)',
    'device-failed',
    -22,
    { device: '/edu-dma@ffffc000000', domain: 3 },
  ),
  coded('assign 0000:03:00.0 to dom3 failed (-22)', 'device-failed', -22, { ...DEVICE, domain: 3 }),
  coded('d3: assign 0000:03:00.0 failed (-22)', 'device-failed', -22, { ...DEVICE, domain: 3 }),
  coded('d3: deassign (0000:03:00.0) failed (-19)', 'device-failed', -19, { ...DEVICE, domain: 3 }),
  said('d3: deassign device (0000:03:00.0) failed', 'device-failed', { ...DEVICE, domain: 3 }),
  coded('deassign 0000:03:00.0 from dom3 failed (-19)', 'device-failed', -19, { ...DEVICE, domain: 3 }),
  coded('d3: deassign 0000:03:00.0 failed (-19)', 'device-failed', -19, { ...DEVICE, domain: 3 }),
  said('device_tree.c:60: Failed to deassign /soc/ethernet@ff0e0000 in domain 3', 'device-failed', {
    domain: 3,
  }),
  said('0000:03:00.0 already assigned, or non-existent', 'device-unknown', DEVICE),
  said('/soc/ethernet@ff0e0000 already assigned.', 'device-unknown', { device: '/soc/ethernet@ff0e0000' }),
  coded('setup 0000:03:00.0 for d0 failed (-22)', 'device-failed', -22, { ...DEVICE, domain: 0 }),
  said('0000:03:00.3 looks to be a real device; bumping 0000:03:00 stride to 4', 'option-invalid', {
    device: '0000:03:00.3',
  }),
  // What is Linux’s, or nobody’s.
  { log: '[    2.0] AMD-Vi: Interrupt remapping enabled', events: [] },
  { log: '(XEN)  - Dom0 mode: Unheard', events: [] },
]);

describeSamples('what createdomain refuses', XEN_CREATEDOMAIN_FORMS, [
  ...(
    [
      ['IOMMU requested but not available', 'passthrough-not-supported'],
      ['IOMMU is not enabled', 'passthrough-not-supported'],
      ['IOMMU options specified but IOMMU not requested', 'createdomain-refused'],
      ['IOMMU options specified but IOMMU not enabled', 'createdomain-refused'],
      ['Unknown IOMMU options 0x2', 'createdomain-refused'],
      ['HAP requested but not available', 'hap-unavailable'],
      ['HAP requested but not supported', 'hap-unavailable'],
      ['Shadow paging requested but not available', 'shadow-unavailable'],
      ['HVM support not available', 'hvm-unavailable'],
      ['PV support not available', 'pv-unavailable'],
    ] as const
  ).map(
    ([text, name]): Sample => ({
      log: `(XEN) common/domain.c:700: ${text}`,
      events: [{ source: 'xen', kind: 'toolstack', reason: { name } }],
    }),
  ),
]);

describe('facts of a boot', () => {
  const facts = (log: string) => eventsOf(log, ALL).facts;

  it('are Xen’s version and command line, and Linux’s', () => {
    const log = `(XEN) Xen version 4.17.7 (Debian 4.17.7+13-g2445b30a44-0+deb12u1) (x86_64-linux-gnu-gcc) debug=n
(XEN) Command line: console=com1 iommu=verbose,debug
[    0.000000] Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org)
[    0.000000] Command line: placeholder root=/dev/sda1 ro quiet
[    0.100000] Kernel command line: placeholder root=/dev/sda1 ro quiet`;
    expect(facts(log)).toMatchObject({
      xen: { value: '4.17.7', line: 1 },
      linux: { value: '6.1.0-18-amd64', line: 3 },
      xenCommandLine: { value: 'console=com1 iommu=verbose,debug', line: 2 },
      linuxCommandLine: { line: 5 },
    });
  });

  it('tell the two command lines apart by what they hold, or by who spoke before', () => {
    expect(facts('Command line: BOOT_IMAGE=/vmlinuz quiet').xenCommandLine).toBeNull();
    expect(facts('Linux version 6.1\nCommand line: quiet').linuxCommandLine?.value).toBe('quiet');
    expect(facts('(XEN) Command line: dom0_mem=4G').xenCommandLine?.value).toBe('dom0_mem=4G');
  });

  it('are the E820 map in both spellings of Xen and of Linux, the last one that is printed', () => {
    const ranges = (log: string) => facts(log).e820.map(({ start, end, what }) => [start, end, what]);
    expect(
      ranges(
        '(XEN) Xen-e820 RAM map:\n(XEN)  [0000000000000000, 000000000009fbff] (usable)\n(XEN)  [000000007ffd7000, 000000007fffffff] (ACPI NVS)',
      ),
    ).toEqual([
      [0n, 0x9_fc00n, 'usable'],
      [0x7ffd_7000n, 0x8000_0000n, 'ACPI NVS'],
    ]);
    expect(
      ranges(
        '(XEN) Xen-e820 RAM map:\n(XEN)  0000000000000000 - 000000000009fc00 (usable)\n(XEN)  000000007ffd7000 - 0000000080000000 (reserved)\n(XEN)  00000000fed00000 - 00000000fed01000 (ACPI data)\n(XEN)  00000000fee00000 - 00000000fee01000 (unusable)',
      ),
    ).toEqual([
      [0n, 0x9_fc00n, 'usable'],
      [0x7ffd_7000n, 0x8000_0000n, 'reserved'],
      [0xfed0_0000n, 0xfed0_1000n, 'ACPI data'],
      [0xfee0_0000n, 0xfee0_1000n, 'unusable'],
    ]);
    const linux =
      'BIOS-provided physical RAM map:\nBIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable\n BIOS-e820: 0000000000100000 - 0000000000200000 (reserved)';
    expect(ranges(linux)).toEqual([
      [0n, 0x9_fc00n, 'usable'],
      [0x10_0000n, 0x20_0000n, 'reserved'],
    ]);
    expect(
      ranges(`${linux}\n(XEN) EFI RAM map:\n(XEN)  [0000000000000000, 0000000000000fff] (usable)`),
    ).toHaveLength(1);
    const xen =
      '(XEN) Xen version 4.17.0\n(XEN) EFI RAM map:\n(XEN)  [0000000000000000, 0000000000000fff] (usable)';
    expect(ranges(`${xen}\n${linux}`)).toEqual([[0n, 0x1000n, 'usable']]);
    expect(ranges('memory (usable)\n [zzz, 0] (usable)')).toEqual([]);
  });

  it('are domains that were made or crashed, devices that Xen knows, and MCFG that it does not use', () => {
    const { domains, devices, other, features } = facts(`(XEN) *** Building a PV Dom0 ***
(XEN) Domain 1 (vcpu#0) crashed on cpu#3:
(XEN) Domain 2 reported crashed by domain 0 on cpu#1:
(XEN) domain_crash called from arch/x86/mm.c:1195
(XEN) PCI add device 0000:00:02.0
(XEN) PCI add virtual function 0000:01:10.0
(XEN) PCI phantom 0000:03:00.1
(XEN) PCI: Not using MCFG for segment 0000 bus 00-7f
(XEN) PCI: Not using MMCONFIG.
(XEN) P2M: 44-bit IPA with 44-bit PA and 8-bit VMID
(XEN) HVM: Hardware Assisted Paging (HAP) detected but disabled`);
    expect([...domains].map(([domain, [said]]) => [domain, said?.value])).toEqual([
      [0, 'created: PV'],
      [1, 'crashed'],
      [2, 'crashed'],
    ]);
    expect([...devices.keys()]).toEqual(['0000:00:02.0', '0000:01:10.0', '0000:03:00.1']);
    expect(other.get('domain-crash')?.value).toBe('arch/x86/mm.c:1195');
    expect(other.get('arm')?.value).toBe('44-bit IPA');
    expect(other.get('mcfg-unused')?.value).toBe('all');
    expect(features.get('hap')?.value).toBe(false);
    expect(facts('(XEN) HVM: Hardware Assisted Paging (HAP) detected').features.get('hap')?.value).toBe(true);
    expect(facts('(XEN) HVM: Hardware Assisted Paging (HAP) not detected').features.get('hap')?.value).toBe(
      false,
    );
  });
});

describe('an IOMMU that is off', () => {
  const off = (log: string) => eventsOf(`${log}\n(XEN) I/O virtualisation disabled`, ALL).events.at(-1);

  it('is off for what was said before, and by choice where the command line says so', () => {
    expect(off('(XEN) IOMMU: page size mask 200000 unsupported')?.details['because of line']).toBe('1');
    expect(off('(XEN) Xen version 4.17.0\n(XEN) Command line: iommu=off')).toMatchObject({
      reason: { name: 'iommu-off-by-choice' },
      details: { 'because of line': '2' },
    });
    expect(off('(XEN) Xen version 4.17.0\n(XEN) Command line: iommu=no-igfx')?.reason?.name).toBe(
      'iommu-off',
    );
  });

  it('is off for no reason that an earlier boot had', () => {
    const event = off('(XEN) IOMMU: page size mask 200000 unsupported\n(XEN) Xen version 4.17.0');
    expect(event?.details.because).toContain('no line');
  });
});
