import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Before all tests: pages are tested as their sources are now, not as they were when somebody built them last. */
export default function setup(): void {
  execFileSync(process.execPath, [fileURLToPath(new URL('../scripts/bundle-web.js', import.meta.url))]);
}
