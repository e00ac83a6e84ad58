import { describe, expect, it } from 'vitest';
import { counted, grouped, sizeText } from './count.js';

describe('numbers for people', () => {
  it('have their thousands apart, and no fractions', () => {
    expect([grouped(0), grouped(127_806), grouped(999.6)]).toEqual(['0', '127,806', '1,000']);
  });

  it('agree with what they count', () => {
    expect([counted(1, 'page'), counted(0, 'page'), counted(2, 'try', 'tries')]).toEqual([
      '1 page',
      '0 pages',
      '2 tries',
    ]);
  });
});

describe('a size', () => {
  it('is in the largest unit that leaves a whole', () => {
    expect([0, 4096, 1536 * 2 ** 20, 2 ** 52].map(sizeText)).toEqual([
      '0 bytes',
      '4 KiB',
      '1.5 GiB',
      '4 PiB',
    ]);
  });
});
