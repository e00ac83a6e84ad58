import type { EventDraft } from '../event.js';
import type { LineForm } from '../form.js';
import { hexValue, sbdfOf } from '../values.js';
import { type BadEntry, badHideEntry, HIDE_SHAPE } from './bdf-advice.js';
import { type Message, messageForms, reasonOf, takeFields } from './message.js';

const PCIBACK = 'Linux xen-pciback';

function explain(bad: BadEntry, event: EventDraft): void {
  event.device = bad.right;
  event.details.problem = bad.problem;
  event.details['would be right'] = bad.right === null ? HIDE_SHAPE : `(${bad.right})`;
}

/** What dom0's kernel says of devices that are hidden for guests. */
const BACK: readonly Message[] = [
  {
    texts: ['pciback.hide={list:text}'],
    printedBy: 'a kernel’s command line, or whoever changes it',
    name: 'hide-malformed',
    meaning:
      'an entry of xen-pciback.hide= is no PCI address: the driver stops reading there and hides none of the devices',
    also: ({ fields, line }, event, facts) => {
      const { bad, devices } = badHideEntry(fields.list ?? '');
      for (const device of devices)
        facts.of(facts.devices, device, { value: 'named in xen-pciback.hide=', line });
      delete event.details.list;
      if (bad === null) return false;
      event.details.entry = bad.entry;
      event.details.position = String(bad.position);
      explain(bad, event);
      return undefined;
    },
  },
  {
    texts: ['Error parsing pci_devs_to_hide at "{entry:text}"'],
    printedBy: PCIBACK,
    name: 'hide-malformed',
    meaning: 'an entry of xen-pciback.hide= is no PCI address: the driver did not load and hides nothing',
    also: (_, event) => {
      const bad = badHideEntry(event.details.entry ?? '').bad;
      if (bad === null) return undefined;
      explain(bad, event);
      return undefined;
    },
  },
  {
    texts: [
      'timed out waiting for pending transaction; performing function level reset anyway',
      'timed out waiting for pending transaction: performing function level reset anyway',
      'timed out waiting for pending transaction',
    ],
    printedBy: 'Linux, PCI core; the last wording before 4.19',
    name: 'reset-while-busy',
    meaning: 'the device had transactions under way when it was to be reset, and was reset nevertheless',
  },
  {
    texts: ['removing device {device:bdf} while still in-use by domain {domain:dec}'],
    printedBy: PCIBACK,
    name: 'removed-in-use',
    meaning:
      'a device was taken from pciback while a domain had it: the domain can still reach its registers',
  },
  {
    texts: [
      'Driver tried to write to a read-only configuration space field at offset {offset:hex}, size {size:dec}',
    ],
    printedBy: PCIBACK,
    name: 'config-write-refused',
    meaning: 'a guest’s driver wrote a field of the configuration space that pciback does not let through',
  },
  {
    texts: ["can't export pci devices that don't have a normal (0) or bridge (1) header type"],
    printedBy: PCIBACK,
    name: 'not-assignable',
    meaning: 'the device is of a kind that pciback does not give to guests',
  },
  {
    texts: ['Could not store PCI conf saved state', 'Could not reload PCI state'],
    printedBy: PCIBACK,
    name: 'reset-failed',
    meaning: 'pciback could not save or restore the device’s configuration around a reset',
  },
  {
    texts: ['MSI-X preparation failed ({errno:dec})', 'MSI-X release failed ({errno:dec})'],
    printedBy: PCIBACK,
    name: 'interrupt-refused',
    meaning: 'Xen did not prepare the device’s MSI-X for a guest',
  },
  {
    texts: [
      'error enabling MSI for guest {domain:dec}: err {errno:dec}',
      'error enabling MSI-X for guest {domain:dec}: err {errno:dec}',
    ],
    printedBy: PCIBACK,
    name: 'interrupt-refused',
    meaning: 'the guest’s request for message-signalled interrupts was refused',
  },
  {
    texts: [
      'enabling permissive mode configuration space accesses',
      'enable permissive mode configuration space accesses',
    ],
    printedBy: PCIBACK,
    name: 'permissive-on',
    meaning:
      'the guest may write the whole configuration space of the device (permissive=1), which is unsafe',
  },
  {
    texts: ["Couldn't locate PCI device ({device:bdf})! perhaps already in-use?"],
    printedBy: PCIBACK,
    name: 'not-on-pciback',
    meaning: 'the back end does not have the device: it was never seized, or another domain has it',
  },
  {
    texts: ['xen map irq failed {errno:dec} for {domain:dec} domain'],
    printedBy: 'Linux, arch/x86/pci/xen.c',
    name: 'interrupt-refused',
    meaning: 'Xen did not map the device’s interrupt',
  },
];

/** What a guest's kernel says of devices that it got. Addresses are those that the guest sees. */
const FRONT: readonly Message[] = [
  {
    texts: [
      "can't claim BAR {bar:dec} [mem {range:text}]: address conflict with {other:text} [mem {conflict:text}]",
    ],
    printedBy: 'Linux, PCI core',
    name: 'bar-conflict',
    opens: 'claim',
    meaning:
      'the device’s memory lies where the guest has memory of its own: its address space does not mirror the host’s',
    manual: 'xl.cfg(5), e820_host',
    also: ({ fields }, event) => {
      event.address = hexValue(/^0x[0-9a-f]{1,16}/.exec(fields.range ?? '')?.[0]);
      return undefined;
    },
  },
  {
    texts: ['Could not setup SWIOTLB!'],
    printedBy: 'Linux pcifront',
    name: 'guest-without-swiotlb',
    meaning: 'the guest has no bounce buffers, without which its devices cannot reach most of its memory',
  },
  {
    texts: ['Xen PCI frontend error: {errno:dec}!', 'pci frontend enable msi failed for dev', 'msix get err'],
    printedBy: 'Linux pcifront',
    name: 'interrupt-refused',
    meaning: 'the back end did not enable message-signalled interrupts; the driver goes on without',
  },
  {
    texts: ['PCI: System does not {kind:word} PCI'],
    printedBy: 'Linux, PCI core',
    name: 'guest-without-pci',
    meaning:
      'a kernel found no PCI when it started; usual for a PV guest or a stub domain, whose devices come later through pcifront',
  },
];

/** What VFIO says when an IOMMU does not let it work (dom0 or bare metal). */
const VFIO: readonly Message[] = [
  {
    texts: [
      'No interrupt remapping support. Use the module param "allow_unsafe_interrupts"',
      'No interrupt remapping for group. Use the module param "allow_unsafe_interrupts"',
    ],
    printedBy: 'Linux vfio_iommu_type1',
    name: 'interrupts-not-remapped',
    meaning: 'VFIO refuses devices because their interrupts would not be isolated',
  },
  {
    texts: ['group {group:dec} is not viable'],
    printedBy: 'QEMU, vfio',
    name: 'group-not-viable',
    meaning: 'other devices of the same IOMMU group are still in the host’s use',
  },
  {
    texts: ['Failed to set iommu for container<: {error:text}>', 'No available IOMMU models'],
    printedBy: 'QEMU, vfio',
    name: 'no-iommu',
    meaning: 'VFIO found no IOMMU that it may use',
  },
];

const claim: LineForm = {
  role: 'more',
  continues: 'claim',
  texts: [
    'Could not claim resource {device:bdf}/{bar:dec}! Device offline. Try using e820_host=1 in the guest config',
  ],
  printedBy: 'Linux pcifront since 2.6.39',
  alone: { source: 'linux', unit: null, kind: 'toolstack' },
  read(line, event) {
    const { device, bar } = line.fields;
    if (event.reason === null) {
      event.reason = reasonOf(FRONT[0]!);
      takeFields(line, event);
      return undefined;
    }
    if (event.device !== sbdfOf(device) || event.details.bar !== bar) return false;
    event.details['device is'] = 'offline in the guest';
    return undefined;
  },
};

const seizing: LineForm = {
  role: 'fact',
  texts: ['seizing device'],
  printedBy: PCIBACK,
  read({ before, line }, facts) {
    const device = sbdfOf(/pciback (\S{7,12}): $/.exec(before.slice(-64))?.[1]);
    if (device !== null) facts.of(facts.devices, device, { value: 'hidden: pciback has it', line });
  },
};

const LINUX = { source: 'linux', unit: null, kind: 'toolstack' } as const;

export const PCIBACK_FORMS: readonly LineForm[] = [
  ...messageForms(LINUX, BACK),
  ...messageForms(LINUX, FRONT),
  claim,
  seizing,
  ...messageForms(LINUX, VFIO),
];
