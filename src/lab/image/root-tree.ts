import { closeSync, openSync, readSync } from 'node:fs';
import { posix } from 'node:path';
import { type TarEntry, tarEntries } from './tar.js';

const MOST_LINKS = 40;

/** A root file system inside an archive: links are followed within it, and nothing is unpacked. */
export class RootTree {
  private readonly fd: number;
  private readonly entries = new Map<string, TarEntry>();

  constructor(archive: string) {
    this.fd = openSync(archive, 'r');
    for (const entry of tarEntries((offset, length) => this.readAt(offset, length))) {
      this.entries.set(entry.path, entry);
    }
  }

  /** Path of what `path` names in the end, every link on the way followed; undefined when there is nothing. */
  resolve(path: string): string | undefined {
    const parts = path.split('/').filter((part) => part !== '');
    let at = '/';
    for (let links = 0; parts.length > 0; ) {
      const next = posix.join(at, parts.shift()!);
      const entry = this.entries.get(next);
      if (entry === undefined && next !== '/') return undefined;
      if (entry?.type === 'symlink') {
        if (++links > MOST_LINKS) return undefined;
        parts.unshift(...entry.target.split('/').filter((part) => part !== ''));
        if (entry.target.startsWith('/')) at = '/';
      } else {
        at = next;
      }
    }
    return at;
  }

  /** The file that `path` names; undefined when it is none. */
  private file(path: string): TarEntry | undefined {
    let entry = this.entries.get(this.resolve(path) ?? '');
    if (entry?.type === 'hardlink') entry = this.entries.get(entry.target);
    return entry?.type === 'file' ? entry : undefined;
  }

  has(path: string): boolean {
    return this.file(path) !== undefined;
  }

  mode(path: string): number {
    return this.mustHave(path).mode;
  }

  /** @throws Error when there is no such file. */
  read(path: string): Buffer {
    const { offset, size } = this.mustHave(path);
    return this.readAt(offset, size);
  }

  /** Paths of all files below a directory, as the archive names them. */
  filesBelow(directory: string): string[] {
    const prefix = `${this.resolve(directory) ?? directory}/`;
    return [...this.entries.values()]
      .filter(({ path, type }) => path.startsWith(prefix) && type !== 'directory')
      .map(({ path }) => path);
  }

  close(): void {
    closeSync(this.fd);
  }

  private mustHave(path: string): TarEntry {
    const entry = this.file(path);
    if (entry === undefined) throw new Error(`the packages have no file ${path}`);
    return entry;
  }

  private readAt(offset: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    let got = 0;
    while (got < length) {
      const more = readSync(this.fd, bytes, got, length - got, offset + got);
      if (more === 0) break;
      got += more;
    }
    return bytes.subarray(0, got);
  }
}
