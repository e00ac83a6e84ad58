import { type ChildProcess, spawn } from 'node:child_process';
import { LabError } from './machine-api.js';

const KEPT_OUTPUT = 4000;

/** Runs a program to its end. @returns its standard output. @throws LabError with its last lines when it fails. */
export function runBounded(
  program: string,
  args: readonly string[],
  seconds: number,
  input?: string,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const child = spawn('timeout', ['-k', '5', String(seconds), ...dyingWithUs(program, args)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input ?? '');
  const stdout = collect(child, 'stdout', 2 ** 24);
  const stderr = collect(child, 'stderr', 2 ** 20);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) return resolve({ stdout: stdout(), stderr: stderr() });
      const why =
        code === 124 || code === 137 ? `was not done after ${seconds} s` : `failed (${code ?? signal})`;
      reject(new LabError(`${program} ${why}\n${stderr().slice(-KEPT_OUTPUT).trimEnd()}`, 3));
    });
  });
}

/** A command line whose program is killed by the kernel when its parent ends, however that ends. */
export function dyingWithUs(program: string, args: readonly string[], signal = 'KILL'): string[] {
  return ['setpriv', '--pdeathsig', signal, program, ...args];
}

function collect(child: ChildProcess, stream: 'stdout' | 'stderr', most: number): () => string {
  let text = '';
  child[stream]!.setEncoding('utf8').on('data', (part: string) => {
    text = (text + part).slice(-most);
  });
  return () => text;
}
