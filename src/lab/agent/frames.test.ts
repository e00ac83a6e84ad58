import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameError, FrameReader } from './frames.js';
import { MAX_FRAME_BYTES } from './protocol.js';

/** `bytes` cut at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const edges = [...new Set([0, ...places.map((place) => place % (bytes.length + 1)), bytes.length])];
  edges.sort((a, b) => a - b);
  return edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge));
}

describe('frames', () => {
  it('come out as they went in, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.json(), { maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (texts, places) => {
          const messages = texts.map((text) => JSON.parse(text) as unknown);
          const reader = new FrameReader();
          const received = cut(Buffer.concat(messages.map(encodeFrame)), places).flatMap((part) =>
            reader.push(part),
          );
          expect(received).toEqual(messages.map((message) => JSON.parse(JSON.stringify(message)) as unknown));
          expect(reader.atBoundary).toBe(true);
        },
      ),
    );
  });

  it('do not change when the buffer they were read into is used again', () => {
    const frame = encodeFrame({ text: 'Straße' });
    const buffer = Buffer.alloc(3);
    const reader = new FrameReader();
    const received: unknown[] = [];
    for (let at = 0; at < frame.length; at += buffer.length) {
      const length = frame.copy(buffer, 0, at, at + buffer.length);
      received.push(...reader.push(buffer.subarray(0, length)));
      buffer.fill(0xff);
    }
    expect(received).toEqual([{ text: 'Straße' }]);
  });

  it('are refused when they claim to be longer than allowed, before their bytes come', () => {
    const header = Buffer.alloc(4);
    header.writeUInt32LE(MAX_FRAME_BYTES + 1);
    expect(() => new FrameReader().push(header)).toThrow(FrameError);
    expect(() => new FrameReader().push(Buffer.alloc(4))).toThrow(FrameError);
    expect(() => encodeFrame('x'.repeat(MAX_FRAME_BYTES))).toThrow(RangeError);
  });

  it('are refused when they hold no JSON', () => {
    expect(() => new FrameReader().push(Buffer.from([2, 0, 0, 0, 0x7b, 0x7b]))).toThrow(/no JSON/);
  });

  it('tell whether a message is half received', () => {
    const reader = new FrameReader();
    expect(reader.push(encodeFrame([1]).subarray(0, 5))).toEqual([]);
    expect(reader.atBoundary).toBe(false);
  });
});
