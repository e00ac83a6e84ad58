import { describe, expect, test } from 'vitest';
import { InputError } from '../../text/diagnostic.js';
import { fileIn, withFolder } from '../image.fixture.js';
import { elfCore } from './elf.fixture.js';
import { openImage } from './open.js';

const MANY = 2n ** 64n - 1n;

/** Pages, each full of its number plus one. */
const pages = (count: number): Uint8Array => {
  const words = new Int32Array(count * 1024);
  for (let i = 0; i < words.length; i++) words[i] = (i >> 10) + 1;
  return new Uint8Array(words.buffer);
};

const opened = <T>(
  bytes: Uint8Array,
  look: (image: Awaited<ReturnType<typeof openImage>>) => T,
  map = true,
) =>
  withFolder(async (folder) => {
    const image = await openImage(fileIn(folder, 'core', bytes), { map });
    try {
      return look(image);
    } finally {
      await image.close();
    }
  });

describe.each([
  ['mapped', true],
  ['read', false],
])('an ELF core that is %s', (_, map) => {
  test('has memory where its segments say, wherever in the file they are', () => {
    const data = 64n + 3n * 56n;
    const loads = [
      { paddr: 0x1_0000_0000n, filesz: 0x2000n, offset: data + 0x1000n },
      { paddr: 0n, filesz: 0x10n, offset: data, type: 4 },
      { paddr: 0x5000n, filesz: 0x1000n, offset: data },
    ];
    return opened(
      elfCore(loads, pages(3)),
      (image) => {
        expect(image.ram).toEqual([
          { start: 0x5000, end: 0x6000 },
          { start: 0x1_0000_0000, end: 0x1_0000_2000 },
        ]);
        expect([0x5000, 0x6000, 0x1_0000_0000, 0x1_0000_1ffc].map((pa) => image.read32(pa))).toEqual([
          1, 0, 2, 3,
        ]);
        expect(image.notes).toEqual([]);
      },
      map,
    );
  });

  test('may begin within a word or a page: whole pages count', () => {
    const loads = [{ paddr: 0x1ff0n, filesz: 0x2010n, offset: 64n + 56n + 2n }];
    const data = new Uint8Array(0x2012).fill(7);
    return opened(elfCore(loads, data), (image) => {
      expect(image.ram).toEqual([{ start: 0x2000, end: 0x4000 }]);
      expect(image.read32(0x3ffc)).toBe(0x0707_0707);
    });
  });
});

describe('an ELF core that lies', () => {
  test('is read as far as it is true, with notes', () => {
    const data = 64n + 6n * 56n;
    const loads = [
      { paddr: 0x1000n, filesz: 0x9000n, offset: data },
      { paddr: 0x2000n, filesz: 0x1000n, offset: data },
      { paddr: 0x10_0000n, filesz: 0x1000n, offset: MANY },
      { paddr: MANY, filesz: 0x1000n, offset: data },
      { paddr: 0x20_0000n, filesz: MANY, offset: data },
      { paddr: 0x20_0000n, filesz: 0x800n, offset: data },
    ];
    return opened(elfCore(loads, pages(2)), (image) => {
      expect(image.ram).toEqual([{ start: 0x1000, end: 0x3000 }]);
      expect([image.read32(0x1000), image.read32(0x2000)]).toEqual([1, 2]);
      expect(image.notes).toEqual([
        'segments that end beyond the end of the file are cut off there: 1',
        'segments that begin beyond the end of the file are left out: 1',
        'segments that claim physical addresses beyond 52 bits are left out: 2',
      ]);
    });
  });

  test('is read once when it names the same bytes many times', () => {
    const loads = Array.from({ length: 50 }, (_, i) => ({
      paddr: BigInt(i) * 0x10_000n,
      filesz: 0x1000n,
      offset: 64n + 50n * 56n,
    }));
    return opened(elfCore(loads, pages(1)), (image) => {
      expect(image.ram).toEqual([{ start: 0, end: 0x1000 }]);
      expect(image.notes).toEqual(['segments that together hold more than the file are cut off: 49']);
    });
  });

  test('is read when its program headers are cut off', () =>
    opened(elfCore([{ paddr: 0n, filesz: 0x1000n, offset: 0n }], pages(1), { phnum: 300 }), (image) => {
      expect(image.notes[0]).toBe('the file ends after 74 of its 300 program headers');
    }));

  const refused: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['has 32 bits', elfCore([], undefined, { class: 1 }), /ELF32/],
    ['is big-endian', elfCore([], undefined, { data: 2 }), /little-endian/],
    ['is a program', elfCore([], undefined, { type: 2 }), /no core/],
    ['is cut off within its header', elfCore([]).subarray(0, 40), /within its ELF header/],
    ['has program headers of another size', elfCore([], undefined, { phentsize: 0 }), /have 0 bytes/],
    ['has no segments', elfCore([]), /holds memory/],
    ['has headers far away', elfCore([], undefined, { phoff: MANY }), /not in the file/],
    [
      'has more headers than there can be',
      elfCore([], undefined, { phnum: 0xffff, shoff: MANY }),
      /not in the file/,
    ],
    [
      'is the core of a process',
      elfCore(
        [1n, 2n].map((offset) => ({ paddr: 0n, filesz: 0x1000n, offset })),
        pages(1),
      ),
      /core of a process/,
    ],
  ];
  test.each(refused)('is refused when it %s', (_, bytes, message) =>
    withFolder(async (folder) => {
      const error = await openImage(fileIn(folder, 'core', bytes)).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(InputError);
      expect((error as InputError).message).toMatch(message);
    }),
  );

  test('may have its number of headers in section header 0', () =>
    withFolder(async (folder) => {
      const section = (count: number) => {
        const bytes = new Uint8Array(0x2000);
        new DataView(bytes.buffer).setUint32(44, count, true);
        return bytes;
      };
      const load = [{ paddr: 0x1000n, filesz: 0x1000n, offset: 64n + 56n }];
      const over = { phnum: 0xffff, shoff: 64n + 56n };
      const image = await openImage(fileIn(folder, 'few', elfCore(load, section(1), over)));
      expect(image.ram).toEqual([{ start: 0x1000, end: 0x2000 }]);
      await image.close();
      const path = fileIn(folder, 'many', elfCore(load, section(0xffff_ffff), over));
      await expect(openImage(path)).rejects.toThrow(/claims 4294967295 program headers/);
    }));
});

test('a LiME image has memory where its headers say', () =>
  withFolder(async (folder) => {
    const header = (start: bigint, last: bigint) => {
      const view = new DataView(new ArrayBuffer(32));
      view.setUint32(0, 0x4c694d45, true);
      view.setUint32(4, 1, true);
      view.setBigUint64(8, start, true);
      view.setBigUint64(16, last, true);
      return new Uint8Array(view.buffer);
    };
    const parts = [header(0x1000n, 0x1fffn), pages(1), header(0x1_0000_0000n, 0x1_0000_1fffn), pages(2)];
    const image = await openImage(fileIn(folder, 'lime', Buffer.concat(parts)));
    expect(image.ram).toEqual([
      { start: 0x1000, end: 0x2000 },
      { start: 0x1_0000_0000, end: 0x1_0000_2000 },
    ]);
    expect([image.read32(0x1000), image.read32(0x1_0000_1000)]).toEqual([1, 2]);
    await image.close();
    const lying = [header(0x1000n, 0xffffn), pages(1)];
    const cut = await openImage(fileIn(folder, 'cut', Buffer.concat(lying)));
    expect(cut.notes).toEqual(['the file ends within the range at 0x1000']);
    await cut.close();
    const odd = [header(0x1000n, 0x1fffn), pages(1), header(5n, 4n)];
    const left = await openImage(fileIn(folder, 'odd', Buffer.concat(odd)));
    expect(left.notes[0]).toMatch(/is no range of LiME/);
    await left.close();
  }));
