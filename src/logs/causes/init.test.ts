import { describe, expect, it } from 'vitest';
import { explainText } from '../explain.js';
import { causesOf, eventWith } from './causes.fixture.js';

const last = (log: string) => explainText(log, 'a log').events.at(-1);
const ids = (log: string) => (last(log)?.causes ?? []).map(({ id }) => id);

describe('an IOMMU that is off', () => {
  it('is off for the line that says so: an IO-APIC that the firmware’s table leaves out (QubesOS #6439)', () => {
    const event = last(`(XEN) PCI: Not using MCFG for segment 0000 bus 00-7f
(XEN) IVHD Error: no information for IO-APIC 0x82
(XEN) AMD-Vi: Error initialization
(XEN) I/O virtualisation disabled`);
    expect(event?.reason?.name).toBe('iommu-off');
    expect(event?.causes[0]).toMatchObject({
      id: 'iommu-setup-failed',
      for: [expect.stringContaining('line 2 says so')],
      check: expect.stringContaining('ivrs_ioapic[0x82]='),
    });
    expect(event?.causes.map(({ id }) => id)).not.toContain('iommu-not-in-firmware');
  });

  it('is off in the firmware where a whole boot has no line of it, and by choice where the command line says so', () => {
    expect(ids('(XEN) Xen version 4.17.7 (Debian)\n(XEN) I/O virtualisation disabled')).toEqual([
      'iommu-not-in-firmware',
    ]);
    expect(
      ids(
        '(XEN) Xen version 4.17.7 (Debian)\n(XEN) Command line: iommu=no\n(XEN) I/O virtualisation disabled',
      ),
    ).toEqual(['iommu-off-by-option']);
  });

  it('stops Xen where it is required', () => {
    const log = `(XEN) IVHD Error: no information for IO-APIC 0x82
(XEN) Panic on CPU 0:
(XEN) Couldn't enable IOMMU and iommu=required/force`;
    expect(last(log)?.causes[0]?.id).toBe('iommu-setup-failed');
  });
});

describe('what else is said of set-up', () => {
  const of = (name: string, code: number | null = null) =>
    causesOf(
      eventWith({
        unit: 'vtd',
        kind: 'init',
        device: '0000:03:00.0',
        reason: { code, name, meaning: name, manual: null },
      }),
    );

  it.each([
    ['interrupts-exposed', 'no-interrupt-remapping'],
    ['firmware-bug', 'firmware-table-wrong'],
    ['rmrr-invalid', 'firmware-table-wrong'],
    ['rmrr-refused', 'reserved-region-shared'],
    ['device-failed', 'device-move-errno'],
    ['device-unknown', 'device-move-errno'],
    ['option-invalid', 'option-wrong'],
    ['unit-failed', 'firmware-table-wrong'],
    ['out-of-memory', 'xen-out-of-memory'],
  ])('%s has a cause: %s', (name, first) => {
    expect(of(name).map(({ id }) => id)).toContain(first);
  });

  it('is told by the errno of an assignment', () => {
    expect(of('device-failed', -16)[0]).toMatchObject({
      for: [expect.stringContaining('EBUSY: another guest')],
      check: expect.stringContaining('pci-list'),
    });
    expect(of('device-failed', -18)[0]?.check).toContain('maxmem');
    expect(of('device-failed', -1)[0]?.check).toContain('rdm_policy');
    expect(of('device-failed', -19)[0]?.check).toContain('debug-keys Q');
  });

  it('has no cause where nothing is wrong', () => {
    expect(of('iommu-on')).toEqual([]);
  });
});
