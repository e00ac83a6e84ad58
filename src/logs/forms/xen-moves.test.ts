import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';
import { FORMS } from './all.js';
import { describeSamples, type Sample } from './samples.fixture.js';
import { XEN_MOVE_FORMS } from './xen-moves.js';

/** A line, the reason's name, and what else the event holds. */
type Row = readonly [log: string, name: string, more?: Sample['events'][number]];

const device = '0000:03:00.0';

const ROWS: readonly Row[] = [
  ['(XEN) IOMMU setup failed, crash Xen for security purpose', 'panic'],
  [
    '(XEN) Failed to reserve [7a000000-7a010000) for XHCI console, skipping IOMMU mapping for it, some functionality may be broken',
    'rmrr-failed',
    { details: { start: '0x7a000000', what: 'XHCI console' } },
  ],
  ['(XEN) Dom1 owning 0000:03:00.0?', 'device-failed', { domain: 1, device }],
  ['(XEN) 0000:03:00.0: alloc_pdev failed', 'out-of-memory', { device }],
  ['(XEN) pci.c:1: iommu_get_device_group() failed: -14', 'device-failed', { reason: { code: -14 } }],
  ['(XEN) pci.c:1: iommu_get_device_group() failed!', 'device-failed'],
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
  [
    '(XEN) dom1: ATS device 0000:03:00.0 flush failed',
    'device-invalidation-timeout',
    { kind: 'command-error', domain: 1, device },
  ],
];

describeSamples(
  'Xen’s words on devices that move',
  XEN_MOVE_FORMS,
  [
    ...ROWS.map(([log, name, more = {}]) => ({
      log,
      events: [
        { source: 'xen', unit: null, kind: 'init', ...more, reason: { name, ...(more.reason ?? {}) } },
      ] as Sample['events'],
    })),
    {
      log: `(XEN) [VT-D]d0:PCIe: map 0000:00:02.0
(XEN) [VT-D]iommu.c:1484: d0:PCI: map 0000:00:1f.0
(XEN) [VT-D]d0:PCIe: unmap 0000:00:02.0
(XEN) [VT-D]d0:PCI: unmap 0000:00:1f.0
(XEN) ats.c:62: 0000:03:00.0: ATS is enabled
(XEN) ats.c:62: 0000:03:00.0: ATS was enabled
(XEN) ats.c:90: 0000:03:00.0: ATS is disabled`,
      events: [],
    },
  ],
  FORMS,
);

describe('the moves of a device', () => {
  const said = (text: string, of = '0000:00:04.0') =>
    eventsOf(text, XEN_MOVE_FORMS)
      .facts.devices.get(of)
      ?.map(({ value, line }) => `${line}: ${value}`);

  it('tell whose it is at each line, quarantine included (lab, Xen 4.17)', () => {
    expect(
      said(`(XEN) [VT-D]d0:PCI: map 0000:00:04.0
(XEN) [VT-D]d0:PCI: unmap 0000:00:04.0
(XEN) [VT-D]d[IO]:PCI: map 0000:00:04.0
(XEN) [VT-D]d1:PCI: map 0000:00:04.0
(XEN) [VT-D]d[IO]:PCI: unmap 0000:00:04.0
(XEN) [VT-D]d1:PCI: unmap 0000:00:04.0`),
    ).toEqual([
      '1: assigned to d0',
      '2: deassigned from d0',
      '3: quarantined',
      '4: assigned to d1',
      '6: deassigned from d1',
    ]);
  });

  it('tell which devices keep translations', () => {
    const log = 'ats.c:62: 0000:00:04.0: ATS is enabled\nats.c:90: 0000:00:04.0: ATS is disabled';
    expect(said(log)).toEqual(['1: keeps translations (ATS)', '2: keeps no translations (ATS)']);
    expect(eventsOf(log, XEN_MOVE_FORMS).facts.features.get('ats')).toEqual({ value: false, line: 2 });
  });

  it('tell which domains have devices', () => {
    const { facts } = eventsOf('[VT-D]d7:PCIe: map 0000:03:00.0', XEN_MOVE_FORMS);
    expect(facts.domains.get(7)).toEqual([{ value: 'has 0000:03:00.0', line: 1 }]);
  });
});
