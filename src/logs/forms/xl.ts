import { parseBdf } from '../../toolstack/bdf.js';
import { domainOf } from '../domids.js';
import type { EventDraft } from '../event.js';
import type { LogFacts } from '../facts.js';
import { FOLLOW_LINES, type FormLine, type LineForm } from '../form.js';
import { lastSbdf, sbdfOf } from '../values.js';
import { nearest } from './bdf-advice.js';
import { type Message, messageForms } from './message.js';

/** Says what is wrong with an address that xl could not read. */
function explainAddress(_: FormLine, event: EventDraft): undefined {
  const address = (event.details.value ?? '').slice(0, 80);
  const result = parseBdf(address);
  if (!result.ok) event.details.problem = result.error.message;
  const right = nearest(address);
  if (right !== null && !result.ok) event.details['would be right'] = right;
  event.device = right;
  return undefined;
}

const XL: readonly Message[] = [
  {
    texts: ["ERROR: unknown passthrough option '{value:text}'"],
    printedBy: 'xl 4.13 to 4.22',
    name: 'passthrough-value',
    meaning: 'passthrough= has a value that xl does not know',
  },
  {
    texts: [
      "unable to parse PCI_SPEC_STRING `{value:text}' for passthrough",
      "unable to parse PCI BDF `{value:text}' for passthrough",
    ],
    printedBy: 'xl 4.6 to 4.22',
    name: 'malformed-bdf',
    meaning: 'an item of pci= is no PCI device',
    also: explainAddress,
  },
  {
    texts: [
      'malformed BDF specification "{value:text}"',
      'malformed BDF "{value:text}"',
      "malformed BDF '{value:text}'",
      'malformed PCI_SPEC_STRING "{value:text}"',
    ],
    printedBy: 'xl pci-attach, pci-assignable-add and their opposites, 4.6 to 4.22',
    name: 'malformed-bdf',
    meaning: 'the argument is no PCI device',
    also: explainAddress,
  },
  {
    texts: ['ERROR: invalid value "{value:text}" for "gfx_passthru"'],
    printedBy: 'xl 4.8 to 4.22',
    name: 'gfx-passthru-kind',
    meaning: 'gfx_passthru= has a value that xl does not know',
  },
  {
    texts: [
      'Invalid argument parsing iomem: {value:text}',
      'Invalid argument parsing ioport: {value:text}',
      'Invalid argument parsing irq: {value:text}',
    ],
    printedBy: 'xl 4.6 to 4.22',
    name: 'iomem-malformed',
    meaning: 'an item of iomem=, ioports= or irqs= cannot be read',
  },
];

const CANNOT_ADD = 'xenopsd, the toolstack of XCP-ng, could not give a PCI device to the guest';

/** libvirt's and XCP-ng's wrappers, which know little themselves. */
const WRAPPERS: readonly Message[] = [
  {
    texts: ["libxenlight failed to create new domain '{name:text}'"],
    printedBy: 'libvirt, libxl driver',
    name: 'domain-not-created',
    meaning: 'libxl did not create the domain; why stands in libxl’s own log',
    also: nameTheDomain,
  },
  {
    texts: ["libxenlight failed to restore domain '{name:text}'"],
    printedBy: 'libvirt, libxl driver',
    name: 'domain-not-created',
    meaning: 'libxl did not restore the domain; why stands in libxl’s own log',
    also: nameTheDomain,
  },
  {
    texts: [
      'libxenlight failed to attach pci device {device:bdf}',
      'libxenlight failed to detach pci device {device:bdf}',
    ],
    printedBy: 'libvirt, libxl driver',
    name: 'device-not-added',
    meaning: 'libxl did not give the device to the domain or take it back; why stands in libxl’s own log',
  },
  {
    texts: ['is in use by driver {driver:word}, domain {name:name}'],
    printedBy: 'libvirt, host devices',
    name: 'assigned-elsewhere',
    meaning: 'libvirt knows that another domain has the device',
    also: nameTheDomain,
  },
  {
    texts: ['Unable to reset PCI device {device:bdf} {said:text}'],
    printedBy: 'libvirt, host devices',
    name: 'reset-unavailable',
    meaning:
      'libvirt does not give a device away that it cannot reset: it has no function-level or power reset, and others stand on its bus',
  },
  {
    texts: ['is behind a switch lacking ACS and cannot be assigned'],
    printedBy: 'libvirt, host devices',
    name: 'acs-missing',
    meaning: 'the device stands behind a switch that lets devices talk to each other past the IOMMU',
  },
  {
    texts: ['xenopsd internal error: {said:text}', 'Xenops_interface.Xenopsd_error({said:text}'],
    printedBy: 'XenServer, XCP-ng',
    name: 'xenopsd-failure',
    meaning:
      'xenopsd, the toolstack of XCP-ng, caught an exception; the line alone does not say which step failed',
    also: (_, event) => {
      const said = event.details.said ?? '';
      if (said.includes('Cannot_add')) {
        event.reason = { ...event.reason!, name: 'pci-cannot-add', meaning: CANNOT_ADD };
        event.device = lastSbdf(said.slice(0, 256));
      }
      if (/\(Failure\s*$/.test(said)) event.details.missing = 'what stood in the parentheses is cut off';
      return undefined;
    },
  },
];

function nameTheDomain(_: FormLine, event: EventDraft): undefined {
  const name = event.details.name ?? '';
  if (name !== '') event.domain = domainOf(name) ?? name.slice(0, 80);
  delete event.details.name;
  return undefined;
}

const LAST_DEVICE_ADD = 'qmp-device-add';

/** What QEMU was asked to take last, `machine_addr` the host's address and `hostaddr` the one that QEMU sees. */
function lastDeviceAdd(facts: LogFacts, line: number): Record<string, string> | undefined {
  const said = facts.other.get(LAST_DEVICE_ADD);
  if (said === undefined || line - said.line > FOLLOW_LINES) return undefined;
  return JSON.parse(said.value) as Record<string, string>;
}

function nameTheDevice({ line }: FormLine, event: EventDraft, facts: LogFacts): undefined {
  const asked = lastDeviceAdd(facts, line);
  if (asked === undefined) return undefined;
  event.device ??= sbdfOf(asked.machine) ?? sbdfOf(asked.host);
  if (asked.host !== '' && sbdfOf(asked.host) !== event.device)
    event.details['address in the device model'] = asked.host!;
  return undefined;
}

/** QEMU, hw/xen/xen_pt*.c and its QMP. */
const QEMU: readonly Message[] = [
  {
    texts: ["Need to enable igd-passthru if you're trying to passthrough IGD GFX"],
    printedBy: 'QEMU since 2.4, hw/xen/xen_pt.c',
    name: 'igd-passthru-needed',
    meaning:
      'QEMU takes the device for Intel’s integrated graphics, by nothing but its address 00:02.0, and wants gfx_passthru for it',
    also: nameTheDevice,
  },
  {
    texts: ['Failed to "open" the real pci device'],
    printedBy: 'QEMU, hw/xen/xen_pt.c',
    name: 'dm-refused',
    meaning: 'QEMU cannot open the device in sysfs: it is not there in the domain in which QEMU runs',
  },
  {
    texts: ['PCI Config space initialisation failed'],
    printedBy: 'QEMU, hw/xen/xen_pt.c',
    name: 'dm-refused',
    meaning: 'QEMU could not take over the device’s configuration space',
  },
  {
    texts: [
      'Mapping machine irq {irq:dec} to pirq {pirq:dec} failed, (err: {errno:dec})',
      'Binding of interrupt {irq:dec} failed! (err: {errno:dec})',
      'Mapping of MSI-X (err: {errno:dec}',
    ],
    printedBy: 'QEMU, hw/xen/xen_pt.c and xen_pt_msi.c',
    name: 'interrupt-refused',
    meaning: 'Xen did not give QEMU the device’s interrupt; the device has none then',
  },
  {
    texts: ['mem mapping failed! (err: {errno:dec})', 'port mapping failed! (err: {errno:dec})'],
    printedBy: 'QEMU, hw/xen/xen_pt.c',
    name: 'bar-refused',
    meaning: 'Xen did not map a BAR of the device for the guest',
  },
  {
    texts: ['Should not read BAR< through QEMU>', 'Should not write BAR< through QEMU>'],
    printedBy: 'QEMU, hw/xen/xen_pt.c',
    name: 'bar-refused',
    meaning: 'the guest’s access to a BAR ended in QEMU, so that the BAR is not mapped',
  },
  {
    texts: [
      'Write-back to unknown field {offset:hex} (partially) inhibited',
      "If the device doesn't work, try enabling permissive mode",
    ],
    printedBy: 'QEMU since 2.4, hw/xen/xen_pt.c',
    name: 'config-write-refused',
    meaning: 'the guest’s driver wrote a field of the configuration space that is not let through',
  },
  {
    texts: ["Can't open /dev/mem", "Can't map physical MSI-X table"],
    printedBy: 'QEMU with Xen before 4.19, hw/xen/xen_pt_msi.c',
    name: 'dm-refused',
    meaning:
      'QEMU may not read the device’s MSI-X table: its domain has no /dev/mem, or not the right to the page',
    also: ({ before }) => (before.includes('xen_pt') ? undefined : false),
  },
  {
    texts: ['Failed to initialize {register:place}, type = {type:hex}, rc: {result:dec}'],
    printedBy: 'QEMU since 2.6, hw/xen/xen_pt_config_init.c',
    name: 'dm-refused',
    meaning: 'QEMU could not take over a group of the device’s configuration registers',
  },
  {
    texts: ['received an error message from QMP server: {said:text}'],
    printedBy: 'libxl 4.6 to 4.12',
    name: 'dm-refused',
    meaning: 'QEMU refused the device',
    also: (line, event, facts) => {
      const said = event.details.said ?? '';
      if (!/passthrough|pci|igd/i.test(said) && lastDeviceAdd(facts, line.line) === undefined) return false;
      return nameTheDevice(line, event, facts);
    },
  },
  {
    texts: ['"class": "GenericError", "desc": "{said:text}"'],
    printedBy: 'QEMU’s QMP',
    name: 'dm-refused',
    meaning: 'QEMU refused the device',
    also: (line, event, facts) => {
      if (lastDeviceAdd(facts, line.line) === undefined) return false;
      if ((event.details.said ?? '').includes('igd-passthru')) {
        event.reason = { ...event.reason!, name: 'igd-passthru-needed', meaning: QEMU[0]!.meaning };
      }
      return nameTheDevice(line, event, facts);
    },
  },
];

const deviceAdd: LineForm = {
  role: 'fact',
  texts: ['"driver": "xen-pci-passthrough"'],
  printedBy: 'libxl, to QEMU',
  read({ after, line }, facts) {
    const near = after.slice(0, 512);
    const value = (name: string) => new RegExp(`"${name}": ?"([0-9a-fx:.]{1,20})"`).exec(near)?.[1] ?? '';
    const fn = (address: string) => address.replace(/\.0([0-7])$/, '.$1');
    const asked = { host: fn(value('hostaddr')), machine: fn(value('machine_addr')) };
    facts.other.set(LAST_DEVICE_ADD, { value: JSON.stringify(asked), line });
  },
};

const XEN_TOOLS = { source: 'xen', unit: null, kind: 'toolstack' } as const;

export const XL_FORMS: readonly LineForm[] = [
  deviceAdd,
  ...messageForms(XEN_TOOLS, XL),
  ...messageForms(XEN_TOOLS, WRAPPERS),
  ...messageForms(XEN_TOOLS, QEMU),
];
