import {
  copyFileSync,
  createReadStream,
  createWriteStream,
  existsSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Qmp } from '../../qemu/qmp.js';
import { cacheFolder, makeFolder, prune, touch } from '../cache.js';
import { LabError } from '../machine-api.js';
import { type PciState, readPciState, writePciState } from './pci-state.js';
import { type Extent, loadRam, saveRam } from './ram-extents.js';

/** A booted lab on disk: devices, RAM, what QEMU forgets to save, and the console of its boot. */
export interface Snapshot {
  readonly folder: string;
  readonly extents: readonly Extent[];
  readonly pci: PciState;
}

const KEPT_SNAPSHOTS = 12;
const MIGRATION_SECONDS = 60;
const MIB = 2 ** 20;

const snapshotFiles = (folder: string) => ({
  devices: join(folder, 'devices'),
  ram: join(folder, 'ram.zst'),
  console: join(folder, 'console.log'),
  manifest: join(folder, 'snapshot.json'),
});

export function snapshotFolder(key: string): string {
  return join(cacheFolder(), 'snapshots', key);
}

export function findSnapshot(key: string): Snapshot | undefined {
  const folder = snapshotFolder(key);
  const { manifest } = snapshotFiles(folder);
  if (!existsSync(manifest)) return undefined;
  touch(folder);
  try {
    return { ...(JSON.parse(readFileSync(manifest, 'utf8')) as Omit<Snapshot, 'folder'>), folder };
  } catch {
    // Cut short: as good as none.
    rmSync(folder, { recursive: true, force: true });
    return undefined;
  }
}

export function dropSnapshot({ folder }: Snapshot): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Saves a machine that runs; it is stopped meanwhile. RAM is left out of QEMU's stream: it is a file already. */
export async function saveSnapshot(
  key: string,
  machine: { readonly qmp: Qmp; readonly ram: string; readonly consoleLog: string; readonly socket: string },
): Promise<void> {
  const { qmp, ram, consoleLog, socket } = machine;
  await qmp.command('stop');
  try {
    await makeFolder(snapshotFolder(key), async (work) => {
      const files = snapshotFiles(work);
      const pci = await readPciState(qmp);
      await leaveOutRam(qmp);
      await receiveDevices(qmp, socket, files.devices);
      const extents = await saveRam(ram, files.ram);
      copyFileSync(consoleLog, files.console);
      const manifest: Omit<Snapshot, 'folder'> = { extents, pci };
      writeFileSync(files.manifest, JSON.stringify(manifest));
    });
    prune(join(cacheFolder(), 'snapshots'), KEPT_SNAPSHOTS);
  } finally {
    await qmp.command('cont');
  }
}

/** Before QEMU starts: the RAM file it will open, and the log it will append to. */
export async function layOut(
  { folder, extents }: Snapshot,
  target: { readonly ram: string; readonly consoleLog: string },
  memoryMib: number,
): Promise<void> {
  const files = snapshotFiles(folder);
  copyFileSync(files.console, target.consoleLog);
  await loadRam(files.ram, extents, target.ram, memoryMib * MIB);
}

/** Has a QEMU that was started with `-incoming defer` become the saved machine, which then runs. */
export async function restore({ folder, pci }: Snapshot, qmp: Qmp, socket: string): Promise<void> {
  await leaveOutRam(qmp);
  await qmp.command('migrate-incoming', { uri: `unix:${socket}` });
  // QEMU hangs up when it has enough. Whether it had, the migration's status says.
  await pipeline(createReadStream(snapshotFiles(folder).devices), connect(socket)).catch(() => {});
  await migrated(qmp);
  await writePciState(qmp, pci);
  await qmp.command('cont');
}

async function leaveOutRam(qmp: Qmp): Promise<void> {
  const capabilities = [{ capability: 'x-ignore-shared', state: true }];
  await qmp.command('migrate-set-capabilities', { capabilities });
}

async function receiveDevices(qmp: Qmp, socket: string, target: string): Promise<void> {
  const server = createServer();
  const received = new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.on('connection', (stream) => pipeline(stream, createWriteStream(target)).then(resolve, reject));
  });
  received.catch(() => {});
  try {
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    await qmp.command('migrate', { uri: `unix:${socket}` });
    await migrated(qmp);
    await received;
  } finally {
    server.close();
  }
}

async function migrated(qmp: Qmp): Promise<void> {
  for (let waited = 0; waited < MIGRATION_SECONDS * 1000; waited += 10) {
    const { status, 'error-desc': why } = (await qmp.command('query-migrate')) as {
      status?: string;
      'error-desc'?: string;
    };
    if (status === 'completed') return;
    if (status === 'failed') throw new LabError(`QEMU's migration failed: ${why ?? 'no reason given'}`, 3);
    await sleep(10);
  }
  throw new LabError(`QEMU's migration was not done after ${MIGRATION_SECONDS} s`, 3);
}
