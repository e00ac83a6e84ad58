import { defineConfig } from 'vitest/config';

/** Tests that boot a real Xen: `npm run test:lab`. One file after the other, for machines of two cores. */
export default defineConfig({
  test: {
    include: ['test/lab/**/*.lab.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 420_000,
    fileParallelism: false,
  },
});
