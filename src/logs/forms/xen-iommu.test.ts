import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';
import { isComplaint } from './init-reasons.js';
import { describeSamples, type Sample } from './samples.fixture.js';
import { XEN_IOMMU_FORMS } from './xen-iommu.js';
import { XEN_PCI_FORMS } from './xen-pci.js';

/** A line, the reason's name, and what else the event holds. */
type Row = readonly [log: string, name: string, more?: Sample['events'][number]];

const samples = (rows: readonly Row[]): Sample[] =>
  rows.map(([log, name, more = {}]) => ({
    log,
    events: [{ source: 'xen', unit: null, kind: 'init', ...more, reason: { name, ...(more.reason ?? {}) } }],
  }));

describeSamples('Xen’s words on IOMMUs', XEN_IOMMU_FORMS, [
  ...samples([
    ['(XEN) I/O virtualisation enabled', 'iommu-on'],
    ['(XEN) I/O virtualisation disabled', 'iommu-off'],
    ['(XEN)  - Dom0 mode: Relaxed', 'mode', { details: { mode: 'Relaxed' } }],
    ['(XEN) Interrupt remapping enabled', 'feature-on', { details: { feature: 'Interrupt Remapping' } }],
    ['(XEN) Interrupt remapping disabled', 'interrupts-exposed'],
    ["(XEN) Couldn't enable IOMMU and iommu=required/force", 'panic', { details: { what: 'IOMMU' } }],
    ['(XEN) IOMMU setup failed, crash Xen for security purpose', 'panic'],
    ['(XEN) Could not set up quarantine', 'panic'],
    ['(XEN) Presently, iommu must be enabled for PVH hardware domain', 'panic'],
    ["(XEN) PVH hardware domain iommu must be set in 'strict' mode", 'panic'],
    ['(XEN) Dom0 uses paging translated mode, dom0-passthrough must not be enabled', 'panic'],
    ['(XEN) IOMMU: page size mask 200000 unsupported', 'iommu-off', { details: { mask: '200000' } }],
    [
      '(XEN) IOMMU identity mapping of [fed00, fedff] failed: -12',
      'map-failed',
      { reason: { code: -12 }, details: { start: '0xfed00' } },
    ],
    ['(XEN) d0: IOMMU identity mapping of [fed00,fedff) failed: -12', 'map-failed', { domain: 0 }],
    ['(XEN) d0: identity IOMMU mapping of fed00 failed: -12', 'map-failed', { domain: 0 }],
    ['(XEN) d0: identity mapping of fed00 failed: -22', 'map-failed', { reason: { code: -22 } }],
    ['(XEN) IOMMU unable to create mappings: -12', 'map-failed'],
    ['(XEN) IOMMU unable to create read-only mappings: -12', 'map-failed'],
    ["(XEN) IOMMU inclusive mappings can't be added: -12", 'panic'],
    ['(XEN) IOMMU init: unable to allocate rangeset', 'panic'],
    ['(XEN) IOMMU failed to add identity range: -12', 'panic'],
    ['(XEN) IOMMU failed to remove IO-APIC: -12', 'panic'],
    ['(XEN) IOMMU failed to remove Interrupt Address Range: -12', 'panic'],
    ['(XEN) IOMMU failed to remove Xen ranges: -12', 'panic'],
    ['(XEN) IOMMU failed to remove forbidden regions: -12', 'panic'],
    ['(XEN) IOMMU failed to remove read-only regions: -12', 'panic'],
    ['(XEN) IOMMU failed to remove unusable memory: -12', 'panic'],
    ['(XEN) IOMMU unable to remove MMCFG areas: -12', 'panic'],
    ['(XEN) IOMMU unable to remove unaddressable ranges: -12', 'panic'],
    ['(XEN) IOMMU inclusive mappings are only supported on PV Dom0', 'option-invalid'],
    [
      '(XEN) IOMMU inclusive mappings are deprecated and will be removed in future versions',
      'option-invalid',
    ],
    [
      '(XEN) Failed to reserve [7a000000-7a010000) for XHCI console, skipping IOMMU mapping for it, some functionality may be broken',
      'rmrr-failed',
      { details: { start: '0x7a000000', what: 'XHCI console' } },
    ],
  ]),
  {
    log: `(XEN) [VT-D]d0:PCIe: map 0000:00:02.0
(XEN) [VT-D]iommu.c:1484: d0:PCI: map 0000:00:1f.0
(XEN) [VT-D]d0:PCIe: unmap 0000:00:02.0
(XEN) [VT-D]d0:PCI: unmap 0000:00:1f.0
(XEN) I/O virtualisation is a word of other lines, too`,
    events: [],
  },
]);

const device = '0000:03:00.0';

describeSamples('Xen’s words on PCI devices', XEN_PCI_FORMS, [
  ...samples([
    [
      '(XEN) d1: assign (0000:03:00.0) failed (-22)',
      'device-failed',
      { domain: 1, device, reason: { code: -22 } },
    ],
    [
      '(XEN) d1: assign phantom function (0000:03:00.1) failed (-22)',
      'device-failed',
      { domain: 1, device: '0000:03:00.1' },
    ],
    ['(XEN) d1: assign 0000:03:00.0 failed (-22)', 'device-failed', { domain: 1, device }],
    [
      '(XEN) XEN_DOMCTL_assign_device: assign 0000:03:00.0 to dom1 failed (-19)',
      'device-failed',
      { domain: 1, device, reason: { code: -19 } },
    ],
    ['(XEN) pci.c:1234: d1: deassign device (0000:03:00.0) failed', 'device-failed', { domain: 1, device }],
    ['(XEN) d1: deassign (0000:03:00.0) failed (-22)', 'device-failed', { domain: 1, device }],
    ['(XEN) d1: deassign 0000:03:00.0 failed (-22)', 'device-failed', { domain: 1, device }],
    ['(XEN) deassign 0000:03:00.0 from dom1 failed (-22)', 'device-failed', { domain: 1, device }],
    ['(XEN) 0000:03:00.0 already assigned, or non-existent', 'device-unknown', { device }],
    ['(XEN) setup 0000:03:00.0 for d0 failed (-19)', 'device-failed', { domain: 0, device }],
    ['(XEN) IOMMU: add 0000:03:00.0 failed (-19)', 'device-failed', { device }],
    ['(XEN) IOMMU: remove 0000:03:00.0 failed (-19)', 'device-failed', { device }],
    ['(XEN) Dom1 owning 0000:03:00.0?', 'device-failed', { domain: 1, device }],
    ['(XEN) pci.c:1: iommu_get_device_group() failed: -14', 'device-failed'],
    ['(XEN) pci.c:1: iommu_get_device_group() failed!', 'device-failed'],
    [
      '(XEN) 0000:03:00.0 looks to be a real device; bumping 0000:03:00 stride to 2',
      'workaround',
      { device, details: { slot: '0000:03:00', stride: '2' } },
    ],
    [
      '(XEN) Attempted to add SR-IOV VF 0000:03:10.0 without PF 0000:03:00.0',
      'device-failed',
      { device: '0000:03:10.0' },
    ],
    [
      '(XEN) Attempted to remove PCI SR-IOV PF 0000:03:00.0 with VFs still present',
      'device-failed',
      { device },
    ],
  ]),
  {
    log: `(XEN) PCI add device 0000:03:00.0
(XEN) PCI add virtual function 0000:03:10.0
(XEN) PCI add extended function 0000:03:00.1
(XEN) PCI phantom 0000:03:00.2
(XEN) PCI remove device 0000:03:00.0`,
    events: [],
  },
]);

describe('what Xen says of a machine', () => {
  it('tells whether the IOMMU is on, how dom0 uses it, and why it is not', () => {
    const { facts } = eventsOf(
      `(XEN) I/O virtualisation enabled
(XEN)  - Dom0 mode: Strict
(XEN) Interrupt remapping disabled
(XEN) Couldn't enable Interrupt Remapping and iommu=required/force`,
      XEN_IOMMU_FORMS,
    );
    expect(facts.iommu).toEqual({ value: 'enabled', line: 1 });
    expect(facts.dom0Mode).toEqual({ value: 'Strict', line: 2 });
    expect(facts.features.get('interrupt-remapping')).toEqual({ value: false, line: 3 });
    expect(facts.iommuOffBecause?.line).toBe(4);
  });

  it('is a complaint where no device can be passed through safely, and none where all is well', () => {
    const name = (text: string) => eventsOf(text, XEN_IOMMU_FORMS).events[0]?.reason?.name ?? '';
    expect(isComplaint(name('I/O virtualisation disabled'))).toBe(true);
    expect(isComplaint(name('I/O virtualisation enabled'))).toBe(false);
    expect(isComplaint(name(' - Dom0 mode: Passthrough'))).toBe(false);
  });
});

describe('the moves of a device', () => {
  const said = (text: string, of = '0000:00:04.0') =>
    eventsOf(text, [...XEN_IOMMU_FORMS, ...XEN_PCI_FORMS])
      .facts.devices.get(of)
      ?.map(({ value, line }) => `${line}: ${value}`);

  it('tell whose it is at each line, quarantine included (lab, Xen 4.17)', () => {
    expect(
      said(`(XEN) PCI add device 0000:00:04.0
(XEN) [VT-D]d0:PCI: map 0000:00:04.0
(XEN) [VT-D]d0:PCI: unmap 0000:00:04.0
(XEN) [VT-D]d[IO]:PCI: map 0000:00:04.0
(XEN) [VT-D]d1:PCI: map 0000:00:04.0
(XEN) [VT-D]d[IO]:PCI: unmap 0000:00:04.0
(XEN) [VT-D]d1:PCI: unmap 0000:00:04.0`),
    ).toEqual([
      '1: added',
      '2: assigned to d0',
      '3: deassigned from d0',
      '4: quarantined',
      '5: assigned to d1',
      '7: deassigned from d1',
    ]);
  });

  it('tell which domains have devices', () => {
    const { facts } = eventsOf('[VT-D]d7:PCIe: map 0000:03:00.0', XEN_IOMMU_FORMS);
    expect(facts.domains.get(7)).toEqual([{ value: 'has 0000:03:00.0', line: 1 }]);
  });

  it('tell functions that a device pretends to be', () => {
    expect(said('(XEN) PCI phantom 0000:03:00.2', '0000:03:00.2')).toEqual(['1: phantom function']);
  });
});
