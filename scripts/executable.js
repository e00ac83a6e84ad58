// Marks the command line entry executable: tsc writes it without the bit that `npx dommu` needs.
import { chmodSync } from 'node:fs';

chmodSync(new URL('../dist/cli/main.js', import.meta.url), 0o755);
