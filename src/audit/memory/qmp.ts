import { closeSync, existsSync, fstatSync, openSync } from 'node:fs';
import { heldBySomebody } from '../../qemu/held-file.js';
import { type RamRegion, ramRegions } from '../../qemu/memory-tree.js';
import { Qmp, type QmpAddress } from '../../qemu/qmp.js';
import type { InputError } from '../../text/diagnostic.js';
import type { MemoryImage, RegisterReader } from '../survey.js';
import { dumpMemory } from './dump-memory.js';
import { FileImage } from './file-image.js';
import type { Segment } from './segments.js';
import { sourceError } from './source-error.js';
import { StoppedMachine } from './stopped-machine.js';

const PAGE = 4096;

const QMP_HINT =
  'start QEMU with `-qmp unix:PATH,server=on,wait=off` and give PATH; it talks to one client at a time';

export interface QmpOptions {
  /** Whether the machine runs on while it is looked at. It is stopped unless this says so. */
  readonly live?: boolean | undefined;
  readonly map?: boolean | undefined;
}

/** `host:port` as an address; a path otherwise. */
export function qmpAddress(text: string): QmpAddress {
  const match = /^([^/\s]+):(\d{1,5})$/.exec(text);
  return match === null ? text : { host: match[1]!.replace(/^\[|\]$/g, ''), port: Number(match[2]) };
}

/**
 * Memory and registers of a machine under QEMU, which is stopped until the image is closed (or the process is interrupted)
 * unless it is to run on. Memory is read from the file that QEMU shares it in, where there is one and it is here, and else
 * from an ELF core that QEMU is asked to write.
 * @throws InputError when QEMU cannot be reached, refuses, or its memory cannot be had.
 */
export async function openQmp(where: string, options: QmpOptions): Promise<MemoryImage> {
  const name = `QEMU at ${where}`;
  const complain = (message: string): InputError => sourceError(name, 'qemu', message, QMP_HINT);
  const qmp = await Qmp.connect(qmpAddress(where), { complain });
  let machine: StoppedMachine | undefined;
  try {
    machine = await StoppedMachine.hold(qmp, options.live ?? false);
    const notes =
      options.live === true ? ['the machine ran on while it was read: tables may have changed'] : [];
    const registers = new QmpRegisters(qmp);
    const onClose = endOf(machine, qmp);
    const shared = await sharedFile(qmp);
    if ('segments' in shared) {
      return new FileImage({ ...shared, name, notes, registers, onClose }, options.map ?? true);
    }
    const core = await dumpMemory(qmp, name, options.map ?? true, shared.why);
    return core.with({ name, notes: [...notes, ...core.notes], registers, onClose });
  } catch (error) {
    await machine?.letGo();
    qmp.close();
    throw error;
  }
}

const endOf = (machine: StoppedMachine, qmp: Qmp) => async (): Promise<void> => {
  await machine.letGo();
  qmp.close();
};

/** Registers as QEMU's monitor reads physical memory: an access of the width asked for, as from a CPU. */
class QmpRegisters implements RegisterReader {
  private readonly qmp: Qmp;

  constructor(qmp: Qmp) {
    this.qmp = qmp;
  }

  async read32(pa: number): Promise<number> {
    return Number(await this.read('w', pa, 0xffff_ffffn));
  }

  read64(pa: number): Promise<bigint> {
    return this.read('g', pa, 0xffff_ffff_ffff_ffffn);
  }

  /** Where nobody answers, a bus reads as ones. */
  private async read(width: string, pa: number, nobody: bigint): Promise<bigint> {
    const printed = await this.qmp.monitor(`xp /1${width}x 0x${pa.toString(16)}`);
    const value = /:\s*(0x[0-9a-f]{1,16})\s*$/.exec(printed)?.[1];
    return value === undefined ? nobody : BigInt(value);
  }
}

interface SharedFile {
  readonly fd: number;
  readonly bytes: number;
  readonly segments: readonly Segment[];
}

/** The file in which QEMU keeps the machine's memory; or why there is none to read. */
async function sharedFile(qmp: Qmp): Promise<SharedFile | { readonly why: string }> {
  const regions = ramRegions(await qmp.monitor('info mtree -f'));
  const backends = await fileBackends(qmp);
  if (backends.length === 0) return { why: 'its memory is in no file (memory-backend-file)' };
  // The main memory is the region with most of it; firmware's and a graphics card's are regions of their own.
  const sizes = new Map<string, number>();
  for (const { name, start, end } of regions) sizes.set(name, (sizes.get(name) ?? 0) + end - start);
  const own = backends.filter(({ id }) => regions.some((region) => isRegionOf(region, id)));
  const largest = [...sizes].sort((a, b) => b[1] - a[1])[0]?.[0];
  const [backend] = own;
  if (own.length !== 1 || backend === undefined) {
    return { why: own.length === 0 ? 'its memory is not in that file' : 'its memory is in several files' };
  }
  if (largest !== backend.id && largest !== `/objects/${backend.id}`) {
    return { why: 'most of its memory is in no file' };
  }
  if (!backend.share) return { why: `${backend.path} is not shared (share=on)` };
  return openShared(backend, regions);
}

const isRegionOf = ({ name }: RamRegion, id: string): boolean => name === id || name === `/objects/${id}`;

interface FileBackend {
  readonly id: string;
  readonly path: string;
  readonly share: boolean;
  readonly size: number;
  /** Byte of the file where the memory begins; newer QEMUs have it. */
  readonly offset: number;
}

async function fileBackends(qmp: Qmp): Promise<FileBackend[]> {
  const objects = (await qmp.command('qom-list', { path: '/objects' })) as { name: string; type: string }[];
  const backends: FileBackend[] = [];
  for (const { name: id, type } of Array.isArray(objects) ? objects : []) {
    if (type !== 'child<memory-backend-file>') continue;
    const get = (property: string) => qmp.command('qom-get', { path: `/objects/${id}`, property });
    const [path, share, size] = [await get('mem-path'), await get('share'), await get('size')];
    const offset = await get('offset').catch(() => 0);
    if (typeof path !== 'string' || !isSize(size) || !isSize(offset)) continue;
    backends.push({ id, path, share: share === true, size, offset });
  }
  return backends;
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function openShared(
  { id, path, size, offset }: FileBackend,
  regions: readonly RamRegion[],
): SharedFile | { readonly why: string } {
  let fd: number;
  try {
    // QEMU may be the only one to hold it: labs take its name away.
    fd = openSync(existsSync(path) ? path : (heldBySomebody(path) ?? path), 'r');
  } catch {
    return { why: `${path}, where its memory is, cannot be read here` };
  }
  const stats = fstatSync(fd);
  if (!stats.isFile() || stats.size < offset + size) {
    closeSync(fd);
    return { why: `${path} is not the file that its memory is in` };
  }
  const segments = regions
    .filter((region) => isRegionOf(region, id) && region.start % PAGE === 0 && region.offset % PAGE === 0)
    .map((region) => {
      const frames = Math.floor(Math.min(region.end - region.start, size - region.offset) / PAGE);
      return { frame: region.start / PAGE, frames, offset: offset + region.offset };
    });
  return { fd, bytes: stats.size, segments };
}
