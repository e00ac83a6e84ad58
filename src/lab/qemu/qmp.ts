import { connect, type Socket } from 'node:net';
import { LabError } from '../machine-api.js';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: LabError) => void;
  readonly timer: NodeJS.Timeout;
}

const GREETING = -1;

/** QEMU's machine protocol (qmp-spec): one JSON object a line, each command with an id of ours. */
export class Qmp {
  private readonly socket: Socket;
  private readonly seconds: number;
  private readonly waiting = new Map<number, Waiting>();
  private buffered = '';
  private lastId = 0;
  private ended: LabError | undefined;

  private constructor(socket: Socket, seconds: number) {
    this.socket = socket;
    this.seconds = seconds;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.receive(text));
    socket.on('error', (error) => this.end(`QEMU cannot be reached: ${error.message}`));
    socket.on('close', () => this.end('QEMU has ended'));
  }

  /** @throws LabError when QEMU does not answer within `seconds`, which holds for every command too. */
  static async connect(path: string, seconds = 10): Promise<Qmp> {
    const qmp = new Qmp(connect(path), seconds);
    try {
      await qmp.wait(GREETING, 'to be greeted');
      await qmp.command('qmp_capabilities');
    } catch (error) {
      qmp.close();
      throw error;
    }
    return qmp;
  }

  /** @throws LabError when QEMU refuses or does not answer. */
  command(execute: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const id = ++this.lastId;
    const answer = this.wait(id, execute);
    if (this.ended === undefined) this.socket.write(`${JSON.stringify({ execute, arguments: args, id })}\n`);
    return answer;
  }

  /** A command of QEMU's monitor for people; what it prints. */
  async monitor(line: string): Promise<string> {
    return String(await this.command('human-monitor-command', { 'command-line': line }));
  }

  /** 64 bits of physical memory, device registers included, as the CPU would read them. */
  async readPhysical64(address: number): Promise<bigint> {
    return printedValue(await this.monitor(`xp /1gx 0x${address.toString(16)}`));
  }

  /** 32 bits of an I/O port. */
  async readPort32(port: number): Promise<number> {
    return Number(printedValue(await this.monitor(`i /w 0x${port.toString(16)}`)));
  }

  async writePort32(port: number, value: number): Promise<void> {
    await this.monitor(`o /w 0x${port.toString(16)} 0x${(value >>> 0).toString(16)}`);
  }

  close(): void {
    this.end('the connection to QEMU is closed');
    this.socket.destroy();
  }

  private wait(id: number, what: string): Promise<unknown> {
    if (this.ended !== undefined) return Promise.reject(this.ended);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(new LabError(`QEMU did not answer within ${this.seconds} s (${what})`, 3));
      }, this.seconds * 1000);
      this.waiting.set(id, { resolve, reject, timer });
    });
  }

  private receive(text: string): void {
    const lines = (this.buffered + text).split('\n');
    this.buffered = lines.pop()!;
    for (const line of lines) {
      let message: QmpMessage;
      try {
        message = JSON.parse(line) as QmpMessage;
      } catch {
        this.end(`QEMU said what is no JSON: ${line.slice(0, 100)}`);
        return;
      }
      // Events have neither; nobody here waits for one.
      const id = message.QMP !== undefined ? GREETING : message.id;
      const waiting = id === undefined ? undefined : this.take(id);
      if (message.error === undefined) waiting?.resolve(message.return);
      else waiting?.reject(new LabError(`QEMU refuses: ${message.error.desc}`, 3));
    }
  }

  private take(id: number): Waiting | undefined {
    const waiting = this.waiting.get(id);
    if (waiting !== undefined) clearTimeout(waiting.timer);
    this.waiting.delete(id);
    return waiting;
  }

  private end(why: string): void {
    this.ended ??= new LabError(why, 3);
    for (const id of [...this.waiting.keys()]) this.take(id)?.reject(this.ended);
  }
}

interface QmpMessage {
  readonly QMP?: unknown;
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

/** The monitor prints `place: 0xvalue` or `place = 0xvalue`. */
function printedValue(printed: string): bigint {
  const text = /[:=]\s*(0x[0-9a-f]+)\s*$/i.exec(printed)?.[1];
  if (text === undefined) throw new LabError(`QEMU printed no value: ${printed.trim()}`, 3);
  return BigInt(text);
}
