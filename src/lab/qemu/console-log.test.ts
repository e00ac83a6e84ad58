import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bootFailure } from './boot-failure.js';
import { ConsoleLog } from './console-log.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dommu-console-'));
  path = join(folder, 'console.log');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the console's log", () => {
  it("gives Xen's lines from a place on, without its prefix and without what dom0 says", () => {
    const log = new ConsoleLog(path);
    appendFileSync(path, '(XEN) before\r\n');
    const start = log.length();
    expect(start).toBe(14);
    appendFileSync(
      path,
      'dom0 says(XEN) [VT-D]DMAR: reason 05\r\nnothing of Xen\r\n(XEN) [2026-11-21 02:00:00] timed\r\n(XEN) half',
    );
    expect(log.xenLines(start)).toEqual(['[VT-D]DMAR: reason 05', 'timed']);
    appendFileSync(path, ' a line\r\n');
    expect(log.xenLines(start).at(-1)).toBe('half a line');
    log.close();
  });

  it('has last lines, whoever said them', () => {
    const log = new ConsoleLog(path);
    expect(log.lastLines(2)).toEqual([]);
    appendFileSync(path, 'one\r\ntwo\r\n\r\nthree');
    expect(log.lastLines(2)).toEqual(['two', 'three']);
    log.close();
  });
});

describe('a boot that leads nowhere', () => {
  it('is told by what Xen, the kernel or /init say', () => {
    expect(bootFailure('(XEN) Panic on CPU 0:\r\n')).toBe('Xen panicked');
    expect(bootFailure('(XEN) Hardware Dom0 crashed: rebooting machine in 5 seconds.\n')).toBe('dom0 ended');
    expect(bootFailure('[    1.0] Kernel panic - not syncing: VFS\n')).toBe("dom0's kernel panicked");
    expect(bootFailure('dommu-lab: the agent ended with exit code 1\n')).toBe('the agent ended at its start');
  });

  it('is not told by lines that are harmless or not complete', () => {
    expect(bootFailure('(XEN) Xen version 4.17.7\r\n(XEN) *** Building a PV Dom0 ***\r\n')).toBeUndefined();
    expect(bootFailure('(XEN) Panic on CPU 0:')).toBeUndefined();
  });
});
