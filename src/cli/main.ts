#!/usr/bin/env node
import { performCommandLine } from './command-line.js';

// A reader that has seen enough (`dommu … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

await performCommandLine(process.argv.slice(2));
