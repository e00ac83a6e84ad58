import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CpioEntry, cpio } from './cpio.js';

interface Read {
  readonly path: string;
  readonly mode: number;
  readonly content: string;
  readonly device: readonly [number, number];
}

/** Reads a newc archive by its description, knowing nothing of the writer. */
function readCpio(bytes: Buffer): Read[] {
  const entries: Read[] = [];
  for (let at = 0; ; ) {
    expect(at % 4).toBe(0);
    expect(bytes.toString('latin1', at, at + 6)).toBe('070701');
    const field = (index: number) =>
      Number.parseInt(bytes.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
    const [mode, size, nameSize] = [field(1), field(6), field(11)];
    const path = bytes.toString('utf8', at + 110, at + 110 + nameSize - 1);
    const body = (at + 110 + nameSize + 3) & ~3;
    if (path === 'TRAILER!!!') return entries;
    const content = bytes.toString('latin1', body, body + size);
    entries.push({ path, mode, content, device: [field(9), field(10)] });
    at = (body + size + 3) & ~3;
  }
}

const name = fc.stringMatching(/^[a-z0-9ä.-]{1,12}$/).filter((part) => part !== '.' && part !== '..');
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`);

describe('a cpio archive', () => {
  it('has all files, after the directories that hold them', () => {
    const files = fc.uniqueArray(fc.tuple(path, fc.uint8Array({ maxLength: 40 })), {
      selector: ([key]) => key,
    });
    fc.assert(
      fc.property(files, (all) => {
        const isHolder = (p: string) => all.some(([other]) => other.startsWith(`${p}/`));
        const leaves = all.filter(([p]) => !isHolder(p));
        const read = readCpio(
          cpio(leaves.map(([p, content]) => ({ path: p, kind: 'file', mode: 0o640, content }))),
        );
        const seen = new Set<string>();
        for (const entry of read) {
          const parent = entry.path.split('/').slice(0, -1).join('/');
          expect(parent === '' || seen.has(parent)).toBe(true);
          expect(seen.has(entry.path)).toBe(false);
          seen.add(entry.path);
        }
        const found = read
          .filter(({ mode }) => mode === 0o100640)
          .map((entry) => [`/${entry.path}`, entry.content]);
        const wanted = leaves.map(([p, content]) => [p, Buffer.from(content).toString('latin1')]);
        expect(found.sort()).toEqual(wanted.sort());
      }),
    );
  });

  it('has links, directories and devices', () => {
    const entries: CpioEntry[] = [
      { path: '/dev/console', kind: 'character device', mode: 0o600, major: 5, minor: 1 },
      { path: '/tmp', kind: 'directory', mode: 0o1777 },
      { path: '/bin', kind: 'symlink', target: 'usr/bin' },
    ];
    expect(readCpio(cpio(entries))).toEqual([
      { path: 'dev', mode: 0o040755, content: '', device: [0, 0] },
      { path: 'dev/console', mode: 0o020600, content: '', device: [5, 1] },
      { path: 'tmp', mode: 0o041777, content: '', device: [0, 0] },
      { path: 'bin', mode: 0o120777, content: 'usr/bin', device: [0, 0] },
    ]);
  });

  it('ends on a boundary that another archive may follow', () => {
    expect(cpio([{ path: '/a', kind: 'file', mode: 0o644, content: Buffer.from('xyz') }]).length % 4).toBe(0);
  });
});
