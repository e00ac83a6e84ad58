import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { heldBy, heldBySomebody } from './held-file.js';

describe.runIf(process.platform === 'linux')('a file without a name that a process holds open', () => {
  it('is found by the name it had', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dommu-held-'));
    const name = join(folder, 'ram');
    writeFileSync(name, 'contents');
    const fd = openSync(name, 'r');
    unlinkSync(name);
    try {
      expect(readFileSync(heldBy(process.pid, name)!, 'utf8')).toBe('contents');
      expect(readFileSync(heldBySomebody(name)!, 'utf8')).toBe('contents');
      expect(heldBySomebody(join(folder, 'other'))).toBeUndefined();
      expect(heldBy(2 ** 30, name)).toBeUndefined();
    } finally {
      closeSync(fd);
      rmSync(folder, { recursive: true });
    }
  });
});
