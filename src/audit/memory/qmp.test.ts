import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { endFakeQemus, startFakeQemu } from '../../qemu/fake-qemu.fixture.js';
import { InputError } from '../../text/diagnostic.js';
import { fileIn, withFolder } from '../image.fixture.js';
import { systemRam } from './dev-mem.js';
import { elfCore } from './elf.fixture.js';
import { openImage } from './open.js';
import { qmpAddress } from './qmp.js';

afterEach(endFakeQemus);

const MTREE = `FlatView #0
 AS "memory", root: system
  0000000000000000-0000000000001fff (prio 0, ram): m
  0000000000005000-0000000000005fff (prio 0, ram): m @0000000000002000
`;

const words = (count: number) =>
  new Uint8Array(Int32Array.from({ length: count * 1024 }, (_, i) => (i >> 10) + 1).buffer);

interface FakeMachine {
  readonly running?: boolean;
  readonly backend?: Readonly<Record<string, unknown>>;
  readonly mtree?: string;
  readonly dump?: (path: string) => void;
  readonly refuses?: string;
}

/** A QEMU with 12 KiB of memory, in a file if there is a backend. Returns its socket, and what it was asked. */
async function machine(folder: string, fake: FakeMachine): Promise<{ socket: string; asked: string[] }> {
  const asked: string[] = [];
  const monitor: Record<string, string> = {
    'info mtree -f': fake.mtree ?? MTREE,
    'xp /1wx 0xfed9001c': '00000000fed9001c: 0x80000000\r\n',
    'xp /1gx 0xfed90020': '00000000fed90020: 0x0000000135aae000\r\n',
  };
  const answers: Record<string, (args: Record<string, unknown>) => unknown> = {
    'query-status': () => ({ running: fake.running ?? true }),
    'human-monitor-command': (args) => monitor[String(args['command-line'])] ?? 'Cannot access memory\r\n',
    'qom-list': () => (fake.backend === undefined ? [] : [{ name: 'm', type: 'child<memory-backend-file>' }]),
    'qom-get': (args) => fake.backend?.[String(args.property)],
    'query-memory-size-summary': () => ({ 'base-memory': 0x3000 }),
    'dump-guest-memory': (args) => {
      fake.dump?.(String(args.protocol).replace('file:', ''));
      return {};
    },
  };
  const socket = await startFakeQemu(join(folder, 'qmp'), (execute, args) => {
    if (!execute.startsWith('qom') && execute !== 'human-monitor-command') asked.push(execute);
    if (execute === fake.refuses) return { error: { desc: 'it does not' } };
    const value = (answers[execute] ?? (() => ({})))(args);
    return value === undefined ? { error: { desc: 'no such property' } } : { return: value };
  });
  return { socket, asked };
}

describe('a machine under QEMU', () => {
  test('is stopped, read from the file that its memory is in, and goes on', () =>
    withFolder(async (folder) => {
      const path = fileIn(folder, 'ram', words(3));
      const backend = { 'mem-path': path, share: true, size: 0x3000 };
      const { socket, asked } = await machine(folder, { backend });
      const image = await openImage(socket);
      expect(image.name).toBe(`QEMU at ${socket}`);
      expect(image.ram).toEqual([
        { start: 0, end: 0x2000 },
        { start: 0x5000, end: 0x6000 },
      ]);
      expect([image.read32(0x1000), image.read32(0x5000)]).toEqual([2, 3]);
      expect(await image.registers!.read32(0xfed9_001c)).toBe(0x8000_0000);
      expect(await image.registers!.read64(0xfed9_0020)).toBe(0x135aae000n);
      expect(await image.registers!.read64(0xfed8_0000)).toBe(0xffff_ffff_ffff_ffffn);
      expect(asked).toEqual(['query-status', 'stop']);
      const listeners = process.listenerCount('SIGINT');
      await image.close();
      await image.close();
      expect(asked).toEqual(['query-status', 'stop', 'cont']);
      expect(process.listenerCount('SIGINT')).toBe(listeners - 1);
    }));

  test('runs on where that is asked for, and stays stopped when it was', () =>
    withFolder(async (folder) => {
      const backend = { 'mem-path': fileIn(folder, 'ram', words(3)), share: true, size: 0x3000 };
      const { socket, asked } = await machine(folder, { backend, running: false });
      const live = await openImage(`qmp:${socket}`, { live: true });
      expect(live.notes[0]).toMatch(/ran on/);
      await live.close();
      const stopped = await openImage(`qmp:${socket}`);
      await stopped.close();
      expect(asked).toEqual(['query-status']);
    }));

  test('is read from a core that QEMU writes when its memory is in no file of its own that is here', () =>
    withFolder(async (folder) => {
      const load = [{ paddr: 0x1000n, filesz: 0x3000n, offset: 64n + 56n }];
      const dump = (path: string) => writeFileSync(path, elfCore(load, words(3)));
      const path = fileIn(folder, 'ram', words(1));
      for (const [backend, why] of [
        [undefined, /in no file/],
        [{ 'mem-path': path, share: false, size: 0x1000 }, /not shared/],
        [{ 'mem-path': `${folder}/none`, share: true, size: 0x1000 }, /cannot be read here/],
        [{ 'mem-path': path, share: true, size: 0x3000 }, /not the file/],
      ] as const) {
        const { socket } = await machine(folder, { dump, ...(backend === undefined ? {} : { backend }) });
        const image = await openImage(socket);
        expect(image.notes[0]).toMatch(why);
        expect(image.ram).toEqual([{ start: 0x1000, end: 0x4000 }]);
        expect(image.read32(0x2000)).toBe(2);
        await image.close();
        endFakeQemus();
      }
    }));

  test('goes on when its memory cannot be had', () =>
    withFolder(async (folder) => {
      const nothing = await machine(folder, {});
      await expect(openImage(nothing.socket)).rejects.toThrow(/was not dumped/);
      expect(nothing.asked.at(-1)).toBe('cont');
      endFakeQemus();
      const refusing = await machine(folder, { refuses: 'dump-guest-memory' });
      await expect(openImage(refusing.socket)).rejects.toThrow(InputError);
      expect(refusing.asked.at(-1)).toBe('cont');
      endFakeQemus();
      const stubborn = await machine(folder, { refuses: 'stop' });
      await expect(openImage(stubborn.socket)).rejects.toThrow(/QEMU refuses: it does not/);
    }));

  test('goes on before the process ends when that is told to', () =>
    withFolder(async (folder) => {
      const backend = { 'mem-path': fileIn(folder, 'ram', words(3)), share: true, size: 0x3000 };
      const { socket, asked } = await machine(folder, { backend });
      const kill = vi.spyOn(process, 'kill').mockImplementation(() => true);
      try {
        const image = await openImage(socket);
        process.emit('SIGTERM', 'SIGTERM');
        await vi.waitFor(() => expect(kill).toHaveBeenCalledWith(process.pid, 'SIGTERM'));
        expect(asked.at(-1)).toBe('cont');
        await image.close();
        expect(asked.filter((execute) => execute === 'cont')).toHaveLength(1);
      } finally {
        kill.mockRestore();
      }
    }));

  test('that is not there is told as that', async () => {
    await expect(openImage('qmp:/nowhere/qmp')).rejects.toThrow(/QEMU cannot be reached/);
    expect(qmpAddress('localhost:4444')).toEqual({ host: 'localhost', port: 4444 });
    expect(qmpAddress('[::1]:4444')).toEqual({ host: '::1', port: 4444 });
    expect(qmpAddress('/run/vm:1')).toBe('/run/vm:1');
  });
});

test('memory of this machine is what /proc/iomem calls RAM, in whole pages', () => {
  const iomem = `00000000-00000fff : Reserved
00001000-0009fbff : System RAM
000a0000-000fffff : PCI Bus 0000:00
00100000-bfffffff : System RAM
  01000000-01ffffff : Kernel code
100000000-23fffffff : System RAM`;
  expect(systemRam(iomem)).toEqual([
    { frame: 1, frames: 0x9e, offset: 0x1000 },
    { frame: 0x100, frames: 0xbff00, offset: 0x10_0000 },
    { frame: 0x10_0000, frames: 0x14_0000, offset: 0x1_0000_0000 },
  ]);
  expect(systemRam('00000000-00000000 : System RAM\n00000000-00000000 : System RAM')).toEqual([]);
});
