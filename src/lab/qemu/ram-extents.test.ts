import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadRam, saveRam } from './ram-extents.js';

const hasZstd = spawnSync('zstd', ['--version']).status === 0;

it.skipIf(!hasZstd)(
  'RAM comes back as it was, its zeros left out (skipped where zstd is not installed)',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dommu-extents-'));
    try {
      const [ram, saved, loaded] = ['ram', 'saved', 'loaded'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      const bytes = Buffer.alloc(2 ** 20 + 100);
      bytes.fill(1, 70_000, 80_000);
      bytes.fill(2, 131_072, 262_150);
      bytes.write('end', bytes.length - 3);
      writeFileSync(ram, bytes);
      const extents = await saveRam(ram, saved);
      expect(extents).toEqual([
        [65_536, 262_144],
        [1_048_576, 100],
      ]);
      await loadRam(saved, extents, loaded, bytes.length);
      expect(readFileSync(loaded).equals(bytes)).toBe(true);
      await expect(loadRam(saved, [], loaded, bytes.length)).rejects.toThrow('longer than it says');
      await expect(loadRam(saved, [...extents, [0, 9]], loaded, bytes.length)).rejects.toThrow(
        'shorter than it says',
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
