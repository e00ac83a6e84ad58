import { mkdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../text/diagnostic.js';
import { fileIn, withFolder } from '../image.fixture.js';
import { type ImageOptions, openImage } from './open.js';
import { parseRamRanges, rawLayout } from './raw.js';

const PAGE = 4096;
const GIB = 2 ** 30;

/** A file of pages, each full of its number plus one. */
const pages = (count: number): Uint8Array => {
  const words = new Int32Array(count * 1024);
  for (let i = 0; i < words.length; i++) words[i] = (i >> 10) + 1;
  return new Uint8Array(words.buffer);
};

const refusal = async (path: string, options?: ImageOptions): Promise<InputError> => {
  const error = await openImage(path, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  return error as InputError;
};

describe.each([
  ['mapped', true],
  ['read', false],
])('a raw file that is %s', (_, map) => {
  test('is memory from address 0 on', () =>
    withFolder(async (folder) => {
      const image = await openImage(fileIn(folder, 'ram', pages(20)), { map });
      expect(image.ram).toEqual([{ start: 0, end: 20 * PAGE }]);
      expect(image.read32(0)).toBe(1);
      expect(image.read32(19 * PAGE + 4092)).toBe(20);
      expect(image.read32(20 * PAGE)).toBe(0);
      expect(image.page(7)).toEqual(new Int32Array(1024).fill(8));
      expect(image.page(20)).toBeUndefined();
      await image.close();
      expect(image.page(7)).toBeUndefined();
    }));

  test('may begin at any page, and be in pieces', () =>
    withFolder(async (folder) => {
      const path = fileIn(folder, 'ram', pages(20));
      const moved = await openImage(path, { map, base: 0x1_0000_0000 });
      expect([moved.read32(0), moved.read32(0x1_0000_0000 + PAGE)]).toEqual([0, 2]);
      await moved.close();
      const ranges = parseRamRanges(['0x0-0x3000', '0x5000-0x7000', '0x100000000-0x100001000@0x13000']);
      const image = await openImage(path, { map, ranges });
      expect(image.ram).toEqual([
        { start: 0, end: 0x3000 },
        { start: 0x5000, end: 0x7000 },
        { start: 0x1_0000_0000, end: 0x1_0000_1000 },
      ]);
      expect([0x2000, 0x3000, 0x5000, 0x6000, 0x7000, 0x1_0000_0000].map((pa) => image.read32(pa))).toEqual([
        3, 0, 4, 5, 0, 20,
      ]);
      await image.close();
    }));

  test('is copied over holes, and beyond its end as zeros', () =>
    withFolder(async (folder) => {
      const ranges = [
        { start: 0, end: PAGE, offset: 0 },
        { start: 2 * PAGE, end: 3 * PAGE, offset: PAGE },
      ];
      const image = await openImage(fileIn(folder, 'ram', pages(2)), { map, ranges });
      const bytes = new Uint8Array(3 * PAGE).fill(0xff);
      image.copy(PAGE - 4, bytes);
      expect([...bytes.subarray(0, 8)]).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
      expect([...bytes.subarray(PAGE + 4, PAGE + 8)]).toEqual([2, 0, 0, 0]);
      expect(bytes.subarray(2 * PAGE + 4).every((byte) => byte === 0)).toBe(true);
      await image.close();
    }));

  test('that is longer than what is remembered of it reads the same twice', () =>
    withFolder(async (folder) => {
      const image = await openImage(fileIn(folder, 'ram', pages(5000)), { map });
      for (const frame of [0, 4096, 1, 4999, 0, 4103, 7]) expect(image.read32(frame * PAGE)).toBe(frame + 1);
      await image.close();
    }));
});

test('a file is mapped where koffi is there, and read when it may not be', () =>
  withFolder(async (folder) => {
    const path = fileIn(folder, 'ram', pages(1));
    const read = await openImage(path, { map: false });
    expect(read).toMatchObject({ mapped: false });
    await read.close();
  }));

describe('the layout of a raw file', () => {
  test('of a large machine is that of QEMU’s q35 unless said otherwise, and says so', () => {
    const guessed = rawLayout('ram', 3 * GIB, {});
    expect(guessed.segments).toEqual([
      { frame: 0, frames: 0x8_0000, offset: 0 },
      { frame: 0x10_0000, frames: 0x4_0000, offset: 2 * GIB },
    ]);
    expect(guessed.notes[0]).toMatch(/q35/);
    expect(rawLayout('ram', 3 * GIB, { layout: 'q35' }).notes).toEqual([]);
    expect(rawLayout('ram', 4 * GIB, { layout: 'pc' }).segments[1]).toMatchObject({ offset: 3 * GIB });
    expect(rawLayout('ram', 3 * GIB, { layout: 'linear' }).segments).toHaveLength(1);
  });

  test('of ranges beyond the file’s end is cut off with a note', () => {
    const ranges = parseRamRanges(['0x0-0x4000']);
    const { segments, notes } = rawLayout('ram', 0x2800, { ranges });
    expect(segments).toEqual([{ frame: 0, frames: 2, offset: 0 }]);
    expect(notes).toEqual(['the file ends before the range at 0x0 does: memory is known up to 0x2000']);
  });

  test('that cannot be is refused', () => {
    for (const text of ['', '5', '0x2000-0x1000', '0-0xfffffffffffffffff', 'a-b'])
      expect(() => parseRamRanges([text])).toThrow(InputError);
    expect(() => rawLayout('ram', 9999, { ranges: [{ start: 1, end: 4096, offset: 0 }] })).toThrow(
      InputError,
    );
    expect(() => rawLayout('ram', 9999, { base: 5 })).toThrow(/within a page/);
  });
});

describe('what is no memory source', () => {
  test('is refused with what it is and what to do', () =>
    withFolder(async (folder) => {
      const file = (name: string, start: string) =>
        fileIn(folder, name, Buffer.concat([Buffer.from(start, 'latin1'), pages(1)]));
      expect((await refusal(`${folder}/none`)).message).toMatch(/ENOENT/);
      mkdirSync(`${folder}/sub`);
      expect((await refusal(`${folder}/sub`)).message).toMatch(/a directory/);
      expect((await refusal(fileIn(folder, 'empty', new Uint8Array(100)))).message).toMatch(/not one page/);
      const kdump = await refusal(file('kdump', 'KDUMP   '));
      expect(kdump.message).toMatch(/kdump-compressed/);
      expect(kdump.diagnostic.hint).toMatch(/makedumpfile -E/);
      expect((await refusal(file('avml', 'AVML'))).diagnostic.hint).toMatch(/avml-convert/);
      expect((await refusal(file('gz', '\x1f\x8b'))).message).toMatch(/gzip/);
      const raw = await openImage(`raw:${file('raw', 'KDUMP   ')}`);
      expect(raw.read32(0)).toBe(Buffer.from('KDUM').readInt32LE(0));
      await raw.close();
    }));
});
