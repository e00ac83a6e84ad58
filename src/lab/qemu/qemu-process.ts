import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { heldBy } from '../../qemu/held-file.js';
import { dyingWithUs } from '../bounded-process.js';
import { LabError } from '../machine-api.js';
import { startTicksOf } from './run-folder.js';

const TOLERANCE_SECONDS = 5;

/** A QEMU that somebody else bounds: timeout(1), which ends it after its life and kills it when it does not go. */
export interface QemuProcess {
  /** Of timeout(1), and when it started. */
  readonly pid: number;
  readonly startTicks: number;
}

/**
 * Starts QEMU. It ends after `lifetimeSeconds`, and, unless `outlivesUs`, when this process ends in whatever way.
 * @throws LabError when it cannot be started.
 */
export async function startQemu(
  args: readonly string[],
  options: { readonly lifetimeSeconds: number; readonly outlivesUs: boolean; readonly log: string },
): Promise<QemuProcess> {
  const qemu = dyingWithUs('qemu-system-x86_64', args);
  const bounded = ['-k', String(TOLERANCE_SECONDS), String(options.lifetimeSeconds), ...qemu];
  const [program, ...rest] = options.outlivesUs
    ? ['timeout', ...bounded]
    : dyingWithUs('timeout', bounded, 'TERM');
  const log = openSync(options.log, 'a');
  const child = spawn(program!, rest, { stdio: ['ignore', log, log], detached: options.outlivesUs });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new LabError(`QEMU cannot be started: ${error.message}`, 3)));
  });
  child.unref();
  const pid = child.pid!;
  const startTicks = startTicksOf(pid);
  if (startTicks === undefined) throw new LabError(endMessage(options.log), 3);
  return { pid, startTicks };
}

export function isRunning({ pid, startTicks }: QemuProcess): boolean {
  return startTicksOf(pid) === startTicks;
}

/** Ends QEMU and waits until it is gone. */
export async function endQemu(qemu: QemuProcess): Promise<void> {
  if (!isRunning(qemu)) return;
  signal(qemu.pid, 'SIGTERM');
  for (let waited = 0; waited < (TOLERANCE_SECONDS + 2) * 1000; waited += 10) {
    if (!isRunning(qemu)) return;
    await sleep(10);
  }
  throw new LabError(`QEMU does not end (process ${qemu.pid})`, 3);
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone already.
  }
}

/** What QEMU said of its end. */
export function endMessage(log: string): string {
  const said = readFileSync(log, 'utf8').trim().split('\n').slice(-5).join('\n');
  return said === '' ? 'QEMU has ended' : `QEMU has ended: ${said}`;
}

/** The guest's RAM as a file that QEMU holds open, with or without a name. */
export function openRamOf(pidFile: string, name: string): string {
  const path = heldBy(Number(readFileSync(pidFile, 'utf8')), name);
  if (path === undefined) throw new LabError("QEMU does not hold the lab's RAM open", 3);
  return path;
}
