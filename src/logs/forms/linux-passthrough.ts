import type { LineForm } from '../form.js';
import { sbdfOf } from '../values.js';
import { type Message, messageForms } from './message.js';

/** What Linux says of devices on their way to a guest, whoever runs it: resets, power, Xen's knowledge of them. */
const DEVICES: readonly Message[] = [
  {
    texts: ['passthrough or MSI/MSI-X might fail!'],
    printedBy: 'Linux as dom0, drivers/xen/pci.c',
    name: 'device-not-told-to-xen',
    meaning: 'Xen did not take dom0’s word that a device is there or gone: it cannot be given to guests',
  },
  {
    texts: [
      'Unable to change power state from {from:word} to {to:word}, device inaccessible',
      'Refused to change power state, currently in {from:word}',
    ],
    printedBy: 'Linux, PCI core; the second until 5.17',
    name: 'device-inaccessible',
    meaning: 'the device does not answer: it is powered down, or did not come back from a reset',
  },
  {
    texts: ['not ready {waited:dec}ms after {what:text}; giving up'],
    printedBy: 'Linux, PCI core',
    name: 'device-inaccessible',
    meaning: 'the device did not come back from a reset',
  },
];

/** The kernel's lockdown, which Secure Boot switches on. */
const LOCKDOWN: readonly Message[] = [
  {
    texts: ['Lockdown: {program:name}: /dev/mem,kmem,port is restricted'],
    printedBy: 'Linux since 5.4',
    name: 'dev-mem-locked',
    meaning:
      'a program wanted /dev/mem, which the kernel’s lockdown (Secure Boot) denies; QEMU reads the MSI-X table through it where Xen is older than 4.19',
  },
];

/** Bounce buffers, through which a PV domain's devices reach memory that is not contiguous for them. */
const BUFFERS: readonly Message[] = [
  {
    texts: ['swiotlb buffer is full (sz: {size:dec} bytes)'],
    printedBy: 'Linux',
    name: 'bounce-buffers-full',
    meaning: 'there was no room in the bounce buffers for a request of a device, which failed',
    also: (_, event) => {
      // Sizes differ from request to request.
      event.more.push(`size ${event.details.size}`);
      delete event.details.size;
      return undefined;
    },
  },
  {
    texts: ['Failed to get contiguous memory for DMA from Xen!'],
    printedBy: 'Linux under Xen, swiotlb-xen',
    name: 'bounce-buffers-missing',
    meaning:
      'a PV domain got no contiguous memory for its bounce buffers, without which its devices do not work',
  },
  {
    texts: ['Out of SW-IOMMU space for {size:dec} bytes at device {device:bdf}'],
    printedBy: 'Linux until 5.0',
    name: 'bounce-buffers-full',
    meaning: 'there was no room in the bounce buffers for a request of a device, which failed',
    also: (_, event) => {
      event.more.push(`size ${event.details.size}`);
      delete event.details.size;
      return undefined;
    },
  },
];

/** `pciback 0000:01:00.0: registering for 3`: whose the device is now. */
const registering: LineForm = {
  role: 'fact',
  texts: ['registering for {domain:dec}'],
  printedBy: 'Linux xen-pciback',
  read({ fields, before, line }, facts) {
    const device = sbdfOf(/pciback (\S{7,12}): $/.exec(before.slice(-64))?.[1]);
    if (device !== null) facts.of(facts.devices, device, { value: `assigned to d${fields.domain}`, line });
  },
};

export const LINUX_PASSTHROUGH_FORMS: readonly LineForm[] = [
  ...messageForms({ source: 'linux', unit: null, kind: 'toolstack' }, [...DEVICES, ...LOCKDOWN]),
  ...messageForms({ source: 'linux', unit: null, kind: 'memory' }, BUFFERS),
  registering,
];
