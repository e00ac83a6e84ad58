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
    // Files share a worker and the modules that it has loaded: all state of the model is in a store (DESIGN's first decision),
    // and what modules keep besides is what they would compute again. A test puts back what it changes of the process.
    isolate: false,
    // All cores: Vitest leaves one for itself, which has little to do.
    maxWorkers: '100%',
  },
});
