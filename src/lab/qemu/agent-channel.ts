import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { encodeFrame, FrameReader } from '../agent/frames.js';
import {
  type Call,
  type Hello,
  PROTOCOL_VERSION,
  type Reply,
  type Request,
  type Results,
} from '../agent/protocol.js';
import { type Agent, LabError } from '../machine-api.js';

/** How long an agent may take for a request, besides what the programs it runs may take. */
const REQUEST_SECONDS = 30;

export interface ChannelOptions {
  /** dommu's version, which the agent must have too. */
  readonly version: string;
  /** How long the agent may take to say hello. */
  readonly helloSeconds: number;
  readonly requestSeconds?: number;
  /** What to show when the agent is silent: the end of the console. */
  readonly lastLines: () => readonly string[];
  /** What it means when the stream is closed; that QEMU has ended, unless given. */
  readonly closedMeans?: string;
  /** Ends all waiting, for a reason that the channel itself cannot see. */
  readonly abort?: AbortSignal;
}

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: LabError) => void;
}

/** The agent at the other end of a socket, or of another stream. */
export class AgentChannel implements Agent {
  private greeting: Hello | undefined;
  private readonly socket: Duplex;
  private readonly options: ChannelOptions;
  private readonly reader = new FrameReader();
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;
  private ended: LabError | undefined;

  private constructor(socket: Duplex, options: ChannelOptions) {
    this.options = options;
    this.socket = socket;
    this.socket.on('data', (bytes) => this.receive(bytes));
    this.socket.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code !== 'EPIPE' && code !== 'ECONNRESET') this.end(`the agent's channel broke: ${message}`);
    });
    this.socket.on('close', () =>
      this.end(`the agent's channel was closed: ${options.closedMeans ?? 'QEMU has ended'}`),
    );
    options.abort?.addEventListener('abort', () => this.end(String(options.abort?.reason)));
  }

  /**
   * Waits until the agent says hello, which it does when it starts and when it is asked to.
   * @throws LabError when it does not, or is of another version.
   */
  static connect(path: string, options: ChannelOptions): Promise<AgentChannel> {
    return AgentChannel.over(connect(path), options);
  }

  /** The same over a stream that is open. */
  static async over(stream: Duplex, options: ChannelOptions): Promise<AgentChannel> {
    const channel = new AgentChannel(stream, options);
    try {
      const { helloSeconds } = options;
      const { results } = await channel.request([{ call: 'hello' }], helloSeconds, 'did not say hello');
      channel.greeting = checkHello(results[0], options.version);
      return channel;
    } catch (error) {
      await channel.close();
      throw error;
    }
  }

  get hello(): Hello {
    return this.greeting!;
  }

  async perform<const C extends readonly Call[]>(calls: C): Promise<ResultsOf<C>> {
    const { requestSeconds = REQUEST_SECONDS } = this.options;
    const programs = calls.reduce((sum, call) => sum + (call.call === 'exec' ? call.timeoutSeconds : 0), 0);
    const seconds = requestSeconds + programs;
    const { results } = await this.request(calls, seconds, `did not answer within ${seconds} s`);
    if (results.length !== calls.length) {
      throw this.error(`the agent gave ${results.length} results for ${calls.length} calls`);
    }
    return results as ResultsOf<C>;
  }

  async close(): Promise<void> {
    this.ended ??= new LabError("the agent's channel is closed", 3);
    for (const { reject } of this.waiting.values()) reject(this.ended);
    this.waiting.clear();
    this.socket.destroy();
  }

  private async request(
    calls: readonly Call[],
    seconds: number,
    silence: string,
  ): Promise<Extract<Reply, { results: unknown }>> {
    if (this.ended !== undefined) throw this.ended;
    const id = ++this.lastId;
    const request: Request = { id, calls };
    let timer: NodeJS.Timeout | undefined;
    const reply = await new Promise<Reply>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      timer = setTimeout(() => reject(this.error(`the agent ${silence}`)), seconds * 1000);
      this.socket.write(encodeFrame(request));
    }).finally(() => {
      clearTimeout(timer);
      this.waiting.delete(id);
    });
    if ('error' in reply) throw new LabError(`the agent could not carry out a request: ${reply.error}`, 3);
    return reply;
  }

  private receive(bytes: Buffer): void {
    let messages: unknown[];
    try {
      messages = this.reader.push(bytes);
    } catch (error) {
      this.end(`the agent cannot be understood: ${(error as Error).message}`);
      this.socket.destroy();
      return;
    }
    // What is no reply is the hello that an agent says when it starts; the one that was asked for comes after it.
    for (const message of messages) {
      if (typeof message !== 'object' || message === null || !('id' in message)) continue;
      this.waiting.get((message as Reply).id)?.resolve(message as Reply);
    }
  }

  private end(why: string): void {
    if (this.ended !== undefined) return;
    this.ended = this.error(why);
    for (const { reject } of this.waiting.values()) reject(this.ended);
    this.waiting.clear();
  }

  private error(why: string): LabError {
    return withLastLines(why, this.options.lastLines());
  }
}

type ResultsOf<C extends readonly Call[]> = { [I in keyof C]: Results[C[I]['call']] };

/** An error that shows what the machine said last. */
export function withLastLines(why: string, lines: readonly string[]): LabError {
  const log =
    lines.length === 0 ? 'its console is empty' : `its console's last lines:\n  ${lines.join('\n  ')}`;
  return new LabError(`${why}; ${log}`, 3);
}

function checkHello(said: unknown, version: string): Hello {
  const hello = said as Partial<Hello> | undefined;
  if (hello?.hello !== 'dommu-agent') {
    throw new LabError('what answers in the lab is not dommu’s agent', 3);
  }
  if (hello.protocol !== PROTOCOL_VERSION || hello.version !== version) {
    throw new LabError(
      `the agent in the lab is of dommu ${hello.version} (protocol ${hello.protocol}), this is ${version} (protocol ${PROTOCOL_VERSION})`,
      3,
      'npm run build makes the agent anew; a lab that is up keeps the one it was started with',
    );
  }
  return hello as Hello;
}
