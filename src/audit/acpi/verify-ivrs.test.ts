import { describe, expect, it } from 'vitest';
import { EntryType } from '../../formats/acpi/ivhd-entries.js';
import { IVRS_BLOCKS, IVRS_HEADER, IvrsType, parseIvrs } from '../../formats/acpi/ivrs.js';
import { bytesOf, type FieldValues, structureBytes, tableBytes } from '../../formats/acpi/tables.fixture.js';
import { readAcpiFile } from './read-input.js';
import { NOTHING_KNOWN, type Surroundings } from './surroundings.js';
import { verifyAcpiTable } from './verify.js';

const IOMMU: FieldValues = { flags: 0x30, deviceId: 2, capabilityOffset: 0x40, base: 0xfd200000n };
const select = (device: number) => bytesOf(EntryType.SELECT, device & 255, device >> 8, 0);
const range = (first: number, last: number) => [
  bytesOf(EntryType.RANGE_START, first & 255, first >> 8, 0),
  bytesOf(EntryType.RANGE_END, last & 255, last >> 8, 0),
];
const special = (variety: number, handle: number, device: number) =>
  bytesOf(EntryType.SPECIAL, 0, 0, 0, handle, device & 255, device >> 8, variety);
const USUAL = [...range(3, 0xfffe), special(2, 0, 0xa0), special(1, 0x21, 0xa0), special(1, 0x22, 1)];

const ivhd = (type: number, entries: readonly Uint8Array[] = USUAL, values: FieldValues = {}): Uint8Array => {
  const efr = type === IvrsType.IVHD_10 ? {} : { efr: 0x246577efa2254afan };
  return structureBytes(IVRS_BLOCKS.get(type)!, { type, ...IOMMU, ...efr, ...values }, entries);
};
const ivmd = (values: FieldValues, type: number = IvrsType.IVMD_ONE): Uint8Array =>
  structureBytes(IVRS_BLOCKS.get(type)!, {
    type,
    flags: 7,
    deviceId: 0x60,
    start: 0x7d900000n,
    memoryLength: 0x100000n,
    ...values,
  });

const found = (
  blocks: readonly Uint8Array[],
  values: FieldValues = {},
  around: Surroundings = NOTHING_KNOWN,
) => {
  const bytes = tableBytes('IVRS', IVRS_HEADER, { revision: 2, info: 0x203043, ...values }, blocks);
  return verifyAcpiTable(parseIvrs(bytes), around);
};
const codes = (...given: Parameters<typeof found>) =>
  found(...given).map(({ severity, code, offset }) => `${severity} ${code} ${offset}`);

const [TEN, ELEVEN, FORTY] = [IvrsType.IVHD_10, IvrsType.IVHD_11, IvrsType.IVHD_40];

describe('an IVRS table', () => {
  it('of a real machine has nothing wrong; which IVHD is used is told', () => {
    const path = new URL('../../../test/fixtures/acpi/amdtable-raw.txt', import.meta.url).pathname;
    const findings = verifyAcpiTable(readAcpiFile(path).tables[0]!.table);
    expect(findings).toMatchObject([{ severity: 'info', code: 'ivhd-types' }]);
    expect(findings[0]!.message).toMatch(/Xen uses 11h, Linux 40h$/);
    expect(codes([ivhd(ELEVEN)])).toEqual([]);
  });

  it('that Xen finds no IOMMU in is told so', () => {
    expect(codes([])).toEqual(['error no-unit 48']);
    expect(codes([ivhd(FORTY)])).toEqual(['error no-unit-for-xen 48']);
    expect(codes([ivhd(ELEVEN)], { info: 0x203042 })).toEqual(['error no-unit-for-xen 48']);
    expect(codes([ivhd(FORTY)], { revision: 1 })).toContain('warning revision-type 8');
  });

  it('with a short block of type 10h is refused by Xen, and told so', () => {
    const three = [special(1, 0x21, 0xa0), select(8)];
    const [finding] = found([ivhd(TEN, three)], { info: 0x203042 });
    expect(finding).toMatchObject({ severity: 'error', code: 'block-too-short-for-xen', offset: 48 });
    expect(codes([ivhd(TEN, USUAL)], { info: 0x203042 })).toEqual([]);
  });

  it.each([
    [{ deviceId: 0 }, 52],
    [{ capabilityOffset: 0 }, 54],
    [{ base: 0n }, 56],
    [{ base: 0xfd201000n }, 56],
    [{ base: 0x1_0000_0000_0000n }, 56],
  ] as const)('with an IOMMU that cannot be is told so: %o', (values, offset) => {
    expect(codes([ivhd(ELEVEN, USUAL, values)])).toEqual([`error unit-address ${offset}`]);
  });

  it('whose blocks for one IOMMU contradict each other, or leave one out, is told so', () => {
    expect(codes([ivhd(TEN, USUAL, { base: 0xfd300000n }), ivhd(ELEVEN)])).toEqual([
      'info ivhd-types 48',
      'error ivhd-disagree 112',
    ]);
    const fewer = USUAL.slice(1 + 1);
    expect(codes([ivhd(TEN), ivhd(ELEVEN, fewer)])).toContain('warning ivhd-disagree 104');
    const second = { deviceId: 0x4002, base: 0xfd400000n };
    expect(codes([ivhd(TEN, [select(8)], second), ivhd(ELEVEN, range(0x10, 0x80))])).toContain(
      'error ivhd-lost 48',
    );
    expect(codes([ivhd(ELEVEN), ivhd(ELEVEN)])).toContain('error unit-duplicate 120');
    expect(codes([ivhd(ELEVEN, USUAL, { efr: 0n })])).toEqual(['warning efr-missing 72']);
  });

  it('with a device of two IOMMUs is told so', () => {
    const second = ivhd(ELEVEN, range(0x4003, 0x40ff), { deviceId: 0x4002, base: 0xfd400000n });
    const findings = found([ivhd(ELEVEN), second]);
    expect(findings).toMatchObject([{ severity: 'error', code: 'device-twice', sbdf: '0000:40:00.3' }]);
  });

  it('with broken ranges, or an entry that Xen does not know, is told so', () => {
    const [start, end] = range(8, 0x10) as [Uint8Array, Uint8Array];
    const rest = USUAL.slice(2);
    const broken = (entries: readonly Uint8Array[]) =>
      codes([ivhd(ELEVEN, [...entries, ...rest])]).filter((code) => !code.includes('south'));
    expect(broken([start, select(9)])).toEqual(['error range-broken 88']);
    expect(broken([end])).toEqual(['error range-broken 88']);
    expect(broken(range(0x10, 8))).toEqual(['error range-broken 88']);
    expect(broken(range(8, 8))).toEqual(['error range-broken 88']);
    expect(codes([ivhd(ELEVEN, [...rest, start])])).toEqual(['error range-broken 112']);
    expect(broken([bytesOf(EntryType.ALL, 0, 0, 0)])).toEqual(['error entry-all 88']);
    // Xen does not read blocks of type 40h.
    expect(codes([ivhd(ELEVEN), ivhd(FORTY, [bytesOf(EntryType.ALL, 0, 0, 0), ...rest])])).not.toContain(
      'error entry-all 152',
    );
  });

  it('with a block of length 0 hangs Xen, and is told so', () => {
    const bytes = ivhd(ELEVEN);
    bytes[2] = 0;
    const findings = found([bytes]);
    const [finding] = findings;
    // What was not read is not said to be missing.
    expect(findings).toHaveLength(1);
    expect(finding).toMatchObject({ severity: 'error', code: 'length-too-small', offset: 48 });
    expect(finding!.xen).toContain('hangs');
  });
});

describe('I/O APICs of an IVRS table', () => {
  const madt = (...ioApicIds: number[]): Surroundings => ({ ...NOTHING_KNOWN, ioApicIds });

  it('that the MADT has must all be there', () => {
    const findings = found([ivhd(ELEVEN)], {}, madt(0x21, 0x22, 0x82));
    expect(findings).toMatchObject([{ severity: 'error', code: 'ioapic-missing' }]);
    expect(findings[0]!.message).toContain('0x82');
    expect(findings[0]!.xen).toContain('no information for IO-APIC');
    expect(codes([ivhd(ELEVEN)], {}, madt(0x21, 0x22))).toEqual([]);
  });

  it('that the MADT does not have, or that are elsewhere as well, are told', () => {
    expect(codes([ivhd(ELEVEN)], {}, madt(0x21))).toEqual(['error ioapic-unknown 112']);
    const conflict = [...USUAL, special(1, 0x21, 0xa1)];
    expect(codes([ivhd(ELEVEN, conflict)])).toEqual(['error ioapic-conflict 120']);
    expect(codes([ivhd(ELEVEN, [...USUAL, special(3, 0, 0xa0)])])).toEqual(['error special-variety 120']);
  });

  it('must be there at all, one of them at the south bridge; an HPET may be', () => {
    expect(codes([ivhd(ELEVEN, range(3, 0xfffe))])).toEqual([
      'error ioapic-missing 48',
      'info hpet-missing 48',
    ]);
    expect(codes([ivhd(ELEVEN, [...range(3, 0xfffe), special(1, 0x21, 1)])])).toEqual([
      'error ioapic-south-bridge 48',
      'info hpet-missing 48',
    ]);
  });
});

describe('memory of an IVRS table', () => {
  const with_ = (...blocks: readonly Uint8Array[]) => codes([ivhd(ELEVEN), ...blocks]);

  it.each([
    [{ start: 0n, memoryLength: 1n }, 'error memory-placeholder 136'],
    [{ start: 0n, memoryLength: 0n }, 'error memory-empty 136'],
    [{ start: 0xffff_ffff_ffff_f000n, memoryLength: 0x2000n }, 'error memory-empty 136'],
    [{ start: 0x1100n, memoryLength: 0xf00n }, 'error memory-unaligned 136'],
    [{ start: 0x1000n, memoryLength: 0x10n }, 'error memory-unaligned 136'],
    [{ start: 0x1_0000_0000_0000n }, 'error memory-beyond-width 136'],
    [{ flags: 6 }, 'error memory-flags 121'],
    [{ flags: 9 }, 'warning memory-flags 121'],
    [{ flags: 1 }, 'warning memory-flags 121'],
    [{ flags: 3 }, 'warning memory-one-way 121'],
    [{ flags: 8 }, undefined],
  ] as const)('that cannot be is told: %o', (values, code) => {
    expect(with_(ivmd(values))).toEqual(code === undefined ? [] : [code]);
  });

  it('with start 0 and length 1 keeps Xen from using the IOMMU, by release', () => {
    const [finding] = found([ivhd(ELEVEN), ivmd({ start: 0n, memoryLength: 1n })]);
    expect(finding).toMatchObject({ severity: 'error', sbdf: '0000:00:0c.0', table: 'IVRS' });
    expect(finding!.xen).toMatch(/4\.19 and later.*can’t be converted.*without an IOMMU.*up to 4\.15/);
    expect(finding!.fix).toContain('QubesOS/qubes-issues#10931');
  });

  it('for devices that no IOMMU has, for ranges that end before they begin, and too early is told', () => {
    const few = ivhd(ELEVEN, [...range(3, 0xff), ...USUAL.slice(2)]);
    expect(codes([few, ivmd({ deviceId: 0xc407 })])).toEqual(['error memory-device 124']);
    expect(with_(ivmd({ aux: 0x50 }, IvrsType.IVMD_RANGE))).toEqual(['error memory-range 124']);
    expect(with_(ivmd({ aux: 0x70 }, IvrsType.IVMD_RANGE))).toEqual([]);
    expect(codes([ivmd({}), ivhd(ELEVEN)])).toEqual(['warning memory-order 48']);
    expect(with_(ivmd({ deviceId: 0 }, IvrsType.IVMD_ALL))).toEqual([]);
  });

  it('that overlaps other memory of the device is told; equal ranges and other devices are fine', () => {
    const other = { start: 0x7d98_0000n };
    expect(with_(ivmd({}), ivmd(other))).toEqual(['error memory-overlap 168']);
    expect(with_(ivmd({}), ivmd({}))).toEqual([]);
    expect(with_(ivmd({}), ivmd({ ...other, deviceId: 0x70 }))).toEqual([]);
    expect(with_(ivmd({}), ivmd(other, IvrsType.IVMD_ALL))).toEqual(['error memory-overlap 168']);
  });

  it('in RAM of the memory map is told', () => {
    const e820 = [{ start: 0x100000n, end: 0x8000_0000n, what: 'usable', devices: [], line: 1 }];
    expect(codes([ivhd(ELEVEN), ivmd({})], {}, { ...NOTHING_KNOWN, e820 })).toEqual([
      'error memory-in-ram 136',
    ]);
  });
});
