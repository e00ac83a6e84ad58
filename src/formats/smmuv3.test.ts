import { describe, expect, test } from 'vitest';
import { decode, encode, describe as inWords } from './layout.js';
import { OUTPUT_BITS, STE_ABORT, STREAM_TABLE_ENTRY, SteConfig, stage2Entry } from './smmuv3.js';
import { SMMUV3_STREAM_COMMAND, SMMUV3_TLBI_COMMAND, SmmuV3Command } from './smmuv3-commands.js';
import {
  eventName,
  SMMUV3_STREAM_EVENT,
  SMMUV3_TRANSLATION_EVENT,
  SmmuV3Event,
  streamEvent,
  translationEvent,
} from './smmuv3-events.js';

describe('stream table entries', () => {
  test('an entry for a domain’s device is what the layout says it is', () => {
    const parts = { vmid: 3, root: 0x1_2345_6789, t0sz: 24, sl0: 1, outputSize: 5 };
    const words = new Int32Array(16);
    stage2Entry(parts, words);
    const expected = encode(STREAM_TABLE_ENTRY, {
      valid: 1,
      config: SteConfig.STAGE2,
      shareability: 1,
      vmid: 3,
      t0sz: 24,
      startLevel: 1,
      inner: 1,
      outer: 1,
      tableShareability: 3,
      outputSize: 5,
      aarch64: 1,
      protectedWalk: 1,
      record: 1,
      // S2TTB holds bits 51 to 4 of the address.
      root: 0x1_2345_6789 * 256,
    });
    expect([...words]).toEqual([...expected]);
    expect(OUTPUT_BITS[parts.outputSize]).toBe(48);
  });

  test('an entry that aborts says nothing but that and where its shareability comes from', () => {
    const words = Int32Array.from({ length: 16 }, (_, i) => STE_ABORT[i] ?? 0);
    expect(words).toEqual(encode(STREAM_TABLE_ENTRY, { valid: 1, config: 0, shareability: 1 }));
    expect(inWords(STREAM_TABLE_ENTRY, words)).toBe('valid, config abort, shareability incoming, granule 4K');
  });
});

describe('event records', () => {
  test('the record of a refused read is that of the manual, bit for bit', () => {
    const words = translationEvent({
      type: SmmuV3Event.F_TRANSLATION,
      stream: 0x200,
      write: false,
      address: 0x8424cb148,
    });
    expect(words).toEqual([0x10, 0x200, 0, 0x288, 0x424cb148, 0x8, 0x424cb000, 0x8]);
    expect(decode(SMMUV3_TRANSLATION_EVENT, words)).toMatchObject({
      type: 0x10,
      stream: 0x200,
      read: 1,
      stage2: 1,
      class: 2,
      inputLow: 0x424cb148,
      inputHigh: 8,
      ipa: 0x8424cb,
    });
  });

  test('a write is one without the read bit', () => {
    const words = translationEvent({ type: 0x13, stream: 1, write: true, address: 0x1000 });
    expect(decode(SMMUV3_TRANSLATION_EVENT, words)).toMatchObject({ type: 0x13, read: 0, stage2: 1 });
  });

  test('a bad stream id is recorded with the stream alone', () => {
    const words = streamEvent(SmmuV3Event.C_BAD_STREAMID, 0xffff_ffff);
    expect(decode(SMMUV3_STREAM_EVENT, words)).toMatchObject({ type: 2, stream: 0xffff_ffff });
  });

  test('every type has its name', () => {
    expect([eventName(0x04), eventName(0x12), eventName(0x25)]).toEqual([
      'C_BAD_STE',
      'F_ACCESS',
      'F_VMS_FETCH',
    ]);
    expect(eventName(0x7f)).toBeUndefined();
    expect(Object.keys(SmmuV3Event)).toHaveLength(19);
  });
});

describe('commands', () => {
  test('an invalidation of a VMID names it in its upper word', () => {
    const words = encode(SMMUV3_TLBI_COMMAND, { opcode: SmmuV3Command.TLBI_S12_VMALL, vmid: 5 });
    expect([...words]).toEqual([0x28, 5, 0, 0]);
  });

  test('an invalidation of a stream’s entry names it and, as Xen does, the leaf only', () => {
    const words = encode(SMMUV3_STREAM_COMMAND, { opcode: SmmuV3Command.CFGI_STE, stream: 0x874, leaf: 1 });
    expect([...words]).toEqual([0x03, 0x874, 1, 0]);
  });

  test('all configuration is invalidated by the range that spans every stream', () => {
    const words = encode(SMMUV3_STREAM_COMMAND, { opcode: SmmuV3Command.CFGI_ALL, leaf: 1, range: 15 });
    expect([...words]).toEqual([0x04, 0, 31, 0]);
  });
});
