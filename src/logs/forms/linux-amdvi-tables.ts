import type { LineForm } from '../form.js';
import { hexValue } from '../values.js';
import { type InitRow, initForms } from './amdvi-init-row.js';

// What Linux says of the firmware's table of AMD-Vi units (IVRS), of options that replace it, and of units and devices that it
// could not set up (drivers/iommu/amd/init.c and iommu.c).

/** A complaint about the table. */
const odd = (texts: readonly string[], meaning: string, printedBy: string): InitRow => ({
  texts,
  printedBy,
  reason: 'firmware-bug',
  meaning,
  firmware: true,
});

const FIRMWARE: readonly InitRow[] = [
  {
    ...odd(
      ['IVRS invalid checksum'],
      'the checksum of the IVRS table is wrong, so that none of it is believed',
      'Linux',
    ),
    off: true,
  },
  {
    texts: ['AMD-Vi: IVRS table error: {error:text}'],
    printedBy: 'Linux',
    reason: 'iommu-off',
    meaning: 'the IVRS table could not be read',
    firmware: true,
    off: true,
  },
  odd(
    ['IOAPIC[{id:dec}] not in IVRS table'],
    'the MADT table has an IO-APIC of which the IVRS table says nothing; ivrs_ioapic on the command line can name its device',
    'Linux',
  ),
  odd(
    ['No southbridge IOAPIC found'],
    'the IVRS table lacks the IO-APIC of the southbridge (00:14.0), which the timer needs',
    'Linux',
  ),
  {
    texts: ['AMD-Vi: Disabling interrupt remapping'],
    printedBy: 'Linux; older ones with "due to BIOS Bug(s)" behind',
    reason: 'interrupts-exposed',
    meaning: 'interrupts of devices are not remapped, as the IVRS table lacks IO-APICs',
    features: { 'interrupt-remapping': false },
  },
  odd(
    ['Found inconsistent EFR/EFR2 {found:text} on iommu{unit:dec} ({device:text})'],
    'a unit can do other things than the others',
    'Linux',
  ),
  odd(
    ['EFR mismatch. Use IVHD EFR ({used:text})'],
    'the IVRS table says other features of a unit than its register',
    'Linux',
  ),
  {
    texts: [
      'AMD-Vi: Can not reserve memory region {start:hex}-{end:hex} for mmio',
      'AMD-Vi: Can not reserve memory region {start:hex} for mmio',
    ],
    printedBy: 'Linux; the last wording in older ones',
    reason: 'unit-failed',
    meaning: 'the registers of a unit lie where something else does',
    firmware: true,
    off: true,
    tell({ fields }, event) {
      event.address = hexValue(fields.start);
      return undefined;
    },
  },
  odd(
    ['AMD-Vi: Unsupported IVHD type {type:hex}'],
    'the IVRS table describes a unit in a way that the kernel does not know',
    'Linux',
  ),
  odd(['Invalid IVHD device type {type:hex}'], 'an IVHD block has an entry of an unknown type', 'Linux'),
  odd(
    ['[Firmware Bug]: Invalid HID.', '[Firmware Bug]: Invalid UID length.'],
    'an IVHD block names an ACPI device by a name that is none',
    'Linux',
  ),
  odd(
    ['No ACPI device matched UID, but {count:dec} device'],
    'an IVHD block names an ACPI device by a number that none of its kind has',
    'Linux 6.x',
  ),
];

const OPTIONS: readonly InitRow[] = [
  {
    texts: [
      'AMD-Vi: Command-line override present for {what:word} id {id:dec} - ignoring',
      'AMD-Vi: Command-line override for hid:{hid:text} uid:{uid:text}',
    ],
    printedBy: 'Linux',
    reason: 'mode',
    meaning: 'the command line says of a device what the IVRS table says otherwise',
  },
  {
    texts: [
      'AMD-Vi: Invalid command line: {option:text}',
      'AMD-Vi: Unknown option - {option:text}',
      'AMD-Vi: Early {what:text} map overflow - ignoring {option:text}',
    ],
    printedBy: 'Linux',
    reason: 'option-invalid',
  },
  {
    texts: ['AMD-Vi: amd_iommu=fullflush deprecated'],
    printedBy: 'Linux 5.x and later',
    reason: 'option-invalid',
    meaning: 'an option has a new name, iommu.strict=1; it still counts',
  },
  {
    texts: ['AMD-Vi: ivrs_{option:text} option format deprecated; use {instead:text} instead'],
    printedBy: 'Linux 6.x',
    reason: 'option-invalid',
    meaning:
      'an option that replaces parts of the IVRS table is written as older kernels had it; it still counts',
  },
];

const UNITS: readonly InitRow[] = [
  {
    texts: ['AMD-Vi: Failed to initialize. The CMPXCHG16B feature is required.'],
    printedBy: 'Linux 6.x',
    reason: 'iommu-off',
    meaning: 'the CPU cannot write 16 bytes at once, which AMD-Vi’s tables need',
    off: true,
  },
  {
    texts: ['AMD-Vi: Disable IOMMU on Stoney Ridge'],
    printedBy: 'Linux',
    reason: 'iommu-off',
    meaning: 'AMD-Vi is not used on Stoney Ridge, where it breaks the graphics',
    off: true,
  },
  {
    texts: ['AMD-Vi: IOMMU not currently supported when SME is active'],
    printedBy: 'Linux',
    reason: 'iommu-off',
    meaning: 'AMD-Vi is not used with encrypted memory (SME) on this processor',
    off: true,
  },
  {
    texts: ['AMD-Vi: IOMMU{unit:dec}: Failed to initialize IOMMU Hardware (error={errno:dec})!'],
    printedBy: 'Linux',
    reason: 'unit-failed',
    meaning: 'a unit could not be set up',
    off: true,
  },
  {
    texts: [
      'AMD-Vi: System has more IOMMUs than supported by this driver',
      'System has more IOMMUs than supported by this driver',
    ],
    printedBy: 'Linux',
    reason: 'unit-failed',
    meaning: 'the machine has more units than the kernel can hold',
  },
  {
    texts: [
      'AMD-Vi: The device table size of IOMMU:{unit:dec} is not expected!',
      'AMD-Vi: The address of old device table is above 4G, not trustworthy!',
      'AMD-Vi: Failed to remap memory for reusing old device table!',
      'AMD-Vi: Failed to allocate memory for copying old device table!',
      'AMD-Vi: Failed to copy DEV table from previous kernel.',
      'AMD-Vi: Wrong old irq remapping flag: {requester:hex}',
    ],
    printedBy: 'Linux 4.x and later, in a kernel started by a crash; the third after 6.12',
    reason: 'unit-failed',
    meaning:
      'the tables of the kernel before cannot be used, so that devices may write where they should not until they are reset',
  },
  {
    texts: [
      'AMD-Vi: IOMMU PFN {frame:hex} RMP lookup failed, ret {errno:dec}',
      'AMD-Vi: IOMMU PFN {frame:hex} not assigned in RMP table',
      'AMD-Vi: PSMASH failed for IOMMU PFN {frame:hex} huge RMP entry, ret: {errno:dec}, level: {level:dec}',
    ],
    printedBy: 'Linux 6.x',
    reason: 'unit-failed',
    meaning: 'a page of the units could not be taken back from SEV-SNP',
  },
];

const DEVICES: readonly InitRow[] = [
  {
    texts: ['AMD-Vi: Failed to initialize - trying to proceed anyway'],
    printedBy: 'Linux',
    reason: 'device-failed',
    meaning: 'a device could not be put under its unit, and is left out of translation',
  },
  {
    texts: ['Failed to get dev_data for {requester:hex}', 'Failed to get alias dev_data for {requester:hex}'],
    printedBy: 'Linux 6.x',
    reason: 'device-failed',
    meaning: 'the kernel knows nothing of a device that is put under its unit',
  },
  {
    texts: ['AMD-Vi: Out of memory allocating dm-regions'],
    printedBy: 'Linux',
    reason: 'out-of-memory',
    meaning: 'there was no memory to note what a device must go on reaching (IVMD)',
  },
  {
    texts: ['AMD-Vi: Failed to allocate IRTE'],
    printedBy: 'Linux',
    reason: 'interrupts-exposed',
    meaning: 'a device got no entry in the interrupt table',
  },
];

/** What Linux says of the IVRS table, and of units and devices that it could not set up. */
export const LINUX_AMDVI_TABLES: readonly LineForm[] = initForms('linux', [
  ...FIRMWARE,
  ...OPTIONS,
  ...UNITS,
  ...DEVICES,
]);
