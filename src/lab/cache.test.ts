import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheFolder, cacheKey, makeFolder, prune } from './cache.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dommu-cache-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the cache', () => {
  it('is where the environment says', () => {
    expect(cacheFolder({ DOMMU_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
    expect(cacheFolder({ XDG_CACHE_HOME: '/b' })).toBe('/b/dommu');
    // A relative one is to be ignored, says the XDG specification.
    expect(cacheFolder({ XDG_CACHE_HOME: 'b', DOMMU_CACHE: '' })).toBe(join(homedir(), '.cache', 'dommu'));
  });

  it('has one key for equal inputs, and another for others', () => {
    const key = cacheKey({ a: 1, b: ['x', 'y'] });
    expect(cacheKey({ b: ['x', 'y'], a: 1 })).toBe(key);
    expect(
      new Set([key, cacheKey({ a: 1, b: ['xy'] }), cacheKey({ a: '1', b: ['x', 'y'] }), cacheKey({ a: 1 })])
        .size,
    ).toBe(4);
    expect(key).toMatch(/^[0-9a-f]{20}$/);
  });

  it('shows a folder when it is complete, and nothing of one that failed', async () => {
    const target = join(folder, 'it');
    await expect(
      makeFolder(target, async (work) => {
        writeFileSync(join(work, 'half'), '');
        throw new Error('broken');
      }),
    ).rejects.toThrow('broken');
    expect(readdirSync(folder)).toEqual([]);
    await makeFolder(target, async (work) => {
      expect(existsSync(target)).toBe(false);
      writeFileSync(join(work, 'file'), 'first');
    });
    // Another process was slower.
    await makeFolder(target, async (work) => writeFileSync(join(work, 'file'), 'second'));
    expect(readFileSync(join(target, 'file'), 'utf8')).toBe('first');
    expect(readdirSync(folder)).toEqual(['it']);
  });

  it('keeps what was used last', () => {
    const now = Date.now() / 1000;
    for (const [name, age] of [
      ['old', 30],
      ['new', 10],
      ['newest', 0],
      ['live.7.part', 60],
      ['dead.8.part', 90_000],
    ] as const) {
      mkdirSync(join(folder, name));
      utimesSync(join(folder, name), now - age, now - age);
    }
    prune(folder, 2);
    expect(readdirSync(folder).sort()).toEqual(['live.7.part', 'new', 'newest']);
  });
});
