import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LINE_BYTES } from './clean.js';
import { LineScanner, type LogLine } from './lines.js';
import { Triggers } from './triggers.js';

function linesOf(chunks: readonly Uint8Array[], keys = ['fault'], wanted = false) {
  const found: LogLine[] = [];
  const scanner = new LineScanner(new Triggers(keys), (line) => {
    found.push(line);
    return wanted;
  });
  for (const chunk of chunks) scanner.push(chunk);
  scanner.end();
  return { found, scanner };
}

const one = (bytes: Uint8Array | string) => linesOf([Buffer.from(bytes as string)]).found;
const texts = (bytes: Uint8Array | string) => one(bytes).map(({ number, text }) => [number, text]);

describe('the reader of logs', () => {
  it('gives the lines with a key, numbered, whatever ends them', () => {
    expect(texts('a\nfault 1\r\n\r\nfault 2\r\r\nfault 3\rfault 4')).toEqual([
      [2, 'fault 1'],
      [4, 'fault 2'],
      [5, 'fault 3'],
      [6, 'fault 4'],
    ]);
    expect(texts('\n\rfault 1\n\rfault 2')).toEqual([
      [2, 'fault 1'],
      [3, 'fault 2'],
    ]);
  });

  it('finds the same lines however the bytes come', () => {
    const piece = fc.constantFrom('fault', 'é', '\r', '\n', '\r\n', ' x ', '\u001b[31m', '\0', 'fa', 'ult');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.array(fc.nat(8)), (pieces, sizes) => {
        const bytes = Buffer.from(`log ${pieces.join('')}`);
        const chunks: Buffer[] = [];
        let at = 0;
        for (const size of sizes) {
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        chunks.push(bytes.subarray(at));
        expect(linesOf(chunks).found).toEqual(linesOf([bytes]).found);
      }),
    );
  });

  it('removes colours, movements of the cursor, titles and NULs, also within a key', () => {
    expect(
      texts('\u001b[31mfa\u001b[1;32mult\u001b[0m: \u001b]0;a title\u0007x\u001b[Ky\u001b[5;3Hz'),
    ).toEqual([[1, 'fault: xy z']]);
    expect(texts('\0fa\0ult\u009b31m\u202e')).toEqual([[1, 'fault?31m?']]);
  });

  it('reads UTF-8, and Latin-1 where a line is not that', () => {
    const utf8 = Buffer.from('\ufefffault für\n');
    expect(texts(Buffer.concat([utf8, Buffer.from('fault für\n', 'latin1')]))).toEqual([
      [1, 'fault für'],
      [2, 'fault für'],
    ]);
  });

  it('reads UTF-16 with and without a byte order mark', () => {
    const text = 'x\r\nfault ü\r\n';
    const le = Buffer.from(text, 'utf16le');
    const be = Buffer.from(le).swap16();
    const expected = [[2, 'fault ü']];
    expect(texts(Buffer.concat([Buffer.from([0xff, 0xfe]), le]))).toEqual(expected);
    expect(texts(Buffer.concat([Buffer.from([0xfe, 0xff]), be]))).toEqual(expected);
    expect(texts(le)).toEqual(expected);
    expect(texts(be)).toEqual(expected);
  });

  it('reads 64 KiB of a line, and counts the lines that are longer', () => {
    const long = `fault ${'x'.repeat(3 * LINE_BYTES)} fault`;
    const { found, scanner } = linesOf([
      Buffer.from(`${long}\n`),
      Buffer.from(long.slice(0, 70_000)),
      Buffer.from(`${long}\nfault`),
    ]);
    expect(found.map(({ text }) => text.length)).toEqual([LINE_BYTES, LINE_BYTES, 5]);
    expect([scanner.lines, scanner.cutLines]).toEqual([3, 2]);
  });

  it('gives the line behind one that asks for it', () => {
    const { found } = linesOf([Buffer.from('a\nfault\nb\n')], ['fault'], true);
    expect(found.map(({ text }) => text)).toEqual(['fault', 'b']);
  });

  it.each([
    ['(XEN) fault', null],
    ['(XEN) [2024-11-21 19:22:55.123] fault', '2024-11-21 19:22:55.123'],
    ['(XEN) [    1.234567] fault', '1.234567'],
    ['[    0.28] (XEN) fault', '0.28'],
    ['[2024-11-21 19:22:55] (XEN) [   12.5] fault', '2024-11-21 19:22:55'],
    ['<3>[   68.290307] fault', '68.290307'],
    ['[   68.290307][    T1] fault', '68.290307'],
    ['kern  :err   : [   68.290307] fault', '68.290307'],
    ['[Thu Nov 21 19:22:55 2024] fault', 'Thu Nov 21 19:22:55 2024'],
    ['Nov 21 19:22:55 dom0 kernel: fault', 'Nov 21 19:22:55'],
    ['Nov  1 19:22:55 dom0 kernel: [   68.290307] fault', 'Nov  1 19:22:55'],
    ['Nov 21 19:22:55 dom0 libvirtd[12]: fault', 'Nov 21 19:22:55'],
    ['2024-11-21T19:22:55.123456+01:00 dom0 kernel: fault', '2024-11-21T19:22:55.123456+01:00'],
    ['2018-03-05 10:00:00.000+0000: fault', '2018-03-05 10:00:00.000+0000'],
    ['kernel: fault', null],
    ['> > (XEN) fault', null],
    ['>> 12:00:01 (XEN) fault', '12:00:01'],
    ['\tfault', null],
  ])('tells the head and the time of %s', (text, time) => {
    const [line] = one(text);
    expect(line?.text.slice(line.message)).toBe('fault');
    expect(line?.time).toBe(time);
  });
});
