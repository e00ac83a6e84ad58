import type { EventDraft } from '../event.js';
import type { FormLine } from '../form.js';
import { sbdfOf } from '../values.js';
import type { Message } from './message.js';

/** QEMU's name of a device has its address on the host: `pci-pt-00_04.0`. */
function nameTheDevice({ fields }: FormLine, event: EventDraft): undefined {
  event.device ??= sbdfOf(fields.dm_device?.replace(/^pci-pt-/, '').replace('_', ':'));
  delete event.details['dm device'];
  return undefined;
}

const SINCE_4_6 = 'libxl 4.6 to 4.22';

/** libxl_pci.c: giving a PCI device to a domain and taking it back. */
export const LIBXL_DEVICE_MESSAGES: readonly Message[] = [
  {
    texts: ['cannot be assigned - no IOMMU?'],
    printedBy: SINCE_4_6,
    name: 'no-iommu',
    meaning:
      'Xen refuses to assign the device: it has no IOMMU in use, or the domain was created without a context of it',
    manual: 'dossier §2.5',
  },
  {
    texts: ['already assigned to a different guest?'],
    printedBy: SINCE_4_6,
    name: 'assigned-elsewhere',
    meaning:
      'Xen refuses to assign the device; libxl guesses that another guest has it, and prints the same for every errno but EOPNOTSUPP',
    manual: 'dossier §2.5',
  },
  {
    texts: ['is not assignable'],
    printedBy: SINCE_4_6,
    name: 'not-assignable',
    meaning: 'the device was not made assignable: dom0’s pciback does not have it',
  },
  {
    texts: ['PCI device already attached to a domain'],
    printedBy: 'libxl 4.6 to 4.14',
    name: 'already-attached',
    meaning: 'a domain has the device already',
  },
  {
    texts: ['cannot determine if device is assigned, refusing to continue'],
    printedBy: 'libxl 4.6 to 4.14',
    name: 'assignment-unknown',
    meaning: 'libxl could not find out whether a domain has the device',
  },
  {
    texts: ['PCI device not attached to this domain'],
    printedBy: SINCE_4_6,
    name: 'not-attached',
    meaning: 'a device was to be taken from a domain that does not have it',
  },
  {
    texts: ['xc_assign_device failed'],
    printedBy: SINCE_4_6,
    name: 'assign-refused',
    meaning: 'Xen refused XEN_DOMCTL_assign_device',
    manual: 'dossier §6.1',
  },
  {
    texts: ['xc_deassign_device failed'],
    printedBy: SINCE_4_6,
    name: 'deassign-refused',
    meaning: 'Xen refused XEN_DOMCTL_deassign_device: the device stays in the domain or in quarantine',
    manual: 'dossier §6.1',
  },
  {
    texts: ['Looks like pciback driver is not loaded', 'Looks like pciback driver not loaded'],
    printedBy: SINCE_4_6,
    name: 'pciback-missing',
    meaning: 'dom0 has no pciback driver in sysfs, without which no device is assignable',
  },
  {
    texts: ['Failed to access pciback path {path:place}', "Can't access /sys/bus/pci/drivers/pciback"],
    printedBy: SINCE_4_6,
    name: 'pciback-unreachable',
    meaning: 'a file of the pciback driver in sysfs could not be used',
  },
  {
    texts: ["Couldn't bind device to pciback!"],
    printedBy: SINCE_4_6,
    name: 'pciback-bind-failed',
    meaning: 'pciback did not take the device',
  },
  {
    texts: ["Couldn't unbind {device:bdf} from driver", "Couldn't unbind device!", "Couldn't unbind device"],
    printedBy: SINCE_4_6,
    name: 'unbind-failed',
    meaning: 'dom0’s driver did not let the device go',
  },
  {
    texts: ['is not assigned to pciback driver'],
    printedBy: SINCE_4_6,
    name: 'not-on-pciback',
    meaning: 'the device is bound to another driver than pciback',
  },
  {
    texts: ['reset from sysfs for {kind:word} device {device:bdf}'],
    printedBy: SINCE_4_6,
    name: 'reset-unsupported',
    meaning:
      'dom0 cannot reset the device: it goes to the next owner in the state that the last one left; not an error by itself',
  },
  {
    texts: ['Failed to access reset path {path:place}'],
    printedBy: SINCE_4_6,
    name: 'reset-failed',
    meaning: 'dom0 could not reset the device',
  },
  {
    texts: ['failed to quarantine {device:bdf}'],
    printedBy: 'libxl 4.13 to 4.22',
    name: 'quarantine-failed',
    meaning: 'the device could not be put into quarantine (assigned to d[IO]) when it was made assignable',
    manual: 'dossier §6.3',
  },
  {
    texts: ['failed to de-quarantine {device:bdf}'],
    printedBy: 'libxl 4.13 to 4.22',
    name: 'dequarantine-failed',
    meaning: 'the device could not be taken out of quarantine',
    manual: 'dossier §6.3',
  },
  {
    texts: [
      'xc_domain_iomem_permission error {start:hex}/{size:hex}',
      'xc_domain_iomem_permission {start:hex}/{size:hex} (error {result:dec})',
      'Error: xc_domain_iomem_permission error {start:hex}/{size:hex}',
    ],
    printedBy: SINCE_4_6,
    name: 'bar-refused',
    meaning: 'Xen did not give or take the right to a memory BAR of the device',
  },
  {
    texts: [
      'xc_domain_ioport_permission error {start:hex}/{size:hex}',
      'xc_domain_ioport_permission {start:hex}/{size:hex} (error {result:dec})',
      'Error: xc_domain_ioport_permission error {start:hex}/{size:hex}',
    ],
    printedBy: SINCE_4_6,
    name: 'ports-refused',
    meaning: 'Xen did not give or take the right to I/O ports of the device',
  },
  {
    texts: [
      'xc_physdev_map_pirq irq={irq:dec}< (error={result:dec})>',
      'xc_physdev_map_pirq_gsi gsi={irq:dec}',
      'Error: xc_physdev_map_pirq irq={irq:dec}',
    ],
    printedBy: SINCE_4_6,
    name: 'interrupt-refused',
    meaning: 'the device’s interrupt could not be mapped for the domain',
  },
  {
    texts: [
      'xc_domain_irq_permission irq={irq:dec}< (error={result:dec})>',
      'xc_domain_gsi_permission gsi={irq:dec}',
      'Error: xc_domain_irq_permission irq={irq:dec}',
    ],
    printedBy: SINCE_4_6,
    name: 'interrupt-refused',
    meaning: 'the right to the device’s interrupt could not be given or taken',
  },
  {
    texts: ['xc_physdev_unmap_pirq irq={irq:dec}', 'xc_physdev_unmap_pirq gsi={irq:dec}'],
    printedBy: SINCE_4_6,
    name: 'interrupt-not-unmapped',
    meaning:
      'the device’s interrupt was not unmapped when it was taken back; of an HVM guest QEMU has done that before, and nothing is wrong',
  },
  {
    texts: ['Must specify a v-slot for multi-function devices'],
    printedBy: SINCE_4_6,
    name: 'slot-missing',
    meaning: 'all functions of a device were given (`.*`), but no slot of the guest for them (`@slot`)',
  },
  {
    texts: ['Setting permissive for device'],
    printedBy: SINCE_4_6,
    name: 'permissive-failed',
    meaning: 'pciback did not take the device’s permissive=1',
  },
  {
    texts: ['timed out waiting for DM to remove {dm_device:name}'],
    also: nameTheDevice,
    printedBy: 'libxl 4.13 to 4.22',
    name: 'dm-timeout',
    meaning: 'QEMU or the guest did not let the device go in time; it is taken away regardless',
  },
  {
    texts: ["Device Model didn't respond in time"],
    printedBy: 'libxl 4.6 to 4.20',
    name: 'dm-timeout',
    meaning: 'QEMU or the guest did not let the device go in time',
  },
  {
    texts: ['qemu refused to add device: {answer:text}'],
    printedBy: 'libxl 4.6 to 4.20',
    name: 'dm-refused',
    meaning: 'QEMU (traditional) refused the device',
  },
  {
    texts: ["PCI device id '{dm_device:text}' wasn't found in QEMU's 'query-pci' response."],
    printedBy: 'libxl 4.13 to 4.22',
    name: 'dm-lost-device',
    meaning: 'QEMU took the device and does not list it',
  },
  {
    texts: [
      'failed to give dom{domain:dec} access to iomem range {start:hex}-{end:hex} for VGA passthru',
      'failed to give stubdom{stubdom:dec} access to iomem range {start:hex}-{end:hex} for VGA passthru',
    ],
    printedBy: SINCE_4_6,
    name: 'bar-refused',
    meaning: 'Xen did not give the right to the legacy VGA memory of a graphics card',
  },
  {
    texts: ['Backend {path:name} not ready'],
    printedBy: SINCE_4_6,
    name: 'backend-not-ready',
    meaning: 'the back end in dom0 (pciback for pci) did not connect with the guest’s front end in time',
    also: ({ fields }, event) => {
      const found = /\/backend\/pci\/(\d{1,5})\//.exec(fields.path ?? '');
      if (found === null) return false;
      event.domain ??= Number(found[1]);
      return undefined;
    },
  },
  {
    texts: ['Backend {path:place} does not exist'],
    printedBy: 'libxl 4.13 to 4.22',
    name: 'backend-missing',
    meaning: 'libxl waited for a PCI back end that it had not made',
    also: ({ fields }, event) => {
      const found = /\/backend\/pci\/(\d{1,5})\//.exec(fields.path ?? '');
      if (found === null) return false;
      event.domain ??= Number(found[1]);
      return undefined;
    },
  },
  {
    texts: ['pci backend at {path:name} is not ready'],
    printedBy: SINCE_4_6,
    name: 'backend-not-ready',
    meaning: 'the PCI back end in dom0 did not connect with the guest’s front end in time',
  },
  {
    texts: ['not bound to a driver, will not be rebound', 'already assigned to pciback'],
    printedBy: SINCE_4_6,
    name: 'assignable-note',
    meaning: 'a device that is made assignable had no driver, or is assignable already; nothing is wrong',
  },
];
