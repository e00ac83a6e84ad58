import { MAX_FRAME_BYTES } from './protocol.js';

const HEADER_BYTES = 4;

/** One message as it goes over the wire: its length (4 bytes, little-endian) and its JSON in UTF-8. */
export function encodeFrame(message: unknown): Buffer {
  const text = JSON.stringify(message);
  const length = Buffer.byteLength(text);
  if (length > MAX_FRAME_BYTES) {
    throw new RangeError(
      `a frame of ${length} bytes is longer than the ${MAX_FRAME_BYTES} that a frame may have`,
    );
  }
  const frame = Buffer.allocUnsafe(HEADER_BYTES + length);
  frame.writeUInt32LE(length, 0);
  frame.write(text, HEADER_BYTES);
  return frame;
}

/** The other side does not keep to the framing; what comes after it cannot be understood. */
export class FrameError extends Error {}

/** Puts messages together from a stream of bytes, however it was cut. */
export class FrameReader {
  private chunks: Buffer[] = [];
  private pending = 0;

  /**
   * Takes the next bytes of the stream and returns the messages that they complete.
   * @throws FrameError when a length or a text cannot be right.
   */
  push(bytes: Uint8Array): unknown[] {
    if (bytes.length > 0) {
      // A copy: the caller may read the next bytes into the same buffer.
      this.chunks.push(Buffer.from(bytes));
      this.pending += bytes.length;
    }
    const messages: unknown[] = [];
    while (this.pending >= HEADER_BYTES) {
      const length = this.gather(HEADER_BYTES).readUInt32LE(0);
      if (length === 0 || length > MAX_FRAME_BYTES) {
        throw new FrameError(
          `a frame claims to have ${length} bytes; at most ${MAX_FRAME_BYTES} are allowed`,
        );
      }
      if (this.pending < HEADER_BYTES + length) break;
      messages.push(parse(this.take(HEADER_BYTES + length).subarray(HEADER_BYTES)));
    }
    return messages;
  }

  /** Whether the stream may end here: no message is half received. */
  get atBoundary(): boolean {
    return this.pending === 0;
  }

  /** The first chunk, made to hold at least `count` bytes. */
  private gather(count: number): Buffer {
    if (this.chunks[0]!.length < count) this.chunks = [Buffer.concat(this.chunks)];
    return this.chunks[0]!;
  }

  private take(count: number): Buffer {
    const first = this.gather(count);
    this.pending -= count;
    if (first.length === count) this.chunks.shift();
    else this.chunks[0] = first.subarray(count);
    return first.subarray(0, count);
  }
}

function parse(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'));
  } catch {
    throw new FrameError(
      `a frame of ${json.length} bytes is no JSON: ${JSON.stringify(json.toString('utf8', 0, 60))}`,
    );
  }
}
