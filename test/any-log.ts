import { readdirSync, readFileSync } from 'node:fs';
import { FORMS } from '../src/logs/forms/all.js';

/** The folder of logs that were reported. */
export const FIXTURES = new URL('fixtures/logs/', import.meta.url);

/** What must never be shown: control characters but the tab, and what makes a terminal show a text in another order. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
export const FORBIDDEN = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

/** A number from 0 to below `bound`. */
export type Random = (bound: number) => number;

/** Numbers that are the same for the same seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

const one = <T>(random: Random, from: readonly T[]): T => from[random(from.length)]!;

const WORDS = [
  '__proto__',
  'constructor',
  'toString',
  'Read',
  'Write',
  'é',
  '\u{1f600}',
  '',
  'x'.repeat(300),
];

/** What a field of each type may hold. */
const VALUES: Readonly<Record<string, (random: Random) => string>> = {
  hex: (random) =>
    one(random, ['0', 'ffffffffffffffff', '0xffffffffffffffffff', random(2 ** 31).toString(16), '0x5']),
  dec: (random) => one(random, ['0', '-1', '99999999999999999999', String(random(1000))]),
  bdf: (random) =>
    one(random, ['0000:01:00.0', '01:00.1', 'ffffffff:ff:1f.7', '0x0:0x1:0x0.0', '::..', '00:ff.9']),
  word: (random) => one(random, ['Read', 'Write', 'iommu', '__proto__', 'DMA', 'constructor']),
  name: (random) => one(random, ['/soc/smmu@fd800000', 'guest', '__proto__', 'a'.repeat(200), '../..']),
  place: (random) => one(random, ['0000:01:00.0', '/soc/eth@1', 'x=y:z']),
  text: (random) => one(random, [...WORDS, 'some words', '\u001b[31mred']),
};

/** A line as a template would print it. */
function lineOf(template: string, random: Random): string {
  return template
    .replace(/<([^<>]*)>/g, (_, part: string) => (random(2) === 0 ? '' : part))
    .replace(/\{\w+:(\w+)\}/g, (_, type: string) => (VALUES[type] ?? VALUES.text!)(random))
    .replace(/\\(.)/g, '$1');
}

const HEADS = [
  '',
  '(XEN) ',
  '[   12.345678] ',
  'Nov 21 19:22:55 host kernel: ',
  '> ',
  '<3>',
  '(XEN) [2024-11-21 19:22:55] ',
];
const ENDS = ['\n', '\n', '\n', '\r\n', '\r', ''];
const BITS = [
  '\u001b[',
  '\u001b]0;',
  '\u0000',
  '\u009b31m',
  '\u202e',
  '\ufeff',
  '\r',
  '\n',
  ' ',
  '[',
  '{',
  '<',
  '%s',
  '0x',
];

const TEMPLATES = FORMS.flatMap(({ texts }) => texts);
const REPORTED = readdirSync(FIXTURES)
  .filter((name) => name.endsWith('.txt'))
  .flatMap((name) => readFileSync(new URL(name, FIXTURES), 'latin1').split('\n'));

function anyLine(random: Random): string {
  const said = random(3) === 0 ? one(random, REPORTED) : lineOf(one(random, TEMPLATES), random);
  return `${one(random, HEADS)}${said}${one(random, ENDS)}`;
}

/** A log of a few lines of any forms, damaged. */
export function anyLog(random: Random): Buffer {
  let text = '';
  for (let lines = 1 + random(6); lines > 0; lines--) text += anyLine(random);
  let bytes: Buffer = Buffer.from(text, random(4) === 0 ? 'latin1' : 'utf8');
  for (let damages = random(4); damages > 0; damages--) bytes = damaged(bytes, random);
  return bytes;
}

function damaged(bytes: Buffer, random: Random): Buffer<ArrayBuffer> {
  const at = random(bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + random(24));
  const head = bytes.subarray(0, at);
  switch (random(6)) {
    case 0:
      return Buffer.concat([head, bytes.subarray(end)]);
    case 1:
      return Buffer.concat([
        head,
        Buffer.from([random(256)]),
        bytes.subarray(Math.min(at + 1, bytes.length)),
      ]);
    case 2:
      return Buffer.concat([head, Buffer.from(one(random, BITS)), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([head, bytes.subarray(at, end), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([head, Buffer.from('\n'), bytes.subarray(at)]);
    default:
      return Buffer.from(head);
  }
}
