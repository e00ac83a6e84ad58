import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readXen } from './xen-binary.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dommu-xen-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function elf({ bits = 1, machine = 3, multiboot = true } = {}): Buffer {
  const bytes = Buffer.alloc(8192);
  bytes.write('\u007fELF', 0, 'latin1');
  bytes[4] = bits;
  bytes.writeUInt16LE(machine, 18);
  if (multiboot) bytes.writeUInt32LE(0x1badb002, 4096);
  return bytes;
}

function file(bytes: Buffer): string {
  const path = join(folder, 'xen');
  writeFileSync(path, bytes);
  return path;
}

describe("a user's own Xen", () => {
  it('is taken as gzip and as it is', () => {
    expect(readXen(file(elf()))).toEqual(elf());
    expect(readXen(file(gzipSync(elf())))).toEqual(elf());
  });

  it.each([
    ['xen-syms', elf({ bits: 2, machine: 62 }), 'is no 32-bit x86 ELF'],
    ['another program', elf({ multiboot: false }), 'has no multiboot header'],
    ['an EFI program', Buffer.from('MZ'.padEnd(100)), 'is an EFI program'],
    ['arm64', Buffer.from(`MZ${'\0'.repeat(0x36)}ARMd${'\0'.repeat(64)}`), 'is a hypervisor for arm64'],
    ['a text', Buffer.from('no hypervisor'.padEnd(100)), 'is neither gzip nor ELF'],
    ['half a gzip', gzipSync(elf()).subarray(0, 20), 'cannot be unpacked'],
    ['nothing', Buffer.alloc(0), 'is too short'],
  ])('is refused when it is %s', (_, bytes, why) => {
    expect(() => readXen(file(bytes))).toThrow(why);
  });

  it('is refused when it is not there, or no file', () => {
    expect(() => readXen(join(folder, 'nothing'))).toThrow('cannot be read');
    expect(() => readXen(folder)).toThrow('cannot be read');
  });
});
