import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RootTree } from './root-tree.js';
import { tarEntries } from './tar.js';

const LONG = 'a'.repeat(80);
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dommu-tar-'));
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'usr', 'lib', LONG, LONG), { recursive: true });
  writeFileSync(join(tree, 'usr', 'lib', LONG, LONG, 'deep'), 'deep down');
  writeFileSync(join(tree, 'usr', 'lib', 'one.so.1'), 'library', { mode: 0o755 });
  symlinkSync('one.so.1', join(tree, 'usr', 'lib', 'one.so'));
  symlinkSync('usr/lib', join(tree, 'lib'));
  symlinkSync('/lib/one.so', join(tree, 'absolute'));
  symlinkSync('loop', join(tree, 'loop'));
  execFileSync('ln', [join(tree, 'usr', 'lib', 'one.so.1'), join(tree, 'usr', 'lib', 'twin')]);
  for (const format of ['pax', 'gnu']) {
    execFileSync('tar', [`--format=${format}`, '-C', tree, '-cf', join(folder, `${format}.tar`), '.']);
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(['pax', 'gnu'])('an archive in the format %s', (format) => {
  it('is read without being unpacked, links followed within it', () => {
    const tree = new RootTree(join(folder, `${format}.tar`));
    expect(tree.read('/usr/lib/one.so.1').toString()).toBe('library');
    expect(tree.read('/absolute').toString()).toBe('library');
    expect(tree.read('/lib/twin').toString()).toBe('library');
    expect(tree.read(`/lib/${LONG}/${LONG}/deep`).toString()).toBe('deep down');
    expect(tree.mode('/lib/one.so')).toBe(0o755);
    expect(tree.resolve('/lib/one.so')).toBe('/usr/lib/one.so.1');
    tree.close();
  });

  it('has no file where there is none, or a link leads round', () => {
    const tree = new RootTree(join(folder, `${format}.tar`));
    for (const path of ['/usr', '/nothing', '/loop', '/usr/lib/one.so.1/below'])
      expect(tree.has(path)).toBe(false);
    expect(() => tree.read('/nothing')).toThrow('the packages have no file /nothing');
    expect(tree.filesBelow('/lib')).toContain('/usr/lib/one.so.1');
    tree.close();
  });
});

it('what is no archive is refused', () => {
  const bytes = Buffer.alloc(1024, 0x41);
  expect(() => [...tarEntries((offset, length) => bytes.subarray(offset, offset + length))]).toThrow(
    /no tar header/,
  );
});
