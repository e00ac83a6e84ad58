import { closeSync, openSync, readFileSync } from 'node:fs';
import type { MemoryImage } from '../survey.js';
import { FileImage } from './file-image.js';
import type { Segment } from './segments.js';
import { sourceError, systemReason } from './source-error.js';

const PAGE = 4096;
const DEVICE = '/dev/mem';
const RESOURCES = '/proc/iomem';

const RESTRICTED =
  'the kernel keeps /dev/mem from memory (CONFIG_STRICT_DEVMEM, or lockdown): boot with `iomem=relaxed`, take a dump with kdump, or audit from outside';

/**
 * Memory of the machine that dommu runs on. It is read, never mapped, and never beyond what `/proc/iomem` calls RAM. It
 * changes while it is read. @throws InputError when that is not allowed.
 */
export function openDevMem(): MemoryImage {
  const segments = systemRam(resources());
  if (segments.length === 0) {
    const message = `${RESOURCES} shows no memory: it shows addresses to root alone`;
    throw sourceError(DEVICE, 'dev-mem', message, 'run it as root, in dom0 or on the host');
  }
  let fd: number;
  try {
    fd = openSync(DEVICE, 'r');
  } catch (error) {
    throw sourceError(DEVICE, 'dev-mem', `cannot be opened: ${systemReason(error)}`, 'run it as root');
  }
  const last = segments.at(-1)!;
  const bytes = (last.frame + last.frames) * PAGE;
  const notes = ['the machine ran on while it was read: tables may have changed'];
  const image = new FileImage({ fd, bytes, name: DEVICE, segments, notes, readHint: RESTRICTED }, false);
  try {
    // The first megabyte is readable even where the rest is not, so that the last page tells.
    image.copy((last.frame + last.frames - 1) * PAGE, new Uint8Array(PAGE));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return image;
}

function resources(): string {
  try {
    return readFileSync(RESOURCES, 'latin1');
  } catch (error) {
    throw sourceError(RESOURCES, 'dev-mem', `cannot be read: ${systemReason(error)}`);
  }
}

/** The lines of `/proc/iomem` that are RAM: in a dom0 of Xen's, only dom0's. Their offset in the device is their address. */
export function systemRam(iomem: string): Segment[] {
  const segments: Segment[] = [];
  for (const line of iomem.split('\n')) {
    const match = /^([0-9a-f]{1,16})-([0-9a-f]{1,16}) : System RAM$/.exec(line);
    if (match === null) continue;
    const first = Math.ceil(Number.parseInt(match[1]!, 16) / PAGE);
    const end = Math.floor((Number.parseInt(match[2]!, 16) + 1) / PAGE);
    if (end > first && end > 1) segments.push({ frame: first, frames: end - first, offset: first * PAGE });
  }
  return segments;
}
