import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, endFakeQemus, startFakeQemu } from './fake-qemu.fixture.js';
import { Qmp } from './qmp.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dommu-qmp-'));
});
afterEach(() => {
  endFakeQemus();
  rmSync(folder, { recursive: true, force: true });
});

const fakeQemu = (answer: Answer, greeting?: string): Promise<string> =>
  startFakeQemu(join(folder, 'qmp'), answer, greeting);

describe('the machine protocol', () => {
  it('matches answers to commands, events in between', async () => {
    const qmp = await Qmp.connect(await fakeQemu((execute) => ({ return: `did ${execute}` })));
    expect(await Promise.all([qmp.command('stop'), qmp.command('cont')])).toEqual(['did stop', 'did cont']);
    qmp.close();
  });

  it('reads what the monitor prints', async () => {
    const prints: Record<string, string> = {
      'xp /1gx 0xfed90020': '00000000fed90020: 0x0000000135aae000\r\n',
      'xp /1wx 0xfed9001c': '00000000fed9001c: 0x80000000\r\n',
      'i /w 0xcfc': 'portl[0x0cfc] = 0xfea00000\r\n',
    };
    const qmp = await Qmp.connect(
      await fakeQemu((_, args) => ({ return: prints[String(args['command-line'])] ?? '' })),
    );
    expect(await qmp.readPhysical64(0xfed90020)).toBe(0x135aae000n);
    expect(await qmp.readPhysical32(0xfed9001c)).toBe(0x80000000);
    expect(await qmp.readPort32(0xcfc)).toBe(0xfea00000);
    await expect(qmp.readPort32(1)).rejects.toThrow('QEMU printed no value');
    qmp.close();
  });

  it('tells when QEMU refuses, is silent, or ends', async () => {
    const answers: Record<string, unknown> = { bad: { error: { desc: 'no such command' } }, die: 'end' };
    const qmp = await Qmp.connect(await fakeQemu((execute) => answers[execute]), { seconds: 0.2 });
    await expect(qmp.command('bad')).rejects.toThrow('QEMU refuses: no such command');
    await expect(qmp.command('silent')).rejects.toThrow('QEMU did not answer within 0.2 s (silent)');
    await expect(qmp.command('die')).rejects.toThrow('QEMU has ended');
    await expect(qmp.command('more')).rejects.toThrow('QEMU has ended');
  });

  it('complains as it is asked to, and waits longer where it is', async () => {
    const path = await fakeQemu((execute) => (execute === 'bad' ? { error: { desc: 'no' } } : undefined));
    const complain = (message: string) => new RangeError(message);
    const qmp = await Qmp.connect(path, { seconds: 5, complain });
    await expect(qmp.command('bad')).rejects.toThrow(RangeError);
    await expect(qmp.command('silent', {}, 0.1)).rejects.toThrow('within 0.1 s');
    qmp.close();
  });

  it('passes over what is JSON and no message', async () => {
    const greeting = 'null\r\n7\r\n"QMP"\r\n{"QMP": {}}\r\n{"id": "x"}\r\n{"id": 999, "error": null}\r\n';
    const path = join(folder, 'qmp');
    const qmp = await Qmp.connect(await startFakeQemu(path, () => ({ error: {} }), greeting));
    await expect(qmp.command('anything')).rejects.toThrow('QEMU refuses: undefined');
    qmp.close();
  });

  it('tells when nobody is there, or it is not QEMU', async () => {
    await expect(Qmp.connect(join(folder, 'nothing'))).rejects.toThrow('QEMU cannot be reached');
    await expect(Qmp.connect(await fakeQemu(() => undefined, 'hello\r\n'), { seconds: 0.2 })).rejects.toThrow(
      'no JSON',
    );
  });
});
