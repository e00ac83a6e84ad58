/** Bytes as the usual tools print them. */
export type Dump = (bytes: Uint8Array) => string;

const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0');
const ascii = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');

/** Lines of `size` bytes, each made by `line` from its offset and bytes. */
function lines(bytes: Uint8Array, size: number, line: (at: number, part: Uint8Array) => string): string {
  const all: string[] = [];
  for (let at = 0; at < bytes.length; at += size) all.push(line(at, bytes.subarray(at, at + size)));
  return `${all.join('\n')}\n`;
}

const pairs = (part: Uint8Array): string => [...part].map((byte) => hex(byte, 2)).join(' ');

export const iaslRaw: Dump = (bytes) =>
  `Raw Table Data: Length ${bytes.length} (0x${hex(bytes.length, 2)})\n\n` +
  lines(bytes, 16, (at, part) => {
    return `    ${hex(at, 4).toUpperCase()}: ${pairs(part).toUpperCase().padEnd(48)} // ${ascii(part)}`;
  });

export const acpidump: Dump = (bytes) =>
  `${String.fromCharCode(...bytes.subarray(0, 4))} @ 0x000000007BBBA000\n` +
  lines(
    bytes,
    16,
    (at, part) => `    ${hex(at, 4)}: ${pairs(part).toUpperCase().padEnd(47)}  ${ascii(part)}`,
  );

export const hexdumpC: Dump = (bytes) =>
  `${lines(bytes, 16, (at, part) => {
    const halves = `${pairs(part.subarray(0, 8))}  ${pairs(part.subarray(8))}`;
    return `${hex(at, 8)}  ${halves.padEnd(50)}|${ascii(part)}|`;
  })}${hex(bytes.length, 8)}\n`;

export const xxd: Dump = (bytes) =>
  lines(bytes, 16, (at, part) => {
    const words = pairs(part).replace(/(..) (..)/g, '$1$2');
    return `${hex(at, 8)}: ${words.padEnd(41)}${ascii(part)}`;
  });

/** hexdump without options, and `od -A x -tx2`: words as little-endian machines have them. */
export const hexdumpWords: Dump = (bytes) =>
  `${lines(bytes, 16, (at, part) => {
    const words: string[] = [];
    for (let i = 0; i < part.length; i += 2) words.push(hex(part[i]! + 256 * (part[i + 1] ?? 0), 4));
    return `${hex(at, 7)} ${words.join(' ')}`;
  })}${hex(bytes.length, 7)}\n`;

/** hexdump -x: the same words, further apart. */
export const hexdumpX: Dump = (bytes) => hexdumpWords(bytes).replace(/ /g, '    ');

export const odOctal: Dump = (bytes) =>
  `${lines(bytes, 16, (at, part) => `${at.toString(8).padStart(7, '0')} ${pairs(part)}`)}${bytes.length.toString(8).padStart(7, '0')}\n`;

export const odDecimal: Dump = (bytes) =>
  lines(bytes, 16, (at, part) => `${String(at).padStart(7, '0')} ${pairs(part)}`);

export const xxdWide: Dump = (bytes) =>
  lines(bytes, 32, (at, part) => {
    const words = pairs(part).replace(/(..) (..)/g, '$1$2');
    return `${hex(at, 8)}: ${words.padEnd(81)}${ascii(part)}`;
  });

export const xxdPlain: Dump = (bytes) => lines(bytes, 30, (_, part) => pairs(part).replaceAll(' ', ''));

export const cArray: Dump = (bytes) =>
  `unsigned char table[] = {\n${lines(bytes, 12, (_, part) => {
    return `  ${[...part].map((byte) => `0x${hex(byte, 2)}`).join(', ')},`;
  })}};\n`;

export const DUMPS: Readonly<Record<string, Dump>> = {
  'iasl -d': iaslRaw,
  acpidump,
  'hexdump -C': hexdumpC,
  xxd,
  hexdump: hexdumpWords,
  'hexdump -x': hexdumpX,
  'od -tx1': odOctal,
  'od -A d -tx1': odDecimal,
  'xxd -c 32': xxdWide,
  'xxd -p': xxdPlain,
  'xxd -i': cArray,
};
