import { ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RamFile } from './ram-file.js';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
let folder: string;
let path: string;
let fd: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dommu-ram-'));
  path = join(folder, 'ram');
  writeFileSync(path, '');
  fd = openSync(path, 'r+');
  ftruncateSync(fd, 3072 * MIB);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const poke = (offset: number, value: number) => writeSync(fd, Uint32Array.of(value), 0, 4, offset);

describe("a guest's RAM", () => {
  it('is read as it was after the last refresh', () => {
    poke(0x1ffc, 0xdeadbeef);
    const ram = new RamFile(path, 3072);
    expect(ram.read32(0x1ffc)).toBe(0xdeadbeef);
    poke(0x1ffc, 7);
    expect(ram.read32(0x1ffc)).toBe(0xdeadbeef);
    ram.refresh();
    expect(ram.read32(0x1ffc)).toBe(7);
    ram.close();
  });

  it('has what lies above 4 GiB, and nothing where there is no RAM', () => {
    poke(2 * GIB + 8, 5);
    const ram = new RamFile(path, 3072);
    expect(ram.read32(4 * GIB + 8)).toBe(5);
    expect(ram.read32(3 * GIB)).toBe(0);
    ram.write32(3 * GIB, 1);
    expect(ram.read32(3 * GIB)).toBe(0);
    ram.close();
  });

  it('is written at once, and read back', () => {
    const ram = new RamFile(path, 3072);
    expect(ram.read32(0x3004)).toBe(0);
    ram.write32(0x3004, 0x80000001);
    expect(ram.read32(0x3004)).toBe(0x80000001);
    const bytes = Buffer.alloc(4);
    readSync(fd, bytes, 0, 4, 0x3004);
    expect(bytes.readUInt32LE()).toBe(0x80000001);
    ram.zeroPage(0x3000);
    expect(ram.read32(0x3004)).toBe(0);
    ram.refresh();
    expect(ram.read32(0x3004)).toBe(0);
    ram.close();
  });
});
