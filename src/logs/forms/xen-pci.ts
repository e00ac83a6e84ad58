import { domainOf } from '../domids.js';
import type { FactForm, LineForm } from '../form.js';
import { sbdfOf } from '../values.js';
import { type Said, saidForms } from './said.js';

/** What Xen says of PCI devices that come, go, and are given to domains (passthrough/pci.c). */

const XEN = { source: 'xen', unit: null, kind: 'init' } as const;

const ASSIGNMENTS: readonly Said[] = [
  {
    texts: [
      'assign phantom function ({device:bdf}) failed ({errno:dec})',
      'assign ({device:bdf}) failed ({errno:dec})',
      'assign {device:bdf} failed ({errno:dec})',
      'assign {device:bdf} to dom{domain:dec} failed ({errno:dec})',
    ],
    printedBy: 'Xen 4.6 to 4.22; phantom functions are told apart since 4.19',
    name: 'device-failed',
    meaning: 'Xen could not give the device to the domain',
    manual: 'dossier §6.1',
    also: ({ before }) => (/\bde$/.test(before) ? false : undefined),
  },
  {
    texts: [
      'deassign device ({device:bdf}) failed',
      'deassign ({device:bdf}) failed ({errno:dec})',
      'deassign {device:bdf} failed ({errno:dec})',
      'deassign {device:bdf} from dom{domain:dec} failed ({errno:dec})',
    ],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'device-failed',
    meaning: 'Xen could not take the device from the domain: it may stay in its tables or in quarantine',
    manual: 'dossier §6.2',
  },
  {
    texts: ['already assigned, or non-existent'],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'device-unknown',
    meaning: 'a device was asked for that another guest has, or that is not there',
    manual: 'dossier §6.1',
  },
  {
    texts: ['setup {device:bdf} for d{domain:dec} failed ({errno:dec})'],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'device-failed',
    meaning: 'a device could not be set up for the hardware domain',
  },
  {
    texts: ['IOMMU: add {device:bdf} failed ({errno:dec})'],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'device-failed',
    meaning: 'a device that dom0 reported could not be put under the IOMMU',
  },
  {
    texts: ['IOMMU: remove {device:bdf} failed ({errno:dec})'],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'device-failed',
    meaning: 'a device that dom0 removed could not be taken from the IOMMU’s tables',
  },
  {
    texts: ['owning {device:bdf}?'],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'device-failed',
    meaning: 'a device belongs to a domain other than the hardware domain while that is being built',
    also({ before }, event) {
      event.domain ??= domainOf(/Dom\d{1,5}(?= {0,4}$)/.exec(before)?.[0]);
      return event.domain === null ? false : undefined;
    },
  },
  {
    texts: ['iommu_get_device_group() failed<:> {errno:dec}', 'iommu_get_device_group() failed!'],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'device-failed',
    meaning: 'which devices belong together (their group) could not be told',
  },
  {
    texts: ['looks to be a real device; bumping {slot:text} stride to {stride:dec}'],
    printedBy: 'Xen 4.17 to 4.22',
    name: 'workaround',
    meaning: 'a function that pci-phantom= calls a phantom is a device of its own',
  },
  {
    texts: [
      'Attempted to add SR-IOV VF {device:bdf} without PF {function:bdf}',
      'Attempted to remove PCI SR-IOV PF {device:bdf} with VFs still present',
    ],
    printedBy: 'Xen 4.20 to 4.22',
    name: 'device-failed',
    meaning: 'dom0 reported virtual functions and their physical function in the wrong order',
  },
];

/** What becomes of a device, and what a device has beside its own function. */
const NOTES: readonly (readonly [text: string, value: string])[] = [
  ['PCI add device {device:bdf}', 'added'],
  ['PCI add virtual function {device:bdf}', 'added as a virtual function'],
  ['PCI add extended function {device:bdf}', 'added'],
  ['PCI phantom {device:bdf}', 'phantom function'],
  ['PCI remove device {device:bdf}', 'removed'],
];

const DEVICES: readonly FactForm[] = NOTES.map(([text, value]) => ({
  role: 'fact',
  texts: [text],
  printedBy: 'Xen 4.6 to 4.22, with loglvl=all',
  read({ fields, line }, facts) {
    const device = sbdfOf(fields.device);
    if (device !== null) facts.of(facts.devices, device, { value, line });
  },
}));

export const XEN_PCI_FORMS: readonly LineForm[] = [...saidForms(XEN, ASSIGNMENTS), ...DEVICES];
