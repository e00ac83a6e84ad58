import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ID_MAPPING,
  IORT_HEADER,
  IORT_NODES,
  IortType,
  itsIdentifiers,
  MEMORY_RANGE,
  parseIort,
} from './iort.js';
import { addressOf, numberOf } from './structure.js';
import { bytesOf, structureBytes, tableBytes } from './tables.fixture.js';
import { unitsOf } from './units.js';

const node = (type: number, values: object, rest: readonly Uint8Array[] = []): Uint8Array =>
  structureBytes(IORT_NODES[type]!, { type, ...values }, rest);

const mapping = (values: object): Uint8Array => structureBytes(ID_MAPPING, { ...values });

const iort = (nodes: readonly Uint8Array[], values = {}): Uint8Array =>
  tableBytes('IORT', IORT_HEADER, { nodes: nodes.length, nodeOffset: 48, ...values }, nodes);

const its = node(IortType.ITS, { count: 1 }, [bytesOf(0, 0, 0, 0)]);
const smmu = node(
  IortType.SMMUV3,
  { revision: 4, mappings: 1, mappingOffset: 68, base: 0x9050000n, flags: 1 },
  [new Uint8Array(8), mapping({ idCount: 0xffff, outputReference: 48 })],
);
const root = node(IortType.ROOT_COMPLEX, { revision: 3, mappings: 1, mappingOffset: 36 }, [
  new Uint8Array(4),
  mapping({ idCount: 0xffff, outputReference: 72 }),
]);

describe('an IORT table', () => {
  it('gives its nodes with their id mappings', () => {
    const table = parseIort(iort([its, smmu, root]));
    expect(table).toMatchObject({ complete: true, checksumRight: true, problems: [] });
    expect(table.structures.map(({ layout, offset }) => [layout.name, offset])).toEqual([
      ['ITS group', 48],
      ['SMMUv3', 72],
      ['root complex', 160],
    ]);
    expect(itsIdentifiers(table.structures[0]!)).toEqual([0]);
    const [map] = table.structures[2]!.children;
    expect([map!.offset, numberOf(map!, 'outputReference')]).toEqual([196, 72]);
    expect(unitsOf(table)).toMatchObject([{ kind: 'smmuv3', registers: 0x9050000, offset: 72 }]);
  });

  it('gives the ranges of a reserved memory node', () => {
    const range = structureBytes(MEMORY_RANGE, { base: 0x8000_0000n, rangeLength: 0x10000n });
    const rmr = node(IortType.RMR, { ranges: 1, rangeOffset: 28 }, [range]);
    const [found] = parseIort(iort([rmr])).structures[0]!.children;
    expect([found!.layout.name, addressOf(found!, 'rangeLength')]).toEqual(['memory range', 0x10000n]);
  });

  it('says when mappings do not fit their node, and reads those that do', () => {
    const bytes = node(IortType.ROOT_COMPLEX, { mappings: 0xffff_ffff, mappingOffset: 32 }, [
      mapping({ idCount: 5 }),
      mapping({ idCount: 6 }),
    ]);
    const table = parseIort(iort([bytes]));
    expect(table.problems).toMatchObject([{ code: 'offset-outside', offset: 56 }]);
    expect(table.structures[0]!.children).toHaveLength(2);
  });

  it('says when the nodes are outside the table', () => {
    expect(parseIort(iort([its], { nodeOffset: 4000 })).problems).toMatchObject([
      { code: 'offset-outside', offset: 40 },
    ]);
  });

  it('made of any bytes is read without a complaint of our own, and ends', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (rest) => {
        parseIort(iort([rest]));
      }),
      { numRuns: 2000 },
    );
  });
});
