import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Qmp } from './qmp.js';

type Answer = (execute: string, args: Record<string, unknown>) => unknown;

let folder: string;
let server: Server;
const sockets: Socket[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dommu-qmp-'));
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A QEMU of which only the protocol is there. An answer of undefined is none. */
async function fakeQemu(
  answer: Answer,
  greeting = '{"QMP": {"version": {}, "capabilities": []}}\r\n',
): Promise<string> {
  const path = join(folder, 'qmp');
  server = createServer((socket) => {
    sockets.push(socket);
    socket.write(greeting);
    let buffered = '';
    socket.on('data', (text) => {
      const lines = (buffered + String(text)).split('\n');
      buffered = lines.pop()!;
      for (const line of lines) {
        const {
          execute,
          arguments: args,
          id,
        } = JSON.parse(line) as {
          execute: string;
          arguments: Record<string, unknown>;
          id: number;
        };
        const reply = execute === 'qmp_capabilities' ? { return: {} } : answer(execute, args);
        if (reply === 'end') socket.destroy();
        else if (reply !== undefined)
          socket.write(`{"event": "STOP"}\r\n${JSON.stringify({ ...(reply as object), id })}\r\n`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}

describe('the machine protocol', () => {
  it('matches answers to commands, events in between', async () => {
    const qmp = await Qmp.connect(await fakeQemu((execute) => ({ return: `did ${execute}` })));
    expect(await Promise.all([qmp.command('stop'), qmp.command('cont')])).toEqual(['did stop', 'did cont']);
    qmp.close();
  });

  it('reads what the monitor prints', async () => {
    const prints: Record<string, string> = {
      'xp /1gx 0xfed90020': '00000000fed90020: 0x0000000135aae000\r\n',
      'i /w 0xcfc': 'portl[0x0cfc] = 0xfea00000\r\n',
    };
    const qmp = await Qmp.connect(
      await fakeQemu((_, args) => ({ return: prints[String(args['command-line'])] ?? '' })),
    );
    expect(await qmp.readPhysical64(0xfed90020)).toBe(0x135aae000n);
    expect(await qmp.readPort32(0xcfc)).toBe(0xfea00000);
    await expect(qmp.readPort32(1)).rejects.toThrow('QEMU printed no value');
    qmp.close();
  });

  it('tells when QEMU refuses, is silent, or ends', async () => {
    const answers: Record<string, unknown> = { bad: { error: { desc: 'no such command' } }, die: 'end' };
    const qmp = await Qmp.connect(await fakeQemu((execute) => answers[execute]), 0.2);
    await expect(qmp.command('bad')).rejects.toThrow('QEMU refuses: no such command');
    await expect(qmp.command('silent')).rejects.toThrow('QEMU did not answer within 0.2 s (silent)');
    await expect(qmp.command('die')).rejects.toThrow('QEMU has ended');
    await expect(qmp.command('more')).rejects.toThrow('QEMU has ended');
  });

  it('tells when nobody is there, or it is not QEMU', async () => {
    await expect(Qmp.connect(join(folder, 'nothing'))).rejects.toThrow('QEMU cannot be reached');
    await expect(Qmp.connect(await fakeQemu(() => undefined, 'hello\r\n'), 0.2)).rejects.toThrow('no JSON');
  });
});
