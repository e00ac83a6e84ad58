import { type AcpiField, type AcpiLayout, row } from './structure.js';
import type { TableBytes } from './table-bytes.js';

const MANUAL = 'AMD I/O Virtualization Technology (IOMMU) spec 3.08 §5.2.2';

export const EntryType = {
  PADDING_4: 0,
  ALL: 1,
  SELECT: 2,
  RANGE_START: 3,
  RANGE_END: 4,
  PADDING_8: 64,
  ALIAS_SELECT: 66,
  ALIAS_START: 67,
  EXTENDED_SELECT: 70,
  EXTENDED_START: 71,
  SPECIAL: 72,
  ACPI_HID: 240,
} as const;

export const SpecialVariety = { IOAPIC: 1, HPET: 2 } as const;

const SETTING: AcpiField = row(3, 1, 'setting', 'hex', 'DTE setting', {
  bits: [
    { name: 'initPass', lo: 0, hi: 0, doc: 'INITPass' },
    { name: 'extIntPass', lo: 1, hi: 1, doc: 'EIntPass' },
    { name: 'nmiPass', lo: 2, hi: 2, doc: 'NMIPass' },
    { name: 'reserved3', lo: 3, hi: 3, doc: 'reserved', kind: 'reserved' },
    {
      name: 'systemManagement',
      lo: 4,
      hi: 5,
      doc: 'SysMgt: what becomes of system management messages',
      kind: 'number',
    },
    { name: 'lint0Pass', lo: 6, hi: 6, doc: 'Lint0Pass' },
    { name: 'lint1Pass', lo: 7, hi: 7, doc: 'Lint1Pass' },
  ],
});

const TYPE = row(0, 1, 'type', 'number', 'Type');
const device = (doc: string): AcpiField => row(1, 2, 'deviceId', 'requester', doc);
const reservedDevice = row(1, 2, 'deviceId', 'reserved', 'reserved');

const entry = (name: string, title: string, size: number, fields: readonly AcpiField[]): AcpiLayout => ({
  name,
  title,
  manual: MANUAL,
  size,
  fields: [TYPE, ...fields],
});

const alias = [
  row(4, 1, 'reserved4', 'reserved', 'reserved'),
  row(5, 2, 'alias', 'requester', 'Source DeviceID: what the IOMMU sees'),
  row(7, 1, 'reserved7', 'reserved', 'reserved'),
] as const;

const extended = row(4, 4, 'extended', 'hex', 'Extended DTE setting', {
  bits: [
    { name: 'reserved0', lo: 0, hi: 30, doc: 'reserved', kind: 'reserved' },
    { name: 'atsDisabled', lo: 31, hi: 31, doc: 'AtsDisabled: the device must not use ATS' },
  ],
});

/** The device entries of an IVHD block, by type. */
export const DEVICE_ENTRIES: ReadonlyMap<number, AcpiLayout> = new Map([
  [
    EntryType.PADDING_4,
    entry('padding', '4 bytes of padding', 4, [row(1, 3, 'padding', 'reserved', 'padding')]),
  ],
  [EntryType.ALL, entry('all', 'all devices of the segment', 4, [reservedDevice, SETTING])],
  [EntryType.SELECT, entry('select', 'one device', 4, [device('DeviceID'), SETTING])],
  [
    EntryType.RANGE_START,
    entry('range start', 'first of a range of devices', 4, [device('DeviceID'), SETTING]),
  ],
  [
    EntryType.RANGE_END,
    entry('range end', 'last of a range of devices', 4, [
      device('DeviceID'),
      row(3, 1, 'setting', 'reserved', 'reserved'),
    ]),
  ],
  [
    EntryType.PADDING_8,
    entry('padding', '8 bytes of padding', 8, [row(1, 7, 'padding', 'reserved', 'padding')]),
  ],
  [
    EntryType.ALIAS_SELECT,
    entry('alias', 'one device that appears as another', 8, [device('DeviceID'), SETTING, ...alias]),
  ],
  [
    EntryType.ALIAS_START,
    entry('alias range start', 'first of a range that appears as another device', 8, [
      device('DeviceID'),
      SETTING,
      ...alias,
    ]),
  ],
  [
    EntryType.EXTENDED_SELECT,
    entry('extended select', 'one device with more settings', 8, [device('DeviceID'), SETTING, extended]),
  ],
  [
    EntryType.EXTENDED_START,
    entry('extended range start', 'first of a range with more settings', 8, [
      device('DeviceID'),
      SETTING,
      extended,
    ]),
  ],
  [
    EntryType.SPECIAL,
    entry('special device', 'an I/O APIC or HPET', 8, [
      reservedDevice,
      SETTING,
      row(4, 1, 'handle', 'hex', 'Handle: the APIC id as in the MADT, or the number of the HPET'),
      row(5, 2, 'alias', 'requester', 'Source DeviceID: what the IOMMU sees'),
      row(7, 1, 'variety', 'number', 'Variety', { values: { 1: 'I/O APIC', 2: 'HPET' } }),
    ]),
  ],
  [
    EntryType.ACPI_HID,
    entry('ACPI device', 'a device that has an ACPI name and no PCI address', 22, [
      device('DeviceID'),
      SETTING,
      row(4, 8, 'hid', 'text', 'HID: hardware id'),
      row(12, 8, 'cid', 'text', 'CID: compatible id'),
      row(20, 1, 'uidFormat', 'number', 'UID format', { values: { 0: 'none', 1: 'number', 2: 'text' } }),
      row(21, 1, 'uidLength', 'number', 'UID length'),
      row(22, 0, 'uid', 'bytes', 'UID'),
    ]),
  ],
]);

/**
 * The length of the device entry at `at`: by its type's two upper bits, except from 240 on, where ACPI devices have a UID
 * of a length of their own. 0 for types above that whose length nobody knows; null where bytes are missing.
 */
export function deviceEntryLength(bytes: TableBytes, at: number): number | null {
  const type = bytes.number(at, 1);
  if (type === null) return null;
  if (type < 240) return 4 << (type >> 6);
  if (type !== EntryType.ACPI_HID) return 0;
  const uid = bytes.number(at + 21, 1);
  return uid === null ? null : 22 + uid;
}
