import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';
import type { InitReasonName } from './init-reasons.js';
import { LINUX_AMDVI_INIT } from './linux-amdvi-init.js';
import { LINUX_AMDVI_TABLES } from './linux-amdvi-tables.js';
import { wordingsWithoutLine } from './samples.fixture.js';

const FORMS = [...LINUX_AMDVI_INIT, ...LINUX_AMDVI_TABLES];

type Row = readonly [log: string, reason: InitReasonName, more?: Readonly<Record<string, unknown>>];

const UNIT = { device: '0000:00:00.2' };

const FEATURES: readonly Row[] = [
  ['[    0.784565] pci 0000:00:00.2: AMD-Vi: Extended features (0x4f77ef22294ada):', 'capabilities', UNIT],
  [
    '[    2.045004] AMD-Vi: Extended features (0x800290ad2, 0x0): PPR GT IA GA PC GA_vAPIC',
    'capabilities',
    { details: { register: '0x800290ad2', register2: '0x0' } },
  ],
  ['AMD-Vi:  Extended features:  PreF PPR GT IA', 'capabilities', { details: {} }],
  ['AMD-Vi: Using global IVHD EFR:0x841f77e022094ace, EFR2:0x0', 'capabilities'],
  [
    'pci 0000:00:00.2: AMD-Vi: Found IOMMU cap 0x40',
    'unit-found',
    { ...UNIT, details: { capability: '0x40' } },
  ],
  ['AMD-Vi: Found IOMMU at 0000:00:00.2 cap 0x40', 'unit-found', UNIT],
  ['AMD-Vi: Enabling IOMMU at 0000:00:00.2 cap 0x40', 'unit-found', UNIT],
  ['[    2.052762] AMD-Vi: Interrupt remapping enabled', 'feature-on'],
  ['AMD-Vi: X2APIC enabled', 'feature-on'],
  ['AMD-Vi: Virtual APIC enabled', 'feature-on'],
  ['AMD-Vi: virtual APIC enabled', 'feature-on'],
  ['AMD-Vi: V2 page table enabled (Paging mode : 4 level)', 'feature-on', { details: { levels: '4' } }],
  ['AMD-Vi: IOMMU SNP support enabled.', 'feature-on'],
  ['AMD-Vi: SNP enabled', 'feature-on'],
  ['pci 0000:00:00.2: AMD-Vi: IOMMU performance counters supported', 'feature-on', UNIT],
  ['pci 0000:00:00.2: AMD-Vi: Unable to read/write to IOMMU perf counter.', 'feature-refused', UNIT],
  ['pci 0000:00:00.2: AMD-Vi: Unable to write to IOMMU perf counter.', 'feature-refused', UNIT],
  ['AMD-Vi: AMD IOMMUv2 loaded and initialized', 'feature-on'],
  ['AMD-Vi: AMD IOMMUv2 functionality not available on this system - This is not a bug.', 'feature-off'],
  ['AMD-Vi: Force to disable Virtual APIC due to SNP', 'feature-off'],
  ['AMD-Vi: Cannot enable v2 page table for DMA-API. Fallback to v1.', 'feature-refused'],
  ["AMD-Vi: V2 page table doesn't support passthrough mode. Fallback to v1.", 'feature-refused'],
  ['AMD-Vi: Force to using AMD IOMMU v1 page table due to SNP', 'feature-refused'],
  ['AMD-Vi: SNP: Too late to enable SNP for IOMMU.', 'feature-refused'],
  [
    'AMD-Vi: SNP: IOMMU is configured with V2 page table mode, SNP cannot be supported.',
    'feature-refused',
    { details: { why: 'IOMMU is configured with V2 page table mode' } },
  ],
];

const MODES: readonly Row[] = [
  ['AMD-Vi: Lazy IO/TLB flushing enabled', 'mode'],
  ['AMD IOMMU: Lazy IO/TLB flushing enabled', 'mode'],
  ['AMD-Vi: IO/TLB flush on unmap enabled', 'mode'],
  ['AMD IOMMU: IO/TLB flush on unmap enabled', 'mode'],
  ['AMD-Vi: Using strict mode due to virtualization', 'mode'],
  ['AMD IOMMU: device isolation enabled', 'mode', { details: { isolation: 'enabled' } }],
  ['AMD-Vi: Restricting V1 page-sizes to 4KiB', 'mode'],
  ['AMD-Vi: Initialized for Passthrough Mode', 'mode'],
  ['AMD-Vi: AMD IOMMU disabled on kernel command-line', 'iommu-off-by-choice'],
  ['AMD IOMMU disabled by kernel command line', 'iommu-off-by-choice'],
  ['AMD-Vi: Translation is already enabled - trying to copy translation structures', 'mode'],
  ['AMD-Vi: Translation is already enabled - trying to reuse translation structures', 'mode'],
  ['AMD-Vi: Translation was enabled for IOMMU:0 but we are not in kdump mode', 'mode'],
  ['AMD-Vi: Copied DEV table from previous kernel.', 'mode'],
  ['pci 0000:00:00.2: AMD-Vi: Applying erratum 746 workaround', 'workaround', UNIT],
  ['pci 0000:00:00.2: AMD-Vi: Applying ATS write check workaround', 'workaround', UNIT],
  ['AMD-Vi: Applying erratum: Increase Event log size to 0x80000', 'workaround'],
  ['AMD-Vi: Applying erratum: Increase PPR log size to 0x80000', 'workaround'],
];

const TABLES: readonly Row[] = [
  ['AMD-Vi: [Firmware Bug]: IVRS invalid checksum', 'firmware-bug'],
  ['AMD-Vi: IVRS table error: AE_BAD_CHECKSUM', 'iommu-off', { details: { error: 'AE_BAD_CHECKSUM' } }],
  ['[Firmware Bug]: AMD-Vi: IOAPIC[4] not in IVRS table', 'firmware-bug', { details: { id: '4' } }],
  ['AMD-Vi: [Firmware Bug]: : IOAPIC[4] not in IVRS table', 'firmware-bug'],
  ['[Firmware Bug]: AMD-Vi: No southbridge IOAPIC found', 'firmware-bug'],
  ['AMD-Vi: Disabling interrupt remapping', 'interrupts-exposed'],
  ['AMD-Vi: Disabling interrupt remapping due to BIOS Bug(s)', 'interrupts-exposed'],
  [
    'AMD-Vi: [Firmware Bug]: Found inconsistent EFR/EFR2 0x1,0x0 (global 0x2,0x0) on iommu1 (0000:00:00.2).',
    'firmware-bug',
    UNIT,
  ],
  ['AMD-Vi: [Firmware Warn]: EFR mismatch. Use IVHD EFR (0x1 : 0x2), EFR2 (0x0 : 0x0).', 'firmware-bug'],
  [
    'AMD-Vi: Can not reserve memory region feb80000-febfffff for mmio',
    'unit-failed',
    { address: 0xfeb8_0000n },
  ],
  ['AMD-Vi: Can not reserve memory region feb80000 for mmio', 'unit-failed'],
  ['AMD-Vi: Unsupported IVHD type 0x41', 'firmware-bug'],
  ['AMD-Vi: [Firmware Bug]: Invalid IVHD device type 0x7', 'firmware-bug'],
  ['AMD-Vi: [Firmware Bug]: Invalid HID.', 'firmware-bug'],
  ['AMD-Vi: [Firmware Bug]: Invalid UID length.', 'firmware-bug'],
  ['AMD-Vi: [Firmware Bug]: No ACPI device matched UID, but 2 devices matched HID.', 'firmware-bug'],
  ['AMD-Vi: Command-line override present for IOAPIC id 4 - ignoring', 'mode'],
  ['AMD-Vi: Command-line override for hid:AMD0020 uid:0', 'mode', { details: { hid: 'AMD0020', uid: '0' } }],
  [
    'AMD-Vi: Invalid command line: ivrs_ioapic[x]',
    'option-invalid',
    { details: { option: 'ivrs_ioapic[x]' } },
  ],
  ["AMD-Vi: Unknown option - 'x'", 'option-invalid'],
  ['AMD-Vi: Early IOAPIC map overflow - ignoring ivrs_ioapic[4]=00:14.0', 'option-invalid'],
  [
    'AMD-Vi: ivrs_ioapic[4]=00:14.0 option format deprecated; use ivrs_ioapic=4@0000:00:14.0 instead',
    'option-invalid',
  ],
  ['AMD-Vi: Failed to initialize. The CMPXCHG16B feature is required.', 'iommu-off'],
  ['AMD-Vi: Disable IOMMU on Stoney Ridge', 'iommu-off'],
  ['AMD-Vi: IOMMU not currently supported when SME is active', 'iommu-off'],
  ['AMD-Vi: IOMMU0: Failed to initialize IOMMU Hardware (error=-12)!', 'unit-failed'],
  ['AMD-Vi: System has more IOMMUs than supported by this driver', 'unit-failed'],
  ['AMD-Vi: The device table size of IOMMU:0 is not expected!', 'unit-failed'],
  ['AMD-Vi: The address of old device table is above 4G, not trustworthy!', 'unit-failed'],
  ['AMD-Vi: Failed to remap memory for reusing old device table!', 'unit-failed'],
  ['AMD-Vi: Failed to allocate memory for copying old device table!', 'unit-failed'],
  ['AMD-Vi: Failed to copy DEV table from previous kernel.', 'unit-failed'],
  ['AMD-Vi: Wrong old irq remapping flag: 0x300', 'unit-failed', { device: '0000:03:00.0' }],
  ['AMD-Vi: IOMMU PFN 1234 RMP lookup failed, ret -22', 'unit-failed'],
  ['AMD-Vi: IOMMU PFN 1234 not assigned in RMP table', 'unit-failed'],
  [
    'pci 0000:03:00.0: AMD-Vi: Failed to initialize - trying to proceed anyway',
    'device-failed',
    { device: '0000:03:00.0' },
  ],
  ['pci 0000:03:00.0: AMD-Vi: Out of memory allocating dm-regions', 'out-of-memory'],
  ['AMD-Vi: PSMASH failed for IOMMU PFN 1234 huge RMP entry, ret: -22, level: 1', 'unit-failed'],
  ['AMD-Vi: amd_iommu=fullflush deprecated; use iommu.strict=1 instead', 'option-invalid'],
  ['AMD-Vi: amd_iommu_map : Failed to get dev_data for 0x300', 'device-failed', { device: '0000:03:00.0' }],
  ['AMD-Vi: amd_iommu_map : Failed to get alias dev_data for 0x300', 'device-failed'],
  ['AMD-Vi: Failed to allocate IRTE', 'interrupts-exposed'],
];

const ROWS = [...FEATURES, ...MODES, ...TABLES];

/** What amd_iommu_dump adds. */
const DUMP = [
  'AMD-Vi: IVMD_TYPEi\t\t\t devid_start: 00:12.0 devid_end: 00:12.0 range_start: 00000000cf000000 range_end: 00000000d0000000 flags: e',
  'AMD-Vi: IVMD_TYPE_ALL\t\t devid_start: 0000:00:00.0 devid_end: 0000:ff:1f.6 range_start: 0000000000001000 range_end: 0000000000002000 flags: e',
  'AMD-Vi: Using protection domain 3 for device 0000:03:00.0',
  'AMD-Vi: Using passthrough domain for device 0000:03:00.1',
];

describe('what Linux says of AMD-Vi besides faults', () => {
  it.each(ROWS.map(([log, name, more = {}]) => [log, name, more] as const))('%s: %s', (log, name, more) => {
    const { events } = eventsOf(log, FORMS);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      source: 'linux',
      unit: 'amdvi',
      kind: 'init',
      reason: { name },
      ...more,
    });
  });

  it.each([
    [
      'AMD-Vi: Extended features (0x800290ad2, 0x0):',
      'PPR=1 GT=1 IA=1 GA=1 PC=1 HATS=2 GLX=0 SmiF=1 SmiFRC=2 GAM=1 PASmax=8',
    ],
    ['AMD-Vi:  Extended features:  PreF PPR GT IA', 'Pref=1 PPR=1 GT=1 IA=1'],
  ])('decodes %s', (log, told) => {
    const [event] = eventsOf(log, FORMS).events;
    const shown = event!.bits.map(({ name, value }) => `${name}=${value}`);
    expect(shown).toEqual(told.split(' ').filter((one) => !one.endsWith('=0')));
  });

  it('leaves Xen’s line on erratum 746 to Xen', () => {
    expect(
      eventsOf('AMD-Vi: Applying erratum 746 workaround for IOMMU at 0000:00:00.2', FORMS).events,
    ).toEqual([]);
  });

  it('notes the memory that firmware names, devices and features', () => {
    const { events, facts } = eventsOf(DUMP.join('\n'), FORMS);
    expect(events).toEqual([]);
    expect(facts.reservedRegions).toEqual([
      { start: 0xcf00_0000n, end: 0xd000_0000n, what: '', devices: ['0000:00:12.0'], line: 1 },
      { start: 0x1000n, end: 0x2000n, what: '', devices: [], line: 2 },
    ]);
    expect(facts.devices.get('0000:03:00.0')?.[0]?.value).toBe('in protection domain 3');
    expect(facts.devices.get('0000:03:00.1')?.[0]?.value).toBe('not translated');
    const after = eventsOf(ROWS.map(([log]) => log).join('\n'), FORMS).facts;
    expect(after.iommu?.value).toBe('enabled');
    expect(after.features.get('interrupt-remapping')?.value).toBe(false);
    expect(after.features.get('lazy-unmap')?.value).toBe(false);
    expect(after.iommuOffBecause?.value).toBe('AMD-Vi: AMD IOMMU disabled on kernel command-line');
    expect(after.firmwareComplaints.length).toBeGreaterThan(10);
  });

  it('has a line in these tests for each wording', () => {
    expect(wordingsWithoutLine(FORMS, [...ROWS.map(([log]) => log), ...DUMP])).toEqual([]);
  });
});
