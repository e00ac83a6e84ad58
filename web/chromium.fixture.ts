import { existsSync } from 'node:fs';

/** Where distributions put Chromium. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The browser to test pages in; undefined where none is installed (`apt-get install chromium`). */
export const chromiumPath: string | undefined = PLACES.find((path) => existsSync(path));

/** For the names of tests that need it. */
export const needsChromium = chromiumPath === undefined ? ' (skipped: Chromium is not installed)' : '';
