import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts', 'web/**/*.test.ts'],
    // These boot a real Xen: `npm run test:lab`.
    exclude: [...configDefaults.exclude, 'test/lab/**'],
    globalSetup: ['web/bundle.setup.ts'],
    testTimeout: 60_000,
    // What a page comes to, it may come to late where much else runs.
    expect: { poll: { timeout: 20_000 } },
  },
});
