import type { LineForm, MoreForm } from '../form.js';
import { decimal } from '../values.js';
import { LIBXL_DEVICE_MESSAGES } from './libxl-devices.js';
import { deviceOf, type Message, messageForms, reasonOf, setLibxlError, takeFields } from './message.js';
import { speakerOf } from './speaker.js';

const SINCE_4_6 = 'libxl 4.6 to 4.22';
const CHAIN = 'libxl';

/** libxl_create.c, libxl_x86.c, libxl_arm.c, libxl_dm.c: what a config asks for and cannot have. */
const CONFIGS: readonly Message[] = [
  {
    texts: ['passthrough not supported on this platform'],
    printedBy: 'libxl 4.13 to 4.22',
    name: 'passthrough-not-supported',
    meaning: 'the config asks for devices, and Xen has no IOMMU in use',
    manual: 'dossier §2.6',
  },
  {
    texts: ['passthrough disabled but devices are specified'],
    printedBy: 'libxl 4.13 to 4.22',
    name: 'passthrough-disabled-with-devices',
    meaning: 'passthrough="disabled" stands beside pci= or dtdev= devices',
    manual: 'dossier §2.6',
  },
  {
    texts: ['passthrough not yet supported for x86 PVH guests'],
    printedBy: 'libxl 4.13 to 4.22',
    name: 'passthrough-pvh',
    meaning: 'PVH guests get no devices on x86',
    manual: 'dossier §2.6',
  },
  {
    texts: ['passthrough="share_pt" {why:text}'],
    printedBy: 'libxl 4.13 to 4.22',
    name: 'share-pt-impossible',
    meaning: 'the IOMMU cannot walk this domain’s own page tables',
    manual: 'dossier §2.4, §2.6',
  },
  {
    texts: ['passthrough="{mode:word}" not supported on ARM'],
    printedBy: 'libxl 4.13 to 4.22',
    name: 'passthrough-not-on-arm',
    meaning: 'on Arm the IOMMU always walks the domain’s own page tables: sync_pt does not exist',
    manual: 'dossier §2.6',
  },
  {
    texts: [
      'IOMMU required for device passthrough but not supported together with PoD',
      'PCI device assignment for HVM guest failed due to PoD enabled',
    ],
    printedBy: SINCE_4_6,
    name: 'pod-with-passthrough',
    meaning: 'the guest has devices and memory that is populated on demand, on which a device cannot wait',
    manual: 'dossier §2.6',
  },
  {
    texts: [
      "Assertion `info-\\>passthrough != LIBXL_PASSTHROUGH_DEFAULT' failed",
      "Assertion `info-\\>passthrough != LIBXL_PASSTHROUGH_UNKNOWN' failed",
    ],
    printedBy:
      'libxl 4.13 to 4.22; with UNKNOWN only builds of October 2019, before 4.13.0 (mended by fa3a19188c)',
    name: 'passthrough-undecided',
    meaning:
      'libxl was asked to create a domain before it had decided about passthrough, and stopped the program',
    manual: 'dossier §2.6',
  },
  {
    texts: ['neither hap nor shadow paging available'],
    printedBy: 'libxl 4.13 to 4.22',
    name: 'no-paging',
    meaning: 'the host can run PV guests only',
  },
  {
    texts: ['RDM conflict at {address:hex}'],
    printedBy: SINCE_4_6,
    name: 'rdm-conflict',
    meaning: 'memory that the firmware reserves for the device lies where the guest’s memory must be',
    manual: 'dossier §6.4',
    also: ({ before }) => (/Ignoring $/.test(before.slice(-16)) ? false : undefined),
  },
  {
    texts: ['Ignoring RDM conflict at {address:hex}'],
    printedBy: SINCE_4_6,
    name: 'rdm-conflict-ignored',
    meaning:
      'memory that the firmware reserves for the device lies in the guest’s memory, and the policy is relaxed: the device may not work',
    manual: 'dossier §6.4',
  },
  {
    texts: ['unknown rdm check flag'],
    printedBy: SINCE_4_6,
    name: 'rdm-policy-unknown',
    meaning: 'rdm_policy= is neither strict nor relaxed',
  },
  {
    texts: ['xc_assign_dtdevice failed'],
    printedBy: SINCE_4_6,
    name: 'assign-refused',
    meaning: 'Xen refused to assign a device of the device tree',
  },
  {
    texts: [
      'failed give domain access to iomem range {start:hex}-{end:hex}',
      'failed give dom{domain:dec} access to iomem range {start:hex}-{end:hex}',
      'failed to map to domain iomem range {start:hex}-{end:hex} to guest address {gfn:hex}',
      'failed to map to dom{domain:dec} iomem range {start:hex}-{end:hex} to guest address {gfn:hex}',
    ],
    printedBy: SINCE_4_6,
    name: 'iomem-refused',
    meaning: 'the iomem= range could not be given to the domain',
  },
  {
    texts: [
      'failed give domain access to irq {irq:dec}',
      'failed give dom{domain:dec} access to irq {irq:dec}',
      'failed give domain access to ioports {start:hex}-{end:hex}',
      'failed give dom{domain:dec} access to ioports {start:hex}-{end:hex}',
    ],
    printedBy: SINCE_4_6,
    name: 'ports-refused',
    meaning: 'the irqs= or ioports= of the config could not be given to the domain',
  },
  {
    texts: [
      'unable to detect required gfx_passthru_kind',
      'unsupported gfx_passthru_kind',
      'invalid value for gfx_passthru_kind',
    ],
    printedBy: 'libxl 4.8 to 4.22',
    name: 'gfx-passthru-kind',
    meaning: 'libxl does not know how to pass this graphics card through',
  },
  {
    texts: ['Failed while collecting E820 with: {result:dec} (errno:{errno:dec})'],
    printedBy: SINCE_4_6,
    name: 'e820-host-failed',
    meaning: 'the host’s memory map could not be made the guest’s (e820_host=1)',
  },
  {
    texts: [
      'Partial FDT is not a valid Flat Device Tree',
      'partial device tree not supported',
      'Can\'t copy the node "/passthrough" from the partial FDT',
    ],
    printedBy: SINCE_4_6,
    name: 'partial-device-tree',
    meaning:
      'the device_tree= of the config, which describes the passed-through device to the guest, cannot be used',
  },
  {
    texts: ['setting domain memory map failed'],
    printedBy: 'libxl 4.11 to 4.22',
    name: 'memory-map-refused',
    meaning: 'Xen did not take the guest’s memory map, reserved regions included',
  },
  {
    texts: [
      'device model: spawn failed (rc={rc:dec})',
      'device model did not start<:> {rc:dec}',
      'startup: startup timed out',
      'Device Model not ready',
    ],
    printedBy: 'libxl 4.6 to 4.22',
    name: 'dm-failed',
    meaning: 'QEMU did not start',
  },
];

/** Lines that only pass on that something before them has failed. */
const CONSEQUENCES: readonly (Pick<MoreForm, 'texts' | 'printedBy'> & {
  readonly name: string;
  readonly meaning: string;
})[] = [
  {
    texts: [
      "libxl__device_pci_add failed for PCI device '{name:text}' (rc {rc:dec})",
      'libxl__device_pci_add failed for PCI device {device:bdf} (rc {rc:dec})',
      'libxl_device_pci_add failed<:> {rc:dec}',
      'libxl_create_pci_backend failed: {rc:dec}',
    ],
    printedBy: SINCE_4_6,
    name: 'device-not-added',
    meaning: 'the device was not given to the domain',
  },
  {
    texts: [
      'unable to add pci< devices>',
      'unable to add dtdev< devices>',
      'device_addrm_aocomplete: unable to {what:word} device',
    ],
    printedBy: SINCE_4_6,
    name: 'device-not-added',
    meaning: 'a device was not given to the domain, or not taken from it',
  },
  {
    texts: [
      'cannot make domain: {rc:dec}',
      'cannot (re-)build domain: {rc:dec}',
      'failed to create domain: {rc:dec}',
      'domain creation failed (rc={rc:dec})',
    ],
    printedBy: SINCE_4_6,
    name: 'domain-not-created',
    meaning: 'the domain was not created; what failed stands in the lines before',
  },
];

const consequences: readonly MoreForm[] = CONSEQUENCES.map(({ texts, printedBy, name, meaning }) => ({
  role: 'more',
  continues: CHAIN,
  texts,
  printedBy,
  alone: { source: 'xen', unit: null, kind: 'toolstack' },
  read(line, event) {
    if (event.reason === null) {
      event.reason = reasonOf({ name, meaning });
      takeFields(line, event);
      return undefined;
    }
    const { domain } = speakerOf(line.before);
    const device = deviceOf(line.fields.device ?? '');
    if (domain !== null && event.domain !== null && domain !== event.domain) return false;
    if (device !== null && event.device !== null && device !== event.device) return false;
    event.domain ??= domain;
    event.device ??= device;
    // The first error of a chain names the reason, and its code when it is an errno.
    const rc = decimal(line.fields.rc);
    if (event.reason.code === null) setLibxlError(event, rc);
    return undefined;
  },
}));

const XEN_TOOLS = { source: 'xen', unit: null, kind: 'toolstack' } as const;
const chained = (messages: readonly Message[]) =>
  messageForms(
    XEN_TOOLS,
    messages.map((message) => ({ opens: CHAIN, ...message })),
  );

export const LIBXL_FORMS: readonly LineForm[] = [
  ...chained(LIBXL_DEVICE_MESSAGES),
  ...chained(CONFIGS),
  ...consequences,
];
