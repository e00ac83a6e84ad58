import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';
import { describeSamples, type Sample } from './samples.fixture.js';
import { XL_FORMS } from './xl.js';

const said = (log: string, name: string, rest: object = {}): Sample => ({
  log,
  events: [{ source: 'xen', unit: null, kind: 'toolstack', reason: { name }, ...rest }],
});

const ADD =
  '{"execute": "device_add", "arguments": {"driver": "xen-pci-passthrough", "id": "xen-pci-pt_0000-00-1d.0", "hostaddr": "0000:00:02.00", "machine_addr": "0000:00:1d.0", "permissive": false}}';
const IGD = "Need to enable igd-passthru if you're trying to passthrough IGD GFX";

describeSamples('lines of xl, libvirt, xenopsd and QEMU', XL_FORMS, [
  said("ERROR: unknown passthrough option 'bogus'", 'passthrough-value', { details: { value: 'bogus' } }),
  said("unable to parse PCI_SPEC_STRING `00:1f' for passthrough", 'malformed-bdf', {
    details: { problem: expect.stringContaining('expected') },
  }),
  said("unable to parse PCI BDF `00::02.0' for passthrough", 'malformed-bdf', { device: '0000:00:02.0' }),
  said('pci-attach: malformed BDF specification "00-02.0"', 'malformed-bdf'),
  said('pci-assignable-add: malformed BDF "zz"', 'malformed-bdf', { device: null }),
  said("pci-assignable-remove: malformed BDF 'zz'", 'malformed-bdf'),
  said('pci-attach: malformed PCI_SPEC_STRING "00:02.0x"', 'malformed-bdf'),
  said('ERROR: invalid value "on" for "gfx_passthru"', 'gfx-passthru-kind'),
  said('xl: Invalid argument parsing iomem: e0000', 'iomem-malformed'),
  said('xl: Invalid argument parsing ioport: x', 'iomem-malformed'),
  said('xl: Invalid argument parsing irq: x', 'iomem-malformed'),
  said(
    "start failed: internal error: libxenlight failed to create new domain 'sys-net', see /var/log/libvirt/libxl-driver.log for details",
    'domain-not-created',
    { domain: 'sys-net' },
  ),
  said("internal error: libxenlight failed to restore domain 'sys-usb'", 'domain-not-created', {
    domain: 'sys-usb',
  }),
  said('internal error: libxenlight failed to attach pci device 0000:00:14.0', 'device-not-added', {
    device: '0000:00:14.0',
  }),
  said('internal error: libxenlight failed to detach pci device 0000:00:14.0', 'device-not-added', {
    device: '0000:00:14.0',
  }),
  said(
    'Requested operation is not valid: PCI device 0000:00:14.0 is in use by driver xenlight, domain sys-usb',
    'assigned-elsewhere',
    { device: '0000:00:14.0', domain: 'sys-usb' },
  ),
  said(
    'Start failed: internal error: Unable to reset PCI device 0000:00:14.0: no FLR, PM reset or bus reset available, see /var/log/libvirt/libxl/libxl-driver.log',
    'reset-unavailable',
    { device: '0000:00:14.0' },
  ),
  said('Device 0000:05:00.0 is behind a switch lacking ACS and cannot be assigned', 'acs-missing', {
    device: '0000:05:00.0',
  }),
  said('Internal error: xenopsd internal error: Device.PCI.Cannot_add(_, _)', 'pci-cannot-add', {
    device: null,
  }),
  said(
    'Internal error: xenopsd internal error: Cannot_add(0000:00:1d.0, Xenctrlext.Unix_error(4, "1: Operation not permitted"))',
    'pci-cannot-add',
    { device: '0000:00:1d.0' },
  ),
  said('Xenops_interface.Xenopsd_error([S(Internal_error);S(Failure("x"))])', 'xenopsd-failure'),
  said("[00:05.0] xen_pt_msix_init: Error: Can't open /dev/mem: Operation not permitted", 'dm-refused', {
    reason: { name: 'dm-refused', code: -1 },
  }),
  said("[00:05.0] xen_pt_msix_init: Error: Can't map physical MSI-X table: Invalid argument", 'dm-refused'),
  said(
    "libxl: error: libxl_qmp.c:287:qmp_handle_error_response: received an error message from QMP server: Device 'xen-pci-passthrough' could not be initialized",
    'dm-refused',
  ),
  said(
    'libxl: error: libxl_qmp.c:1838:qmp_ev_parse_error_messages: Domain 12:Failed to initialize 12/15, type = 0x1, rc: -1',
    'dm-refused',
    { domain: 12 },
  ),
  said('message: xenopsd internal error: (Failure', 'xenopsd-failure', {
    details: { missing: expect.any(String) },
  }),
  said('[00:05.0] xen_pt_realize: Error: Failed to "open" the real pci device. rc: -2', 'dm-refused'),
  said('[00:05.0] xen_pt_realize: Error: PCI Config space initialisation failed.', 'dm-refused'),
  said(
    '[00:05.0] xen_pt_realize: Error: Mapping machine irq 16 to pirq -1 failed, (err: 22)',
    'interrupt-refused',
    { reason: { name: 'interrupt-refused', code: -22 } },
  ),
  said('[00:05.0] xen_pt_realize: Error: Binding of interrupt 0 failed! (err: 22)', 'interrupt-refused'),
  said(
    '[00:05.0] msi_msix_setup: Error: Mapping of MSI-X (err: 1, vec: 0x30, entry 0x0)',
    'interrupt-refused',
  ),
  said('[00:05.0] xen_pt_region_update: Error: create new mem mapping failed! (err: 22)', 'bar-refused'),
  said('[00:05.0] xen_pt_region_update: Error: create new port mapping failed! (err: 22)', 'bar-refused'),
  said(
    '[00:05.0] xen_pt_bar_read: Error: Should not read BAR through QEMU. @0x00000000f2000000',
    'bar-refused',
  ),
  said(
    '[00:05.0] xen_pt_bar_write: Error: Should not write BAR through QEMU. @0x00000000f2000000',
    'bar-refused',
  ),
  said('[00:05.0] Write-back to unknown field 0x44 (partially) inhibited (0x00)', 'config-write-refused'),
  said("[00:05.0] If the device doesn't work, try enabling permissive mode", 'config-write-refused'),
  said(`libxl: error: libxl_qmp.c:1838:qmp_ev_parse_error_messages: Domain 1:${IGD}`, 'igd-passthru-needed'),
  said(`${ADD}\n{"error": {"class": "GenericError", "desc": "${IGD}"}}`, 'igd-passthru-needed', {
    device: '0000:00:1d.0',
    details: { 'address in the device model': '0000:00:02.0' },
  }),
]);

describe('an error of QMP', () => {
  it('is one of a device only behind a request for one', () => {
    const error = '{"error": {"class": "GenericError", "desc": "Device \'vcpu1\' not found"}}';
    expect(eventsOf(error, XL_FORMS).events).toEqual([]);
    const { events } = eventsOf(`${ADD}\n${error}`, XL_FORMS);
    expect(events).toMatchObject([{ device: '0000:00:1d.0', reason: { name: 'dm-refused' } }]);
    const late = `${ADD}\n${'\n'.repeat(30)}${error}`;
    expect(eventsOf(late, XL_FORMS).events).toEqual([]);
    const other = 'libxl: error: received an error message from QMP server: Unable to add vCPU';
    expect(eventsOf(`${other}\ncp: Can't open /dev/mem`, XL_FORMS).events).toEqual([]);
  });
});
