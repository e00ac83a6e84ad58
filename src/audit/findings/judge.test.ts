import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { X86_64 } from '../../formats/x86-pte.js';
import { FrameSet } from '../frame-set.js';
import { type RangeRow, rangeList } from '../range-list.fixture.js';
import { deviceOf, spaceOf, surveyOf, unitOf } from '../survey.fixture.js';
import type { AuditedDevice, Survey } from '../survey.js';
import { type Expectations, type FindingCode, NOTHING_EXPECTED } from './finding.js';
import { judge } from './judge.js';
import { overlapFindings } from './overlap.js';

const ONE = '0000:00:04.0';
const OTHER = '0000:01:00.0';

const codes = (survey: Survey, over: Partial<Expectations> = {}): FindingCode[] =>
  judge(survey, { ...NOTHING_EXPECTED, ...over }).map(({ code }) => code);
const finding = (survey: Survey, code: FindingCode, over: Partial<Expectations> = {}) =>
  judge(survey, { ...NOTHING_EXPECTED, ...over }).find((one) => one.code === code);

/** Two devices in domains 1 and 2, with the given ranges. */
const two = (one: readonly RangeRow[], other: readonly RangeRow[], over: Partial<AuditedDevice> = {}) =>
  surveyOf(
    [deviceOf(ONE), deviceOf(OTHER, { domainId: 2, space: 1, ...over })],
    [spaceOf(one), spaceOf(other, { root: 0x20_000, tables: Float64Array.of(0x20) })],
  );

describe('a machine whose devices reach their own memory only', () => {
  it('has no findings', () => {
    expect(codes(two([[0x100, 16, 0x100, 3]], [[0x200, 16, 0x200, 3]]))).toEqual([]);
  });
});

describe('memory that a device should not reach', () => {
  it('is an IOMMU’s tables: writing them is an error, reading them a warning', () => {
    expect(finding(two([[0, 1, 2, 3]], []), 'tables-writable')).toMatchObject({
      severity: 'error',
      sbdf: ONE,
    });
    expect(finding(two([[0, 1, 0x20, 1]], []), 'tables-reachable')?.severity).toBe('warning');
    expect(finding(two([[0, 1, 0x20, 3]], []), 'tables-writable')?.message).toContain('0x20000-0x20fff');
  });

  it('is what the hypervisor is said to have, and what is protected against writes', () => {
    const survey = two([[0x500, 4, 0x500, 1]], [[0x500, 1, 0x503, 3]]);
    const range = { name: 'Xen', start: 0x50_0000, end: 0x50_2800 };
    const found = finding(survey, 'hypervisor-readable', { hypervisor: [range] });
    expect(found).toMatchObject({ severity: 'error', sbdf: ONE, start: 0x50_0000, end: 0x50_2800 });
    const guarded = { name: 'the secret', start: 0x50_3000, end: 0x50_4000 };
    expect(codes(survey, { protected: [guarded] })).toEqual([
      'protected-writable',
      'domains-overlap',
      'protected-readable',
    ]);
  });
});

describe('devices of different domains', () => {
  it('share memory: the frames are named, and who may write', () => {
    const found = finding(two([[0, 4, 0x100, 3]], [[0, 4, 0x102, 1]]), 'domains-overlap');
    expect(found).toMatchObject({ severity: 'warning', devices: [ONE, OTHER] });
    expect(found?.message).toContain('both reach 2 frames: 0x102000-0x103fff (rw and r-)');
    expect(finding(two([[0, 4, 0x100, 1]], [[0, 4, 0x102, 1]]), 'domains-overlap')?.severity).toBe('info');
  });

  it('share tables below different roots', () => {
    const survey = surveyOf(
      [deviceOf(ONE), deviceOf(OTHER, { domainId: 2, space: 1 })],
      [
        spaceOf([], { tables: Float64Array.of(0x10, 0x11) }),
        spaceOf([], { tables: Float64Array.of(0x11, 0x20) }),
      ],
    );
    expect(finding(survey, 'tables-shared')?.message).toContain('0x11000-0x11fff');
  });

  it('have one domain id for different tables on one unit, which confuses the IOTLB', () => {
    expect(codes(two([], [], { domainId: 1 }))).toEqual(['domain-id-reused']);
    expect(codes(two([], [], { domainId: 1, unit: 1 }))).toEqual([]);
  });

  it('are of one group', () => {
    const survey = two([], []);
    expect(finding(survey, 'group-split', { groups: [[ONE, OTHER]] })?.severity).toBe('error');
    expect(codes(survey, { groups: [[ONE], [OTHER]] })).toEqual([]);
    const functions = surveyOf(
      [deviceOf(ONE), deviceOf('0000:00:04.1', { space: 1, domainId: 2 })],
      survey.spaces,
    );
    expect(finding(functions, 'group-split')?.severity).toBe('warning');
  });
});

describe('a device whose addresses pass', () => {
  it('is a warning, and not a pile of others', () => {
    const survey = surveyOf(
      [deviceOf(ONE, { translation: 'passthrough', space: null, type: 'pass-through (TT = 10b)' })],
      [],
    );
    expect(codes(survey)).toEqual(['pass-through']);
    expect(codes(survey, { hypervisor: [{ name: 'Xen', start: 0, end: 4096 }] })).toEqual([
      'hypervisor-writable',
      'pass-through',
    ]);
  });
});

describe('requesters that all have an entry with which addresses pass', () => {
  const others = [{ count: 4, translation: 'passthrough' as const, type: 'ignored (V = 0)', note: '' }];
  const found = (devices: Parameters<typeof surveyOf>[0]) => {
    const survey = { ...surveyOf(devices, []), units: [unitOf({ kind: 'amdvi', others })] };
    return judge(survey, NOTHING_EXPECTED).filter(({ code }) => code === 'pass-through');
  };

  it('are a warning where the unit protects from nobody, and worth knowing beside devices that it does', () => {
    expect(found([]).map(({ severity }) => severity)).toEqual(['warning']);
    const blocked = deviceOf(ONE, { translation: 'blocked', space: null });
    expect(found([blocked])).toMatchObject([{ severity: 'info', devices: [] }]);
  });
});

describe('a reserved region', () => {
  const region = { name: 'RMRR', start: 0x10_0000, end: 0x10_2000, devices: [ONE], rights: 3 };

  it('must be mapped to itself for its devices, and for no others', () => {
    expect(codes(two([[0x100, 2, 0x100, 3]], []), { reserved: [region] })).toEqual([]);
    expect(
      finding(two([[0x100, 1, 0x100, 3]], []), 'rmrr-missing', { reserved: [region] })?.message,
    ).toContain('0x101000-0x101fff is not mapped');
    expect(codes(two([[0x100, 2, 0x100, 1]], []), { reserved: [region] })).toEqual(['rmrr-missing']);
    expect(codes(two([[0x100, 2, 0x300, 3]], []), { reserved: [region] })).toEqual(['rmrr-moved']);
  });
});

describe('tables that are wrong', () => {
  it('are findings of the devices that use them', () => {
    const problem = {
      kind: 'reserved-bits',
      at: 0x10_008,
      entry: 0x8000_0000_0000_0003n,
      level: 'L1',
      input: 1,
      message: 'L1 at 0x10008: bit 63 is reserved',
    } as const;
    const survey = surveyOf(
      [deviceOf(ONE)],
      [spaceOf([], { problems: [problem], complete: false, incompleteBecause: 'x' })],
    );
    expect(codes(survey)).toEqual(['reserved-bits', 'walk-incomplete']);
    expect(finding(survey, 'reserved-bits')?.message).toContain(
      'L1 at 0x10008: bit 63 is reserved (0x8000000000000003).',
    );
  });
});

describe('the search for overlaps', () => {
  const row: fc.Arbitrary<RangeRow> = fc.tuple(
    fc.nat(9),
    fc.integer({ min: 1, max: 5 }),
    fc.nat(30),
    fc.integer({ min: 1, max: 3 }),
  );

  it('finds as many frames as a count frame by frame does', () => {
    fc.assert(
      fc.property(fc.array(fc.array(row, { maxLength: 6 }), { minLength: 2, maxLength: 4 }), (lists) => {
        const reaches = lists.map((rows, i) => ({
          devices: [deviceOf(`0000:0${i}:00.0`)],
          who: `domain ${i}`,
          frames: FrameSet.of(rangeList(rows), 3),
          passthrough: false,
        }));
        const found = new Map(
          overlapFindings(reaches).map(({ message }) => {
            const [, one, other, frames] = /^domain (\d) and domain (\d) both reach (\d+) /.exec(message)!;
            return [`${one} ${other}`, Number(frames)];
          }),
        );
        for (let one = 0; one < lists.length; one++) {
          for (let other = one + 1; other < lists.length; other++) {
            let both = 0;
            for (let frame = 0; frame < 40; frame++) {
              if (reaches[one]!.frames.rightsTo(frame) && reaches[other]!.frames.rightsTo(frame)) both++;
            }
            expect(found.get(`${one} ${other}`) ?? 0).toBe(both);
          }
        }
      }),
    );
  });

  it('ends at its bound and says so', () => {
    const survey = two([[0, 4, 0x100, 3]], [[0, 4, 0x102, 1]]);
    expect(judge(survey, NOTHING_EXPECTED).some(({ code }) => code === 'walk-incomplete')).toBe(false);
    const reaches = [0, 1].map((i) => ({
      devices: [deviceOf(`0000:0${i}:00.0`)],
      who: `${i}`,
      frames: FrameSet.of(rangeList(Array.from({ length: 50 }, (_, k): RangeRow => [k, 1, 2 * k, 3])), 3),
      passthrough: false,
    }));
    expect(overlapFindings(reaches, 10).at(-1)?.code).toBe('walk-incomplete');
  });
});

describe('what looks like a fault and is none', () => {
  it('is one function with PASIDs of different tables, or processes with tables of their own under one id', () => {
    const own = spaceOf([], { tables: Float64Array.of(0x11) });
    const process = spaceOf([], { format: X86_64.name, root: 0x20_000, tables: Float64Array.of(0x20) });
    const other = spaceOf([], { format: X86_64.name, root: 0x30_000, tables: Float64Array.of(0x30) });
    const devices = [
      deviceOf(ONE),
      deviceOf(ONE, { pasid: 1, space: 1, domainId: 9 }),
      deviceOf(ONE, { pasid: 2, space: 2, domainId: 9 }),
    ];
    expect(codes(surveyOf(devices, [own, process, other]))).toEqual([]);
    expect(codes(surveyOf(devices, [own, process, other]), { groups: [[ONE]] })).toEqual([]);
    const second = { ...other, format: 'vtd-second-level' };
    const clash = devices.map((device) => ({ ...device, pasid: null }));
    expect(codes(surveyOf(clash, [own, { ...process, format: second.format }, second]))).toContain(
      'domain-id-reused',
    );
  });
});

describe('tables that serve several domain ids', () => {
  it('are told with their ids; those of other units, and nested ones, are left out', () => {
    const survey = (over: Partial<AuditedDevice>) =>
      surveyOf([deviceOf(ONE), deviceOf(OTHER, { domainId: 2, ...over })], [spaceOf([])]);
    const told = finding(survey({}), 'tables-shared');
    expect(told).toMatchObject({ severity: 'warning', devices: [ONE, OTHER] });
    expect(told?.message).toContain('2 devices of unit 0 have one root, 0x10000, under the domain ids 1, 2');
    expect(codes(survey({ unit: 1 }))).toEqual([]);
    expect(codes(survey({ type: 'nested (PGTT = 011b)' }))).toEqual([]);
  });
});

describe('a reserved region', () => {
  const region = (devices: readonly string[]) => ({
    reserved: [{ name: 'RMRR', start: 0x50_0000, end: 0x50_2000, devices, rights: 3 as const }],
  });

  it('is missing where the device’s own entry takes the right, though its tables give it', () => {
    const mapped = spaceOf([[0x500, 2, 0x500, 3]]);
    expect(codes(surveyOf([deviceOf(ONE)], [mapped]), region([ONE]))).toEqual([]);
    const found = finding(surveyOf([deviceOf(ONE, { rights: 1 })], [mapped]), 'rmrr-missing', region([ONE]));
    expect(found).toMatchObject({ severity: 'error', sbdf: ONE });
    expect(found?.message).toContain('is not mapped with the rights rw');
  });

  it('is missing for a device that is blocked or has no entry, and not for one that passes', () => {
    const blocked = deviceOf(ONE, { translation: 'blocked', space: null, rights: 0 });
    const survey = surveyOf([blocked], []);
    expect(finding(survey, 'rmrr-missing', region([ONE]))?.message).toContain('all that it sends is blocked');
    expect(finding(survey, 'rmrr-missing', region([OTHER]))?.message).toContain(`${OTHER} has no entry`);
    const passes = surveyOf([deviceOf(ONE, { translation: 'passthrough', space: null })], []);
    expect(codes(passes, region([ONE]))).toEqual(['pass-through']);
  });
});

describe('what is not told one by one', () => {
  const alike = (count: number, over = {}) => ({
    ...surveyOf([], []),
    units: [
      unitOf({ others: [{ count, translation: 'passthrough', type: 'ignored (V = 0)', note: '', ...over }] }),
    ],
  });

  it('is counted in sentences', () => {
    expect(judge(alike(1), NOTHING_EXPECTED)[0]).toMatchObject({
      severity: 'warning',
      message:
        '1 requester of unit 0 that is not listed has an entry; a device there reaches all memory: ignored (V = 0).',
    });
    expect(judge(alike(7), NOTHING_EXPECTED)[0]?.message).toContain(
      '7 requesters of unit 0 that are not listed have the same entry',
    );
    const survey = { ...surveyOf([], []), units: [unitOf({ moreProblems: 3 })] };
    expect(judge(survey, NOTHING_EXPECTED)).toMatchObject([
      {
        code: 'entries-wrong',
        message: 'unit 0: the hardware refuses, or cannot follow, 3 more entries of its tables.',
      },
    ]);
  });

  it('is what nobody knows: a device behind tables that are not followed', () => {
    const unknown = deviceOf(ONE, { translation: 'unknown', space: null, type: 'stage 1 (Config = 101b)' });
    expect(judge(surveyOf([unknown], []), NOTHING_EXPECTED)).toMatchObject([
      { severity: 'info', code: 'not-walked', sbdf: ONE },
    ]);
  });
});
