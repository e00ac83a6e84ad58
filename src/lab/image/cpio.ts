import { posix } from 'node:path';

/** What goes into an initramfs. Paths are absolute. */
export type CpioEntry =
  | { readonly path: string; readonly kind: 'file'; readonly mode: number; readonly content: Uint8Array }
  | { readonly path: string; readonly kind: 'directory'; readonly mode: number }
  | { readonly path: string; readonly kind: 'symlink'; readonly target: string }
  | {
      readonly path: string;
      readonly kind: 'character device';
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
    };

const FORMAT_BITS = { file: 0o100000, directory: 0o040000, symlink: 0o120000, 'character device': 0o020000 };

/**
 * A cpio archive in the "newc" format, as the kernel unpacks it (Documentation/driver-api/early-userspace/
 * buffer-format.rst). Directories that the paths need are added; times and owners are zero, so that equal contents give
 * equal archives.
 */
export function cpio(entries: readonly CpioEntry[]): Buffer {
  const parts: Buffer[] = [];
  let inode = 0;
  for (const entry of withDirectories(entries)) parts.push(...record(entry, ++inode));
  parts.push(...record({ path: '/TRAILER!!!', kind: 'file', mode: 0, content: new Uint8Array() }, 0));
  return Buffer.concat(parts);
}

function withDirectories(entries: readonly CpioEntry[]): CpioEntry[] {
  const all = new Map<string, CpioEntry>();
  const add = (path: string): void => {
    if (path === '/' || all.has(path)) return;
    add(posix.dirname(path));
    all.set(path, { path, kind: 'directory', mode: 0o755 });
  };
  for (const entry of entries) {
    add(posix.dirname(entry.path));
    all.set(entry.path, entry);
  }
  return [...all.values()];
}

function record(entry: CpioEntry, inode: number): Buffer[] {
  const name = Buffer.from(`${entry.path.slice(1)}\0`);
  const content = contentOf(entry);
  const bits = entry.path === '/TRAILER!!!' ? 0 : FORMAT_BITS[entry.kind];
  const mode = bits | (entry.kind === 'symlink' ? 0o777 : entry.mode);
  const [major, minor] = entry.kind === 'character device' ? [entry.major, entry.minor] : [0, 0];
  const links = entry.kind === 'directory' ? 2 : 1;
  const fields = [inode, mode, 0, 0, links, 0, content.length, 0, 0, major, minor, name.length, 0];
  const head = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return [head, name, padding(head.length + name.length), content, padding(content.length)];
}

function contentOf(entry: CpioEntry): Buffer {
  if (entry.kind === 'symlink') return Buffer.from(entry.target);
  if (entry.kind !== 'file') return Buffer.alloc(0);
  return Buffer.from(entry.content.buffer, entry.content.byteOffset, entry.content.byteLength);
}

/** To the next multiple of four. */
function padding(length: number): Buffer {
  return Buffer.alloc(-length & 3);
}
