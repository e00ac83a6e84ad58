import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameReader } from './frames.js';
import type { Call, CallName, Hello, Results } from './protocol.js';
import { type Channel, serve } from './serve.js';

const HELLO: Hello = {
  hello: 'dommu-agent',
  protocol: 1,
  version: '0',
  xen: { major: 4, minor: 17, extra: '' },
  slots: 4,
};

/** Serves pieces of a stream (nothing is the host going away) and returns what the agent said. */
function conversation(
  pieces: readonly Uint8Array[],
  perform: (call: Call) => Results[CallName] = () => ({ rc: 0 }),
  unwritable = 0,
): { said: unknown[]; warnings: string[] } {
  const reader = new FrameReader();
  const said: unknown[] = [];
  const warnings: string[] = [];
  const rest = [...pieces];
  const channel: Channel = {
    read: () => rest.shift(),
    write: (bytes) => {
      if (unwritable-- > 0) throw new Error('nobody there');
      said.push(...reader.push(bytes));
    },
  };
  serve(channel, HELLO, perform, (warning) => warnings.push(warning));
  return { said, warnings };
}

const request = (id: number, ...calls: Call[]): Buffer => encodeFrame({ id, calls });
const RESET: Call = { call: 'reset' };

describe('the agent', () => {
  it('says hello, then answers call by call', () => {
    const domains: Call = { call: 'domains' };
    const { said } = conversation([request(1, RESET, domains), request(2)], ({ call }) =>
      call === 'domains' ? { rc: 0, domids: [3] } : { rc: -16 },
    );
    expect(said).toEqual([
      HELLO,
      { id: 1, results: [{ rc: -16 }, { rc: 0, domids: [3] }] },
      { id: 2, results: [] },
    ]);
  });

  it('lives on when a call breaks, and says why under the request’s number', () => {
    const { said } = conversation([request(1, RESET), request(2)], () => {
      throw new Error('it broke');
    });
    expect(said).toEqual([HELLO, { id: 1, error: 'it broke' }, { id: 2, results: [] }]);
  });

  it('refuses what it does not understand', () => {
    const { said } = conversation([encodeFrame({ id: 4, calls: [{ call: 'dance' }] })]);
    expect(said[1]).toEqual({ id: 4, error: '`calls[0].call`: there is no call "dance"' });
  });

  it('forgets half a request when the other side goes away', () => {
    const { said } = conversation([request(1, RESET).subarray(0, 9), new Uint8Array(0), request(2)]);
    expect(said).toEqual([HELLO, { id: 2, results: [] }]);
  });

  it('complains of a frame that cannot be, and goes on with the next piece', () => {
    const { said } = conversation([Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1), request(2)]);
    expect(said).toHaveLength(3);
    expect(said[1]).toMatchObject({ id: -1, error: expect.stringContaining('a frame claims') });
    expect(said[2]).toEqual({ id: 2, results: [] });
  });

  it('outlives an answer that nobody takes', () => {
    const { said, warnings } = conversation([request(1), request(2)], undefined, 2);
    expect(said).toEqual([{ id: 2, results: [] }]);
    expect(warnings).toEqual(['an answer is lost: nobody there', 'an answer is lost: nobody there']);
  });
});
