import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EntryType } from './ivhd-entries.js';
import { IVRS_BLOCKS, IVRS_HEADER, IvrsType, parseIvrs } from './ivrs.js';
import { addressOf, numberOf, textOf } from './structure.js';
import { bytesOf, join, structureBytes, tableBytes } from './tables.fixture.js';
import { bitsOf, unitsOf } from './units.js';

const block = (type: number, values: object, rest: readonly Uint8Array[] = []): Uint8Array =>
  structureBytes(IVRS_BLOCKS.get(type)!, { type, ...values }, rest);

const ivrs = (blocks: readonly Uint8Array[], values = {}): Uint8Array =>
  tableBytes('IVRS', IVRS_HEADER, { revision: 2, info: 0x203043, ...values }, blocks);

const IOMMU = { flags: 0xb0, deviceId: 2, capabilityOffset: 0x40, base: 0xfd200000n };

describe('an IVRS table', () => {
  it('gives its IOMMUs with their device entries, and the memory that devices keep', () => {
    const table = parseIvrs(
      ivrs([
        block(IvrsType.IVHD_11, { ...IOMMU, efr: 0x246577efa2254afan }, [
          bytesOf(EntryType.RANGE_START, 3, 0, 0),
          bytesOf(EntryType.RANGE_END, 0xfe, 0xff, 0),
          bytesOf(EntryType.SPECIAL, 0, 0, 0xd7, 0x21, 0xa0, 0, 1),
        ]),
        block(IvrsType.IVMD_ONE, { flags: 7, deviceId: 0x60, start: 0x7d900000n, memoryLength: 0x100000n }),
      ]),
    );
    expect(table).toMatchObject({ complete: true, checksumRight: true, problems: [] });
    const [ivhd, ivmd] = table.structures;
    expect(ivhd!.children.map(({ layout, offset }) => [layout.name, offset])).toEqual([
      ['range start', 88],
      ['range end', 92],
      ['special device', 96],
    ]);
    expect(numberOf(ivhd!.children[2]!, 'handle')).toBe(0x21);
    expect(addressOf(ivhd!, 'efr')).toBe(0x246577efa2254afan);
    expect(bitsOf(ivmd!, 'flags')).toMatchObject({ unity: 1, read: 1, write: 1, exclusion: 0 });
    expect(addressOf(ivmd!, 'start')).toBe(0x7d900000n);
    expect(bitsOf(table.header, 'info')).toMatchObject({
      extendedFeatures: 1,
      dmaRemapping: 1,
      physicalAddressSize: 48,
      virtualAddressSize: 64,
    });
  });

  it('names an IOMMU once that blocks of several types describe', () => {
    const blocks = [IvrsType.IVHD_10, IvrsType.IVHD_11, IvrsType.IVHD_40].map((type) => block(type, IOMMU));
    expect(unitsOf(parseIvrs(ivrs(blocks)))).toMatchObject([
      { kind: 'amdvi', registers: 0xfd200000, deviceId: 2, offset: 48 },
    ]);
  });

  it('reads devices that have an ACPI name, whatever the length of their UID', () => {
    const hid = (uid: string) =>
      join([
        bytesOf(EntryType.ACPI_HID, 0xa5, 0, 0x40),
        Uint8Array.from(Buffer.from('AMDI0020\0\0\0\0\0\0\0\0')),
        bytesOf(2, uid.length),
        Uint8Array.from(Buffer.from(uid)),
      ]);
    const table = parseIvrs(ivrs([block(IvrsType.IVHD_40, IOMMU, [hid('ID00'), hid(''), hid('\\_SB.X')])]));
    expect(table.problems).toEqual([]);
    expect(
      table.structures[0]!.children.map((entry) => [textOf(entry, 'hid'), textOf(entry, 'uid')]),
    ).toEqual([
      ['AMDI0020', 'ID00'],
      ['AMDI0020', ''],
      ['AMDI0020', '\\_SB.X'],
    ]);
  });

  it.each([
    [1, 4],
    [64, 8],
    [130, 16],
    [200, 32],
  ])('steps over device entries of type %i by their %i bytes', (type, size) => {
    const entry = new Uint8Array(size);
    entry[0] = type;
    const table = parseIvrs(ivrs([block(IvrsType.IVHD_10, IOMMU, [entry, bytesOf(2, 8, 0, 0)])]));
    expect(table.structures[0]!.children.map(({ type }) => type)).toEqual([type, 2]);
  });

  it('stops at a device entry whose length nobody knows, and at blocks of length 0', () => {
    const entry = parseIvrs(ivrs([block(IvrsType.IVHD_10, IOMMU, [bytesOf(250, 0, 0, 0)])]));
    expect(entry.problems.map(({ code }) => code)).toEqual(['unknown-type', 'length-too-small']);
    const bytes = ivrs([block(IvrsType.IVHD_10, IOMMU)]);
    bytes[50] = 0;
    expect(parseIvrs(bytes).problems).toMatchObject([{ code: 'length-too-small', offset: 48 }]);
  });

  it('made of any bytes is read without a complaint of our own, and ends', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 48, maxLength: 600 }), (bytes) => {
        bytes.set(Buffer.from('IVRS'));
        bytes[6] = bytes[7] = 0;
        parseIvrs(bytes);
        // Blocks as they are begun, with content of any kind.
        parseIvrs(ivrs([block(IvrsType.IVHD_40, IOMMU, [bytes.subarray(48)])]));
      }),
      { numRuns: 2000 },
    );
  });
});
