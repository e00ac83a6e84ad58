import fc from 'fast-check';
import { expect, it } from 'vitest';
import { countUpTo } from './ascending.js';

it('counts as one does who looks at every number, also where some are alike or only the first ones are meant', () => {
  const numbers = fc.array(fc.integer({ min: -5, max: 20 }), { maxLength: 30 });
  fc.assert(
    fc.property(numbers, fc.integer({ min: -7, max: 22 }), fc.nat(30), (unsorted, most, first) => {
      const ascending = unsorted.sort((a, b) => a - b);
      const length = Math.min(first, ascending.length);
      expect(countUpTo(ascending, most)).toBe(ascending.filter((one) => one <= most).length);
      expect(countUpTo(ascending, most, length)).toBe(
        ascending.slice(0, length).filter((one) => one <= most).length,
      );
    }),
  );
});
