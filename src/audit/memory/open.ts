import { closeSync, constants, fstatSync, openSync, type Stats, statSync } from 'node:fs';
import type { MemoryImage } from '../survey.js';
import { openDevMem } from './dev-mem.js';
import { elfLayout, isElf } from './elf-core.js';
import { FileImage } from './file-image.js';
import { isLime, limeLayout } from './lime.js';
import { refuseOtherDumps } from './other-dumps.js';
import { openQmp, type QmpOptions } from './qmp.js';
import { type LaidOut, type RawLayout, rawLayout } from './raw.js';
import { sourceError, systemReason } from './source-error.js';

/** How a memory source is read. */
export interface ImageOptions extends RawLayout, QmpOptions {
  /** Whether a file may be mapped instead of read; it is where that can be done, unless this says no. */
  readonly map?: boolean | undefined;
}

/**
 * Opens a memory source: `raw:FILE`, `elf:FILE`, `qmp:SOCKET` or `qmp:HOST:PORT`, `/dev/mem`, or a path, whose kind is
 * found out. @throws InputError when there is no such source, or nothing that holds memory.
 */
export async function openImage(spec: string, options: ImageOptions = {}): Promise<MemoryImage> {
  const [, scheme, path = spec] = /^(raw|elf|qmp):(.+)$/s.exec(spec) ?? [];
  if (scheme === 'qmp' || (scheme === undefined && isSocket(path))) return openQmp(path, options);
  if (scheme === undefined && path === '/dev/mem') return openDevMem();
  return openFile(path, scheme as 'raw' | 'elf' | undefined, options);
}

const isSocket = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isSocket() === true;

function openFile(path: string, format: 'raw' | 'elf' | undefined, options: ImageOptions): FileImage {
  const fd = openForReading(path);
  try {
    const stats = fstatSync(fd);
    refuseWhatIsNoFile(path, stats);
    const { segments, notes } = layOut(fd, path, stats.size, format, options);
    if (segments.every(({ frames }) => frames === 0)) {
      throw sourceError(path, 'memory-empty', 'it holds not one page of memory');
    }
    return new FileImage({ fd, bytes: stats.size, name: path, segments, notes }, options.map ?? true);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openForReading(path: string): number {
  try {
    // A pipe that nobody writes to would otherwise be waited for.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw sourceError(path, 'memory-open', `cannot be opened: ${systemReason(error)}`);
  }
}

function refuseWhatIsNoFile(path: string, stats: Stats): void {
  if (stats.isFile()) return;
  const what = stats.isDirectory() ? 'a directory' : 'neither a file, a socket of QEMU’s nor /dev/mem';
  throw sourceError(path, 'memory-open', `it is ${what}`, 'a raw memory file or an ELF core');
}

function layOut(
  fd: number,
  path: string,
  bytes: number,
  format: 'raw' | 'elf' | undefined,
  options: ImageOptions,
): LaidOut {
  if (format === 'raw') return rawLayout(path, bytes, options);
  if (format === 'elf' || isElf(fd)) return elfLayout(fd, path, bytes);
  if (isLime(fd)) return limeLayout(fd, path, bytes);
  refuseOtherDumps(fd, path);
  return rawLayout(path, bytes, options);
}
