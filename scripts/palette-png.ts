import { deflateSync, inflateSync } from 'node:zlib';

/** Colours that a picture with a palette may have. */
const COLOURS = 256;

/**
 * A picture of a page with its 256 commonest colours, each other one replaced by the nearest of them: letters have so many
 * shades at their edges. A third of the bytes that Chromium makes of it.
 */
export function withPalette(png: Buffer): Buffer {
  const { width, height, colours } = pixels(png);
  const count = new Map<number, number>();
  for (const colour of colours) count.set(colour, (count.get(colour) ?? 0) + 1);
  const palette = [...count.entries()]
    .sort(([a, n], [b, m]) => m - n || a - b)
    .slice(0, COLOURS)
    .map(([colour]) => colour);
  const index = new Map(palette.map((colour, i) => [colour, i]));
  const rows = Buffer.alloc((width + 1) * height);
  colours.forEach((colour, i) => {
    if (!index.has(colour)) index.set(colour, nearest(colour, palette));
    rows[i + Math.floor(i / width) + 1] = index.get(colour)!;
  });
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  // Eight bits a pixel, which are a number in the palette; nothing interlaced.
  head.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    png.subarray(0, 8),
    chunk('IHDR', head),
    chunk('PLTE', Buffer.from(palette.flatMap((colour) => parts(colour)))),
    chunk('IDAT', deflateSync(rows, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const parts = (colour: number): [red: number, green: number, blue: number] => [
  colour >> 16,
  (colour >> 8) & 255,
  colour & 255,
];

function nearest(colour: number, palette: readonly number[]): number {
  const [red, green, blue] = parts(colour);
  const distances = palette.map((other) => {
    const [r, g, b] = parts(other);
    return (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2;
  });
  return distances.indexOf(Math.min(...distances));
}

/** The pixels of a PNG as Chromium writes it: eight bits a colour, with or without transparency, not interlaced. */
function pixels(png: Buffer): { width: number; height: number; colours: Uint32Array } {
  const [data, width, height] = [[] as Buffer[], png.readUInt32BE(16), png.readUInt32BE(20)];
  const [depth, kind, interlaced] = [png[24], png[25], png[28]];
  const size = kind === 6 ? 4 : 3;
  if (depth !== 8 || (kind !== 2 && kind !== 6) || interlaced !== 0) throw new Error('an unusual PNG');
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12) {
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  const bytes = unfiltered(inflateSync(Buffer.concat(data)), width * size, height, size);
  const colours = Uint32Array.from({ length: width * height }, (_, i) => bytes.readUIntBE(i * size, 3));
  return { width, height, colours };
}

/** Takes back what each row says was subtracted from it (PNG, third edition, §9). */
function unfiltered(rows: Buffer, length: number, height: number, size: number): Buffer {
  const bytes = Buffer.alloc(length * height);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (length + 1)]!;
    for (let x = 0; x < length; x++) {
      const at = y * length + x;
      const left = x < size ? 0 : bytes[at - size]!;
      const above = y === 0 ? 0 : bytes[at - length]!;
      const corner = x < size || y === 0 ? 0 : bytes[at - length - size]!;
      const taken = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter]!;
      bytes[at] = rows[at + y + 1]! + taken;
    }
  }
  return bytes;
}

function paeth(left: number, above: number, corner: number): number {
  const guess = left + above - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - above), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? above : corner;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  body.copy(whole, 4);
  whole.writeUInt32BE(checksum(body), body.length + 4);
  return whole;
}

/** CRC-32, as PNG has it (§D). */
function checksum(bytes: Buffer): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return ~value >>> 0;
}
