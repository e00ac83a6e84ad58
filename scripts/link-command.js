// After a build in this repository: makes the command executable (tsc does not) and puts it where `npx dommu` looks
// first, as npm does for the commands of other packages but not for a package's own.
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

chmodSync(path('../dist/cli/main.js'), 0o755);
if (existsSync(path('../node_modules')) && process.platform !== 'win32') {
  mkdirSync(path('../node_modules/.bin'), { recursive: true });
  rmSync(path('../node_modules/.bin/dommu'), { force: true });
  symlinkSync('../../dist/cli/main.js', path('../node_modules/.bin/dommu'));
}
