import { describe, expect, it } from 'vitest';
import { SourceText } from '../../text/source.js';
import { loadDomainConfig } from '../../toolstack/domain-config.js';
import { describeHost } from '../../toolstack/host.js';
import { resolvePassthrough } from '../../toolstack/passthrough.js';
import { parseRelease } from '../../toolstack/release.js';
import { eventsOf } from '../events.fixture.js';
import { LIBXL_FORMS } from './libxl.js';
import { describeSamples, type Sample } from './samples.fixture.js';
import { XEN_CREATEDOMAIN_FORMS } from './xen-createdomain.js';

const toolstack = { source: 'xen', unit: null, kind: 'toolstack' } as const;

/** One event a line, most with the device that stands in the line. */
const said = (log: string, name: string, rest: object = {}): Sample => ({
  log,
  events: [{ ...toolstack, reason: { name }, ...rest }],
});

const at = (file: string, text: string) => `libxl: error: libxl_${file}.c:815:libxl__something: ${text}`;
const of1 = (file: string, text: string) => at(file, `Domain 1:${text}`);
const coded = (log: string, name: string, code: number, rest: object = {}): Sample => ({
  log,
  events: [{ ...toolstack, reason: { name, code }, ...rest }],
});

const DEVICE = '0000:00:04.0';
const ours = { device: DEVICE, domain: 1 };

describeSamples('lines of libxl about devices', LIBXL_FORMS, [
  said(of1('pci', 'PCI device 0000:00:04.0 cannot be assigned - no IOMMU?'), 'no-iommu', ours),
  said(
    of1('pci', 'PCI device 0000:00:04.0 already assigned to a different guest?'),
    'assigned-elsewhere',
    ours,
  ),
  said(of1('pci', 'PCI device 0:0:4.0 is not assignable'), 'not-assignable', ours),
  said(at('pci', 'PCI device already attached to a domain'), 'already-attached'),
  said(at('pci', 'cannot determine if device is assigned, refusing to continue'), 'assignment-unknown'),
  said(at('pci', 'PCI device not attached to this domain'), 'not-attached'),
  coded(of1('pci', 'xc_assign_device failed: Operation not supported'), 'assign-refused', -95, { domain: 1 }),
  coded(of1('pci', 'xc_deassign_device failed: No such device'), 'deassign-refused', -19, { domain: 1 }),
  said(at('pci', 'Looks like pciback driver is not loaded'), 'pciback-missing'),
  said(at('pci', 'Looks like pciback driver not loaded'), 'pciback-missing'),
  coded(
    at('pci', 'Failed to access pciback path /sys/bus/pci/drivers/pciback/do_flr: Permission denied'),
    'pciback-unreachable',
    -13,
  ),
  coded(
    at('pci', "Can't access /sys/bus/pci/drivers/pciback: No such file or directory"),
    'pciback-unreachable',
    -2,
  ),
  coded(at('pci', "Couldn't bind device to pciback!: No such device"), 'pciback-bind-failed', -19),
  said(at('pci', "Couldn't unbind 0000:00:04.0 from driver"), 'unbind-failed', { device: DEVICE }),
  said(at('pci', "Couldn't unbind device!"), 'unbind-failed'),
  coded(at('pci', "Couldn't unbind device: Device or resource busy"), 'unbind-failed', -16),
  said(at('pci', '0000:00:04.0 is not assigned to pciback driver'), 'not-on-pciback', { device: DEVICE }),
  said(
    at('pci', "The kernel doesn't support reset from sysfs for PCI device 0000:00:04.0"),
    'reset-unsupported',
    { device: DEVICE },
  ),
  coded(
    at('pci', 'Failed to access reset path /sys/bus/pci/devices/0000:00:04.0/reset: Permission denied'),
    'reset-failed',
    -13,
  ),
  said(at('pci', 'failed to quarantine 0000:00:04.0'), 'quarantine-failed', { device: DEVICE }),
  said(at('pci', 'failed to de-quarantine 0000:00:04.0'), 'dequarantine-failed', { device: DEVICE }),
  coded(of1('pci', 'xc_domain_iomem_permission error 0xfebd4/0x4: Invalid argument'), 'bar-refused', -22, {
    domain: 1,
  }),
  coded(
    of1('pci', 'xc_domain_iomem_permission 0xfebd4000/0x4000 (error -1): Operation not permitted'),
    'bar-refused',
    -1,
  ),
  coded(
    at('pci', 'Error: xc_domain_iomem_permission error 0xfebd4000/0x4000: Operation not permitted'),
    'bar-refused',
    -1,
  ),
  coded(of1('pci', 'xc_domain_ioport_permission error 0xc000/0x20: Invalid argument'), 'ports-refused', -22),
  coded(
    of1('pci', 'xc_domain_ioport_permission 0xc000/0x20 (error -1): Invalid argument'),
    'ports-refused',
    -22,
  ),
  coded(
    at('pci', 'Error: xc_domain_ioport_permission error 0xc000/0x20: Invalid argument'),
    'ports-refused',
    -22,
  ),
  coded(
    of1('pci', 'xc_physdev_map_pirq irq=16 (error=-1): Operation not permitted'),
    'interrupt-refused',
    -1,
  ),
  coded(of1('x86', 'xc_physdev_map_pirq_gsi gsi=16: Invalid argument'), 'interrupt-refused', -22),
  coded(at('pci', 'Error: xc_physdev_map_pirq irq=16: Invalid argument'), 'interrupt-refused', -22),
  coded(
    of1('pci', 'xc_domain_irq_permission irq=16 (error=-1): Operation not permitted'),
    'interrupt-refused',
    -1,
  ),
  coded(of1('x86', 'xc_domain_gsi_permission gsi=16: Operation not permitted'), 'interrupt-refused', -1),
  coded(of1('pci', 'xc_physdev_unmap_pirq irq=16: Invalid argument'), 'interrupt-not-unmapped', -22),
  coded(of1('x86', 'xc_physdev_unmap_pirq gsi=16: Invalid argument'), 'interrupt-not-unmapped', -22),
  coded(at('pci', 'Error: xc_domain_irq_permission irq=16: Invalid argument'), 'interrupt-refused', -22),
  said(of1('pci', 'Must specify a v-slot for multi-function devices'), 'slot-missing', { domain: 1 }),
  said(of1('pci', 'Setting permissive for device'), 'permissive-failed', { domain: 1 }),
  said(of1('pci', 'timed out waiting for DM to remove pci-pt-00_04.0'), 'dm-timeout', ours),
  said(of1('pci', "Device Model didn't respond in time"), 'dm-timeout'),
  said(of1('pci', 'qemu refused to add device: 0x20'), 'dm-refused'),
  said(
    of1('pci', "PCI device id 'pci-pt-00_04.0' wasn't found in QEMU's 'query-pci' response."),
    'dm-lost-device',
  ),
  coded(
    of1('pci', 'failed to give dom1 access to iomem range a0-bf for VGA passthru: Operation not permitted'),
    'bar-refused',
    -1,
    { domain: 1 },
  ),
  coded(
    of1(
      'pci',
      'failed to give stubdom2 access to iomem range a0-bf for VGA passthru: Operation not permitted',
    ),
    'bar-refused',
    -1,
  ),
  said(at('device', 'Backend /local/domain/0/backend/pci/43/0 does not exist'), 'backend-missing', {
    domain: 43,
  }),
  said(at('device', 'Backend /local/domain/0/backend/pci/7/0 not ready'), 'backend-not-ready', { domain: 7 }),
  said(of1('pci', 'pci backend at /local/domain/0/backend/pci/1/0 is not ready'), 'backend-not-ready', {
    domain: 1,
  }),
  said(
    'libxl: warning: libxl_pci.c:822:libxl__device_pci_assignable_add: 0000:00:04.0 not bound to a driver, will not be rebound.',
    'assignable-note',
    { device: DEVICE },
  ),
  said(at('pci', '0000:00:04.0 already assigned to pciback'), 'assignable-note', { device: DEVICE }),
  // What a config asks for.
  said(of1('create', 'passthrough not supported on this platform'), 'passthrough-not-supported', {
    domain: 1,
  }),
  said(at('create', 'passthrough disabled but devices are specified'), 'passthrough-disabled-with-devices'),
  said(at('x86', 'passthrough not yet supported for x86 PVH guests'), 'passthrough-pvh'),
  said(at('x86', 'passthrough="share_pt" not valid for PV domain'), 'share-pt-impossible', {
    details: { why: 'not valid for PV domain' },
  }),
  said(at('arm', 'passthrough="sync_pt" not supported on ARM'), 'passthrough-not-on-arm'),
  said(
    at('create', 'IOMMU required for device passthrough but not supported together with PoD'),
    'pod-with-passthrough',
  ),
  said(at('create', 'PCI device assignment for HVM guest failed due to PoD enabled'), 'pod-with-passthrough'),
  said(
    "xl: libxl_create.c:582: libxl__domain_make: Assertion `info->passthrough != LIBXL_PASSTHROUGH_DEFAULT' failed.",
    'passthrough-undecided',
  ),
  said(
    "xl: libxl_create.c:589: libxl__domain_make: Assertion `info->passthrough != LIBXL_PASSTHROUGH_UNKNOWN' failed.",
    'passthrough-undecided',
  ),
  said(at('create', 'neither hap nor shadow paging available'), 'no-paging'),
  said(at('dm', 'RDM conflict at 0xab800000.'), 'rdm-conflict', { address: 0xab80_0000n }),
  said(
    'libxl: warning: libxl_dm.c:533:libxl__domain_device_construct_rdm: Ignoring RDM conflict at 0xab800000.',
    'rdm-conflict-ignored',
    { address: 0xab80_0000n },
  ),
  said(of1('pci', 'unknown rdm check flag.: Invalid argument'), 'rdm-policy-unknown'),
  said(of1('create', 'xc_assign_dtdevice failed: -1'), 'assign-refused', { domain: 1 }),
  coded(
    of1('create', 'failed give domain access to iomem range e0000-e00ff: Operation not permitted'),
    'iomem-refused',
    -1,
  ),
  coded(
    at('create', 'failed give dom1 access to iomem range e0000-e00ff: Operation not permitted'),
    'iomem-refused',
    -1,
    { domain: 1 },
  ),
  coded(
    of1('create', 'failed to map to domain iomem range e0000-e00ff to guest address e0000: Invalid argument'),
    'iomem-refused',
    -22,
  ),
  coded(
    at('create', 'failed to map to dom1 iomem range e0000-e00ff to guest address e0000: Invalid argument'),
    'iomem-refused',
    -22,
  ),
  coded(of1('create', 'failed give domain access to irq 112: Operation not permitted'), 'ports-refused', -1),
  coded(at('create', 'failed give dom1 access to irq 112: Operation not permitted'), 'ports-refused', -1),
  coded(
    of1('create', 'failed give domain access to ioports 2f8-2ff: Operation not permitted'),
    'ports-refused',
    -1,
  ),
  coded(
    at('create', 'failed give dom1 access to ioports 2f8-2ff: Operation not permitted'),
    'ports-refused',
    -1,
  ),
  said(at('dm', 'unable to detect required gfx_passthru_kind'), 'gfx-passthru-kind'),
  said(at('dm', 'unsupported gfx_passthru_kind.'), 'gfx-passthru-kind'),
  said(at('dm', 'invalid value for gfx_passthru_kind'), 'gfx-passthru-kind'),
  coded(at('x86', 'Failed while collecting E820 with: -3 (errno:22)'), 'e820-host-failed', -22),
  said(at('arm', 'Partial FDT is not a valid Flat Device Tree'), 'partial-device-tree'),
  said(at('arm', 'partial device tree not supported'), 'partial-device-tree'),
  said(at('arm', 'Can\'t copy the node "/passthrough" from the partial FDT'), 'partial-device-tree'),
  coded(of1('x86', 'setting domain memory map failed: Bad address'), 'memory-map-refused', -14),
  said(of1('dm', 'domain 1 device model: spawn failed (rc=-3)'), 'dm-failed', {
    reason: { name: 'dm-failed', code: -3 },
  }),
  said(of1('create', 'device model did not start: -9'), 'dm-failed', {
    reason: { name: 'dm-failed', code: -9 },
  }),
  said(of1('dm', 'Stubdom 5 for 4 startup: startup timed out'), 'dm-failed'),
  said(at('exec', 'Device Model not ready'), 'dm-failed'),
  // Consequences, where what caused them is not in the log.
  coded(of1('pci', "libxl__device_pci_add failed for PCI device 'nic' (rc -3)"), 'device-not-added', -3),
  coded(
    of1('pci', 'libxl__device_pci_add failed for PCI device 0:0:4.0 (rc -3)'),
    'device-not-added',
    -3,
    ours,
  ),
  coded(
    'libxl: libxl_pci.c:1336:libxl__add_pcidevs: libxl_device_pci_add failed: -1',
    'device-not-added',
    -1,
  ),
  coded(at('pci', 'libxl_create_pci_backend failed: -3'), 'device-not-added', -3),
  said('libxl: libxl_create.c:1374:domcreate_attach_devices: unable to add pci devices', 'device-not-added'),
  said(of1('create', 'unable to add dtdev devices'), 'device-not-added'),
  said('libxl: error: libxl_device.c:1486:device_addrm_aocomplete: unable to add device', 'device-not-added'),
  coded(of1('create', 'cannot make domain: -3'), 'domain-not-created', -3),
  coded(of1('create', 'cannot (re-)build domain: -3'), 'domain-not-created', -3),
  coded('failed to create domain: -3', 'domain-not-created', -3),
  coded('domain creation failed (rc=-3)', 'domain-not-created', -3),
]);

const CHAIN = `libxl: error: libxl_pci.c:1529:pci_add_dm_done: Domain 1:xc_assign_device failed: Operation not supported
libxl: error: libxl_pci.c:1809:device_pci_add_done: Domain 1:libxl__device_pci_add failed for PCI device 0:0:4.0 (rc -3)
libxl: error: libxl_device.c:1486:device_addrm_aocomplete: unable to add device`;

describe('a chain of libxl’s errors', () => {
  it('is one event, named after its first line, with the device and the errno', () => {
    const { events } = eventsOf(CHAIN, LIBXL_FORMS);
    expect(events).toMatchObject([
      { device: DEVICE, domain: 1, reason: { name: 'assign-refused', code: -95 } },
    ]);
    expect(events).toHaveLength(1);
  });

  it('has the libxl error as its code where no errno was said', () => {
    const log = `...libxl__device_pci_add: PCI device 0000:00:19.0 cannot be assigned - no IOMMU?
...libxl__add_pcidevs: libxl_device_pci_add failed -1
...libxlcreate_attach_devices: unable to add pci devices`;
    const { events } = eventsOf(log, LIBXL_FORMS);
    expect(events).toMatchObject([
      {
        device: '0000:00:19.0',
        reason: { name: 'no-iommu', code: -1 },
        details: { rc: expect.stringContaining('ERROR_NONSPECIFIC') },
      },
    ]);
    expect(events).toHaveLength(1);
  });

  it('ends where another domain’s begins', () => {
    const { events } = eventsOf(`${CHAIN}\n${CHAIN.replaceAll('Domain 1', 'Domain 2')}`, LIBXL_FORMS);
    expect(events.map(({ domain }) => domain)).toEqual([1, 2]);
  });
});

describe('what dommu check says that libxl or Xen refuse', () => {
  const CONFIGS = [
    'type="hvm"\npci=["00:04.0"]',
    'type="hvm"\nmemory=128\nmaxmem=256\npci=["00:04.0"]',
    'type="pvh"\nkernel="k"\npci=["00:04.0"]',
    'type="pv"\nkernel="k"\npassthrough="share_pt"',
    'type="pv"\nkernel="k"\npassthrough="sync_pt"',
    'type="hvm"\nhap=0\npassthrough="share_pt"',
    'type="hvm"\npassthrough="disabled"\npci=["00:04.0"]',
    'type="hvm"\ndtdev=["/soc/nic@1"]',
    'type="pv"\nkernel="k"\npci=["00:04.0"]',
    'type="hvm"\nhap=1',
  ];
  const usual = [
    describeHost(),
    describeHost({ iommu: 'amdvi' }),
    describeHost({ iommu: 'none' }),
    describeHost({ arch: 'arm' }),
  ];
  const HOSTS = [
    ...usual,
    { ...usual[0]!, hap: false, shadow: false },
    { ...usual[0]!, hap: false },
    { ...usual[0]!, hvm: false },
    { ...usual[0]!, pv: false },
    { ...usual[0]!, shadow: false },
  ];
  const messages = new Map<string, string>();
  for (const text of ['4.11', '4.12', '4.13', '4.17', '4.22']) {
    const release = parseRelease(text);
    for (const config of CONFIGS) {
      const loaded = loadDomainConfig(new SourceText('guest.cfg', config), release);
      if (loaded.config === undefined) continue;
      for (const host of HOSTS) {
        for (const { severity, code, message } of resolvePassthrough(loaded.config, host, release)
          .diagnostics) {
          if (severity === 'error') messages.set(message, code);
        }
      }
    }
  }

  it('is the text of a line, and gets the same name', () => {
    expect(messages.size).toBeGreaterThan(12);
    const names = [...messages].map(([message, code]) => {
      const { events } = eventsOf(message, [...LIBXL_FORMS, ...XEN_CREATEDOMAIN_FORMS]);
      return [message, code, events[0]?.reason?.name];
    });
    // Two refusals have their own code for what libxl says of many an errno.
    const spoken: Record<string, readonly string[]> = {
      'passthrough-not-supported': ['passthrough-not-supported', 'no-iommu', 'assign-refused'],
      'dtdev-on-x86': ['assign-refused'],
    };
    for (const [message, code, name] of names) expect(spoken[code!] ?? [code], message).toContain(name);
  });
});
