import type { LogFacts } from '../facts.js';
import type { FactForm, FormLine, LineForm } from '../form.js';
import { hexNumber, hexValue, sbdfOf } from '../values.js';
import { type InitRow, initForms } from './amdvi-init-row.js';

// What Xen says of the firmware's table of AMD-Vi units (IVRS): of the units with the devices behind them (IVHD) and of memory
// that devices must go on reaching (IVMD). (xen/drivers/passthrough/amd/iommu_acpi.c, iommu_detect.c)

const NEW = 'Xen since 4.16';
const BOTH = 'Xen; the last wording 4.6 to 4.15 with iommu=debug';

/** The table is wrong, and Xen gives up. */
const fatal = (texts: readonly string[], meaning: string, printedBy = BOTH): InitRow => ({
  texts,
  printedBy,
  reason: 'firmware-bug',
  meaning,
  firmware: true,
  off: true,
});

/** The table is odd, and Xen goes on. */
const odd = (texts: readonly string[], meaning: string, printedBy = BOTH): InitRow => ({
  texts,
  printedBy,
  reason: 'firmware-bug',
  meaning,
  firmware: true,
});

const IVRS: readonly InitRow[] = [
  fatal(
    ['IVRS: invalid checksum {checksum:hex}', 'IVRS Error: Invalid Checksum {checksum:hex}'],
    'the checksum of the IVRS table is wrong, so that none of it is believed',
  ),
  fatal(
    [
      'IVRS: table length exceeded: {table:hex} -\\> {needed:hex}',
      'IVRS Error: Table Length Exceeded: {table:hex} -\\> {needed:hex}',
    ],
    'a block of the IVRS table reaches beyond the table’s end',
  ),
  fatal(
    ['IVRS Error: Invalid Block Type!'],
    'the IVRS table has a block of an unknown type',
    'Xen 4.6 and 4.7',
  ),
  fatal(
    ['Cannot find supported IVHD type.'],
    'the IVRS table has no block for a unit of a type that Xen knows',
    'Xen since 4.8',
  ),
  fatal(
    ['AMD-Vi: Error: invalid IVHD block< {part:word}>', 'AMD-Vi: Invalid IVHD Block<{part:text}>'],
    'the IVHD block of a unit is too short, or names no device, capability or registers',
  ),
];

const IVHD: readonly InitRow[] = [
  fatal(
    ['IVHD: invalid block length', 'IVHD Error: Invalid Block Length!'],
    'an IVHD block is too short for what it must hold',
  ),
  fatal(
    ['IVHD: invalid Device_Entry length', 'IVHD Error: Invalid Device_Entry Length!'],
    'an entry of an IVHD block reaches beyond the block',
  ),
  fatal(
    [
      'IVHD: invalid Device_Entry Dev_Id {requester:hex}',
      'IVHD Error: Invalid Device_Entry Dev_Id {requester:hex}',
    ],
    'an entry of an IVHD block names a device beyond the last one of the table',
  ),
  fatal(
    ['IVHD: invalid range: End_Type {type:hex}', 'IVHD Error: Invalid Range: End_Type {type:hex}'],
    'a range of devices of an IVHD block has no end',
  ),
  fatal(
    [
      'IVHD: invalid range: First Dev_Id {requester:hex}',
      'IVHD Error: Invalid Range: First Dev_Id {requester:hex}',
      'IVHD: invalid range: Last Dev_Id {requester:hex}',
      'IVHD Error: Invalid Range: Last Dev_Id {requester:hex}',
    ],
    'a range of devices of an IVHD block begins or ends at a device that is none',
  ),
  fatal(
    ['IVHD: invalid Alias Dev_Id {requester:hex}', 'IVHD Error: Invalid Alias Dev_Id {requester:hex}'],
    'an IVHD block gives a device an alias that is none',
    'Xen; the last wording 4.6 to 4.15, and later of ranges',
  ),
  fatal(
    [
      'IVHD: no IOMMU for Dev_Id {requester:hex} Cap {capability:hex}',
      'IVHD Error: No IOMMU for Dev_Id {requester:hex} Cap {capability:hex}',
    ],
    'an IVHD block is for a unit that Xen has not found',
  ),
  fatal(
    ['IVHD Error: Invalid Device Type!'],
    'an IVHD block has an entry of an unknown type',
    'Xen 4.6 to 4.15',
  ),
  odd(['IVHD: unknown device type {type:hex}'], 'an IVHD block has an entry of an unknown type', NEW),
  fatal(
    ['IVHD: conflicting IO-APIC {id:hex} entries', 'IVHD Error: Conflicting IO-APIC {id:hex} entries'],
    'the IVRS table names two devices as the same IO-APIC',
    'Xen; the last wording 4.6 to 4.15',
  ),
  odd(
    ['IVHD: duplicate IO-APIC {id:hex} entries', 'IVHD Warning: Duplicate IO-APIC {id:hex} entries'],
    'the IVRS table names an IO-APIC twice',
  ),
  fatal(
    ['IVHD Error: IO-APIC {id:hex} entry beyond bounds'],
    'the IVRS table has an IO-APIC with a number beyond what Xen can hold',
    'Xen 4.6 to 4.8',
  ),
  fatal(
    ['IVHD Error: Invalid IO-APIC {id:hex}'],
    'the IVRS table has an IO-APIC that the MADT table does not have',
    'Xen',
  ),
  fatal(
    ['IVHD Error: no information for IO-APIC {id:hex}'],
    'the MADT table has an IO-APIC of which the IVRS table says nothing, so that its interrupts cannot be remapped; ivrs_ioapic[] on Xen’s command line can name its device',
    'Xen',
  ),
  fatal(
    ['IVHD Error: Too many IO APICs.'],
    'the IVRS table has more IO-APICs than Xen can hold',
    'Xen since 4.9',
  ),
  {
    texts: ['IVHD Error: Out of memory'],
    printedBy: 'Xen',
    reason: 'out-of-memory',
    off: true,
  },
  odd(
    ['Unrecognized IVHD special variety {variety:hex}'],
    'the IVRS table has a special device that is neither IO-APIC nor HPET',
    'Xen',
  ),
  odd(['Only one IVHD HPET entry is supported.'], 'the IVRS table has a second HPET', 'Xen'),
  odd(
    ['No southbridge IO-APIC found in IVRS table'],
    'the IVRS table lacks the IO-APIC of the southbridge (00:14.0), which the timer needs; with a table of interrupts for each device Xen gives up',
    'Xen',
  ),
  odd(
    ['not found in ACPI tables; using same IOMMU as function 0'],
    'the IVRS table does not have this function of a device',
    'Xen',
  ),
];

/** Bytes as Xen prints them: `[start,end)`. */
function noteIvmd({ fields, line }: FormLine, facts: LogFacts, length = false): void {
  const start = hexValue(fields.start);
  const last = hexValue(fields.end);
  if (start === null || last === null) return;
  const end = length ? start + last : last;
  if (end > start) facts.add(facts.reservedRegions, { start, end, what: '', devices: [], line });
}

const IVMD: readonly InitRow[] = [
  {
    texts: ['IVMD Block: type {type:hex} phys {start:hex} len {end:hex}'],
    printedBy: 'Xen with iommu=debug',
    reason: 'ivmd',
    tell({ fields, line }, event, facts) {
      noteIvmd({ fields, line } as FormLine, facts, true);
      event.address = hexValue(fields.start);
      event.details.length = fields.end!;
      delete event.details.start;
      delete event.details.end;
      event.details.devices = IVMD_TYPES.get(hexNumber(fields.type) ?? 0) ?? 'unknown';
      return undefined;
    },
  },
  {
    texts: ['IVMD: [{start:hex},{end:hex}) is not IOMMU addressable'],
    printedBy: NEW,
    reason: 'firmware-bug',
    meaning: 'firmware names memory for a device that the unit’s tables cannot address; it is left out',
    firmware: true,
    tell({ fields }, event) {
      event.address = hexValue(fields.start);
      return undefined;
    },
  },
  {
    texts: [
      'IVMD: [{start:hex}, {end:hex}] is not (entirely) in reserved memory',
      'IVMD: [{start:hex},{end:hex}) is not (entirely) in reserved memory',
    ],
    printedBy: 'Xen since 4.19; the last wording 4.16 to 4.18',
    reason: 'firmware-bug',
    meaning: 'firmware names memory for a device that its own memory map does not keep for it',
    firmware: true,
    tell({ fields }, event) {
      event.address = hexValue(fields.start);
      return undefined;
    },
  },
  {
    ...fatal(
      ["IVMD: page at {address:hex} couldn't be reserved", "IVMD: page at {address:hex} can't be converted"],
      'firmware names memory for a device that is in use for something else',
      'Xen since 4.16',
    ),
    tell({ fields }, event) {
      // Since 4.19 a frame, with 0x; before, an address without.
      if (fields.address!.startsWith('0x')) event.address = (event.address ?? 0n) << 12n;
      return undefined;
    },
  },
  fatal(
    ['IVMD: overlap [{start:hex},{end:hex}) vs [{other:hex},{otherEnd:hex})'],
    'firmware names overlapping memory for a device with different rights',
    NEW,
  ),
  fatal(['IVMD: invalid block length', 'IVMD Error: Invalid Block Length!'], 'an IVMD block is too short'),
  fatal(
    ['IVMD: invalid flag field', 'IVMD Error: Invalid Flag Field!'],
    'an IVMD block says neither that its memory is to be mapped nor that it is excluded',
  ),
  fatal(
    ['IVMD: unknown block type {type:hex}', 'IVMD Error: Invalid Block Type!'],
    'an IVMD block has an unknown type',
  ),
  fatal(
    [
      'IVMD: invalid Dev_Id {requester:hex}',
      'IVMD: invalid Range_First Dev_Id {requester:hex}',
      'IVMD: invalid Range_Last Dev_Id {requester:hex}',
      'IVMD Error: Invalid Dev_Id {requester:hex}',
      'IVMD Error: Invalid Range_First Dev_Id {requester:hex}',
      'IVMD Error: Invalid Range_Last Dev_Id {requester:hex}',
    ],
    'an IVMD block is for a device beyond the last one of the table',
  ),
  fatal(
    [
      'IVMD: no IOMMU for Dev_Id {requester:hex}< Cap {capability:hex}>',
      'IVMD Error: No IOMMU for Dev_Id {requester:hex}< Cap {capability:hex}>',
    ],
    'an IVMD block is for a device or unit that has no IOMMU',
  ),
  odd(
    ['IVMD: no IOMMU for device {device:bdf} - ignoring constrain'],
    'an IVMD block is for a device without an IOMMU; it is left out',
    'Xen since 4.20',
  ),
];

/** Types of IVMD blocks: for whom their memory is. (§5.2.2.3) */
const IVMD_TYPES: ReadonlyMap<number, string> = new Map([
  [0x20, 'all'],
  [0x21, 'one'],
  [0x22, 'a range'],
  [0x23, 'all of one unit'],
]);

const OPTIONS: readonly InitRow[] = [
  {
    texts: ['parse_ivrs_ioapic: Too many IO APICs.'],
    printedBy: 'Xen since 4.9',
    reason: 'option-invalid',
    meaning: 'ivrs_ioapic[] on Xen’s command line names more IO-APICs than Xen can hold',
  },
];

const fact = (
  texts: readonly string[],
  printedBy: string,
  read: (line: FormLine, facts: LogFacts) => void,
): FactForm => ({ role: 'fact', texts, printedBy, read });

const note = (name: string) => (line: FormLine, facts: LogFacts) => {
  facts.other.set(name, { value: Object.values(line.fields)[0] ?? '', line: line.line });
};

const IO_APIC = 1;

const FACTS: readonly LineForm[] = [
  fact(['AMD-Vi: Using IVHD type {type:hex}'], 'Xen since 4.8 with iommu=debug', note('ivhd-type')),
  fact(['IVMD: {count:dec} command line provided entries'], NEW, note('ivmd-options')),
  fact(
    ['IVHD Special: {device:bdf} variety {variety:hex} handle {handle:hex}'],
    'Xen with iommu=debug',
    ({ fields, line }, facts) => {
      const handle = hexNumber(fields.handle);
      const device = sbdfOf(fields.device);
      if (handle === null || handle > 0xff || device === null) return;
      const what = hexNumber(fields.variety) === IO_APIC ? 'io-apic' : 'hpet';
      facts.other.set(`ivrs-${what}-0x${handle.toString(16)}`, { value: device, line });
    },
  ),
  fact(
    [
      'IVHD: Command line override present for IO-APIC {id:hex}<(IVRS: {handle:hex} devID {device:bdf})>',
      'IVHD: Command line override present for HPET {id:hex}< (IVRS: {handle:hex} devID {device:bdf})>',
    ],
    'Xen with iommu=debug',
    note('ivrs-override'),
  ),
];

/** What Xen says of the IVRS table. */
export const XEN_AMDVI_TABLES: readonly LineForm[] = [
  ...initForms('xen', [...IVRS, ...IVHD, ...IVMD, ...OPTIONS]),
  ...FACTS,
];
