import type { FactForm, LineForm, MoreForm } from '../form.js';
import { noteComplaint, noteOffBecause, noteOther, noteRegion } from '../machine-facts.js';
import { keepLine } from '../vtd-walk.js';
import { type Said, saidForms } from './said.js';
import { tableComplaint } from './table-complaint.js';

/** What Linux says of the ACPI DMAR table while it reads it, and of RMRRs (intel/dmar.c, intel/iommu.c). */

const VTD = { source: 'linux', unit: 'vtd', kind: 'init' } as const;
/** Events that the firmware's vendor and version follow. */
const BUG = 'linux-dmar-bug';

/** `DMAR: [Firmware Bug]: Your BIOS is broken; …`: the words that follow, and what they mean. */
const BROKEN: readonly (readonly [texts: readonly string[], meaning: string, name?: Said['name']])[] = [
  [
    [
      'Your BIOS is broken; DMAR reported at address {registers:hex}< returns all ones>!',
      'Your BIOS is broken; DMAR reported at address zero!',
    ],
    'the DMAR table has a unit at an address where none answers: translation stays off',
  ],
  [
    ['Your BIOS is broken; RHSA refers to non-existent DMAR unit at {registers:hex}'],
    'the DMAR table tells the NUMA node of a unit that it does not have',
  ],
  [
    ['Your BIOS is broken; ANDD object name is not NUL-terminated'],
    'the DMAR table names an ACPI device without end',
  ],
  [
    [
      'Your BIOS is broken; bad RMRR [{start:hex}-{end:hex}]',
      'Your BIOS is broken; RMRR ends before it starts!',
    ],
    'an RMRR makes no sense: it ends before it begins, or lies in memory that the map does not reserve',
    'rmrr-invalid',
  ],
  [
    ['Your BIOS is broken; RMRR exceeds permitted address width ({bits:dec} bits)'],
    'an RMRR lies beyond the addresses that the unit translates',
    'rmrr-invalid',
  ],
  [
    ['Your BIOS is broken; DMA routed to ISOCH DMAR unit but no TLB space.'],
    'firmware gave the sound device’s unit no TLB',
  ],
];

const TABLE: readonly Said[] = [
  ...BROKEN.map(
    ([texts, meaning, name = 'firmware-bug']): Said => ({
      texts,
      printedBy: 'Linux',
      name,
      meaning,
      opens: BUG,
      also: tableComplaint,
    }),
  ),
  {
    texts: ['RMRR entry for device {device:bdf} is broken - applying workaround'],
    printedBy: 'Linux since 3.19',
    name: 'rmrr-invalid',
    meaning: 'an RMRR names its device by the wrong path; Linux takes it for the device that it can mean',
    also: tableComplaint,
  },
  {
    texts: ['BIOS assigned incorrect VT-d unit for Intel(R) QuickData Technology device'],
    printedBy: 'Linux since 3.2',
    name: 'firmware-bug',
    meaning: 'the DMAR table has the DMA engine (I/OAT) under the wrong unit; it is not translated',
    also: tableComplaint,
  },
  {
    texts: [
      'Record passes table end',
      'No DRHD structure found in DMAR table',
      'No DRHD structures in buffer returned by _DSM method',
      'Invalid DMAR haw',
    ],
    printedBy: 'Linux',
    name: 'firmware-bug',
    meaning: 'the DMAR table makes no sense: a structure is too long, units or the address width are missing',
    also: tableComplaint,
  },
  {
    texts: ['Unable to map DMAR', 'Parse DMAR table failure.', 'No DMAR devices found'],
    printedBy: 'Linux',
    name: 'iommu-off',
    meaning: 'Linux found no unit of VT-d in the firmware’s tables, or could not read them',
    also(line, _, facts) {
      noteOffBecause(facts, line);
      return undefined;
    },
  },
  {
    texts: ["Can't validate DRHD address: {registers:hex}"],
    printedBy: 'Linux',
    name: 'firmware-bug',
    meaning: 'the registers of a unit of the DMAR table cannot be mapped',
    also: tableComplaint,
  },
  {
    texts: ['DMAR: Unsupported device scope', 'DMAR: No handler for DMAR structure type {type:dec}'],
    printedBy: 'Linux',
    name: 'firmware-bug',
    meaning: 'the DMAR table has a structure or scope of a type that Linux does not know',
    also: tableComplaint,
  },
  {
    texts: ['Device scope type does not match for {device:bdf}'],
    printedBy: 'Linux',
    name: 'firmware-bug',
    meaning: 'the DMAR table calls a bridge an endpoint, or the other way round',
    also: tableComplaint,
  },
  {
    texts: [
      'Failed to find handle for ACPI object {object:text}',
      'Failed to get device for ACPI object {object:text}',
      'No IOMMU scope found for ANDD enumeration ID {object:text}',
    ],
    printedBy: 'Linux since 3.15',
    name: 'firmware-bug',
    meaning: 'the DMAR table names an ACPI device that is not there, or is in no unit’s scope',
    also: tableComplaint,
  },
  {
    texts: [
      'DRHD base: {registers:hex} flags: {flags:hex}',
      'DRHD (flags: {flags:hex})base: {registers:hex}',
    ],
    printedBy: 'Linux; in the second wording until 2.6.31',
    name: 'unit-found',
    meaning: 'a unit of the DMAR table, by the address of its registers',
    manual: 'Intel VT-d spec 5.10 §8.3',
    also({ fields }, event) {
      if (fields.flags === '0x1')
        event.details.scope = 'all devices that no other unit has (INCLUDE_PCI_ALL)';
      return undefined;
    },
  },
];

const REGIONS: readonly Said[] = [
  {
    texts: ['RMRR base: {start:hex} end: {end:hex}'],
    printedBy: 'Linux',
    name: 'rmrr',
    meaning: 'an RMRR of the firmware, memory that its devices must go on reaching',
    manual: 'Intel VT-d spec 5.10 §8.4',
    also(line, _, facts) {
      noteRegion(facts, line);
      return undefined;
    },
  },
  {
    texts: ['Setting identity map for device {device:bdf} [{start:hex} - {end:hex}]'],
    printedBy: 'Linux until 5.2',
    name: 'rmrr',
    meaning: 'an RMRR is mapped for the device that it is for',
    manual: 'Intel VT-d spec 5.10 §8.4',
    also(line, event, facts) {
      noteRegion(facts, line, event.device === null ? [] : [event.device]);
      return undefined;
    },
  },
  {
    texts: ['No RMRR found'],
    printedBy: 'Linux',
    name: 'rmrr',
    meaning: 'the DMAR table names no reserved region',
    also(line, _, facts) {
      noteOther(facts, 'no-rmrr', 'the firmware names no RMRR', line.line);
      return undefined;
    },
  },
  {
    texts: ['No ATSR found'],
    printedBy: 'Linux',
    name: 'feature-off',
    meaning: 'the DMAR table names no root port below which devices may keep translations (ATS)',
    manual: 'Intel VT-d spec 5.10 §8.5',
    also({ line }, _, facts) {
      facts.features.set('ats', { value: false, line });
      return undefined;
    },
  },
  {
    texts: ['No SATC found'],
    printedBy: 'Linux since 5.12',
    name: 'feature-off',
    meaning: 'the DMAR table names no integrated device that keeps translations (SATC)',
    manual: 'Intel VT-d spec 5.10 §8.8',
  },
  {
    texts: ['ATSR flags: {flags:hex}', 'SATC flags: {flags:hex}'],
    printedBy: 'Linux',
    name: 'capabilities',
    meaning: 'the DMAR table names devices that may keep translations (ATS)',
    manual: 'Intel VT-d spec 5.10 §8.5, §8.8',
    also({ line }, _, facts) {
      facts.features.set('ats', { value: true, line });
      return undefined;
    },
  },
  {
    texts: [
      'Device is ineligible for IOMMU domain attach due to platform RMRR requirement',
      'Firmware has requested this device have a 1:1 IOMMU mapping, rejecting configuring the device without a 1:1 mapping',
    ],
    printedBy: 'Linux since 3.17; in the second wording since 6.6',
    name: 'rmrr-refused',
    meaning:
      'the device has an RMRR, memory that firmware goes on using it for: Linux refuses to give it to a guest',
    manual: 'Intel VT-d spec 5.10 §3.16',
    also(line, _, facts) {
      noteComplaint(facts, line);
      return undefined;
    },
  },
  {
    texts: ['IOMMU driver was not able to establish FW requested direct mapping'],
    printedBy: 'Linux since 6.6',
    name: 'rmrr-failed',
    meaning: 'memory that firmware wants a device to reach at its own address could not be mapped',
    also({ before }, event) {
      const unit = /\biommu (\w{1,32}): $/.exec(before.slice(-64))?.[1];
      if (unit !== undefined) event.details.unit = unit;
      return undefined;
    },
  },
  {
    texts: ['Failed to reserve IOVA [{start:hex}-{end:hex}]'],
    printedBy: 'Linux since 5.15',
    name: 'rmrr-failed',
    meaning: 'addresses of a bridge’s window could not be kept from being handed out to devices',
  },
];

/** Whose firmware it is. */
const VENDOR: MoreForm = {
  role: 'more',
  continues: BUG,
  texts: ['BIOS vendor: {vendor:text}; Ver: {version:text}; Product Version: {product:text}'],
  printedBy: 'Linux, behind complaints about the firmware',
  read({ fields }, event) {
    keepLine(
      event,
      `BIOS vendor: ${fields.vendor}; Ver: ${fields.version}; Product Version: ${fields.product}`,
    );
    event.details.firmware = `${fields.vendor} ${fields.version}`;
    return undefined;
  },
};

const WIDTH: FactForm = {
  role: 'fact',
  texts: ['DMAR: Host address width {bits:dec}', 'dmar: Host address width {bits:dec}'],
  printedBy: 'Linux',
  read({ fields, line }, facts) {
    noteOther(facts, 'host-address-width', fields.bits!, line);
  },
};

export const LINUX_VTD_DMAR_FORMS: readonly LineForm[] = [
  ...saidForms(VTD, [...TABLE, ...REGIONS]),
  VENDOR,
  WIDTH,
];
