// Marks the command executable after a build: tsc writes it without the bit that `npx dommu` needs.
import { chmodSync } from 'node:fs';

chmodSync(new URL('../dist/cli/main.js', import.meta.url), 0o755);
