import { describe, expect, it } from 'vitest';
import { SourceText } from '../../text/source.js';
import { loadDomainConfig } from '../../toolstack/domain-config.js';
import { parseRelease } from '../../toolstack/release.js';
import { resolveEdition } from '../../xen/editions/edition.js';
import { explainText } from '../explain.js';
import { causesOf, eventWith } from './causes.fixture.js';

interface Given {
  readonly xen?: string;
  readonly config?: string;
}

/** What is explained of a log: reasons, and causes with the likeliest first. */
function explained(log: string, { xen, config }: Given = {}) {
  const { events } = explainText(log, 'a log', {
    ...(xen === undefined ? {} : { edition: resolveEdition(xen) }),
    ...(config === undefined
      ? {}
      : {
          config: loadDomainConfig(new SourceText('guest.cfg', config), parseRelease(xen ?? '4.17')).config,
        }),
  });
  return events;
}

/** The causes of the last event of a log. */
const causes = (log: string, given?: Given) => explained(log, given).at(-1)?.causes ?? [];
const ids = (log: string, given?: Given) => causes(log, given).map(({ id }) => id);

describe('the causes of toolstack errors from real reports', () => {
  it('are, of “no IOMMU?” without Xen’s log, the IOMMU and the domain’s missing context (QubesOS #3684)', () => {
    const log = `start failed: internal error: libxenlight failed to create new domain 'sys-net', see /var/log/libvirt/libxl-driver.log for details
...libxl__device_pci_add: PCI device 0000:00:19.0 cannot be assigned - no IOMMU?
...libxl__add_pcidevs: libxl_device_pci_add failed -1
...libxlcreate_attach_devices: unable to add pci devices`;
    const [wrapper, error] = explained(log);
    expect(wrapper?.causes[0]).toMatchObject({
      id: 'reason-in-another-line',
      for: [expect.stringContaining('line 2')],
    });
    expect(error?.causes.map(({ id }) => id)).toEqual(['iommu-off']);
    expect(error?.causes[0]?.check).toContain('virt_caps');
    expect(ids(log, { xen: '4.17' })).toEqual(['iommu-off']);
  });

  it('are, of a BAR that conflicts with memory, the memory map (QubesOS #2019)', () => {
    const log = `[    2.474696] pci 0000:00:00.0: can't claim BAR 2 [mem 0xb2100000-0xb2100fff 64bit]: address conflict with System RAM [mem 0x00100000-0xf9ffffff]
[    2.474707] pcifront pci-0: Could not claim resource 0000:00:00.0/2! Device offline. Try using e820_host=1 in the guest config.`;
    expect(causes(log)[0]).toMatchObject({
      id: 'e820-host-missing',
      check: expect.stringContaining('e820_host=1'),
    });
  });

  it('are, of a xenopsd failure that is cut off, not known, and it says so (xcp #213)', () => {
    expect(causes('message: xenopsd internal error: (Failure')[0]).toMatchObject({
      id: 'reason-in-another-line',
      for: [],
      against: ['no such line is in this log'],
      check: expect.stringContaining('xensource.log'),
    });
  });

  it('are, of a device that xenopsd could not add, the IOMMU, or a region where it was not permitted', () => {
    expect(ids('Internal error: xenopsd internal error: Device.PCI.Cannot_add(_, _)')).toEqual(['iommu-off']);
    const usb =
      'Internal error: xenopsd internal error: Cannot_add(0000:00:1d.0, Xenctrlext.Unix_error(4, "1: Operation not permitted"))';
    expect(ids(usb)).toEqual(['reserved-region-in-the-way', 'iommu-off']);
  });

  it('are, of a missing pciback, the mistyped list before it (xcp #320, #279)', () => {
    const log = `/opt/xensource/libexec/xen-cmdline --set-dom0 "xen-pciback.hide=(1:0:1:0:)"
libxl: error: libxl_pci.c:415:libxl_device_pci_assignable_list: Looks like pciback driver not loaded`;
    const [typo, missing] = explained(log);
    expect(typo?.causes[0]).toMatchObject({
      id: 'hide-list-mistyped',
      for: [expect.any(String), expect.stringContaining('SCSI')],
    });
    expect(missing?.causes[0]).toMatchObject({
      id: 'pciback-not-loaded',
      for: [expect.stringContaining('line 1'), expect.any(String)],
    });
    const typo38 = explained(`# xen-cmdline --set-dom0 "xen-pciback.hide=(0b:00.0)(0b::00.1)"
[   2.126177] pciback 0000:0b:00.0: timed out waiting for pending transaction: performing function level reset anyway`);
    expect(typo38[0]?.causes[0]?.check).toContain('(0000:0b:00.1)');
    expect(typo38[1]?.causes[0]?.id).toBe('device-busy-at-reset');
  });

  it('are, of QEMU’s wish for igd-passthru, the address that it sees (QubesOS #3263)', () => {
    const log = `{"execute": "device_add", "arguments": {"driver": "xen-pci-passthrough", "id": "xen-pci-pt_0000-00-1d.0", "hostaddr": "0000:00:02.00", "machine_addr": "0000:00:1d.0", "permissive": false}}
{"error": {"class": "GenericError", "desc": "Need to enable igd-passthru if you're trying to passthrough IGD GFX"}}`;
    expect(causes(log)[0]).toMatchObject({
      id: 'taken-for-graphics',
      for: [expect.stringContaining('0000:00:1d.0')],
    });
    const graphics = log.replaceAll('0000:00:1d.0', '0000:00:02.0');
    expect(causes(graphics)[0]?.id).toBe('gfx-passthru-missing');
  });

  it('are, of a kernel without PCI, that it comes later, or was not attached (QubesOS #9853)', () => {
    const log =
      '[2025-04-05 23:53:23] PCI: setting up Xen PCI frontend stub\n[2025-04-05 23:53:23] PCI: System does not support PCI';
    expect(ids(log)).toEqual(['pci-comes-later', 'devices-not-attached']);
    expect(
      ids(`libxl: error: libxl_pci.c:1:f: Domain 1:xc_assign_device failed: No such device\n${log}`)[0],
    ).toBe('devices-not-attached');
  });

  it('are, of the assertion about passthrough, a libxl before 4.13.0 (fa3a19188c)', () => {
    const log =
      "xl: libxl_create.c:589: libxl__domain_make: Assertion `info->passthrough != LIBXL_PASSTHROUGH_UNKNOWN' failed.";
    expect(ids(log)).toContain('passthrough-left-undecided');
    expect(causes(`(XEN) I/O virtualisation disabled\n${log}`).map(({ id }) => id)).toEqual([
      'iommu-off',
      'passthrough-left-undecided',
    ]);
  });
});

const ON = '(XEN) Xen version 4.17.7 (Debian)\n(XEN) I/O virtualisation enabled';
const OFF = '(XEN) Xen version 4.17.7 (Debian)\n(XEN) I/O virtualisation disabled';
const REFUSED =
  'libxl: error: libxl_pci.c:1529:pci_add_dm_done: Domain 1:xc_assign_device failed: Operation not supported';

describe('EOPNOTSUPP of an assignment', () => {
  it('is the domain’s missing context where the IOMMU is in use, the IOMMU where it is not', () => {
    expect(ids(`${ON}\n${REFUSED}`)).toEqual(['domain-without-context']);
    expect(ids(`${OFF}\n${REFUSED}`)[0]).toBe('iommu-off');
  });

  it('is settled by a config without devices, and doubted by one with them', () => {
    const bare = causes(`${ON}\n${REFUSED}`, { config: 'type="pv"\nkernel="k"' })[0];
    expect(bare?.for[0]).toContain('neither devices nor passthrough=');
    const declared = causes(`${ON}\n${REFUSED}`, {
      config: 'type="pv"\nkernel="k"\npassthrough="enabled"',
    })[0];
    expect(declared?.against).toHaveLength(1);
  });

  it('is what libxl 4.13 means by “already assigned”', () => {
    const log =
      'libxl: error: libxl_pci.c:1563:f: Domain 1:PCI device 0000:00:04.0 already assigned to a different guest?';
    expect(ids(log, { xen: '4.13' })).toContain('libxl-4.13-wrong-words');
    expect(ids(log, { xen: '4.17' })).toEqual(['device-has-owner']);
  });
});

describe('a config that is given', () => {
  it('names the rule that it breaks, in the words of dommu check', () => {
    const log =
      'libxl: error: libxl_create.c:1:f: Domain 1:IOMMU required for device passthrough but not supported together with PoD';
    const config = 'type="hvm"\nmemory=128\nmaxmem=256\npci=["00:04.0"]';
    expect(causes(log, { xen: '4.17', config })[0]).toMatchObject({
      id: 'config-contradiction',
      for: [expect.stringContaining('set memory and maxmem to the same amount')],
    });
    const sound = causes(log, { xen: '4.17', config: 'type="hvm"\npci=["00:04.0"]' })[0];
    expect(sound?.against).toHaveLength(1);
  });
});

/** Names of reasons, and the cause that is told first when nothing else is known. */
const FIRST: Readonly<Record<string, string>> = {
  'no-iommu': 'iommu-off',
  'passthrough-not-supported': 'iommu-off',
  'quarantine-failed': 'iommu-off',
  'assigned-elsewhere': 'device-has-owner',
  'already-attached': 'device-has-owner',
  'removed-in-use': 'device-has-owner',
  'not-assignable': 'pciback-not-loaded',
  'not-on-pciback': 'pciback-not-loaded',
  'pciback-missing': 'pciback-not-loaded',
  'pciback-unreachable': 'pciback-not-loaded',
  'pciback-bind-failed': 'pciback-not-loaded',
  'unbind-failed': 'not-made-assignable',
  'hide-malformed': 'hide-list-mistyped',
  'passthrough-disabled-with-devices': 'config-contradiction',
  'passthrough-pvh': 'config-contradiction',
  'share-pt-impossible': 'config-contradiction',
  'passthrough-not-on-arm': 'config-contradiction',
  'pod-with-passthrough': 'config-contradiction',
  'passthrough-value': 'config-contradiction',
  'no-paging': 'config-contradiction',
  'hvm-unavailable': 'config-contradiction',
  'pv-unavailable': 'config-contradiction',
  'hap-unavailable': 'config-contradiction',
  'shadow-unavailable': 'config-contradiction',
  'createdomain-refused': 'config-contradiction',
  'malformed-bdf': 'config-contradiction',
  'slot-missing': 'config-contradiction',
  'rdm-policy-unknown': 'config-contradiction',
  'gfx-passthru-kind': 'config-contradiction',
  'iomem-malformed': 'config-contradiction',
  'partial-device-tree': 'config-contradiction',
  'rdm-conflict': 'reserved-region-in-the-way',
  'passthrough-undecided': 'passthrough-left-undecided',
  'igd-passthru-needed': 'gfx-passthru-missing',
  'dm-refused': 'qemu-refused',
  'dm-lost-device': 'qemu-refused',
  'dm-failed': 'qemu-refused',
  'bar-conflict': 'e820-host-missing',
  'e820-host-failed': 'e820-host-missing',
  'backend-not-ready': 'guest-did-not-answer',
  'dm-timeout': 'guest-did-not-answer',
  'reset-while-busy': 'device-busy-at-reset',
  'reset-failed': 'device-busy-at-reset',
  'interrupt-refused': 'interrupt-not-granted',
  'interrupts-not-remapped': 'interrupt-not-granted',
  'config-write-refused': 'config-space-filtered',
  'bar-refused': 'resource-not-granted',
  'ports-refused': 'resource-not-granted',
  'iomem-refused': 'resource-not-granted',
  'memory-map-refused': 'resource-not-granted',
  'permissive-failed': 'resource-not-granted',
  'guest-without-pci': 'pci-comes-later',
  'guest-without-swiotlb': 'bounce-buffers-missing',
  'domain-not-created': 'reason-in-another-line',
  'device-not-added': 'reason-in-another-line',
  'xenopsd-failure': 'reason-in-another-line',
  'not-attached': 'reason-in-another-line',
  'assignment-unknown': 'reason-in-another-line',
  'group-not-viable': 'iommu-group-shared',
  'reset-unavailable': 'device-without-reset',
  'device-inaccessible': 'device-does-not-answer',
  'device-not-told-to-xen': 'xen-refused-device',
  'interrupt-shared': 'interrupt-line-shared',
  'interrupts-exhausted': 'interrupt-line-shared',
  'msix-exposed': 'msix-table-writable',
  'acs-missing': 'acs-missing',
  'dev-mem-locked': 'kernel-lockdown',
  'pci-cannot-add': 'iommu-off',
  'backend-missing': 'libxl-waits-too-early',
};

describe('every reason of the tools', () => {
  it.each(Object.entries(FIRST))('%s has a cause with something to do: %s', (name, first) => {
    const reason = { code: null, name, meaning: name, manual: null };
    const found = causesOf(eventWith({ unit: null, kind: 'toolstack', reason }));
    expect(found[0]?.id).toBe(first);
    expect(found[0]?.check).toMatch(/\S{3}/);
  });

  it.each([
    [-16, 'device-has-owner'],
    [-1, 'reserved-region-in-the-way'],
    [-18, 'memory-feature-active'],
    [-19, 'device-unknown-to-xen'],
    [-12, 'assign-errno'],
  ])('a refused assignment with errno %i is told by it', (code, first) => {
    const reason = { code, name: 'assign-refused', meaning: '', manual: null };
    expect(causesOf(eventWith({ unit: null, kind: 'toolstack', reason }))[0]?.id).toBe(first);
  });
});

describe('a log of thousands of different errors', () => {
  it('is weighed without looking through all of them for each', () => {
    const lines = Array.from(
      { length: 4000 },
      (_, i) =>
        `libxl: error: libxl_pci.c:1:f: Domain ${i}:libxl__device_pci_add failed for PCI device 0:0:4.0 (rc -3)`,
    );
    const start = performance.now();
    expect(explained(lines.join('\n'))).toHaveLength(4000);
    // A minute before each cause found what it asks for once; some hundred milliseconds since.
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});
