import { describe, expect, it } from 'vitest';
import {
  ID_MAPPING,
  IORT_HEADER,
  IORT_NODES,
  IortType,
  MEMORY_RANGE,
  parseIort,
} from '../../formats/acpi/iort.js';
import { type FieldValues, structureBytes, tableBytes } from '../../formats/acpi/tables.fixture.js';
import { NOTHING_KNOWN, type Surroundings } from './surroundings.js';
import { verifyAcpiTable } from './verify.js';

const SIZES: Readonly<Record<number, number>> = { [IortType.SMMUV3]: 68, [IortType.ROOT_COMPLEX]: 40 };

/** A node with mappings behind its fields. */
function node(type: number, values: FieldValues = {}, mappings: readonly FieldValues[] = []): Uint8Array {
  const layout = IORT_NODES[type]!;
  const size = SIZES[type] ?? layout.size;
  const parts = mappings.map((mapping) => structureBytes(ID_MAPPING, mapping));
  const at = mappings.length > 0 ? { mappings: mappings.length, mappingOffset: size } : {};
  return structureBytes(layout, { type, ...at, ...values }, [new Uint8Array(size - layout.size), ...parts]);
}

const its = structureBytes(IORT_NODES[IortType.ITS]!, { type: IortType.ITS, count: 1 }, [new Uint8Array(4)]);
const SMMU: FieldValues = { base: 0x9050000n, flags: 1, revision: 4 };
const smmu = (
  values: FieldValues = {},
  mappings: readonly FieldValues[] = [{ idCount: 0xffff, outputReference: 48 }],
) => node(IortType.SMMUV3, { ...SMMU, ...values }, mappings);
const COHERENT: FieldValues = { cacheCoherency: 1, memoryFlags: 3 };
const root = (mappings: readonly FieldValues[], values: FieldValues = {}) =>
  node(IortType.ROOT_COMPLEX, { ...COHERENT, ...values }, mappings);
const ids = (
  inputBase: number,
  idCount: number,
  outputBase: number,
  outputReference: number,
): FieldValues => ({
  inputBase,
  idCount,
  outputBase,
  outputReference,
});

/** Offsets of the first three nodes when they are an ITS group, an SMMUv3 and something. */
const [ITS_AT, SMMU_AT, THIRD] = [48, 72, 160];

const found = (
  nodes: readonly Uint8Array[],
  values: FieldValues = {},
  around: Surroundings = NOTHING_KNOWN,
) => {
  const bytes = tableBytes('IORT', IORT_HEADER, { nodes: nodes.length, nodeOffset: 48, ...values }, nodes);
  const findings = verifyAcpiTable(parseIort(bytes), around);
  return findings.filter(({ code }) => code !== 'xen-ignores-iort');
};
const codes = (...given: Parameters<typeof found>) =>
  found(...given).map(({ severity, code, offset }) => `${severity} ${code} ${offset}`);
const good = root([ids(0, 0xffff, 0, SMMU_AT)]);

describe('an IORT table', () => {
  it('of one SMMUv3 behind a root complex has nothing wrong', () => {
    expect(codes([its, smmu(), good])).toEqual([]);
  });

  it('tells that Xen does not read it', () => {
    const bytes = tableBytes('IORT', IORT_HEADER, { nodes: 1, nodeOffset: 48 }, [its]);
    expect(verifyAcpiTable(parseIort(bytes))[0]).toMatchObject({
      severity: 'info',
      code: 'xen-ignores-iort',
    });
  });

  it('with another number of nodes than its header says is told so', () => {
    expect(codes([its, smmu(), good], { nodes: 4 })).toEqual(['error node-count 36']);
  });

  it('with an SMMUv3 that cannot be, or says nothing of its coherency, is told so', () => {
    expect(codes([its, smmu({ base: 0n }), good])).toEqual(['error unit-address 88']);
    expect(codes([its, smmu({ base: 0x9051000n }), good])).toEqual(['error unit-address 88']);
    expect(codes([its, smmu({ flags: 0 }), good])).toEqual(['info coherency-not-told 96']);
  });

  it('with a DeviceID mapping index that leads nowhere is told so', () => {
    const bytes = smmu({ revision: 5, flags: 0x11 });
    expect(codes([its, bytes, good])).toEqual([]);
    bytes[64] = 1;
    expect(codes([its, bytes, good])).toEqual(['error device-id-mapping 136']);
  });

  it('with references that lead to no node, or to a wrong one, is told so', () => {
    expect(codes([its, smmu(), root([ids(0, 0xff, 0, 50)])])).toEqual(['error reference-wrong 212']);
    expect(codes([its, smmu({}, [ids(0, 0xff, 0, THIRD)]), good])).toEqual(['error reference-wrong 152']);
    expect(codes([its, smmu(), node(IortType.PMCG, { base: 0x1000n, nodeReference: 49 })])).toEqual([
      'error reference-wrong 188',
    ]);
    expect(codes([its, smmu(), node(IortType.PMCG, { base: 0x1000n, nodeReference: SMMU_AT })])).toEqual([]);
  });

  it('with input ids that have two outputs is told so, and why it may be', () => {
    const twice = found([its, smmu(), root([ids(0, 0x100, 0, SMMU_AT), ids(0x100, 0xff, 0x200, SMMU_AT)])]);
    expect(twice).toMatchObject([{ severity: 'error', code: 'mapping-overlap', offset: 220 }]);
    expect(twice[0]!.message).toContain('by one id, as when counts are not reduced by 1');
  });

  it('with StreamIDs of several devices is told so', () => {
    const named = structureBytes(
      IORT_NODES[IortType.NAMED]!,
      { type: IortType.NAMED, mappings: 1, mappingOffset: 32, ...COHERENT },
      [
        new Uint8Array(3),
        structureBytes(ID_MAPPING, { outputBase: 0x10, outputReference: SMMU_AT, flags: 1 }),
      ],
    );
    const [finding] = found([its, smmu(), good, named]);
    expect(finding).toMatchObject({ severity: 'warning', code: 'stream-overlap' });
    expect(finding!.message).toMatch(
      /^the root complex at offset 0xa0 and .* send StreamID 0x10 to the SMMU/,
    );
  });

  it('with mappings that cannot be, or none, is told so', () => {
    expect(codes([its, smmu(), root([ids(0xffff_fff0, 0xff, 0, SMMU_AT)])])).toEqual([
      'error mapping-range 200',
    ]);
    const single = root([{ ...ids(0, 5, 0, SMMU_AT), flags: 1 }]);
    expect(codes([its, smmu(), single])).toEqual(['warning mapping-range 204']);
    expect(codes([its, smmu(), root([])])).toEqual(['warning no-mapping 160']);
    const itsWithMapping = node(IortType.ITS, { count: 0 }, [ids(0, 1, 0, SMMU_AT)]);
    expect(codes([its, smmu(), itsWithMapping])).toEqual([
      'warning its-group 160',
      'warning mapping-not-allowed 160',
    ]);
  });

  it('with contradictory coherency, segments twice, or SMMUs twice is told so', () => {
    expect(codes([its, smmu(), root([ids(0, 1, 0, SMMU_AT)], { memoryFlags: 0 })])).toEqual([
      'warning coherency-contradiction 176',
    ]);
    expect(codes([its, smmu(), root([ids(0, 1, 0, SMMU_AT)]), root([ids(0, 1, 8, SMMU_AT)])])).toEqual([
      'warning segment-twice 248',
    ]);
    expect(codes([its, smmu(), smmu()])).toEqual(['error unit-duplicate 176']);
  });

  it('with reserved ranges that overlap or cannot be is told so', () => {
    const rmr = (...ranges: readonly (readonly [bigint, bigint])[]) => {
      const parts = ranges.map(([base, rangeLength]) => structureBytes(MEMORY_RANGE, { base, rangeLength }));
      const mapping = structureBytes(ID_MAPPING, ids(0, 0, 0, SMMU_AT));
      const at = {
        ranges: ranges.length,
        rangeOffset: 28,
        mappings: 1,
        mappingOffset: 28 + 20 * ranges.length,
      };
      return structureBytes(IORT_NODES[IortType.RMR]!, { type: IortType.RMR, ...at }, [...parts, mapping]);
    };
    expect(codes([its, smmu(), rmr([0x8000_0000n, 0x10000n])])).toEqual([]);
    expect(codes([its, smmu(), rmr([0x8000_0000n, 0n])])).toEqual(['error range-wrong 188']);
    expect(codes([its, smmu(), rmr([0x8000_0000n, 0x1000n])])).toEqual(['warning range-wrong 188']);
    expect(codes([its, smmu(), rmr([0x8000_0000n, 0x20000n], [0x8001_0000n, 0x10000n])])).toEqual([
      'error range-overlap 208',
    ]);
    const e820 = [{ start: 0n, end: 0x1_0000_0000n, what: 'usable', devices: [], line: 1 }];
    expect(codes([its, smmu(), rmr([0x8000_0000n, 0x10000n])], {}, { ...NOTHING_KNOWN, e820 })).toContain(
      'error range-wrong 188',
    );
  });

  it('with interrupts of an SMMU outside its node is told so', () => {
    const v2 = { base: 0x1000000n, span: 0x10000n, globalOffset: 60 };
    const whole = structureBytes(IORT_NODES[IortType.SMMU]!, { type: IortType.SMMU, ...v2 }, [
      new Uint8Array(16),
    ]);
    expect(codes([its, whole])).toEqual([]);
    expect(codes([its, node(IortType.SMMU, v2)])).toEqual(['error interrupts-outside 112']);
    expect(ITS_AT).toBe(48);
  });
});
