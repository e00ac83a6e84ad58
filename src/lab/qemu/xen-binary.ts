import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { LabError } from '../machine-api.js';

const MAX_FILE_BYTES = 64 * 2 ** 20;
const MAX_XEN_BYTES = 256 * 2 ** 20;

/** Multiboot §3.1: a header with this magic lies in the first 8192 bytes, on a boundary of 4. */
const MULTIBOOT_MAGIC = 0x1badb002;
const MULTIBOOT_SEARCHED = 8192;

const HINT = 'give the xen.gz that `make -C xen` leaves, or what gunzip makes of it';

/**
 * A hypervisor of the user's that QEMU can load: `xen.gz`, or the 32-bit multiboot ELF inside.
 * @throws LabError that says what the file is instead.
 */
export function readXen(path: string): Buffer {
  const bytes = unpacked(path, readHypervisor(path));
  const problem = whyNotXen(bytes);
  if (problem !== undefined) throw new LabError(`${path} ${problem}`, 2, HINT);
  return bytes;
}

function readHypervisor(path: string): Buffer {
  try {
    closeSync(openSync(path, 'r'));
    const stat = statSync(path);
    if (!stat.isFile()) throw new Error('it is no file');
    if (stat.size > MAX_FILE_BYTES) throw new Error(`it is larger than ${MAX_FILE_BYTES / 2 ** 20} MiB`);
    return readFileSync(path);
  } catch (error) {
    throw new LabError(`${path} cannot be read: ${(error as Error).message}`, 2, HINT);
  }
}

function unpacked(path: string, bytes: Buffer): Buffer {
  if (bytes.length < 2 || bytes.readUInt16BE(0) !== 0x1f8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_XEN_BYTES });
  } catch (error) {
    throw new LabError(`${path} cannot be unpacked: ${(error as Error).message}`, 2, HINT);
  }
}

function whyNotXen(bytes: Buffer): string | undefined {
  if (bytes.length < 64) return 'is too short for a hypervisor';
  if (bytes.toString('latin1', 0, 2) === 'MZ') {
    return bytes.toString('latin1', 0x38, 0x3c) === 'ARMd'
      ? 'is a hypervisor for arm64, which the lab does not boot (docs/lab.md says why)'
      : 'is an EFI program, which QEMU cannot load as a multiboot kernel';
  }
  if (bytes.readUInt32BE(0) !== 0x7f454c46) return 'is neither gzip nor ELF';
  if (bytes[4] !== 1 || bytes.readUInt16LE(18) !== 3) {
    return 'is no 32-bit x86 ELF, which QEMU needs; xen-syms, the file with the symbols, is 64-bit';
  }
  for (let at = 0; at + 4 <= Math.min(bytes.length, MULTIBOOT_SEARCHED); at += 4) {
    if (bytes.readUInt32LE(at) === MULTIBOOT_MAGIC) return undefined;
  }
  return 'has no multiboot header';
}
