import { describe, expect, test } from 'vitest';
import { R, W } from '../formats/address.js';
import { ARM_STAGE2, stage2Shape } from '../formats/arm-stage2.js';
import { encode } from '../formats/layout.js';
import { STREAM_TABLE_ENTRY, SteConfig } from '../formats/smmuv3.js';
import { NO_EVENT, SmmuV3Unit } from './smmuv3-unit.js';
import { bareMachine } from './units.fixture.js';

const NIC = 0x200;
const DISK = 0x201;
/** No second-level table is linked for it. */
const FAR = 0x900;
const SHAPE = stage2Shape(40);
const [STREAMS, LEVEL2, P2M, OTHER_P2M] = [0x10, 0x14, 0x20, 0x60];
const ENTRY = { t0sz: SHAPE.t0sz, sl0: SHAPE.sl0, outputSize: 5 };

function machine(streamBits = 16) {
  const bare = bareMachine();
  const unit = new SmmuV3Unit(bare.layout, bare.ram, 16, streamBits);
  unit.setStreamTable(STREAMS);
  if (unit.twoLevels) unit.linkTable(NIC, LEVEL2);
  const p2m = bare.tables(ARM_STAGE2, SHAPE, P2M);
  const stream = streamBits > 8 ? NIC : 3;
  unit.writeStage2(stream, { ...ENTRY, vmid: 1, root: P2M });
  const access = (address: number, write = false, by = stream) =>
    unit.translate(by, address, write) ? { frame: unit.frame } : unit.lastFault().registers;
  /** Overwrites the stream's entry, field by field. */
  const rewrite = (at: number, values: Record<string, number>) =>
    encode(STREAM_TABLE_ENTRY, values).forEach((word, i) => {
      bare.ram.write32(at + 4 * i, word);
    });
  return { ...bare, unit, p2m, access, rewrite };
}

describe('an SMMUv3', () => {
  test('translates a stream through its entry’s stage-2 tables', () => {
    const { unit, p2m, access } = machine();
    p2m.map(5, 0x105, R);
    p2m.map(512, 0x400, R | W, 2);
    expect(access(5 * 4096)).toEqual({ frame: 0x105 });
    expect(access((512 + 7) * 4096, true)).toEqual({ frame: 0x407 });
    expect([unit.tableRights(NIC, 5), unit.frame]).toEqual([R, 0x105]);
    expect([unit.tagOf(NIC), unit.tagOf(DISK), unit.tagOf(FAR)]).toEqual([1, -1, -1]);
  });

  test('finds entries in a linear table, where stream ids are short', () => {
    const { unit, p2m, access } = machine(8);
    expect([unit.twoLevels, unit.streamTableFrames]).toEqual([false, 4]);
    p2m.map(5, 0x105, R);
    expect(access(5 * 4096, false, 3)).toEqual({ frame: 0x105 });
    expect(access(5 * 4096, false, 4)).toEqual({ event: NO_EVENT });
    expect(access(5 * 4096, false, 0x100)).toMatchObject({ event: 2, event1: 0x100 });
  });

  test('remembers translations under the VMID until that is invalidated', () => {
    const { unit, p2m, access } = machine();
    p2m.map(5, 0x105, R);
    access(5 * 4096);
    p2m.map(5, 0x106, R);
    expect(access(5 * 4096)).toEqual({ frame: 0x105 });
    unit.iotlb.invalidateDomain(2);
    expect(access(5 * 4096)).toEqual({ frame: 0x105 });
    unit.iotlb.invalidateDomain(1);
    expect(access(5 * 4096)).toEqual({ frame: 0x106 });
  });

  test('does not tell roots apart that have the same VMID', () => {
    const { unit, p2m, access } = machine();
    p2m.map(5, 0x105, R);
    access(5 * 4096);
    unit.writeStage2(NIC, { ...ENTRY, vmid: 1, root: OTHER_P2M });
    expect(access(5 * 4096)).toEqual({ frame: 0x105 });
  });
});

describe('an SMMUv3 refuses', () => {
  test('what no table maps, with a record in the architecture’s words', () => {
    const { access } = machine();
    expect(access(0x84_24cb_148)).toEqual({
      event: 0x10,
      event0: 0x10,
      event1: NIC,
      event2: 0,
      event3: 0x288,
      event4: 0x424c_b148,
      event5: 8,
      event6: 0x424c_b000,
      event7: 8,
    });
  });

  test('a write to a read-only page: a permission event without the read bit', () => {
    const { p2m, access } = machine();
    p2m.map(5, 0x105, R);
    expect(access(5 * 4096, true)).toMatchObject({ event: 0x13, event3: 0x280 });
  });

  test('a page whose access flag is clear, and one beyond the output size', () => {
    const { unit, ram, p2m, access } = machine();
    p2m.map(5, 0x105, R);
    const leaf = p2m.entryAt(5, 1);
    ram.write32(leaf, ram.read32(leaf) & ~(1 << 10));
    expect(access(5 * 4096)).toMatchObject({ event: 0x12 });
    // 32 bits of output addresses.
    unit.writeStage2(NIC, { ...ENTRY, outputSize: 0, vmid: 1, root: P2M });
    p2m.map(6, 0x10_0000, R);
    expect(access(6 * 4096)).toMatchObject({ event: 0x11 });
  });

  test('a stream that is stopped, without any record', () => {
    const { unit, access } = machine();
    expect(access(5 * 4096, false, DISK)).toEqual({ event: NO_EVENT });
    unit.writeAbort(NIC);
    expect([access(5 * 4096), unit.select(NIC)]).toEqual([{ event: NO_EVENT }, false]);
  });

  test('a stream id beyond the tables', () => {
    const { access } = machine();
    expect(access(0, false, FAR)).toEqual({
      event: 2,
      ...{ event0: 2, event1: FAR, event2: 0, event3: 0, event4: 0, event5: 0, event6: 0, event7: 0 },
    });
    expect(access(0, false, 0x1_0000)).toMatchObject({ event: 2 });
  });

  test('an entry that is not valid, or that asks for what it does not have', () => {
    const { access, rewrite } = machine();
    const at = LEVEL2 * 4096;
    const good = { valid: 1, config: SteConfig.STAGE2, aarch64: 1, t0sz: 24, startLevel: 1, outputSize: 5 };
    const bad: Record<string, number>[] = [
      {},
      { ...good, valid: 0 },
      { ...good, config: SteConfig.STAGE1 },
      { ...good, config: SteConfig.NESTED },
      { ...good, t0sz: 50 },
      { ...good, outputSize: 7 },
      { ...good, aarch64: 0 },
      { ...good, granule: 1 },
      { ...good, bigEndian: 1 },
    ];
    for (const values of bad) {
      rewrite(at, values);
      expect([values, access(0)]).toMatchObject([values, { event: 4, event1: NIC }]);
    }
  });

  test('an entry whose table lies in no RAM', () => {
    const { unit, ram, access } = machine();
    expect(ram.indexOf(0x9_0000)).toBe(-1);
    ram.write32(STREAMS * 4096 + (NIC >>> 8) * 8, (0x9_0000 << 12) | 9);
    expect(access(0)).toMatchObject({ event: 3, event1: NIC });
    unit.setStreamTable(0x9_0000);
    expect(access(0)).toMatchObject({ event: 2 });
  });

  test('lets everything pass where the entry says so', () => {
    const { unit, access, rewrite } = machine();
    rewrite(LEVEL2 * 4096, { valid: 1, config: SteConfig.BYPASS });
    expect(access(0x7_7777_7000, true)).toEqual({ frame: 0x77_7777 });
    expect([unit.tableRights(NIC, 0x99), unit.frame]).toEqual([R | W, 0x99]);
  });

  test('records nothing where the entry says so', () => {
    const { access, rewrite } = machine();
    rewrite(LEVEL2 * 4096, {
      ...{ valid: 1, config: SteConfig.STAGE2, aarch64: 1, t0sz: 24, startLevel: 1, outputSize: 5 },
      root: P2M * 256,
    });
    expect(access(5 * 4096)).toEqual({ event: NO_EVENT });
  });
});
