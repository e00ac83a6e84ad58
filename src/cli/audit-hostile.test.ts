import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ArrayImage, fileIn, withFolder } from '../audit/image.fixture.js';
import { elfCore } from '../audit/memory/elf.fixture.js';
import { InputError, PLAIN } from '../text/diagnostic.js';
import { type AuditOptions, audit } from './audit.js';
import { type Io, runCommandAsync } from './io.js';

/** Runs the command on memory; what is refused gives exit code 2 and the message, anything else fails the test. */
async function run(path: string | readonly string[], options: Partial<AuditOptions> = {}) {
  const lines: string[] = [];
  const io: Io = {
    out: (line) => void lines.push(line),
    err: (line) => void lines.push(line),
    paintOut: PLAIN,
    paintErr: PLAIN,
  };
  try {
    const exit = await audit([path].flat(), { ranges: 2, ...options }, io);
    return { exit, text: lines.join('\n') };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { exit: 2, text: error.message };
  }
}

const bytesOf = (image: ArrayImage) => new Uint8Array(image.words.buffer);
const AMDVI = ['amdvi:0x101f'];
/** Entries of 32 frames of device table. */
const DEVICES = 4096;

/** A machine of many requesters, each with a root of its own that `page` fills. */
function manyRoots(page: (image: ArrayImage, at: number, device: number) => void, mode = 1): ArrayImage {
  const image = new ArrayImage(64 + DEVICES);
  for (let device = 0; device < DEVICES; device++) {
    const root = 64 + device;
    const entry = 3n | (BigInt(mode) << 9n) | (BigInt(root) << 12n) | (3n << 61n);
    image.write64(0x1000 + device * 32, entry);
    image.write64(0x1000 + device * 32 + 8, BigInt(device));
    page(image, root * 4096, device);
  }
  return image;
}

const LEAF = 1n | (3n << 61n);

describe('memory that was made to exhaust the audit', () => {
  it('has a frame that thousands of domains reach: some pairs are told, and that there are more', () =>
    withFolder(async (folder) => {
      const image = manyRoots((image, at) => image.write64(at, LEAF | (40n << 12n)));
      const { exit, text } = await run(fileIn(folder, 'ram', bytesOf(image)), { rtaddr: AMDVI });
      expect(exit).toBe(1);
      expect(text).toContain('More than 4000 pairs of domains reach the same memory');
      expect(text.match(/^warning domains-overlap/gm)).toHaveLength(4001);
    }));

  it('lets thousands of devices write thousands of tables: each is told of once', () =>
    withFolder(async (folder) => {
      // A page of 1 GiB from address 0 on.
      const image = manyRoots((image, at) => image.write64(at, LEAF), 3);
      const { text } = await run(fileIn(folder, 'ram', bytesOf(image)), { rtaddr: AMDVI });
      expect(text.match(/^error tables-writable/gm)).toHaveLength(4096);
      expect(text).toContain('32 frames of the device tables of unit 0 from 0x1000-0x1fff on');
      expect(text).toMatch(/and \d+ more frames of tables/);
    }));

  it('has one table below thousands of roots', () =>
    withFolder(async (folder) => {
      const image = manyRoots(
        (image, at) => image.write64(at, 1n | (1n << 9n) | (40n << 12n) | (3n << 61n)),
        2,
      );
      const { text } = await run(fileIn(folder, 'ram', bytesOf(image)), { rtaddr: AMDVI });
      expect(text).toContain('have different roots and share the tables at 0x28000-0x28fff');
      expect(text.match(/^error tables-shared/gm)).toHaveLength(4001);
    }));

  it('repeats two thousand ranges for each of thousands of domain ids: the CSV names the device that has them', () =>
    withFolder(async (folder) => {
      const image = manyRoots(() => {});
      const root = 1n | (1n << 9n) | (3n << 61n);
      for (let device = 0; device < DEVICES; device++) {
        image.write64(0x1000 + device * 32, 3n | (2n << 9n) | (64n << 12n) | (3n << 61n));
      }
      for (let i = 0; i < 8; i++) {
        image.write64(64 * 4096 + i * 8, root | (BigInt(100 + i) << 12n));
        for (let k = 0; k < 512; k += 2)
          image.write64((100 + i) * 4096 + k * 8, LEAF | (BigInt(2 * (512 * i + k)) << 12n));
      }
      const csv = join(folder, 'reach.csv');
      const { exit, text } = await run(fileIn(folder, 'ram', bytesOf(image)), { rtaddr: AMDVI, csv });
      expect(exit).toBe(1);
      expect(text).toContain(
        '4096 devices of unit 0 have one root, 0x40000, under the domain ids 0, 1, 2, 3 and 4092 more',
      );
      expect(execFileSync('tail', ['-n', '1', csv], { encoding: 'utf8' })).toBe(
        '0000:0f:1f.7,4095,translated,,,,,,,,0000:00:00.0\r\n',
      );
    }));

  it('maps one page by 512^4 paths: two such images are compared in a moment', () =>
    withFolder(async (folder) => {
      const scratch = (last: bigint, entries: number) => {
        const image = new ArrayImage(64);
        image.write64(0x1000, 0x2001n);
        image.write64(0x2000, 0x3001n);
        image.write64(0x2008, 2n | (1n << 8n));
        for (let table = 3; table < 7; table++) {
          const count = table < 5 ? entries : 512;
          for (let i = 0; i < count; i++) {
            image.write64(table * 4096 + i * 8, BigInt((table + 1) * 4096 + 3));
          }
        }
        image.write64(0x6000 + 511 * 8, last);
        return bytesOf(image);
      };
      const file = (name: string, last: bigint, entries: number) =>
        fileIn(folder, name, scratch(last, entries));
      const rtaddr = ['0x1000'];
      const same = ['one', 'other'].map((name) => file(name, 0x7003n, 512));
      expect(await run(same, { rtaddr, diff: true })).toMatchObject({ exit: 0 });
      const changed = [file('before', 0x7003n, 1), file('after', 0x8003n, 1)];
      const { exit, text } = await run(changed, { rtaddr, diff: true });
      expect(exit).toBe(1);
      expect(text).toContain('~ 0000001ff000-0000001fffff  rw 000000007000 -> rw 000000008000  4 KiB');
      expect(text).toContain('… 510 more');
    }));
});

describe('files that are no memory, or only a part of it', () => {
  it('are read as far as they go or refused, cut off anywhere', () =>
    withFolder(async (folder) => {
      const image = manyRoots((image, at, device) =>
        image.write64(at, LEAF | (BigInt(device) << 12n)),
      ).words.subarray(0, 128 * 1024);
      const memory = new Uint8Array(image.buffer, 0, image.byteLength);
      const core = elfCore([{ paddr: 0n, filesz: BigInt(memory.length), offset: 4096n }], memory);
      for (const bytes of [memory, core]) {
        for (let part = 0; part <= 16; part++) {
          const cut = bytes.subarray(0, Math.floor((bytes.length * part) / 16));
          const { exit, text } = await run(fileIn(folder, 'cut', cut), {
            rtaddr: ['amdvi:0x1000'],
            protect: ['0+16M'],
          });
          expect([1, 2]).toContain(exit);
          expect(text).not.toBe('');
        }
      }
    }));

  it('may be empty, a folder, a pipe that nobody writes to, or not there', () =>
    withFolder(async (folder) => {
      const pipe = join(folder, 'pipe');
      execFileSync('mkfifo', [pipe]);
      for (const path of [fileIn(folder, 'empty', new Uint8Array(0)), folder, pipe, join(folder, 'none')]) {
        expect((await run(path, { rtaddr: ['0x0'] })).exit).toBe(2);
      }
    }));
});

describe('reports that would be mixed', () => {
  it('are refused: one goes to the standard output, and a comparison writes none', () =>
    withFolder(async (folder) => {
      const path = fileIn(folder, 'ram', new Uint8Array(8192));
      const rtaddr = ['0x1000'];
      expect((await run(path, { rtaddr, json: true, sarif: '-' })).text).toContain(
        'mixed on the standard output',
      );
      expect((await run(path, { rtaddr, csv: '-', html: '-' })).exit).toBe(2);
      expect((await run([path, path], { rtaddr, diff: true, html: 'page.html' })).text).toContain(
        'has no --html',
      );
      expect((await run(path, { rtaddr, device: ['00:04.0'] })).text).toContain('nor for any other');
    }));
});

describe('what the process prints of a source that it refuses', () => {
  it('is neither what the memory holds nor what a path would do to a terminal', () =>
    withFolder(async (folder) => {
      const path = fileIn(folder, 'odd\u001b[31m\nexit 0', Buffer.from('a secret\n'.repeat(1000)));
      const errors: string[] = [];
      const io: Io = {
        out: () => {},
        err: (line) => void errors.push(line),
        paintOut: PLAIN,
        paintErr: PLAIN,
      };
      const before = process.exitCode;
      await runCommandAsync(
        io,
        false,
        () => ({}),
        () => audit([path], { ranges: 2 }, io),
      );
      expect(process.exitCode).toBe(2);
      process.exitCode = before;
      const [first] = errors.join('\n').split('\n');
      expect(first).toMatch(/odd\?\[31m\?exit 0:1:1: error: no IOMMU was found in it/);
      expect(errors.join()).not.toContain('secret');
    }));
});
