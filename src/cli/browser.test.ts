import { afterEach, describe, expect, it, vi } from 'vitest';
import { openBrowser } from './browser.js';

afterEach(() => void vi.unstubAllEnvs());

describe.skipIf(process.platform !== 'linux')(
  'the user’s browser (on Linux, where tests know how one is found)',
  () => {
    it('is not looked for where there is no screen', async () => {
      for (const name of ['DISPLAY', 'WAYLAND_DISPLAY', 'WSL_DISTRO_NAME']) vi.stubEnv(name, '');
      expect(await openBrowser('http://127.0.0.1:1/')).toBe(false);
    });
  },
);
