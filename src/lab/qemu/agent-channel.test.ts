import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeFrame, FrameReader } from '../agent/frames.js';
import { PROTOCOL_VERSION, type Request } from '../agent/protocol.js';
import { LabError } from '../machine-api.js';
import { AgentChannel } from './agent-channel.js';

const HELLO = {
  hello: 'dommu-agent',
  protocol: PROTOCOL_VERSION,
  version: '1.2.3',
  xen: { major: 4, minor: 17, extra: '' },
  slots: 8,
} as const;

let folder: string;
let server: Server;
const sockets: Socket[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dommu-agent-'));
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** An agent that is only its protocol; bytes as an answer go out as they are. */
async function fakeAgent(answer: (request: Request) => unknown): Promise<string> {
  const path = join(folder, 'agent');
  server = createServer((socket) => {
    sockets.push(socket);
    socket.write(encodeFrame(HELLO));
    const reader = new FrameReader();
    socket.on('data', (bytes) => {
      for (const message of reader.push(Buffer.from(bytes))) {
        const reply = answer(message as Request);
        if (reply instanceof Uint8Array) socket.write(reply);
        else if (reply !== undefined) socket.write(encodeFrame(reply));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}

const options = {
  version: '1.2.3',
  helloSeconds: 0.3,
  requestSeconds: 0.2,
  lastLines: () => ['(XEN) last words'],
};

const polite = (request: Request): unknown => ({
  id: request.id,
  results: request.calls.map(({ call }) => (call === 'hello' ? HELLO : { rc: 0, domids: [1] })),
});

describe("the agent's channel", () => {
  it('says hello and carries out calls', async () => {
    const agent = await AgentChannel.connect(await fakeAgent(polite), options);
    expect(agent.hello).toEqual(HELLO);
    expect(await agent.perform([{ call: 'domains' }, { call: 'reset' }])).toHaveLength(2);
    await agent.close();
    await expect(agent.perform([{ call: 'reset' }])).rejects.toThrow('closed');
  });

  it('refuses an agent of another version', async () => {
    const path = await fakeAgent(polite);
    const refused = AgentChannel.connect(path, { ...options, version: '1.2.4' });
    await expect(refused).rejects.toThrow('the agent in the lab is of dommu 1.2.3');
    await expect(refused).rejects.toMatchObject({ exitCode: 3 });
  });

  it('shows the end of the console when the agent does not answer in time', async () => {
    const mute = await fakeAgent(() => undefined);
    await expect(AgentChannel.connect(mute, options)).rejects.toThrow(
      /did not say hello.*\n {2}\(XEN\) last words/s,
    );
    server.close();
    rmSync(mute, { force: true });
    const agent = await AgentChannel.connect(
      await fakeAgent((r) => (r.id === 1 ? polite(r) : undefined)),
      options,
    );
    await expect(agent.perform([{ call: 'reset' }])).rejects.toThrow(/did not answer within 0.2 s/);
    await agent.close();
  });

  it('ends all waiting when the other side is gone, breaks the framing, or it is told to', async () => {
    const path = await fakeAgent((r) => (r.id === 1 ? polite(r) : Buffer.alloc(8, 0xff)));
    const broken = await AgentChannel.connect(path, options);
    await expect(broken.perform([{ call: 'reset' }])).rejects.toThrow('cannot be understood');

    const gone = await AgentChannel.connect(path, options);
    for (const socket of sockets) socket.destroy();
    await expect(gone.perform([{ call: 'reset' }])).rejects.toThrow('QEMU has ended');

    server.close();
    rmSync(path, { force: true });
    const abort = new AbortController();
    const waiting = AgentChannel.connect(await fakeAgent(() => undefined), {
      ...options,
      abort: abort.signal,
    });
    abort.abort('Xen panicked');
    await expect(waiting).rejects.toThrow('Xen panicked');
    await expect(waiting).rejects.toBeInstanceOf(LabError);
  });

  it('passes on what the agent could not make sense of', async () => {
    const agent = await AgentChannel.connect(
      await fakeAgent((r) => (r.id === 1 ? polite(r) : { id: r.id, error: 'no such call' })),
      options,
    );
    await expect(agent.perform([{ call: 'reset' }])).rejects.toThrow('no such call');
    await agent.close();
  });
});
