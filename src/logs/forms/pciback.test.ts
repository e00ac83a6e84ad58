import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';
import { badHideEntry } from './bdf-advice.js';
import { PCIBACK_FORMS } from './pciback.js';
import { describeSamples, type Sample } from './samples.fixture.js';

const said = (log: string, name: string, rest: object = {}): Sample => ({
  log,
  events: [{ source: 'linux', unit: null, kind: 'toolstack', reason: { name }, ...rest }],
});
const none = (log: string): Sample => ({ log, events: [] });

const DEVICE = '0000:0b:00.0';
const CLAIM =
  "pci 0000:00:00.0: can't claim BAR 2 [mem 0xb2100000-0xb2100fff 64bit]: address conflict with System RAM [mem 0x00100000-0xf9ffffff]";
const OFFLINE =
  'pcifront pci-0: Could not claim resource 0000:00:00.0/2! Device offline. Try using e820_host=1 in the guest config.';

describeSamples('lines of Linux about devices of guests', PCIBACK_FORMS, [
  said(
    '# /opt/xensource/libexec/xen-cmdline --set-dom0 "xen-pciback.hide=(0b:00.0)(0b::00.1)"',
    'hide-malformed',
    {
      device: '0000:0b:00.1',
      details: { entry: '(0b::00.1)', position: '2', 'would be right': '(0000:0b:00.1)' },
    },
  ),
  said('--set-dom0 "xen-pciback.hide=(1:0:1:0:)"', 'hide-malformed', {
    device: null,
    details: { entry: '(1:0:1:0:)', 'would be right': expect.stringContaining('lspci') },
  }),
  none('Kernel command line: root=/dev/sda1 ro xen-pciback.hide=(0b:00.0)(0000:0c:00.*)(03:*.*) quiet'),
  said('xen_pciback: Error parsing pci_devs_to_hide at "(0b::00.1)"', 'hide-malformed', {
    device: '0000:0b:00.1',
  }),
  said(
    'pciback 0000:0b:00.0: timed out waiting for pending transaction; performing function level reset anyway',
    'reset-while-busy',
    { device: DEVICE },
  ),
  said(
    'pciback 0000:0b:00.0: timed out waiting for pending transaction: performing function level reset anyway',
    'reset-while-busy',
  ),
  said('pciback 0000:0b:00.0: timed out waiting for pending transaction', 'reset-while-busy'),
  said(
    'xen_pciback: ****** removing device 0000:0b:00.0 while still in-use by domain 3! ******',
    'removed-in-use',
    { device: DEVICE, domain: 3 },
  ),
  said(
    'pciback 0000:0b:00.0: Driver tried to write to a read-only configuration space field at offset 0xe0, size 2. This may be harmless',
    'config-write-refused',
    { device: DEVICE },
  ),
  said(
    "pciback 0000:0b:00.0: can't export pci devices that don't have a normal (0) or bridge (1) header type!",
    'not-assignable',
  ),
  said('pciback 0000:0b:00.0: Could not store PCI conf saved state!', 'reset-failed'),
  said('pciback 0000:0b:00.0: Could not reload PCI state', 'reset-failed'),
  said('pciback 0000:0b:00.0: MSI-X preparation failed (-38)', 'interrupt-refused', {
    device: DEVICE,
    reason: { name: 'interrupt-refused', code: -38 },
  }),
  said('pciback 0000:0b:00.0: MSI-X release failed (-16)', 'interrupt-refused'),
  said('xen-pciback: 0000:0b:00.0: error enabling MSI for guest 3: err -22', 'interrupt-refused', {
    device: DEVICE,
    domain: 3,
  }),
  said('xen-pciback: 0000:0b:00.0: error enabling MSI-X for guest 3: err -22!', 'interrupt-refused', {
    domain: 3,
  }),
  said('pciback 0000:0b:00.0: enabling permissive mode configuration space accesses!', 'permissive-on', {
    device: DEVICE,
  }),
  said('pciback 0000:0b:00.0: enable permissive mode configuration space accesses!', 'permissive-on'),
  said(
    "pciback pci-3-0: 22 Couldn't locate PCI device (0000:0b:00.0)! perhaps already in-use?",
    'not-on-pciback',
    { device: DEVICE },
  ),
  said('nvme 0000:0b:00.0: xen map irq failed -1 for 32752 domain', 'interrupt-refused', {
    device: DEVICE,
    domain: 32752,
    details: { 'domain is': expect.stringContaining('DOMID_SELF') },
  }),
  said(CLAIM, 'bar-conflict', {
    device: '0000:00:00.0',
    address: 0xb210_0000n,
    details: { other: 'System RAM', bar: '2' },
  }),
  said(OFFLINE, 'bar-conflict', { device: '0000:00:00.0' }),
  said(`${CLAIM}\n${OFFLINE}`, 'bar-conflict', {
    address: 0xb210_0000n,
    details: { 'device is': 'offline in the guest' },
  }),
  said('pcifront pci-0: Could not setup SWIOTLB!', 'guest-without-swiotlb'),
  said('nvme 0000:00:00.0: Xen PCI frontend error: -114!', 'interrupt-refused', { device: '0000:00:00.0' }),
  said('nvme 0000:00:00.0: pci frontend enable msi failed for dev 0:0', 'interrupt-refused'),
  said('nvme 0000:00:00.0: enable msix get err ffffff8e', 'interrupt-refused'),
  said('[2025-04-05 23:53:23] PCI: System does not support PCI', 'guest-without-pci'),
  said(
    'vfio_iommu_type1_attach_group: No interrupt remapping support. Use the module param "allow_unsafe_interrupts" to enable',
    'interrupts-not-remapped',
  ),
  said(
    'vfio_iommu_type1_attach_group: No interrupt remapping for group. Use the module param "allow_unsafe_interrupts" to enable',
    'interrupts-not-remapped',
  ),
  said(
    'qemu-system-x86_64: -device vfio-pci,host=0b:00.0: vfio 0000:0b:00.0: group 15 is not viable',
    'group-not-viable',
    { details: { group: '15' } },
  ),
  said(
    'vfio 0000:0b:00.0: failed to setup container for group 15: Failed to set iommu for container: Operation not permitted',
    'no-iommu',
    { device: DEVICE },
  ),
  said('vfio: error: No available IOMMU models', 'no-iommu'),
  none('pciback 0000:0b:00.0: seizing device'),
]);

describe('devices that pciback has', () => {
  it('are noted by the list that hides them and by pciback itself', () => {
    const { facts } = eventsOf(
      'Kernel command line: xen-pciback.hide=(0b:00.0)(0000:0c:00.*)\n[    0.3] pciback 0000:0b:00.0: seizing device',
      PCIBACK_FORMS,
    );
    expect(facts.devices.get(DEVICE)?.map(({ value, line }) => [value, line])).toEqual([
      ['named in xen-pciback.hide=', 1],
      ['hidden: pciback has it', 2],
    ]);
    expect([...facts.devices.keys()]).toEqual([DEVICE, '0000:0c:00.*']);
  });
});

describe('a list of devices to hide', () => {
  it('is read as pciback reads it, to the first entry that is none', () => {
    expect(badHideEntry('(0b:00.0)(0000:0b:00.1)').bad).toBeNull();
    expect(badHideEntry('"(0b:00.0) (0b:00.1)" quiet').devices).toEqual(['0000:0b:00.0', '0000:0b:00.1']);
    expect(badHideEntry('(03:*.*)').bad).toBeNull();
    expect(badHideEntry('(0b:00.0) debug acpi=off').bad).toBeNull();
    expect(badHideEntry('(%s)').bad).toBeNull();
    expect(badHideEntry('').bad).toBeNull();
    expect(badHideEntry('0b:00.0').bad?.problem).toContain('`(`');
    expect(badHideEntry('(0b:00.0').bad?.problem).toContain('`)`');
    expect(badHideEntry('(0b:20.0)').bad?.problem).toContain('above 1f');
    expect(badHideEntry('(0b:00.0x)').bad?.problem).toContain('`x`');
    expect(badHideEntry('(0b.00.1)').bad).toMatchObject({ right: '0000:0b:00.1' });
  });

  it('ends after as many entries as are looked at, whatever its length', () => {
    expect(badHideEntry('(0b:00.0)'.repeat(100_000)).devices).toHaveLength(256);
  });
});
