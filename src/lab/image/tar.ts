/** Something in an archive: a file's bytes lie at `offset` of the archive. */
export interface TarEntry {
  /** Absolute, without a slash at the end. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';
  readonly mode: number;
  readonly offset: number;
  readonly size: number;
  /** What a link points to: as written for a symlink, absolute for a hard link. */
  readonly target: string;
}

const BLOCK = 512;

const TYPES: Readonly<Record<string, TarEntry['type']>> = {
  '0': 'file',
  '\0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'directory',
};

/** Reads `length` bytes of an archive at `offset`; fewer at its end. */
export type ReadAt = (offset: number, length: number) => Buffer;

/** The entries of a POSIX archive (pax(1): ustar headers, extended headers for what does not fit them). */
export function* tarEntries(read: ReadAt): Generator<TarEntry> {
  let extended = new Map<string, string>();
  for (let at = 0; ; ) {
    const header = read(at, BLOCK);
    if (header.length < BLOCK || header[0] === 0) return;
    if (checksum(header) !== octal(header, 148, 8))
      throw new Error(`no tar header at byte ${at} of the archive`);
    const type = String.fromCharCode(header[156]!);
    const size = Number(extended.get('size') ?? octal(header, 124, 12));
    const offset = at + BLOCK;
    at = offset + Math.ceil(size / BLOCK) * BLOCK;
    if (type === 'x') {
      extended = records(read(offset, size));
    } else if (type === 'L' || type === 'K') {
      // GNU tar's way to say long names.
      extended.set(type === 'L' ? 'path' : 'linkpath', text(read(offset, size), 0, size));
    } else if (type !== 'g') {
      const target = extended.get('linkpath') ?? text(header, 157, 100);
      yield {
        path: absolute(extended.get('path') ?? nameOf(header)),
        type: TYPES[type] ?? 'other',
        mode: octal(header, 100, 8) & 0o7777,
        offset,
        size,
        target: type === '1' ? absolute(target) : target,
      };
      extended = new Map();
    }
  }
}

function nameOf(header: Buffer): string {
  const prefix = header.toString('latin1', 257, 262) === 'ustar' ? text(header, 345, 155) : '';
  const name = text(header, 0, 100);
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** `LENGTH KEY=VALUE\n`, again and again. */
function records(body: Buffer): Map<string, string> {
  const found = new Map<string, string>();
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const length = Number(body.toString('latin1', at, space));
    const record = body.toString('utf8', space + 1, at + length - 1);
    const equals = record.indexOf('=');
    if (space < 0 || !(length > 0) || equals < 0)
      throw new Error('an extended header of the archive is broken');
    found.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return found;
}

function text(bytes: Buffer, start: number, length: number): string {
  const end = bytes.indexOf(0, start);
  return bytes.toString('utf8', start, end < 0 || end > start + length ? start + length : end);
}

function octal(header: Buffer, start: number, length: number): number {
  // Sizes beyond 8 GiB are binary; nothing here is that large.
  return Number.parseInt(text(header, start, length).trim() || '0', 8);
}

/** Sum of the header's bytes, its own field taken as blanks. */
function checksum(header: Buffer): number {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 0x20 : header[i]!;
  return sum;
}

function absolute(path: string): string {
  return `/${path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')}`;
}
