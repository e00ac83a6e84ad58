import { AMDVI_FEATURES } from '../../formats/amdvi-features.js';
import type { LineForm, MoreForm } from '../form.js';
import { hexNumber, sbdfOf } from '../values.js';
import { type InitRow, initForms } from './amdvi-init-row.js';

// What Xen says of AMD-Vi's units while it sets them up, of their interrupts and of their commands.
// (xen/drivers/passthrough/amd/iommu_init.c, iommu_detect.c, iommu_intr.c, iommu_cmd.c, pci_amd_iommu.c)

const DEBUG = 'Xen with iommu=debug';
const SINCE_416 = 'Xen since 4.16; the last wording 4.6 to 4.15 with iommu=debug';
const FEATURES = 'xen-amdvi-features';

const UNITS: readonly InitRow[] = [
  {
    texts: ['AMD-Vi: IOMMU {unit:dec} Enabled.'],
    printedBy: 'Xen',
    reason: 'iommu-on',
    meaning: 'a unit was set up and switched on',
  },
  {
    texts: [
      'IVHD: IOMMU @ {address:hex} cap @ {capability:hex} seg {segment:hex} info {info:hex} attr {attributes:hex}',
    ],
    printedBy: 'Xen since 4.20 with iommu=debug',
    reason: 'unit-found',
    meaning: 'the IVRS table has a unit, with its registers at this address',
  },
  {
    texts: ['AMD-Vi: IOMMU Extended Features:'],
    printedBy: 'Xen; since 4.14 once for units that are alike',
    reason: 'capabilities',
    opens: FEATURES,
  },
  {
    texts: ['AMD-Vi: Disabled HAP memory map sharing with IOMMU'],
    printedBy: 'Xen',
    reason: 'feature-off',
    meaning: 'HVM guests have tables of their own for devices: AMD-Vi never shares those of the CPU',
    features: { 'shared-ept': false },
  },
  {
    texts: ['AMD-Vi: PPR Log Enabled.'],
    printedBy: DEBUG,
    reason: 'feature-on',
    meaning: 'the log of page requests (PRI) is used',
    features: { 'page-requests': true },
  },
  {
    texts: ['AMD-Vi: Guest Translation Enabled.'],
    printedBy: DEBUG,
    reason: 'feature-on',
    meaning: 'the unit may use guests’ tables',
    features: { 'guest-translation': true },
  },
  {
    texts: ['AMD-Vi: Applying erratum 746 workaround for IOMMU at {device:bdf}'],
    printedBy: 'Xen; Linux 3.5 to 4.9 in the same words',
    reason: 'workaround',
    meaning: 'erratum 746: a unit could hang, so that clock gating of a part of it is switched off',
  },
  {
    texts: ['AMD-Vi: IOMMU {device:bdf} enabled by firmware (ctrl {control:hex})'],
    printedBy: 'Xen since 4.22',
    reason: 'mode',
    meaning: 'firmware had switched the unit on; Xen switches it off before it sets it up',
    tell({ fields, line }, event, facts) {
      event.device = sbdfOf(fields.device);
      facts.other.set('translation-pre-enabled', { value: fields.device ?? '', line });
      return undefined;
    },
  },
  {
    texts: ['AMD-Vi: Error initialization'],
    printedBy: 'Xen; the line before says why, up to 4.15 only with iommu=debug',
    reason: 'iommu-off',
    meaning: 'Xen could not set up AMD-Vi, and goes on without an IOMMU',
    off: true,
  },
  {
    texts: ['AMD-Vi: IOMMU not found!'],
    printedBy: 'Xen 4.6 to 4.12',
    reason: 'iommu-off',
    meaning:
      'firmware describes no AMD-Vi unit: there is none, or it is switched off in the firmware’s setup',
    off: true,
  },
  {
    texts: ['AMD-Vi: Error {errno:dec} initializing for x2APIC mode'],
    printedBy: 'Xen since 4.13',
    reason: 'feature-refused',
    meaning: 'interrupts for x2APIC could not be set up',
    features: { x2apic: false },
  },
  {
    texts: ['AMD-Vi: Error: no CMPXCHG16B support, disabling IOMMU'],
    printedBy: 'Xen since 4.20',
    reason: 'iommu-off',
    meaning: 'the CPU cannot write 16 bytes at once, which AMD-Vi’s tables need',
    off: true,
  },
  {
    texts: ['AMD-Vi: SP5100 erratum 28 detected, disabling IOMMU.'],
    printedBy: 'Xen, with advice in the next line',
    reason: 'iommu-off',
    meaning:
      'erratum 28 of the SP5100: with SATA in combined mode its requests come from a wrong device; firmware can switch that mode off',
    off: true,
  },
  {
    texts: ['AMD-Vi: Error: cannot allocate {what:text}', 'AMD-Vi: Error allocating {what:text}'],
    printedBy: SINCE_416,
    reason: 'out-of-memory',
  },
  {
    texts: ['AMD-Vi: no device found, something must be very wrong!'],
    printedBy: DEBUG,
    reason: 'unit-failed',
    meaning: 'a log has an entry, but no unit says that it wrote one',
  },
  {
    texts: ["AMD-Vi: Error: can't request irq", "AMD-Vi: can't request irq", ': IOMMU: no irqs'],
    printedBy:
      'Xen; the second wording 4.6 to 4.15 with iommu=debug, the last in debug builds, also for VT-d',
    reason: 'unit-failed',
    meaning: 'a unit got no interrupt to report faults with',
  },
  {
    texts: ['AMD-Vi: Warning: no pdev for {device:bdf}', 'AMD-Vi: IOMMU: no pdev for {device:bdf}'],
    printedBy: SINCE_416,
    reason: 'device-unknown',
    meaning: 'the unit’s own PCI device was not found',
  },
  {
    texts: ['Could not mark config space of {device:bdf} read-only ({errno:dec})'],
    printedBy: 'Xen',
    reason: 'device-failed',
    meaning: 'the unit’s own PCI device could not be hidden from dom0',
  },
  {
    texts: [
      'Log Run bit {bit:dec} is not cleared before reset',
      'Log Run bit {bit:dec} is not clearedbefore reset!',
    ],
    printedBy: SINCE_416,
    reason: 'unit-failed',
    meaning: 'a log of the unit was full and did not stop, so that it was not restarted',
  },
];

const INTERRUPTS: readonly InitRow[] = [
  {
    texts: ['AMD-Vi: Using global interrupt remap table is not recommended (see XSA-36)!'],
    printedBy: 'Xen',
    reason: 'interrupts-exposed',
    meaning:
      'all devices share one table of interrupts, so that a guest’s device can send those of others (XSA-36)',
    tell: (line, _event, facts) => {
      facts.other.set('interrupt-table', { value: 'global', line: line.line });
      return undefined;
    },
  },
  {
    texts: [
      'failed to find IOMMU for IO-APIC @ {segment:hex}:{requester:hex}',
      'Fail to find iommu for ioapic device id = {segment:hex}:{requester:hex}',
      'no IOMMU for IO-APIC {ioapic:hex} (ID {id:hex})',
      'No IOMMU for IO-APIC {ioapic:hex} (ID {id:hex})',
    ],
    printedBy: 'Xen; the wordings with capitals up to 4.15 with iommu=debug, the last two since 4.13',
    reason: 'interrupts-exposed',
    meaning: 'an IO-APIC lies behind no unit, so that its interrupts are not remapped',
  },
  {
    texts: ['No IOMMU for MSI dev = {device:bdf}'],
    printedBy: DEBUG,
    reason: 'interrupts-exposed',
    meaning: 'a device lies behind no unit, so that its interrupts are not remapped',
  },
  {
    texts: [
      'failed to setup HPET MSI remapping: missing IVRS HPET info',
      'Failed to setup HPET MSI remapping. Missing IVRS HPET info.',
    ],
    printedBy: SINCE_416,
    reason: 'firmware-bug',
    meaning: 'the IVRS table does not have the HPET, so that its interrupts are not remapped',
    firmware: true,
  },
  {
    texts: [
      'failed to setup HPET MSI remapping: wrong HPET',
      'Failed to setup HPET MSI remapping. Wrong HPET.',
    ],
    printedBy: SINCE_416,
    reason: 'firmware-bug',
    meaning: 'the IVRS table has another HPET than the HPET table',
    firmware: true,
  },
  {
    texts: ['Remapping IO-APIC {ioapic:hex} pin {pin:dec} failed ({errno:dec})'],
    printedBy: 'Xen',
    reason: 'interrupts-exposed',
    meaning: 'an interrupt of an IO-APIC could not be remapped',
  },
  {
    texts: ['unexpected IRTE {entry:word} (expected {expected:word})'],
    printedBy: 'Xen since 4.20',
    reason: 'unit-failed',
    meaning: 'an entry of an interrupt table changed while Xen replaced it',
  },
  {
    texts: ["No memory for {device:bdf}'s IRT", 'No memory for shared IRT'],
    printedBy: 'Xen since 4.13',
    reason: 'panic',
    meaning: 'there was no memory for a table of interrupts',
  },
];

const command = (row: InitRow): InitRow => ({ ...row, kind: 'command-error' });

// A field of the type bdf takes the colon behind the address, too.
const COMMANDS: readonly InitRow[] = [
  command({
    texts: [
      'AMD IOMMU {device:bdf} completion wait taking too long',
      'AMD IOMMU {device:bdf} iotlb completion wait taking too long',
    ],
    printedBy: 'Xen since 4.16',
    reason: 'unit-failed',
    meaning: 'the unit, or with iotlb a device, takes long to forget translations, and Xen waits',
  }),
  command({
    texts: [
      'AMD IOMMU {device:bdf} completion wait took {time:word}',
      'AMD IOMMU {device:bdf} iotlb completion wait took {time:word}',
    ],
    printedBy: 'Xen since 4.16',
    reason: 'unit-failed',
    meaning: 'the unit, or with iotlb a device, took long to forget translations',
  }),
  command({
    texts: ['AMD IOMMU {device:bdf} no cmd slot available'],
    printedBy: 'Xen since 4.16, once',
    reason: 'unit-failed',
    meaning: 'the unit’s buffer of commands stayed full',
  }),
  command({
    texts: ['AMD-Vi: Warning: ComWaitInt bit did not assert!'],
    printedBy: 'Xen 4.6 to 4.15 with iommu=debug',
    reason: 'unit-failed',
    meaning: 'the unit did not carry out its commands in time, so that translations may still be remembered',
  }),
  command({
    texts: ["AMD-Vi: Warning: can't find IOMMU for {device:bdf}", ": Can't find iommu for {device:bdf}"],
    printedBy: SINCE_416,
    reason: 'device-unknown',
    meaning: 'a device with ATS lies behind no unit, so that it was not told to forget translations',
  }),
  command({
    texts: [
      'AMD-Vi: No entry written to {log:word} Log',
      'AMD-Vi: No event written to log',
      'AMD-Vi: No ppr written to log',
    ],
    printedBy: 'Xen with iommu=debug; the last two 4.6 to 4.13',
    reason: 'unit-failed',
    meaning: 'the unit announced an entry of a log and wrote none (errata 732 and 733)',
  }),
];

/** The features as Xen 4.6 to 4.12 lists them, where that differs. */
const OLD_FEATURES: Readonly<Record<string, string>> = {
  XT: 'X2APIC Supported',
  NX: 'NX bit Supported',
  GA: 'Guest APIC supported',
};

/** Nothing, or a few blanks. */
const isBlank = (text: string): boolean => text.length <= 8 && text.trim() === '';

/** A line for each feature: its name, and the value where it is more than yes or no. */
const LISTED: readonly MoreForm[] = AMDVI_FEATURES.filter(({ xen }) => xen !== '').map(
  ({ name, meaning, lo, hi, xen }) => {
    const value = hi > lo ? `: {value:hex}` : '';
    const old = OLD_FEATURES[name];
    return {
      role: 'more',
      continues: FEATURES,
      texts: [`- ${xen}${value}`, ...(old === undefined ? [] : [`- ${old}`])],
      printedBy: 'Xen',
      read({ fields, before, after }, event) {
        // `SMI Filter Register` is the beginning of another.
        if (!isBlank(before) || !isBlank(after)) return false;
        const number = fields.value === undefined ? 1 : hexNumber(fields.value);
        if (number !== null) event.bits.push({ name, value: number, meaning });
        return undefined;
      },
    };
  },
);

/** What Xen says of AMD-Vi's units, their interrupts and their commands. */
export const XEN_AMDVI_UNITS: readonly LineForm[] = [
  ...initForms('xen', [...UNITS, ...INTERRUPTS, ...COMMANDS]),
  ...LISTED,
];
