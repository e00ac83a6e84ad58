import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';
import { FORMS } from './all.js';
import { LINUX_IOMMU_FORMS } from './linux-iommu.js';
import { LINUX_VTD_DMAR_FORMS } from './linux-vtd-dmar.js';
import { LINUX_VTD_INIT_FORMS } from './linux-vtd-init.js';
import { describeSamples, type Sample } from './samples.fixture.js';

/** A line, the reason's name, and what else the event holds. */
type Row = readonly [log: string, name: string, more?: Sample['events'][number]];

const samples = (rows: readonly Row[], unit: 'vtd' | null = 'vtd'): Sample[] =>
  rows.map(([log, name, more = {}]) => ({
    log,
    events: [{ source: 'linux', unit, kind: 'init', ...more, reason: { name, ...(more.reason ?? {}) } }],
  }));

const device = '0000:00:02.0';
const details = { start: '0x9d000000', end: '0x9f7fffff' };

describeSamples(
  'Linux’s words on the DMAR table',
  LINUX_VTD_DMAR_FORMS,
  [
    ...samples([
      [
        '[    0.024] DMAR: [Firmware Bug]: Your BIOS is broken; DMAR reported at address fed91000 returns all ones!',
        'firmware-bug',
        { details: { registers: '0xfed91000' } },
      ],
      ['Your BIOS is broken; DMAR reported at address zero!', 'firmware-bug'],
      [
        '[Firmware Bug]: Your BIOS is broken; RHSA refers to non-existent DMAR unit at fed90000',
        'firmware-bug',
        { details: { registers: '0xfed90000' } },
      ],
      ['[Firmware Bug]: Your BIOS is broken; ANDD object name is not NUL-terminated', 'firmware-bug'],
      [
        '[Firmware Bug]: Your BIOS is broken; bad RMRR [0x000000009d000000-0x000000009f7fffff]',
        'rmrr-invalid',
        { details },
      ],
      ['Your BIOS is broken; RMRR ends before it starts!', 'rmrr-invalid'],
      [
        'Your BIOS is broken; RMRR exceeds permitted address width (39 bits)',
        'rmrr-invalid',
        { details: { bits: '39' } },
      ],
      ['Your BIOS is broken; DMA routed to ISOCH DMAR unit but no TLB space.', 'firmware-bug'],
      [
        'DMAR: [Firmware Bug]: RMRR entry for device 06:00.0 is broken - applying workaround',
        'rmrr-invalid',
        { device: '0000:06:00.0' },
      ],
      [
        'DMAR: [Firmware Bug]: BIOS assigned incorrect VT-d unit for Intel(R) QuickData Technology device',
        'firmware-bug',
      ],
      ['DMAR: [Firmware Bug]: Record passes table end', 'firmware-bug'],
      ['DMAR: [Firmware Bug]: No DRHD structure found in DMAR table', 'firmware-bug'],
      ['DMAR: [Firmware Bug]: No DRHD structures in buffer returned by _DSM method', 'firmware-bug'],
      ['DMAR: Invalid DMAR haw', 'firmware-bug'],
      ['DMAR: Unable to map DMAR', 'iommu-off'],
      ['DMAR: Parse DMAR table failure.', 'iommu-off'],
      ['DMAR: No DMAR devices found', 'iommu-off'],
      [
        "DMAR: Can't validate DRHD address: fed90000",
        'firmware-bug',
        { details: { registers: '0xfed90000' } },
      ],
      ['DMAR: Unsupported device scope', 'firmware-bug'],
      ['DMAR: No handler for DMAR structure type 6', 'firmware-bug', { details: { type: '6' } }],
      ['DMAR: Device scope type does not match for 0000:00:02.0', 'firmware-bug', { device }],
      [
        'DMAR: Failed to find handle for ACPI object \\_SB.PCI0.UA02',
        'firmware-bug',
        { details: { object: '\\_SB.PCI0.UA02' } },
      ],
      ['DMAR: Failed to get device for ACPI object \\_SB.PCI0.UA02', 'firmware-bug'],
      ['DMAR: No IOMMU scope found for ANDD enumeration ID 8 (INT33C3:00)', 'firmware-bug'],
      [
        'DMAR: DRHD base: 0x000000fed91000 flags: 0x1',
        'unit-found',
        {
          details: { registers: '0xfed91000', scope: 'all devices that no other unit has (INCLUDE_PCI_ALL)' },
        },
      ],
      [
        'DMAR: DRHD (flags: 0x0)base: 0x00000000fed90000',
        'unit-found',
        { details: { registers: '0xfed90000' } },
      ],
      ['DMAR: RMRR base: 0x0000009d000000 end: 0x0000009f7fffff', 'rmrr', { details }],
      [
        'DMAR: Setting identity map for device 0000:00:02.0 [0x9d000000 - 0x9f7fffff]',
        'rmrr',
        { device, details },
      ],
      ['DMAR: No RMRR found', 'rmrr'],
      ['DMAR: No ATSR found', 'feature-off'],
      ['DMAR: No SATC found', 'feature-off'],
      ['DMAR: ATSR flags: 0x0', 'capabilities'],
      ['DMAR: SATC flags: 0x1', 'capabilities'],
      [
        'vfio-pci 0000:00:02.0: DMAR: Device is ineligible for IOMMU domain attach due to platform RMRR requirement.  Contact your platform vendor.',
        'rmrr-refused',
        { device },
      ],
      [
        'vfio-pci 0000:00:02.0: Firmware has requested this device have a 1:1 IOMMU mapping, rejecting configuring the device without a 1:1 mapping. Contact your platform vendor.',
        'rmrr-refused',
        { device },
      ],
      // Field: intel-staging/pKVM-IA#92.
      [
        '[   14.561208] iommu dmar17: IOMMU driver was not able to establish FW requested direct mapping.',
        'rmrr-failed',
        { details: { unit: 'dmar17' } },
      ],
      [
        'pci 0000:00:02.0: Failed to reserve IOVA [0x9d000000-0x9f7fffff]',
        'rmrr-failed',
        { device, details },
      ],
    ]),
    {
      log: `DMAR: [Firmware Bug]: Your BIOS is broken; DMAR reported at address 0!
BIOS vendor: American Megatrends Inc.; Ver: F5; Product Version: 1.0`,
      events: [
        {
          reason: { name: 'firmware-bug' },
          details: { registers: '0x0', firmware: 'American Megatrends Inc. F5' },
          more: ['BIOS vendor: American Megatrends Inc.; Ver: F5; Product Version: 1.0'],
        },
      ],
    },
    { log: 'DMAR: Host address width 39\ndmar: Host address width 36', events: [] },
  ],
  FORMS,
);

describeSamples(
  'Linux’s words on VT-d units',
  LINUX_VTD_INIT_FORMS,
  [
    ...samples([
      ['DMAR: IOMMU enabled', 'iommu-on'],
      ['Intel-IOMMU: enabled', 'iommu-on'],
      ['DMAR: Intel(R) Virtualization Technology for Directed I/O', 'iommu-on'],
      ['PCI-DMA: Intel(R) Virtualization Technology for Directed I/O', 'iommu-on'],
      ['DMAR: Intel-IOMMU force enabled due to platform opt in', 'iommu-on'],
      ['DMAR: Forcing Intel-IOMMU to enabled', 'iommu-on'],
      ['DMAR: IOMMU disabled', 'iommu-off-by-choice'],
      ['Intel-IOMMU: disabled', 'iommu-off-by-choice'],
      ['DMAR: Disable GFX device mapping', 'iommu-off-by-choice'],
      ['DMAR: Disable integrated GPU device mapping', 'iommu-off-by-choice'],
      ['pci 0000:00:00.0: DMAR: Disabling IOMMU for graphics on this chipset', 'workaround'],
      [
        'pci 0000:00:00.0: DMAR: BIOS has allocated no shadow GTT; disabling IOMMU for graphics',
        'firmware-bug',
      ],
      [
        'pci 0000:00:00.0: DMAR: Forcing write-buffer flush capability',
        'workaround',
        { device: '0000:00:00.0' },
      ],
      ['pci 0000:00:00.0: DMAR: Disabling batched IOTLB flush on Ironlake', 'workaround'],
      ['DMAR: IOMMU batching disallowed due to virtualization', 'workaround'],
      ['DMAR: Disable supported super page', 'feature-off'],
      ['DMAR: Scalable mode is disallowed', 'feature-off'],
      ['DMAR: Enable scalable mode if hardware supports', 'feature-on'],
      ["DMAR: Unknown option - 'onn'", 'option-invalid', { details: { option: 'onn' } }],
      [
        'DMAR: Intel-IOMMU: not forcing on after tboot. This could expose security risk for tboot',
        'iommu-off',
      ],
      ['Kernel panic - not syncing: tboot: Failed to initialize DMAR table', 'panic'],
      ['Kernel panic - not syncing: tboot: IOMMU setup failed, DMAR can not resume!', 'panic'],
      [
        'DMAR: dmar0: reg_base_addr fed90000 ver 1:0 cap c0000020660462 ecap f0101a',
        'capabilities',
        {
          details: { unit: 'dmar0', registers: '0xfed90000', version: '1:0', width: '39 bits', levels: '4' },
        },
      ],
      [
        'IOMMU 0: reg_base_addr fed90000 ver 1:0 cap c0000020660462 ecap f0101a',
        'capabilities',
        { details: { unit: 'IOMMU 0' } },
      ],
      ['DMAR: dmar0: Using Queued invalidation', 'feature-on', { details: { unit: 'dmar0' } }],
      ['IOMMU 0 0xfed90000: using Queued invalidation', 'feature-on', { details: { unit: 'IOMMU 0' } }],
      ['DMAR: dmar0: Using Register based invalidation', 'feature-off', { details: { unit: 'dmar0' } }],
      ['IOMMU 0 0xfed90000: using Register based invalidation', 'feature-off'],
      ['DMAR: dmar0: No supported address widths. Not attempting DMA translation.', 'feature-off'],
      ['DMAR: Cannot get a valid agaw for iommu (seq_id = 0)', 'unit-failed', { details: { unit: '0' } }],
      ['DMAR: Cannot get a valid max agaw for iommu (seq_id = 0)', 'unit-failed'],
      ["DMAR: Can't reserve memory", 'unit-failed'],
      ["DMAR: Can't map the region", 'unit-failed'],
      ['DMAR: Failed to map dmar0', 'unit-failed', { details: { unit: 'dmar0' } }],
      ['DMAR: Failed to allocate seq_id', 'unit-failed'],
      ['DMAR: No free IRQ vectors', 'unit-failed'],
      ["DMAR: Can't request irq", 'unit-failed'],
      ['DMAR: Initialization failed', 'unit-failed'],
      ['DMAR: Domain initialization failed', 'unit-failed'],
      [
        'DMAR: DRHD fed90000: failed to enable fault, interrupt, ret -22',
        'unit-failed',
        { details: { error: '-22' } },
      ],
      ['DMAR: Allocating root entry for dmar0 failed', 'out-of-memory'],
      ["DMAR: Can't allocate dmar_domain", 'out-of-memory'],
      ['DMAR: dmar0: No free domain ids', 'out-of-domain-ids', { details: { unit: 'dmar0' } }],
      ['DMAR: Translation was enabled for dmar0 but we are not in kdump mode', 'workaround'],
      ['DMAR: Translation already enabled - trying to copy translation structures', 'workaround'],
      ['DMAR: Copied translation tables from previous kernel for dmar0', 'workaround'],
      ['DMAR: Failed to copy translation tables from previous kernel for dmar0', 'unit-failed'],
      ['DMAR: dmar0: Failed to copy context table for bus 3', 'unit-failed', { details: { bus: '3' } }],
      ['DMAR-IR: Enabled IRQ remapping in x2apic mode', 'feature-on', { details: { mode: 'x2apic' } }],
      [
        'DMAR-IR: Failed to enable irq remapping. You are vulnerable to irq-injection attacks.',
        'interrupts-exposed',
      ],
      ['DMAR-IR: Not enabling interrupt remapping', 'interrupts-exposed'],
      ['DMAR-IR: This system BIOS has enabled interrupt remapping', 'interrupts-exposed'],
      ['Compatibility-format IRQs enabled despite intr remapping;', 'interrupts-exposed'],
      [
        'DMAR-IR: [Firmware Bug]: ioapic 2 has no mapping iommu, interrupt remapping will be disabled',
        'firmware-bug',
        { details: { ioapic: '2' } },
      ],
      ['DMAR-IR: x2apic is disabled because BIOS sets x2apic opt out bit.', 'feature-off'],
      ['DMAR-IR: dmar0 does not support EIM', 'feature-off'],
      ['DMAR-IR: Queued invalidation will be enabled to support x2apic and Intr-remapping.', 'feature-on'],
      ['DMAR-IR: Failed to setup irq remapping for dmar0', 'unit-failed'],
      ['DMAR-IR: Failed to enable queued invalidation', 'unit-failed'],
      ['DMAR-IR: Failed to set source-id of IOAPIC (2)', 'unit-failed'],
      ['DMAR-IR: Failed to set source-id of HPET block (0)', 'unit-failed'],
      ["DMAR-IR: IR0: can't allocate an IRTE", 'unit-failed'],
      ['DMAR-IR: Failed to copy IR table for dmar0 from previous kernel', 'unit-failed'],
      ['DMAR-IR: DRHD fed90000: failed to parse managed IOAPIC/HPET', 'unit-failed'],
      ['DMAR-IR: IRQ remapping was enabled on dmar0 but we are not in kdump mode', 'workaround'],
      ['DMAR-IR: Copied IR table for dmar0 from previous kernel', 'workaround'],
    ]),
  ],
  FORMS,
);

describeSamples(
  'Linux’s words on IOMMUs, mappings and pKVM',
  LINUX_IOMMU_FORMS,
  [
    ...samples(
      [
        [
          'iommu: Default domain type: Passthrough (set via kernel command line)',
          'mode',
          { details: { type: 'Passthrough', 'set by': 'the command line' } },
        ],
        ['iommu: Default domain type: Translated', 'mode', { details: { type: 'Translated' } }],
        ['iommu: DMA domain TLB invalidation policy: lazy mode', 'mode', { details: { policy: 'lazy' } }],
        ['iommu: Memory encryption detected - Disabling default IOMMU Passthrough', 'mode'],
        [
          'Failed to set up IOMMU for device 0000:00:02.0; retaining platform DMA ops',
          'device-failed',
          { device },
        ],
        [
          'iommu: Failed to allocate default IOMMU domain of type 11 for group 0000:00:02.0 - Falling back to IOMMU_DOMAIN_DMA',
          'device-failed',
        ],
      ],
      null,
    ),
    ...samples([
      [
        'DMAR: ERROR: DMA PTE for vPFN 0xfff00 already set (to 1234003 not 5678003)',
        'map-failed',
        { address: 0xfff00000n, more: ['set to 1234003, not 5678003'] },
      ],
      [
        'DMAR: intel_iommu_map: iommu width (39) is not sufficient for the mapped address (8000001000)',
        'map-failed',
        { address: 0x8000001000n, details: { bits: '39' } },
      ],
      [
        'DMAR: Read-only mapping is disallowed on the domain which serves as the parent in a nested configuration, due to HW errata (ERRATA_772415_SPR17)',
        'map-failed',
      ],
    ]),
    {
      // Field: intel-staging/pKVM-IA#92.
      log: `[   14.551644] DMAR: pkvm: pkvm_domain_map: domain map[iov_pfn: 0, pfn: 0, nr_pages: 4096] failed (err=-22)
[  138.624083] [pkvm] page->host_state=3, expected states mask=0x2
[  138.624096] [pkvm] pkvm_host_use_dma: invalid memory range [0x2a1b9c000, 0x2a1b9d000), state check failed with -1
[  138.624101] DMAR: pkvm: pkvm_domain_map: domain map[iov_pfn: fdf00, pfn: 2a1b9c, nr_pages: 1] failed (err=-1)`,
      events: [
        { reason: { name: 'map-failed', code: -22 }, address: 0n, details: { pfn: '0', pages: '4096' } },
        {
          reason: { name: 'map-failed', code: -1 },
          address: 0x2a1b9c000n,
          details: { start: '0x2a1b9c000', end: '0x2a1b9d000' },
          more: ['page->host_state=3, expected states mask=0x2'],
        },
        { reason: { name: 'map-failed', code: -1 }, address: 0xfdf00000n, details: { pfn: '2a1b9c' } },
      ],
    },
  ],
  FORMS,
);

describe('what Linux says of VT-d', () => {
  const { facts } = eventsOf(
    `DMAR: IOMMU disabled
DMAR: Host address width 39
DMAR: DRHD base: 0x000000fed90000 flags: 0x0
DMAR: dmar0: reg_base_addr fed90000 ver 1:0 cap 1c0000c40660462 ecap 19e2ff0505e
DMAR: RMRR base: 0x0000009d000000 end: 0x0000009f7fffff
DMAR: Setting identity map for device 0000:00:02.0 [0x9d000000 - 0x9f7fffff]
DMAR: No ATSR found
DMAR: dmar0: Using Queued invalidation
DMAR-IR: Enabled IRQ remapping in x2apic mode
DMAR: Translation was enabled for dmar0 but we are not in kdump mode
iommu: Default domain type: Translated`,
    [...LINUX_VTD_DMAR_FORMS, ...LINUX_VTD_INIT_FORMS, ...LINUX_IOMMU_FORMS],
  );

  it('tells regions with the device that they are mapped for', () => {
    expect(facts.reservedRegions).toEqual([
      { start: 0x9d000000n, end: 0x9f800000n, what: '', devices: ['0000:00:02.0'], line: 6 },
    ]);
  });

  it('tells features, widths, and whether translation is on and why not', () => {
    expect(facts.iommu?.value).toBe('disabled');
    expect(facts.iommuOffBecause).toEqual({ value: 'DMAR: IOMMU disabled', line: 1 });
    expect(Object.fromEntries([...facts.features].map(([name, { value }]) => [name, value]))).toEqual({
      ats: false,
      'queued-invalidation': true,
      'interrupt-remapping': true,
    });
    expect([...facts.other].map(([name, { value }]) => [name, value])).toEqual([
      ['host-address-width', '39'],
      ['unit-address-width', '39'],
      ['translation-pre-enabled', 'translation was on before this kernel began'],
      ['linux-domain-type', 'Translated'],
    ]);
  });
});
