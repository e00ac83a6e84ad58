import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LabError } from '../machine-api.js';
import type { MachineFiles, MachineShape } from './machine-shape.js';

/** What a lab is, as its folder says; other processes find it by this. */
export interface LabRecord {
  readonly name: string;
  readonly state: 'starting' | 'ready';
  /**
   * The process that bounds QEMU's life, 0 while there is none; and when the kernel says that it, or until then the starter,
   * began.
   */
  readonly pid: number;
  readonly startTicks: number;
  /** Of whoever starts it, until there is a QEMU. */
  readonly starter: number;
  /** Ends with whoever started it, and is theirs alone. */
  readonly ephemeral: boolean;
  readonly shape: MachineShape;
  readonly release: string;
  /** Path of the user's Xen, or undefined for the release's. */
  readonly xen?: string;
  /** Where RAM and boot files lie until QEMU has opened them. */
  readonly scratch: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endsAt: string;
}

/** Longest path of a Unix socket (unix(7)): 108 bytes with the zero. */
const MAX_SOCKET_PATH = 107;

const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/i;

/** Where labs have their folders: of this user, gone with the session. */
export function runRoot(env: NodeJS.ProcessEnv = process.env): string {
  const runtime = env.XDG_RUNTIME_DIR ?? '';
  return runtime.startsWith('/')
    ? join(runtime, 'dommu')
    : join(tmpdir(), `dommu-${process.getuid?.() ?? 0}`);
}

/** @throws LabError when it cannot be one. */
export function labFolder(name: string): string {
  if (!NAME.test(name)) {
    throw new LabError(
      `\`${name}\` cannot be a lab's name`,
      2,
      'up to 32 letters, digits, - and _, no - at the start',
    );
  }
  const folder = join(runRoot(), name);
  if (Buffer.byteLength(labFiles(folder).console) > MAX_SOCKET_PATH) {
    throw new LabError(
      `the path of a socket in ${folder} would be too long`,
      2,
      'set XDG_RUNTIME_DIR to a shorter path',
    );
  }
  return folder;
}

export interface LabFiles extends Omit<MachineFiles, 'ram'> {
  readonly record: string;
  readonly qemuLog: string;
  readonly migration: string;
  readonly client: string;
}

export function labFiles(folder: string): LabFiles {
  const at = (name: string) => join(folder, name);
  return {
    record: at('lab.json'),
    qmp: at('qmp'),
    agent: at('agent'),
    console: at('console'),
    consoleLog: at('console.log'),
    qemuLog: at('qemu.log'),
    pid: at('qemu.pid'),
    migration: at('migrate'),
    client: at('client'),
  };
}

/** Makes a lab's folder, whose name must be free. @throws LabError when a lab of that name runs. */
export function claimFolder(record: LabRecord): string {
  sweep();
  const folder = labFolder(record.name);
  mkdirSync(runRoot(), { recursive: true, mode: 0o700 });
  // Made elsewhere and moved: nobody finds a folder without its record.
  const draft = `${folder}.${process.pid}`;
  mkdirSync(draft, { mode: 0o700 });
  writeRecord(draft, record);
  try {
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    const hint = `dommu lab down ${record.name} ends it; --name gives another name`;
    throw new LabError(`a lab named ${record.name} is running`, 2, hint);
  }
  chmodSync(folder, 0o700);
  return folder;
}

export function writeRecord(folder: string, record: LabRecord): void {
  const { record: path } = labFiles(folder);
  writeFileSync(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

/** What a folder says of its lab; undefined when it is none. */
export function readRecord(folder: string): LabRecord | undefined {
  try {
    return JSON.parse(readFileSync(labFiles(folder).record, 'utf8')) as LabRecord;
  } catch {
    return undefined;
  }
}

/** Labs that run or are being started. */
export function runningLabs(): LabRecord[] {
  return records().flatMap(({ record }) => (record !== undefined && isAlive(record) ? [record] : []));
}

/** Removes what labs left that have ended without anyone to clean up behind them. */
export function sweep(): void {
  for (const { folder, record } of records()) {
    if (record !== undefined && !isAlive(record)) removeLab(folder, record);
  }
}

export function removeLab(folder: string, record: LabRecord): void {
  rmSync(record.scratch, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
}

function records(): { folder: string; record: LabRecord | undefined }[] {
  let names: string[];
  try {
    names = readdirSync(runRoot()).filter((name) => NAME.test(name));
  } catch {
    return [];
  }
  return names.map((name) => {
    const folder = join(runRoot(), name);
    return { folder, record: readRecord(folder) };
  });
}

export function isAlive({ pid, startTicks, starter }: LabRecord): boolean {
  return startTicksOf(pid === 0 ? starter : pid) === startTicks;
}

/** When a process started, in ticks since boot (proc(5), stat, field 22); undefined when it is gone. */
export function startTicksOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : Number(fields[19]);
  } catch {
    return undefined;
  }
}
