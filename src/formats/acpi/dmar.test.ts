import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DMAR_HEADER, DMAR_STRUCTURES, DmarType, parseDmar, pathOf, ScopeType } from './dmar.js';
import { addressOf, numberOf, textOf } from './structure.js';
import { TableBytes } from './table-bytes.js';
import { bytesOf, join, scopeBytes, structureBytes, tableBytes, withChecksum } from './tables.fixture.js';
import { unitsOf } from './units.js';

const dmar = (structures: readonly Uint8Array[], values = {}): Uint8Array =>
  tableBytes('DMAR', DMAR_HEADER, { hostAddressWidth: 38, flags: 1, ...values }, structures);

const drhd = (base: bigint, flags: number, scopes: readonly Uint8Array[] = []): Uint8Array =>
  structureBytes(DMAR_STRUCTURES[DmarType.DRHD]!, { type: 0, flags, base }, scopes);

describe('a DMAR table', () => {
  it('gives its units, regions and device scopes with their offsets', () => {
    const table = parseDmar(
      dmar([
        drhd(0xfed90000n, 0, [scopeBytes(ScopeType.ENDPOINT, 0, [[2, 0]])]),
        drhd(0xfed91000n, 1, [scopeBytes(ScopeType.IOAPIC, 0xf0, [[31, 0]], 2)]),
        structureBytes(DMAR_STRUCTURES[DmarType.RMRR]!, { type: 1, base: 0x7b800000n, limit: 0x7fffffffn }, [
          scopeBytes(ScopeType.BRIDGE, 0, [
            [0x1c, 4],
            [0, 0],
          ]),
        ]),
      ]),
    );
    expect(table).toMatchObject({ signature: 'DMAR', complete: true, checksumRight: true, problems: [] });
    expect(table.structures.map(({ layout, offset, size }) => [layout.name, offset, size])).toEqual([
      ['DRHD', 48, 24],
      ['DRHD', 72, 24],
      ['RMRR', 96, 34],
    ]);
    const [first, second, rmrr] = table.structures;
    expect(addressOf(first!, 'base')).toBe(0xfed90000n);
    expect(numberOf(second!.children[0]!, 'enumerationId')).toBe(2);
    expect(addressOf(rmrr!, 'limit')).toBe(0x7fffffffn);
    expect(pathOf(rmrr!.children[0]!)).toEqual([
      { device: 0x1c, fn: 4 },
      { device: 0, fn: 0 },
    ]);
    expect(unitsOf(table)).toEqual([
      { kind: 'vtd', registers: 0xfed90000, segment: 0, includeAll: false, deviceId: null, offset: 48 },
      { kind: 'vtd', registers: 0xfed91000, segment: 0, includeAll: true, deviceId: null, offset: 72 },
    ]);
  });

  it('gives the name of a name-space device', () => {
    const name = Uint8Array.from(Buffer.from('\\_SB.PCI0.SDHC\0'));
    const andd = structureBytes(DMAR_STRUCTURES[DmarType.ANDD]!, { type: 4, deviceNumber: 2 }, [name]);
    const [structure] = parseDmar(dmar([andd])).structures;
    expect(textOf(structure!, 'objectName')).toBe('\\_SB.PCI0.SDHC');
  });

  it('keeps structures of unknown types and says where they are', () => {
    const table = parseDmar(dmar([bytesOf(9, 0, 8, 0, 1, 2, 3, 4), drhd(0xfed91000n, 1)]));
    expect(table.problems).toEqual([
      { code: 'unknown-type', offset: 48, message: 'remapping structure of unknown type 0x9' },
    ]);
    expect(table.structures).toHaveLength(2);
  });

  it.each([
    [0, 'length-too-small'],
    [3, 'length-too-small'],
    [200, 'structure-overruns'],
    [12, 'structure-too-short'],
  ])('with a structure of length %i tells so, and ends', (length, code) => {
    const bytes = dmar([drhd(0xfed91000n, 1)]);
    bytes[50] = length;
    const { problems, structures } = parseDmar(withChecksum(bytes));
    expect(problems[0]).toMatchObject({ code, offset: 48 });
    expect(structures[0]?.layout.name).toBe('DRHD');
  });

  it('with a device scope of length 0 ends that structure and goes on with the next', () => {
    const bytes = dmar([
      drhd(0xfed90000n, 0, [scopeBytes(ScopeType.ENDPOINT, 0, [[2, 0]])]),
      drhd(0xfed91000n, 1),
    ]);
    bytes[65] = 0;
    const { problems, structures } = parseDmar(bytes);
    expect(problems).toMatchObject([{ code: 'length-too-small', offset: 64 }]);
    expect(structures).toHaveLength(2);
  });

  it('that is cut off gives what is there, says where it ends, and has no checksum', () => {
    const whole = dmar([drhd(0xfed90000n, 0), drhd(0xfed91000n, 1)]);
    const table = parseDmar(whole.subarray(0, 70));
    expect(table).toMatchObject({ length: 80, complete: false, checksumRight: null });
    expect(table.problems[0]).toEqual({
      code: 'table-cut-off',
      offset: 70,
      message: 'table cut off at byte 70 of 80',
    });
    expect(table.structures).toHaveLength(2);
    expect(numberOf(table.structures[1]!, 'flags')).toBe(1);
    expect(addressOf(table.structures[1]!, 'base')).toBeNull();
  });

  it('never takes a missing byte for a zero', () => {
    const whole = dmar([drhd(0xfed90000n, 0), drhd(0xfed91000n, 1)]);
    const known = new Uint8Array(whole.length).fill(1);
    known[50] = 0; // the length of the first unit
    known[57] = 0; // and a byte of its address
    const table = parseDmar(new TableBytes(whole, known));
    expect(table).toMatchObject({ complete: false, checksumRight: null });
    expect(table.structures).toHaveLength(1);
    expect(table.structures[0]).toMatchObject({ length: null, size: 16 });
    expect(addressOf(table.structures[0]!, 'base')).toBeNull();
    expect(table.problems.map(({ code }) => code)).toEqual(['bytes-missing', 'bytes-missing']);
  });

  it('is read back as it was built', () => {
    const scope = fc.record({
      type: fc.integer({ min: 1, max: 5 }),
      bus: fc.nat(255),
      id: fc.nat(255),
      path: fc.array(fc.tuple(fc.nat(31), fc.nat(7)), { minLength: 1, maxLength: 6 }),
    });
    const unit = fc.record({
      base: fc.bigInt(0n, 2n ** 64n - 1n),
      segment: fc.nat(65535),
      flags: fc.nat(1),
      scopes: fc.array(scope, { maxLength: 4 }),
    });
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 6 }), (units) => {
        const table = parseDmar(
          dmar(
            units.map(({ scopes, ...values }) => {
              const parts = scopes.map(({ type, bus, path, id }) => scopeBytes(type, bus, path, id));
              return structureBytes(DMAR_STRUCTURES[0]!, { type: 0, ...values }, parts);
            }),
          ),
        );
        expect(table.problems).toEqual([]);
        expect(table.checksumRight).toBe(true);
        expect(
          table.structures.map((structure) => ({
            base: addressOf(structure, 'base'),
            segment: numberOf(structure, 'segment'),
            flags: numberOf(structure, 'flags'),
            scopes: structure.children.map((child) => ({
              type: child.type,
              bus: numberOf(child, 'bus'),
              id: numberOf(child, 'enumerationId'),
              path: pathOf(child)?.map(({ device, fn }) => [device, fn]),
            })),
          })),
        ).toEqual(units);
      }),
    );
  });

  it('made of any bytes is read without a complaint of our own, and ends', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(4000), (rest, length) => {
        const bytes = join([
          Uint8Array.from(Buffer.from('DMAR')),
          bytesOf(length & 255, length >> 8, 0, 0),
          rest,
        ]);
        const { structures } = parseDmar(bytes);
        expect(structures.length).toBeLessThanOrEqual(length / 4 + 1);
      }),
      { numRuns: 2000 },
    );
  });
});
