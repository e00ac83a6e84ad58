import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';
import { FORMS } from './all.js';
import { describeSamples, type Sample } from './samples.fixture.js';
import { XEN_VTD_DMAR_FORMS } from './xen-vtd-dmar.js';

/** A line, the reason's name, and what else the event holds. */
type Row = readonly [log: string, name: string, more?: Sample['events'][number]];

const device = '0000:00:1a.0';
const details = { start: '0xdd000', end: '0xddfff' };
const user = { 'first pfn': 'dd', 'last pfn': 'de' };

const ROWS: readonly Row[] = [
  ['(XEN) Failed to parse ACPI DMAR. Disabling VT-d.', 'iommu-off'],
  ['(XEN) [VT-D]Invalid ACPI DMAR entry length: 0x10', 'firmware-bug', { details: { length: '0x10' } }],
  ['(XEN) [VT-D]dmar.c:861: Ignore unknown DMAR structure type (0x5)', 'feature-off'],
  ['(XEN) [VT-D]Invalid device scope', 'firmware-bug'],
  ['(XEN) [VT-D]dmar.c:355: Invalid device scope.', 'firmware-bug'],
  [
    '(XEN) [VT-D]Only one INCLUDE_ALL device scope is allowed',
    'firmware-bug',
    { details: { flag: 'INCLUDE_ALL' } },
  ],
  ['(XEN) [VT-D]Only one ALL_PORTS device scope is allowed', 'firmware-bug'],
  ['(XEN) [VT-D]Unknown scope type 0x9', 'firmware-bug'],
  ['(XEN) [VT-D]Zero: Invalid DMAR width', 'firmware-bug'],
  [`(XEN) [VT-D]  Non-existent device (${device}) in this DRHD's scope!`, 'device-unknown', { device }],
  [
    `(XEN) [VT-D]dmar.c:505:  Non-existent device (${device}) is reported in this DRHD's scope!`,
    'device-unknown',
    { device },
  ],
  [
    `(XEN) [VT-D]dmar.c:6:  Non-existent device (${device}) is reported in RMRR [dd000, ddfff]'s scope!`,
    'device-unknown',
    { device, details },
  ],
  [
    `(XEN) [VT-D]dmar.c:6:  Non-existent device (${device}) is reported in RMRR [dd000,ddfff]'s scope!`,
    'device-unknown',
    { device, details },
  ],
  [
    `(XEN) [VT-D]  Non-existent device (${device}) reported in RMRR (dd000, ddfff)'s scope!`,
    'device-unknown',
    { device, details },
  ],
  [
    `(XEN) [VT-D]dmar.c:9:  Non-existent device (${device}) is reported in SATC scope!`,
    'device-unknown',
    { device },
  ],
  ['(XEN) [VT-D]  DRHD is invalid (some devices in its scope are not PCI discoverable)', 'firmware-bug'],
  [
    '(XEN) [VT-D]dmar.c:528:  The DRHD is invalid due to there are devices under its scope are not PCI discoverable! Pls try option iommu=force',
    'firmware-bug',
  ],
  [
    '(XEN) [VT-D]  Workaround BIOS bug: ignoring DRHD (no devices in its scope are PCI discoverable)',
    'workaround',
  ],
  [
    '(XEN) [VT-D]dmar.c:518:  Workaround BIOS bug: ignore the DRHD due to all devices under its scope are not PCI discoverable!',
    'workaround',
  ],
  [
    '(XEN) [VT-D]dmar.c:7:  Ignore SATC for seg 0001 as no device under its scope is PCI discoverable',
    'feature-off',
  ],
  ['(XEN) [VT-D] RMRR: [dd000,ddfff]', 'rmrr', { details }],
  ['(XEN) [VT-D]  RMRR region: base_addr dd000 end_addr ddfff', 'rmrr', { details }],
  ['(XEN) [VT-D]dmar.c:651:   RMRR region: base_addr dd000 end_address ddfff', 'rmrr', { details }],
  ['(XEN) RMRR: [0xdd000, 0xddfff] is not (entirely) in reserved memory', 'rmrr-invalid', { details }],
  [
    '(XEN) [VT-D] RMRR [dd000,ddfff] not in reserved memory; need "iommu_inclusive_mapping=1"?',
    'rmrr-invalid',
    { details },
  ],
  [
    '(XEN) [VT-D]  RMRR address range dd000..ddfff not in reserved memory; need "iommu_inclusive_mapping=1"?',
    'rmrr-invalid',
    { details },
  ],
  [
    '(XEN) [VT-D]dmar.c:626:   RMRR address range not in reserved memory base = dd000 end = ddfff; iommu_inclusive_mapping=1 parameter may be needed.',
    'rmrr-invalid',
    { details },
  ],
  ["(XEN) RMRR: page at 0xdd can't be converted", 'rmrr-invalid', { details: { mfn: '0xdd' } }],
  ["(XEN) RMRR: page at 0xdd couldn't be reserved", 'rmrr-invalid', { details: { mfn: '0xdd' } }],
  ['(XEN) [VT-D]dmar.c:5:  RMRR [dd000,ddfff] is incorrect!', 'rmrr-invalid', { details }],
  ['(XEN) [VT-D]  RMRR (dd000, ddfff) is incorrect', 'rmrr-invalid', { details }],
  ['(XEN) [VT-D]dmar.c:644:   The RMRR (dd000, ddfff) is incorrect!', 'rmrr-invalid', { details }],
  ['(XEN) [VT-D]Overlapping RMRRs [dd000,ddfff] and [dd000,dd000]', 'rmrr-invalid', { details }],
  [
    '(XEN) [VT-D]dmar.c:5:  Ignore RMRR [dd000,ddfff] as no device under its scope is PCI discoverable!',
    'rmrr-invalid',
    { details },
  ],
  [
    '(XEN) [VT-D]  Ignore RMRR (dd000, ddfff) (some devices in its scope are not PCI discoverable)',
    'rmrr-invalid',
    { details },
  ],
  [
    '(XEN) [VT-D]dmar.c:6:   Ignore the RMRR (dd000, ddfff) due to devices under its scope are not PCI discoverable!',
    'rmrr-invalid',
    { details },
  ],
  ['(XEN) [VT-D]Adding RMRR for 1 device ([0]: 0xd0) range [dd-de]', 'rmrr', { details: user }],
  ['(XEN) [VT-D]Could not register RMMR range [dd-de]', 'option-invalid', { details: user }],
  ['(XEN) [VT-D]Invalid RMRR Range [dd-de]', 'option-invalid', { details: user }],
  ['(XEN) [VT-D]Invalid pfn in RMRR range [dd-de]', 'option-invalid', { details: user }],
  ['(XEN) [VT-D]RMRR range [dd-de] exceeds 16 pages', 'option-invalid', { details: user }],
  ['(XEN) [VT-D]Overlapping RMRRs: [dd-de] and [d0-df]', 'option-invalid', { details: user }],
  ['(XEN) [VT-D]Segments are not equal for RMRR range [dd-de]', 'option-invalid', { details: user }],
];

const SAMPLES: readonly Sample[] = [
  ...ROWS.map(([log, name, more = {}]) => ({
    log,
    events: [{ source: 'xen', unit: 'vtd', kind: 'init', reason: { name }, ...more }] as const,
  })),
  {
    log: `(XEN) [VT-D]found ACPI_DMAR_RMRR:
(XEN) [VT-D] endpoint: 0000:00:02.0
(XEN) [VT-D]dmar.c:383:  bridge: 0000:00:1c.0 start=0 sec=1 sub=1
(XEN) [VT-D] RMRR: [bd800000,bf9fffff]`,
    events: [{ reason: { name: 'rmrr' }, details: { devices: '0000:00:02.0 0000:00:1c.0' } }],
  },
];

describeSamples('Xen’s words on the DMAR table', XEN_VTD_DMAR_FORMS, SAMPLES, FORMS);

describe('what Xen says of the DMAR table', () => {
  it('tells the regions with their devices, and each only with its own', () => {
    const { facts } = eventsOf(
      `(XEN) [VT-D]found ACPI_DMAR_DRHD:
(XEN) [VT-D]  endpoint: 0000:00:1b.0
(XEN) [VT-D]found ACPI_DMAR_RMRR:
(XEN) [VT-D]  endpoint: 0000:00:14.0
(XEN) [VT-D]  endpoint: 0000:00:1d.0
(XEN) [VT-D]  RMRR: [dd000,ddfff]
(XEN) [VT-D]found ACPI_DMAR_RMRR:
(XEN) [VT-D]  endpoint: 0000:00:02.0
(XEN) [VT-D]  RMRR: [bd800000,bf9fffff]
(XEN) [VT-D]  RMRR: [ff,0]`,
      XEN_VTD_DMAR_FORMS,
    );
    expect(facts.reservedRegions).toEqual([
      { start: 0xdd000n, end: 0xde000n, what: '', devices: ['0000:00:14.0', '0000:00:1d.0'], line: 6 },
      { start: 0xbd800000n, end: 0xbfa00000n, what: '', devices: ['0000:00:02.0'], line: 9 },
    ]);
  });

  it('tells complaints, and why VT-d is off', () => {
    const { facts } = eventsOf(
      "(XEN) [VT-D] Non-existent device (0000:00:1a.0) in this DRHD's scope!\n(XEN) Failed to parse ACPI DMAR.  Disabling VT-d.",
      XEN_VTD_DMAR_FORMS,
    );
    expect(facts.firmwareComplaints.map(({ line }) => line)).toEqual([1, 2]);
    expect(facts.iommu).toEqual({ value: 'disabled', line: 2 });
    expect(facts.iommuOffBecause?.line).toBe(2);
  });
});
