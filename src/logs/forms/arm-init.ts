import { errnoName } from '../../xen/errno.js';
import type { EventForm, FactForm, LineForm } from '../form.js';
import { deviceName, noteStream } from '../smmu-unit.js';
import { decimal, hexNumber } from '../values.js';
import { type InitReasonName, initReason } from './init-reasons.js';

/**
 * What Xen on Arm says of masters and IOMMUs whatever their kind (drivers/passthrough/device_tree.c, arch/arm), and what
 * excerpts of device trees say that are pasted beside logs.
 */

type Row = readonly [text: string, reason: InitReasonName, printedBy: string, meaning: string];

const ROWS: readonly Row[] = [
  [
    'Failed to add {device:name} to the IOMMU',
    'device-failed',
    'Xen since 4.13',
    'a device that the device tree puts behind an IOMMU could not be added to it',
  ],
  [
    'Failed to setup the IOMMU for {device:name}',
    'device-failed',
    'Xen since 4.6',
    'a device of the hardware domain could not be put under its IOMMU',
  ],
  [
    'XEN_DOMCTL_assign_dt_device: assign "{device:name}" to dom{domain:dec} failed ({rc:dec})',
    'device-failed',
    'Xen since 4.6',
    'a device could not be given to a domain',
  ],
  [
    'Failed to deassign {device:name} in domain {domain:dec}',
    'device-failed',
    'Xen since 4.6, debug builds',
    'a device could not be taken from a domain',
  ],
  [
    "Couldn't configure correctly all the IOMMUs.",
    'panic',
    'Xen since 4.13',
    'an IOMMU of the device tree could not be set up, and Xen stops rather than go on without it',
  ],
  [
    'non-direct mapped hardware domain requires iommu',
    'panic',
    'Xen since 4.21',
    'the hardware domain’s memory is not mapped one to one, so that its devices need an IOMMU, and there is none',
  ],
  [
    'Unsupported iommu option: XEN_DOMCTL_IOMMU_no_sharept',
    'option-invalid',
    'Xen since 4.13, debug builds',
    'a domain was to have IOMMU tables of its own, which Xen on Arm does not have',
  ],
  [
    'map-inclusive dom0-iommu option is not supported on ARM',
    'option-invalid',
    'Xen 4.12 to 4.16',
    'an option of the command line has no effect on Arm',
  ],
  [
    'map-reserved dom0-iommu option is not supported on ARM',
    'option-invalid',
    'Xen 4.12 to 4.16',
    'an option of the command line has no effect on Arm',
  ],
  [
    'Creating IOMMU rangeset failed',
    'out-of-memory',
    'Xen since 4.19',
    'no memory to note what a device-tree overlay adds',
  ],
  [
    'Adding IRQ and IOMMU failed',
    'device-failed',
    'Xen since 4.19',
    'a device of a device-tree overlay could not be set up',
  ],
];

const eventForm = ([text, reason, printedBy, meaning]: Row): EventForm => ({
  role: 'event',
  source: 'xen',
  unit: null,
  kind: 'init',
  texts: [text],
  printedBy,
  read({ fields, text, line }, event, facts) {
    if (fields.device !== undefined) event.device = deviceName(fields.device);
    if (fields.domain !== undefined) event.domain = decimal(fields.domain);
    const rc = decimal(fields.rc);
    if (rc !== null) event.details.rc = `${rc} (${errnoName(rc)})`;
    event.reason = initReason(reason, meaning);
    if (reason === 'panic') facts.iommuOffBecause ??= { value: text, line };
    return undefined;
  },
});

/** A path before `already assigned.`, which only Xen on Arm prints with a dot. */
const ALREADY: EventForm = {
  role: 'event',
  source: 'xen',
  unit: null,
  kind: 'toolstack',
  texts: ['already assigned.'],
  printedBy: 'Xen since 4.6',
  read({ before }, event) {
    const device = before.trim();
    if (!device.startsWith('/')) return false;
    event.device = device;
    event.reason = {
      code: null,
      name: 'device-assigned-already',
      meaning: 'the device already belongs to a domain',
      manual: null,
    };
    return undefined;
  },
};

/** The node of a device tree that was opened last. */
const DT_NODE = 'device-tree node';

/** Blanks of `smmu: smmu@fd800000 {` do not belong to the name; a label does not either. */
const lastWord = (text: string): string => text.slice(text.trimEnd().lastIndexOf(' ') + 1).trim();

const DEVICE_TREE: readonly FactForm[] = [
  {
    role: 'fact',
    texts: ['@{address:hex} \\{'],
    printedBy: 'device trees',
    read({ before, fields, line }, facts) {
      facts.other.set(DT_NODE, { value: `${lastWord(before)}@${fields.address}`, line });
    },
  },
  {
    role: 'fact',
    texts: ['iommus = \\<&{unit:name} {stream:hex}'],
    printedBy: 'device trees',
    read({ before, fields, line }, facts) {
      const stream = hexNumber(fields.stream);
      const brace = before.lastIndexOf('{');
      const node = brace < 0 ? facts.other.get(DT_NODE)?.value : lastWord(before.slice(0, brace));
      if (stream === null || node === undefined || node === '') return;
      noteStream(facts, stream, node, line);
      facts.of(facts.devices, node, { value: `stream 0x${stream.toString(16)} of ${fields.unit}`, line });
    },
  },
];

export const ARM_INIT_FORMS: readonly LineForm[] = [...ROWS.map(eventForm), ALREADY, ...DEVICE_TREE];
