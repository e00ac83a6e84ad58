import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';
import { FORMS } from './all.js';
import { describeSamples, type Sample } from './samples.fixture.js';
import { XEN_VTD_FORMS } from './xen-vtd.js';
import { XEN_VTD_DEVICE_FORMS } from './xen-vtd-devices.js';
import { XEN_VTD_INIT_FORMS } from './xen-vtd-init.js';
import { XEN_VTD_QUEUE_FORMS } from './xen-vtd-queue.js';
import { XEN_VTD_QUIRK_FORMS } from './xen-vtd-quirks.js';

/** A line, the reason's name, and what else the event holds. */
type Row = readonly [log: string, name: string, more?: Sample['events'][number]];

const samples = (kind: 'init' | 'command-error', rows: readonly Row[]): Sample[] =>
  rows.map(([log, name, more = {}]) => ({
    log,
    events: [{ source: 'xen', unit: 'vtd', kind, ...more, reason: { name, ...(more.reason ?? {}) } }],
  }));

describeSamples(
  'Xen’s words on VT-d units',
  XEN_VTD_INIT_FORMS,
  [
    ...samples('init', [
      [
        '(XEN) Intel VT-d iommu 0 supported page sizes: 4kB, 2MB, 1GB',
        'capabilities',
        { details: { unit: '0', sizes: '4kB, 2MB, 1GB' } },
      ],
      [
        '(XEN) Intel VT-d Snoop Control not enabled.',
        'feature-off',
        { details: { feature: 'Snoop Control' } },
      ],
      [
        '(XEN) Intel VT-d Shared EPT tables enabled.',
        'feature-on',
        { details: { feature: 'Shared EPT tables' } },
      ],
      ['(XEN) [VT-D]  dmaru->address = fed90000', 'unit-found', { details: { registers: '0xfed90000' } }],
      [
        '(XEN) [VT-D]cap = d2008c22260206 ecap = f00f4a',
        'capabilities',
        {
          details: {
            cap: '0xd2008c22260206',
            ecap: '0xf00f4a',
            width: '39 bits',
            levels: '3',
            'domain ids': '65536',
            superpages: '2 MiB, 1 GiB',
            capabilities: 'ND 6, SAGAW 2, MGAW 38, FRO 34, SSLPS 3, PSI, MAMV 18, DWD, DRD',
            'extended capabilities': 'QI, IR, PT, IRO 15, MHMV 15',
          },
        },
      ],
      [
        '(XEN) [VT-D]iommu.c:1166: cap = c0000020660462 ecap = f0101a',
        'capabilities',
        { details: { levels: '4' } },
      ],
      ['(XEN) [VT-D]iommu_enable_translation: iommu->reg = ffff82c000205000', 'iommu-on'],
      ['(XEN) [VT-D]IOMMU: unsupported sagaw 8', 'unit-failed', { details: { sagaw: '8' } }],
      ['(XEN) [VT-D]IOMMU: unsupported', 'unit-failed'],
      [
        '(XEN) [VT-D] Unhandled bits in SAGAW 0xc, disabling passthrough',
        'feature-off',
        { details: { sagaw: '0xc', consequence: 'disabling passthrough' } },
      ],
      ['(XEN) [VT-D]iommu.c:1125: IOMMU: nr_iommus 33 > MAX_IOMMUS', 'unit-failed'],
      ['(XEN) [VT-D]iommu.c:2045: IOMMU: set root entry failed', 'unit-failed'],
      ['(XEN) [VT-D]iommu.c:1067: IOMMU: no irq available!', 'unit-failed'],
      ["(XEN) [VT-D]iommu.c:1081: IOMMU: can't request irq", 'unit-failed'],
      ['(XEN) [VT-D]iommu.c:2142: IOMMU: interrupt setup failed', 'unit-failed'],
      ['(XEN) [VT-D]iommu.c:1024: Set iommu interrupt affinity error!', 'unit-failed'],
      ['(XEN) [VT-D]IOMMU 0: cannot disable Queued Invalidation', 'unit-failed'],
      ['(XEN) [VT-D]iommu.c:2700: No available invalidation interface', 'unit-failed'],
      ['(XEN) [VT-D]qinval.c:400: Cannot allocate memory for qi_ctrl->qinval_maddr', 'out-of-memory'],
      ['(XEN) [VT-D]utils.c:40: Disabled protected memory registers', 'workaround'],
      ['(XEN) [VT-D] Platform firmware does not support interrupt remapping', 'interrupts-exposed'],
      [
        '(XEN) [VT-D] Queued invalidation is not enabled on IOMMU #1: Should not enable interrupt remapping',
        'feature-refused',
        { details: { unit: '1' } },
      ],
      [
        "(XEN) [VT-D]iommu.c:2100: Interrupt Remapping disabled since Queued Invalidation isn't supported or enabled.",
        'feature-refused',
      ],
      ['(XEN) [VT-D]iommu.c:2071: Interrupt Remapping not enabled', 'interrupts-exposed'],
      [
        '(XEN) [VT-D] Compatibility Format Interrupts permitted on IOMMU #0: Device pass-through will be insecure',
        'interrupts-exposed',
      ],
      ['(XEN) [VT-D]intremap.c:900: Failed to enable Interrupt Remapping!', 'unit-failed'],
      ['(XEN) [VT-D]intremap.c:880: Failed to enable Queued Invalidation!', 'unit-failed'],
      ['(XEN) [VT-D]intremap.c:130: There is not a DRHD for IOAPIC 0x1 (id: 0x9)!', 'firmware-bug'],
      [
        '(XEN) [VT-D]iommu.c:2055: ioapic_to_iommu: ioapic 0x1 (id: 0x9) is NULL! Will not try to enable Interrupt Remapping.',
        'firmware-bug',
        { details: { ioapic: '0x1', id: '0x9' } },
      ],
      ["(XEN) [VT-D]intremap.c:99: Didn't find the bdf for HPET 0!", 'firmware-bug'],
      ["(XEN) [VT-D]intremap.c:84: Didn't find the bdf for the apic_id!", 'firmware-bug'],
      [
        '(XEN) [VT-D]intremap.c:652: MSI intremap index (65536) larger than maximum index (65535)!',
        'unit-failed',
        { details: { index: '65536', last: '65535' } },
      ],
      [
        '(XEN) [VT-D]intremap.c:652: msi_msg_to_remap_entry: intremap index (-1) is larger than the maximum index (65535)!',
        'unit-failed',
      ],
      ['(XEN) [VT-D]intremap.c:302: IO-APIC index (5) for remap table is invalid', 'unit-failed'],
      ['(XEN) [VT-D]intremap.c:310: MSI index (5) has an empty entry', 'unit-failed'],
      ['(XEN) [VT-D]intremap.c:310: remap_entry_to_ioapic_rte: index (5) get an empty entry!', 'unit-failed'],
    ]),
    {
      log: `(XEN) [VT-D]drhd->address = fed90000 iommu->reg = ffff82c000205000
(XEN) [VT-D]Host address width 39
(XEN) Intel VT-d Turbo Remapping enabled.`,
      events: [],
    },
  ],
  FORMS,
);

describeSamples(
  'Xen’s words on chipsets',
  XEN_VTD_QUIRK_FORMS,
  samples('init', [
    [
      '(XEN) [VT-D]Disabling IOMMU due to Intel 5500/5520/X58 Chipset errata #47, #53',
      'iommu-off',
      { details: { chipset: '5500/5520/X58 Chipset errata #47, #53' } },
    ],
    ['(XEN) [VT-D]no CMPXCHG16B support, disabling IOMMU', 'iommu-off'],
    ['(XEN) [VT-D] passed iommu=no-igfx option; disabling IGD VT-d engine', 'iommu-off-by-choice'],
    ['(XEN) [VT-D]Passed iommu=no-igfx option.  Disabling IGD VT-d engine.', 'iommu-off-by-choice'],
    ['(XEN) [VT-D] firmware did not enable IGD for VT properly; disabling IGD VT-d engine', 'firmware-bug'],
    ['(XEN) [VT-D]BIOS did not enable IGD for VT properly.  Disabling IGD VT-d engine.', 'firmware-bug'],
    ['firmware did not enable IGD for VT properly; crash Xen for security purpose', 'panic'],
    // Field: QubesOS/qubes-issues#2841.
    ['BIOS did not enable IGD for VT properly, crash Xen for security purpose', 'panic'],
    [
      '(XEN) [VT-D] firmware did not enable TLB for sound device; disabling ISOCH VT-d engine',
      'firmware-bug',
    ],
    ['firmware did not enable TLB for sound device; crash Xen for security purpose', 'panic'],
    ['(XEN) [VT-D] Recommended TLB entries for ISOCH unit is 16; firmware set 8', 'firmware-bug'],
    ['(XEN) [VT-D] Cannot access VTISOCHCTRL at this time', 'workaround'],
    ['(XEN) [VT-D] Inconsistency between chipset registers and ACPI tables', 'firmware-bug'],
    ['(XEN) [VT-D]quirks.c:303: DMAR: Forcing write-buffer flush', 'workaround'],
    ['(XEN) [VT-D]quirks.c:194: snb_vtd_ops_preamble: failed to disable idle handshake', 'unit-failed'],
    ['(XEN) Masked VT-d error signaling on 0000:00:14.0', 'workaround', { device: '0000:00:14.0' }],
    ['(XEN) Masked UR signaling on 0000:00:00.0', 'workaround', { device: '0000:00:00.0' }],
    ['(XEN) 0000:00:14.0 without AER capability?', 'workaround', { device: '0000:00:14.0' }],
    // Field: QubesOS/qubes-issues#1491.
    [
      '(XEN) Bogus DMIBAR 0xfed18001 on 0000:00:00.0',
      'workaround',
      { device: '0000:00:00.0', address: 0xfed18001n },
    ],
    ['(XEN) Could not map 00fed18000 for 0000:00:00.0', 'unit-failed', { device: '0000:00:00.0' }],
  ]),
  FORMS,
);

describeSamples(
  'Xen’s words on invalidations',
  XEN_VTD_QUEUE_FORMS,
  [
    ...samples('command-error', [
      [
        '(XEN) [VT-D] IOMMU#1: IOTLB flush taking too long',
        'invalidation-slow',
        { details: { unit: '1', what: 'IOTLB' } },
      ],
      ['(XEN) [VT-D] IOMMU#1: context flush took 31ms', 'invalidation-slow', { details: { ms: '31' } }],
      ['(XEN) [VT-D] IOMMU#1: QI wait descriptor took 31ms', 'invalidation-slow'],
      ['(XEN) [VT-D] IOMMU#1: QI dev wait descriptor took 31ms', 'device-invalidation-slow'],
      ['(XEN) [VT-D] IOMMU#1: QI wait descriptor taking too long', 'invalidation-slow'],
      ['(XEN) [VT-D] IOMMU#0: no QI slot available', 'invalidation-queue-full'],
      ['(XEN) queue invalidate wait descriptor was not executed', 'invalidation-timeout'],
      ['(XEN) [VT-D]iommu.c:500: IOMMU: flush IOTLB failed', 'invalidation-failed'],
      ['(XEN) [VT-D] IOMMU flush all failed for hardware domain', 'invalidation-failed'],
      ['(XEN) [VT-D] crash shutdown: IOMMU flush all failed', 'invalidation-failed'],
      [
        '(XEN) [VT-D] suspend: IOMMU flush all failed: -110',
        'invalidation-failed',
        { reason: { code: -110 } },
      ],
      ['(XEN) [VT-D] d1: IOMMU pages flush failed: -110', 'invalidation-failed', { domain: 1 }],
      ['DMAR hardware malfunction', 'unit-dead'],
      ['iommu.c:622:disable_translation: DMAR hardware is malfunctional', 'unit-dead'],
    ]),
    {
      log: `(XEN) [VT-D] IOMMU#1: QI dev wait descriptor taking too long
(XEN)   IQA = 1234000
(XEN)   IQH = 40
(XEN)   IQT = 60`,
      events: [
        { reason: { name: 'device-invalidation-slow' }, more: ['IQA = 1234000', 'IQH = 40', 'IQT = 60'] },
      ],
    },
    {
      log: `(XEN) DMAR_IQA_REG = 1234000
(XEN) [VT-D] Queue invalidate wait descriptor timed out
(XEN) DMAR_IQA_REG = 1234000
(XEN) DMAR_IQH_REG = 40
(XEN) DMAR_IQT_REG = 60`,
      events: [{ reason: { name: 'invalidation-timeout' }, more: ['IQA = 1234000', 'IQH = 40', 'IQT = 60'] }],
    },
  ],
  FORMS,
);

const device = '0000:03:00.0';
const details = { start: '0xdd000', end: '0xddfff' };

describeSamples(
  'Xen’s words on devices in VT-d’s tables',
  XEN_VTD_DEVICE_FORMS,
  samples('init', [
    ['(XEN) [VT-D]iommu.c:111: IOMMU: no free domain ids', 'out-of-domain-ids'],
    ['(XEN) [VT-D]iommu.c:145: IOMMU: no free domain id', 'out-of-domain-ids'],
    ['(XEN) [VT-D]iommu.c:111: No valid iommu 0 domid for Dom7', 'device-failed', { domain: 7 }],
    ['(XEN) [VT-D]iommu.c:80: Cannot get valid iommu 0 domid: d7', 'device-failed', { domain: 7 }],
    [
      '(XEN) [VT-D]iommu.c:80: Cannot get valid iommu domid: domid=7 iommu->index=0',
      'device-failed',
      { domain: 7 },
    ],
    ['(XEN) [VT-D]iommu.c:9: dom_index 300 exceeds nr_dom 256 or iommu has no domid_map', 'device-failed'],
    [
      '(XEN) [VT-D]iommu.c:1539: no domain for did 3 (nr_dom 256)',
      'device-failed',
      { details: { did: '3' } },
    ],
    ['(XEN) [VT-D]iommu.c:1800: d0: context mapping failed', 'device-failed', { domain: 0 }],
    [
      '(XEN) 0000:03:00.0: unexpected context entry 0000000000000102_0000000012345001 (expected 0_0)',
      'device-failed',
      { device, details: { found: '0000000000000102_0000000012345001', expected: '0_0' } },
    ],
    [
      '(XEN) [VT-D]d1: 0000:03:00.0 already mapped to d0!',
      'device-failed',
      { domain: 1, device, details: { other: '0' } },
    ],
    ['(XEN) [VT-D]d1: 0000:03:00.0 owned by d[IO]', 'device-failed', { domain: 1, device }],
    ["(XEN) [VT-D]d1: 0000:03:00.0 mapped, but can't find owner", 'device-failed', { domain: 1, device }],
    [
      '(XEN) [VT-D] 0000:03:00.0: reassignment may cause d1 data corruption',
      'device-exposed',
      { device, details: { other: 'd1' } },
    ],
    ['(XEN) [VT-D]iommu.c:1622: d1:unknown(9): 0000:03:00.0', 'device-failed', { device }],
    [
      '(XEN) [VT-D]intremap.c:9: d1: 0000:03:00.0 unknown device type 9',
      'device-failed',
      { domain: 1, device },
    ],
    [
      '(XEN) [VT-D]intremap.c:480: d1: no upstream bridge for 0000:03:00.0',
      'device-failed',
      { domain: 1, device },
    ],
    [
      '(XEN) [VT-D] failed to reclaim 0000:03:00.0 from d1 (-16)',
      'device-failed',
      { domain: 1, device, reason: { code: -16 } },
    ],
    [
      '(XEN) d1: error -5 unmapping 0000:03:00.0',
      'device-failed',
      { domain: 1, device, reason: { code: -5 } },
    ],
    [
      "(XEN) [VT-D] It's disallowed to assign 0000:03:00.0 with shared RMRR at dd000 for d1.",
      'rmrr-refused',
      { domain: 1, device, details: { start: '0xdd000' } },
    ],
    [
      "(XEN) [VT-D] It's risky to assign 0000:03:00.0 with shared RMRR at dd000 for Dom1.",
      'device-exposed',
      { domain: 1, device },
    ],
    [
      '(XEN) [VT-D]d1: cannot map reserved region [dd000,ddfff]: -17',
      'rmrr-failed',
      { domain: 1, details, reason: { code: -17 } },
    ],
    [
      '(XEN) [VT-D] cannot map reserved region (dd000,ddfff] for Dom1 (-17)',
      'rmrr-failed',
      { domain: 1, details, reason: { code: -17 } },
    ],
    [
      '(XEN) [VT-D]d1: cannot unmap reserved region [dd000,ddfff]: -22',
      'rmrr-failed',
      { domain: 1, details, reason: { code: -22 } },
    ],
    ['(XEN) [VT-D]iommu.c:1790: d0: RMRR mapping failed', 'rmrr-failed', { domain: 0 }],
    ['(XEN) [VT-D]iommu.c:1990: IOMMU: mapping reserved region failed', 'rmrr-failed'],
    ['(XEN) [VT-D]0000:03:00.0: RMRR quarantine mapping failed', 'rmrr-failed', { device }],
  ]),
  FORMS,
);

describe('what Xen says of VT-d units', () => {
  it('names the unit of a fault by the registers that faults showed until 4.12', () => {
    const { events } = eventsOf(
      `(XEN) [VT-D]drhd->address = fed90000 iommu->reg = ffff82c00021d000
(XEN) [VT-D]DMAR:[DMA Read] Request device [0000:00:02.0] fault addr 8e43c000, iommu reg = ffff82c00021d000`,
      [...XEN_VTD_INIT_FORMS, ...XEN_VTD_FORMS],
    );
    expect(events).toMatchObject([{ device: '0000:00:02.0', details: { unit: 'at 0xfed90000' } }]);
  });

  it('tells features and widths', () => {
    const { facts } = eventsOf(
      `(XEN) [VT-D]Host address width 39
(XEN) [VT-D]cap = d2008c22260206 ecap = f00f4a
(XEN) Intel VT-d Queued Invalidation enabled.
(XEN) Intel VT-d Posted Interrupt not enabled.`,
      XEN_VTD_INIT_FORMS,
    );
    expect(facts.other.get('host-address-width')).toEqual({ value: '39', line: 1 });
    expect(facts.other.get('unit-address-width')).toEqual({ value: '39', line: 2 });
    expect(facts.features.get('device-tlbs-capable')).toEqual({ value: false, line: 2 });
    expect(facts.features.get('queued-invalidation')).toEqual({ value: true, line: 3 });
    expect(facts.features.get('posted-interrupts')).toEqual({ value: false, line: 4 });
  });

  it('tells why VT-d is off, and that the graphics’ unit is', () => {
    const { facts } = eventsOf(
      `[VT-D]Disabling IOMMU due to Intel X58 chipset erratum #69
[VT-D] passed iommu=no-igfx option; disabling IGD VT-d engine`,
      XEN_VTD_QUIRK_FORMS,
    );
    expect(facts.iommu?.value).toBe('disabled');
    expect(facts.iommuOffBecause?.value).toContain('X58 chipset erratum #69');
    expect(facts.other.has('graphics-unit-off')).toBe(true);
  });
});
