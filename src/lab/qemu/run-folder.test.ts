import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  claimFolder,
  isAlive,
  type LabRecord,
  labFolder,
  readRecord,
  runningLabs,
  runRoot,
  startTicksOf,
  sweep,
} from './run-folder.js';

let folder: string;
const before = process.env.XDG_RUNTIME_DIR;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dommu-run-'));
  process.env.XDG_RUNTIME_DIR = folder;
});
afterEach(() => {
  if (before === undefined) delete process.env.XDG_RUNTIME_DIR;
  else process.env.XDG_RUNTIME_DIR = before;
  rmSync(folder, { recursive: true, force: true });
});

function record(name: string, change: Partial<LabRecord> = {}): LabRecord {
  const scratch = join(folder, `scratch-${name}`);
  mkdirSync(scratch);
  return {
    name,
    state: 'ready',
    pid: process.pid,
    startTicks: startTicksOf(process.pid)!,
    starter: process.pid,
    ephemeral: false,
    shape: { iommu: 'vtd', memoryMib: 3072, xenArguments: '', dom0Arguments: '' },
    release: 'bookworm',
    scratch,
    startedAt: '2026-01-01T00:00:00.000Z',
    endsAt: '2026-01-01T02:00:00.000Z',
    ...change,
  };
}

describe("a lab's folder", () => {
  it('belongs to one lab of a name', () => {
    const claimed = claimFolder(record('one'));
    expect(claimed).toBe(join(runRoot(), 'one'));
    expect(readRecord(claimed)?.name).toBe('one');
    expect(() => claimFolder({ ...record('two'), name: 'one' })).toThrow('a lab named one is running');
    expect(runningLabs().map(({ name }) => name)).toEqual(['one']);
  });

  it('is swept, with its memory, when its lab has ended', () => {
    const dead = record('dead', { startTicks: 1 });
    const claimed = claimFolder(dead);
    claimFolder(record('live'));
    expect(existsSync(claimed)).toBe(false);
    expect(existsSync(dead.scratch)).toBe(false);
    sweep();
    expect(runningLabs().map(({ name }) => name)).toEqual(['live']);
  });

  it('stays while its lab is being started', () => {
    expect(isAlive(record('starting', { pid: 0 }))).toBe(true);
    // Its starter is gone, and another process has got its number.
    expect(isAlive(record('recycled', { pid: 0, startTicks: 1 }))).toBe(false);
    expect(isAlive(record('abandoned', { pid: 0, startTicks: 0, starter: 2 ** 22 + 1 }))).toBe(false);
  });

  it('has a name that can be one', () => {
    for (const name of ['', '..', 'a/b', '-x', 'x'.repeat(33)])
      expect(() => labFolder(name)).toThrow("lab's name");
    process.env.XDG_RUNTIME_DIR = `/${'x'.repeat(90)}`;
    expect(() => labFolder('fine')).toThrow('too long');
  });
});
