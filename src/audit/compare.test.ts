import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareSurveys } from './compare.js';
import type { RangeRow } from './range-list.fixture.js';
import { deviceOf, spaceOf, surveyOf } from './survey.fixture.js';

const DEVICE = '0000:00:04.0';
const machine = (rows: readonly RangeRow[]) => surveyOf([deviceOf(DEVICE)], [spaceOf(rows)]);

describe('two images compared', () => {
  it('are equal where only the cutting of ranges differs', () => {
    const before = machine([[0, 10, 100, 3]]);
    const after = machine([
      [0, 4, 100, 3],
      [4, 6, 104, 3],
    ]);
    expect(compareSurveys(before, after)).toEqual([]);
  });

  it('name what was mapped, unmapped, moved and given other rights', () => {
    const before = machine([
      [0, 10, 100, 3],
      [50, 1, 7, 1],
    ]);
    const after = machine([
      [0, 5, 100, 3],
      [5, 5, 105, 1],
      [20, 1, 9, 3],
      [50, 1, 8, 1],
    ]);
    expect(compareSurveys(before, after)[0]?.ranges).toEqual([
      { input: 5, count: 5, before: { frame: 105, rights: 3 }, after: { frame: 105, rights: 1 } },
      { input: 20, count: 1, before: { frame: -1, rights: 0 }, after: { frame: 9, rights: 3 } },
      { input: 50, count: 1, before: { frame: 7, rights: 1 }, after: { frame: 8, rights: 1 } },
    ]);
  });

  it('name devices that came, went, or have another domain id', () => {
    const space = spaceOf([[0, 1, 5, 3]]);
    const before = surveyOf([deviceOf('0000:00:01.0'), deviceOf(DEVICE)], [space]);
    const after = surveyOf([deviceOf(DEVICE, { domainId: 2 }), deviceOf('0000:00:05.0')], [space]);
    const changes = compareSurveys(before, after).map(({ sbdf, before, after }) => [
      sbdf,
      before?.domainId ?? null,
      after?.domainId ?? null,
    ]);
    expect(changes).toEqual([
      ['0000:00:01.0', 1, null],
      [DEVICE, 1, 2],
      ['0000:00:05.0', null, 1],
    ]);
  });

  it('follow a repeat to what it repeats', () => {
    const plain = machine([
      [0, 2, 100, 3],
      [512, 2, 100, 3],
    ]);
    const repeated = machine([
      [0, 2, 100, 3],
      [512, 512, -1, 3, 0],
    ]);
    expect(compareSurveys(plain, repeated)).toEqual([]);
  });

  it('differ exactly where some input differs, for any ranges', () => {
    const rows = fc
      .array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), fc.nat(6), fc.nat(3)), {
        maxLength: 6,
      })
      .map((gaps) => {
        let input = 0;
        return gaps.map(([gap, count, frame, rights]): RangeRow => {
          const row: RangeRow = [input + gap, count, frame, rights];
          input += gap + count;
          return row;
        });
      });
    const at = (list: readonly RangeRow[], input: number) => {
      const row = list.find(([first, count]) => input >= first && input < first + count);
      return row === undefined || row[3] === 0 ? 'nowhere' : `${row[2] + input - row[0]} ${row[3]}`;
    };
    fc.assert(
      fc.property(rows, rows, (before, after) => {
        const [change] = compareSurveys(machine(before), machine(after));
        for (let input = 0; input < 60; input++) {
          const changed = change?.ranges.some((r) => input >= r.input && input < r.input + r.count) ?? false;
          expect(changed).toBe(at(before, input) !== at(after, input));
        }
      }),
    );
  });
});
