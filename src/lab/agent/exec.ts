import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ExecResult } from './protocol.js';

/** Output beyond this is cut. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

/** Runs a program of dom0 to its end, or until its time is over. */
export function exec(
  argv: readonly string[],
  timeoutSeconds: number,
  files: Readonly<Record<string, string>> = {},
): ExecResult {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  const [program, ...rest] = argv;
  const run = spawnSync(program!, rest, {
    encoding: 'utf8',
    timeout: timeoutSeconds * 1000,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_OUTPUT_BYTES,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const errno = (run.error as { errno?: number } | undefined)?.errno ?? 0;
  const text = (output: string | null): string => (output ?? '').slice(0, MAX_OUTPUT_BYTES);
  return { rc: errno, code: run.status ?? -1, stdout: text(run.stdout), stderr: text(run.stderr) };
}
