import { chmodSync, closeSync, fstatSync, mkdtempSync, openSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Qmp } from '../../qemu/qmp.js';
import { elfLayout } from './elf-core.js';
import { FileImage, type MemoryFile } from './file-image.js';
import { sourceError } from './source-error.js';

/** Time for writing all memory of a large machine. */
const DUMP_SECONDS = 1800;

/** A core of all memory, to become an image. Its file has no name any more: it goes when it is closed. */
export interface DumpedMemory {
  readonly notes: readonly string[];
  with(rest: Pick<MemoryFile, 'name' | 'notes' | 'registers' | 'onClose'>): FileImage;
}

/**
 * Has QEMU write an ELF core of the machine's memory to a file of ours (`dump-guest-memory`) and opens it. A running
 * machine stands still meanwhile.
 * @param why why memory is not read in place, for messages.
 * @throws InputError when there is no room, or QEMU cannot write there.
 */
export async function dumpMemory(qmp: Qmp, name: string, map: boolean, why: string): Promise<DumpedMemory> {
  const bytes = await memorySize(qmp);
  const place = tmpdir();
  const { bavail, bsize } = statfsSync(place);
  const hint = 'start QEMU with its memory in a file: `-object memory-backend-file,…,share=on`';
  if (bavail * bsize < bytes * 1.05) {
    const message = `${why}, and ${place} has no room for a copy of its ${Math.ceil(bytes / 2 ** 20)} MiB`;
    throw sourceError(name, 'qemu-memory', message, `${hint}, or set TMPDIR`);
  }
  const folder = mkdtempSync(join(place, 'dommu-memory-'));
  let fd: number | undefined;
  try {
    // QEMU may run as another user: it may write the file and nobody can list the folder.
    chmodSync(folder, 0o711);
    const path = join(folder, 'core');
    fd = openSync(path, 'w+', 0o600);
    chmodSync(path, 0o622);
    await qmp.command('dump-guest-memory', { paging: false, protocol: `file:${path}` }, DUMP_SECONDS);
    const { size } = fstatSync(fd);
    if (size === 0) {
      const message = `${why}, and its memory was not dumped to ${place} of this machine`;
      throw sourceError(name, 'qemu-memory', message, `run dommu where QEMU runs, or ${hint}`);
    }
    const { segments, notes } = elfLayout(fd, name, size);
    const file = { fd, bytes: size, segments };
    const copied = `${why}: it was read from a copy that QEMU wrote`;
    return { notes: [copied, ...notes], with: (rest) => new FileImage({ ...file, ...rest }, map) };
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function memorySize(qmp: Qmp): Promise<number> {
  const summary = (await qmp.command('query-memory-size-summary')) as Record<string, unknown>;
  return Number(summary['base-memory'] ?? 0) + Number(summary['plugged-memory'] ?? 0);
}
