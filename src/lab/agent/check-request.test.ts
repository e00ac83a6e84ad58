import { describe, expect, it } from 'vitest';
import { CALL_FIELDS, checkRequest, RequestError, requestId } from './check-request.js';
import type { Call } from './protocol.js';

const PIN: Call = { call: 'mmuext_op', domid: 1, command: 0, mfn: 0x1234, issuer: 'guest' };

const complaint = (call: unknown): string => {
  try {
    checkRequest({ id: 1, calls: [call] });
  } catch (error) {
    expect(error).toBeInstanceOf(RequestError);
    return (error as Error).message;
  }
  return '';
};

describe('a request', () => {
  it('passes as it is when all is well', () => {
    const request = {
      id: 7,
      calls: [PIN, { call: 'reset' }, { call: 'exec', argv: ['ls'], timeoutSeconds: 1 }],
    };
    expect(checkRequest(request)).toBe(request);
  });

  it('is refused with the place and what is wanted there', () => {
    expect(complaint({ ...PIN, mfn: -1 })).toBe(
      '`calls[0].mfn` of mmuext_op must be an integer from 0 on, and is -1',
    );
    expect(complaint({ ...PIN, issuer: 'dom0' })).toBe(
      '`calls[0].issuer` of mmuext_op must be "toolstack" or "guest", and is "dom0"',
    );
    expect(complaint({ ...PIN, domid: undefined })).toContain('and is missing');
    expect(complaint({ ...PIN, command: 5 })).toContain('an integer from 0 to 4');
    expect(complaint({ ...PIN, extra: 1 })).toBe('`calls[0].extra`: mmuext_op has no such field');
    expect(complaint({ call: 'launch' })).toBe('`calls[0].call`: there is no call "launch"');
    expect(complaint({ call: 'toString' })).toContain('there is no call');
    expect(complaint(null)).toBe('`calls[0]` must be an object');
    expect(complaint({ call: 'exec', argv: [], timeoutSeconds: 1 })).toContain('begins with a program');
    expect(complaint({ call: 'exec', argv: ['a'], timeoutSeconds: 1, files: { x: 'y' } })).toContain(
      'absolute path',
    );
    expect(
      complaint({ call: 'mmu_update', domid: 1, mfn: 1, index: 512, entry: '0', issuer: 'guest' }),
    ).toContain('`calls[0].index`');
  });

  it('needs a number and a list', () => {
    for (const message of [
      undefined,
      3,
      'hello',
      [],
      {},
      { id: 1 },
      { id: 'x', calls: [] },
      { id: 1, calls: {} },
    ])
      expect(() => checkRequest(message)).toThrow(RequestError);
  });

  it('that is refused is answered under its number, if it has one', () => {
    expect(requestId({ id: 5, calls: 'nonsense' })).toBe(5);
    expect(requestId({ id: 1.5 })).toBe(-1);
    expect(requestId('x')).toBe(-1);
  });

  it('has its fields known for every call', () => {
    expect(Object.keys(CALL_FIELDS)).toHaveLength(26);
  });
});
