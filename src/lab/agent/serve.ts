import { checkRequest, requestId } from './check-request.js';
import { encodeFrame, FrameError, FrameReader } from './frames.js';
import type { Call, CallName, Hello, Reply, Results } from './protocol.js';

/** A stream of bytes to the adapter, read and written until done: nothing else happens meanwhile. */
export interface Channel {
  /** Next bytes; nothing while the other side is away; undefined when it will not come back. */
  read(): Uint8Array | undefined;
  /** @throws Error when the other side is away. */
  write(bytes: Uint8Array): void;
}

/** Says hello, and answers requests for as long as the channel is there. */
export function serve(
  channel: Channel,
  hello: Hello,
  perform: (call: Call) => Results[CallName],
  warn: (message: string) => void,
): void {
  const say = (message: Hello | Reply): void => {
    try {
      channel.write(encodeFrame(message));
    } catch (error) {
      warn(`an answer is lost: ${messageOf(error)}`);
    }
  };
  say(hello);
  for (let reader = new FrameReader(); ; ) {
    const bytes = channel.read();
    if (bytes === undefined) return;
    // The other side went away; what it had half said is void.
    if (bytes.length === 0) reader = new FrameReader();
    try {
      for (const message of reader.push(bytes)) say(answer(message, perform));
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      reader = new FrameReader();
      say({ id: -1, error: error.message });
    }
  }
}

/** Errors of one request stay within its reply. */
function answer(message: unknown, perform: (call: Call) => Results[CallName]): Reply {
  try {
    const { id, calls } = checkRequest(message);
    return { id, results: calls.map(perform) };
  } catch (error) {
    return { id: requestId(message), error: messageOf(error) };
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
