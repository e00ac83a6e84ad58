import { describe, expect, it } from 'vitest';
import type { Progress } from '../check/result.js';
import { ProgressLine } from './progress.js';

/** What a terminal of `columns` columns shows after each report. */
function shown(reports: readonly Partial<Progress>[], { isTTY = true, columns = 200 } = {}): string[] {
  const written: string[] = [];
  const write = (text: string) => written.push(text) > 0;
  const line = new ProgressLine({ isTTY, columns, write } as unknown as NodeJS.WriteStream);
  for (const report of reports)
    line.show({ states: 0, transitions: 0, depth: 0, frontier: 0, bytes: 0, seconds: 0, ...report });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal is told to do
  return written.map((text) => text.replace(/\r|\u001b\[K/g, ''));
}

describe('the line that says how a search gets on', () => {
  it('has states, those to go, their pace, depth, memory and time, and a lower bound of what is left', () => {
    expect(
      shown([
        { states: 10_000, frontier: 4_000, depth: 5, seconds: 1, bytes: 3 * 2 ** 20 },
        { states: 30_000, frontier: 12_000, depth: 6, seconds: 3, bytes: 5 * 2 ** 20 },
      ]),
    ).toEqual([
      '10,000 states (4,000 to go), 0 states/s, depth 5, 3 MiB, 1 s',
      '30,000 states (12,000 to go, 2 s or more), 10,000 states/s, depth 6, 5 MiB, 3 s',
    ]);
  });

  it('goes by the pace of late, not by that of the beginning', () => {
    const fast = Array.from({ length: 20 }, (_, n) => ({
      seconds: n + 1,
      states: (n + 1) * 1000,
      frontier: 500,
    }));
    const slow = Array.from({ length: 8 }, (_, n) => ({
      seconds: n + 21,
      states: 20_000 + (n + 1) * 10,
      frontier: 500,
    }));
    expect(shown([...fast, ...slow]).at(-1)).toMatch(
      /^20,080 states \(500 to go, 50 s or more\), 10 states\/s/,
    );
  });

  it('tells minutes and hours', () => {
    const at = (frontier: number) =>
      shown([
        { seconds: 1, states: 10, frontier: 5 },
        { seconds: 2, states: frontier + 15, frontier },
      ])[1];
    expect(at(6_000)).toContain('(6,000 to go, 10 min or more)');
    expect(at(108_000)).toContain('(108,000 to go, 3.0 h or more)');
  });

  it('says nothing in the first second, nor where there is no terminal, and keeps within its columns', () => {
    expect(shown([{ seconds: 0.9 }])).toEqual([]);
    expect(shown([{ seconds: 9 }], { isTTY: false })).toEqual([]);
    expect(shown([{ seconds: 9 }], { columns: 10 })).toEqual(['0 states ']);
  });
});
