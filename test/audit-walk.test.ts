import { expect, test } from 'vitest';
import { benchAudit } from '../bench/audit.js';

// The bench throws when its peer in C finds other ranges; speed is for `npm run bench -- audit`, which has time for it.
test('a walker in C finds the same ranges in the same file', async () => {
  const figures = await benchAudit(2 ** 20);
  expect(figures.ranges).toBeGreaterThan(500);
});
