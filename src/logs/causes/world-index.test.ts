import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NamedRange } from '../facts.js';
import { rankCauses } from './all.js';
import { vtd, worldOf } from './causes.fixture.js';
import { indexOf, near } from './world-index.js';

const range = (start: bigint, end: bigint, what: string): NamedRange => ({
  start,
  end,
  what,
  devices: [],
  line: 1,
});

describe('the index of a log', () => {
  it('finds the smallest of the ranges that an address lies in, as a search of all of them does', () => {
    const ranges = fc.array(
      fc
        .tuple(fc.nat(60), fc.integer({ min: 1, max: 40 }))
        .map(([start, size]) => range(BigInt(start), BigInt(start + size), `${start}+${size}`)),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(ranges, (all) => {
        const index = indexOf(worldOf());
        for (let address = 0n; address < 104n; address++) {
          const sizes = all
            .filter(({ start, end }) => address >= start && address < end)
            .map((one) => one.end - one.start);
          const smallest = sizes.sort((a, b) => Number(a - b))[0];
          const found = index.rangeAt(all, address);
          expect(found === undefined ? undefined : found.end - found.start).toBe(smallest);
        }
      }),
    );
  });

  it('has of notes those near a line, the last before it among them', () => {
    const notes = Array.from({ length: 4000 }, (_, line) => ({ value: `note ${line}`, line }));
    const found = near(notes, 2500);
    expect(found.length).toBeLessThan(100);
    expect(found.map(({ line }) => line)).toEqual(expect.arrayContaining([2499, 2500, 2501]));
    expect(near(notes.slice(0, 5), 2)).toHaveLength(5);
  });

  it('lets thousands of different faults be explained beside thousands of facts', { timeout: 60_000 }, () => {
    const events = Array.from({ length: 4096 }, (_, i) =>
      vtd(5, '0000:03:00.0', 0x1_0000_0000n + (BigInt(i) << 12n), {
        firstLine: i,
        details: { n: String(i) },
      }),
    );
    const world = worldOf({
      xen: '4.17',
      events,
      facts: (facts) => {
        for (let i = 0n; i < 4096n; i++) {
          facts.e820.push(range(i << 16n, (i << 16n) + 4096n, 'reserved'));
          facts.reservedRegions.push(range(i << 17n, (i << 17n) + 4096n, ''));
          facts.of(facts.devices, '0000:03:00.0', { value: 'assigned to d1', line: Number(i) });
        }
      },
    });
    const first = events.map((event) => rankCauses(event, world)[0]?.id);
    expect(new Set(first)).toEqual(new Set(['special-page']));
  });
});
