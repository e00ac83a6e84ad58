import { createServer, type Server, type Socket } from 'node:net';

/** What a fake QEMU answers to a command; undefined is silence, `end` the end of the connection. */
export type Answer = (execute: string, args: Record<string, unknown>) => unknown;

const servers: Server[] = [];
const sockets: Socket[] = [];

/** Ends those that were started. */
export function endFakeQemus(): void {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
}

/** A QEMU of which only the protocol is there. Returns where it listens. */
export async function startFakeQemu(
  path: string,
  answer: Answer,
  greeting = '{"QMP": {"version": {}, "capabilities": []}}\r\n',
): Promise<string> {
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.write(greeting);
    let buffered = '';
    socket.on('data', (text) => {
      const lines = (buffered + String(text)).split('\n');
      buffered = lines.pop()!;
      for (const line of lines) {
        const command = JSON.parse(line) as {
          execute: string;
          arguments: Record<string, unknown>;
          id: number;
        };
        const { execute, id } = command;
        const reply = execute === 'qmp_capabilities' ? { return: {} } : answer(execute, command.arguments);
        if (reply === 'end') socket.destroy();
        else if (reply !== undefined)
          socket.write(`{"event": "STOP"}\r\n${JSON.stringify({ ...(reply as object), id })}\r\n`);
      }
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}
