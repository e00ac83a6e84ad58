import { connect, type Socket } from 'node:net';

/** Where QEMU listens: a socket's path, or a port of a machine. */
export type QmpAddress = string | { readonly host: string; readonly port: number };

/** How whoever uses QEMU complains of it. */
export type QemuComplaint = (message: string) => Error;

const plainly: QemuComplaint = (message) => new Error(message);

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

const GREETING = -1;
/** No answer of QEMU's is longer. */
const LONGEST_LINE = 2 ** 24;

/** QEMU's machine protocol (qmp-spec): one JSON object a line, each command with an id of ours. */
export class Qmp {
  private readonly socket: Socket;
  private readonly seconds: number;
  private readonly complain: QemuComplaint;
  private readonly waiting = new Map<number, Waiting>();
  private buffered = '';
  private lastId = 0;
  private ended: Error | undefined;

  private constructor(socket: Socket, seconds: number, complain: QemuComplaint) {
    this.socket = socket;
    this.seconds = seconds;
    this.complain = complain;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.receive(text));
    socket.on('error', (error) => this.end(`QEMU cannot be reached: ${error.message}`));
    socket.on('close', () => this.end('QEMU has ended'));
  }

  /**
   * Connects to QEMU, which must answer within `seconds`, every command too. @throws Error made by `complain`, as do all
   * commands.
   */
  static async connect(
    address: QmpAddress,
    { seconds = 10, complain = plainly }: { seconds?: number; complain?: QemuComplaint } = {},
  ): Promise<Qmp> {
    const socket = typeof address === 'string' ? connect(address) : connect(address.port, address.host);
    const qmp = new Qmp(socket, seconds, complain);
    try {
      await qmp.wait(GREETING, 'to be greeted');
      await qmp.command('qmp_capabilities');
    } catch (error) {
      qmp.close();
      throw error;
    }
    return qmp;
  }

  /** Has a command carried out. @param seconds how long it may take when that is another time than for most. */
  command(
    execute: string,
    args: Readonly<Record<string, unknown>> = {},
    seconds = this.seconds,
  ): Promise<unknown> {
    const id = ++this.lastId;
    const answer = this.wait(id, execute, seconds);
    if (this.ended === undefined) this.socket.write(`${JSON.stringify({ execute, arguments: args, id })}\n`);
    return answer;
  }

  /** A command of QEMU's monitor for people; what it prints. */
  async monitor(line: string): Promise<string> {
    return String(await this.command('human-monitor-command', { 'command-line': line }));
  }

  /** 64 bits of physical memory, device registers included, as the CPU would read them. */
  async readPhysical64(address: number): Promise<bigint> {
    return this.printedValue(await this.monitor(`xp /1gx 0x${address.toString(16)}`));
  }

  /** 32 bits of the same, in one access: some registers answer to no other. */
  async readPhysical32(address: number): Promise<number> {
    return Number(this.printedValue(await this.monitor(`xp /1wx 0x${address.toString(16)}`)));
  }

  /** 32 bits of an I/O port. */
  async readPort32(port: number): Promise<number> {
    return Number(this.printedValue(await this.monitor(`i /w 0x${port.toString(16)}`)));
  }

  async writePort32(port: number, value: number): Promise<void> {
    await this.monitor(`o /w 0x${port.toString(16)} 0x${(value >>> 0).toString(16)}`);
  }

  close(): void {
    this.end('the connection to QEMU is closed');
    this.socket.destroy();
  }

  private wait(id: number, what: string, seconds = this.seconds): Promise<unknown> {
    if (this.ended !== undefined) return Promise.reject(this.ended);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(this.complain(`QEMU did not answer within ${seconds} s (${what})`));
      }, seconds * 1000);
      this.waiting.set(id, { resolve, reject, timer });
    });
  }

  private receive(text: string): void {
    const lines = (this.buffered + text).split('\n');
    this.buffered = lines.pop()!;
    if (this.buffered.length > LONGEST_LINE) this.end('QEMU said a line without an end');
    for (const line of lines) {
      let message: QmpMessage | null;
      try {
        message = JSON.parse(line) as QmpMessage;
      } catch {
        this.end(`QEMU said what is no JSON: ${line.slice(0, 100)}`);
        return;
      }
      if (typeof message !== 'object' || message === null) continue;
      // Events have neither; nobody here waits for one.
      const id = message.QMP !== undefined ? GREETING : message.id;
      const waiting = id === undefined ? undefined : this.take(id);
      if (message.error === undefined) waiting?.resolve(message.return);
      else waiting?.reject(this.complain(`QEMU refuses: ${String(message.error?.desc)}`));
    }
  }

  private take(id: number): Waiting | undefined {
    const waiting = this.waiting.get(id);
    if (waiting !== undefined) clearTimeout(waiting.timer);
    this.waiting.delete(id);
    return waiting;
  }

  /** The monitor prints `place: 0xvalue` or `place = 0xvalue`. */
  private printedValue(printed: string): bigint {
    const text = /[:=]\s*(0x[0-9a-f]+)\s*$/i.exec(printed)?.[1];
    if (text === undefined) throw this.complain(`QEMU printed no value: ${printed.trim()}`);
    return BigInt(text);
  }

  private end(why: string): void {
    this.ended ??= this.complain(why);
    for (const id of [...this.waiting.keys()]) this.take(id)?.reject(this.ended);
  }
}

interface QmpMessage {
  readonly QMP?: unknown;
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly desc?: unknown } | null;
}
