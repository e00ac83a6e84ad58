import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { R, W } from '../formats/address.js';
import { ARM_STAGE2, stage2Shape } from '../formats/arm-stage2.js';
import { decode } from '../formats/layout.js';
import { faultKinds, SMMU_CB_FSR, SMMU_CB_FSYNR0 } from '../formats/smmuv2.js';
import { SmmuUnit } from './smmu-unit.js';
import { bareMachine } from './units.fixture.js';

/** The ethernet controller of the founding bug, and another stream. */
const ETH = 0x874;
const DISK = 0x875;
const [ETH_ROW, DISK_ROW] = [0, 1];
const SHAPE = stage2Shape(40);
// Concatenated roots of two frames.
const P2M = 0x20;
const OTHER_P2M = 0x60;

function machine() {
  const bare = bareMachine();
  const unit = new SmmuUnit(bare.layout, bare.ram, 16, 4, 3, 0xb);
  const p2m = bare.tables(ARM_STAGE2, SHAPE, P2M);
  unit.setStream(ETH_ROW, ETH, unit.bankFor(P2M));
  const access = (address: number, write = false, stream = ETH) =>
    unit.translate(stream, address, write) ? { frame: unit.frame } : unit.lastFault().registers;
  return { ...bare, unit, p2m, access };
}

describe('an SMMU', () => {
  test('translates a stream through its bank’s stage-2 tables in RAM', () => {
    const { unit, p2m, access } = machine();
    p2m.map(0x84_24cb, 0x84_24cb, R | W);
    p2m.map(5, 0x105, R);
    expect(access(0x84_24cb_148)).toEqual({ frame: 0x84_24cb });
    expect(access(0x84_24cb_148, true)).toEqual({ frame: 0x84_24cb });
    expect(access(5 * 4096)).toEqual({ frame: 0x105 });
    expect([unit.tableRights(ETH, 5), unit.frame]).toEqual([R, 0x105]);
  });

  test('translates blocks, and inputs of the second concatenated root', () => {
    const { p2m, access } = machine();
    p2m.map(512, 0x400, R | W, 2);
    p2m.map(2 ** 27 + 5, 0x205, R);
    expect(access((512 + 7) * 4096, true)).toEqual({ frame: 0x407 });
    expect(access((2 ** 27 + 5) * 4096)).toEqual({ frame: 0x205 });
    expect(access(5 * 4096)).toMatchObject({ fsr: 0x402 });
  });

  test('forgets what went through a bank when the last stream has left it, not before', () => {
    const { unit, p2m, access } = machine();
    p2m.map(5, 0x105, R);
    unit.setStream(DISK_ROW, DISK, unit.bankFor(P2M));
    access(5 * 4096);
    p2m.map(5, 0x105, 0);
    unit.setStream(ETH_ROW, ETH, -1);
    unit.releaseBankIfUnused(0);
    expect(access(5 * 4096, false, DISK)).toEqual({ frame: 0x105 });
    unit.setStream(DISK_ROW, DISK, -1);
    unit.releaseBankIfUnused(0);
    expect(unit.vmidOfRoot(P2M)).toBe(-1);
    unit.setStream(ETH_ROW, ETH, unit.bankFor(P2M));
    expect(access(5 * 4096)).toMatchObject({ fsr: 0x408 });
  });

  test('gives each root one bank with VMID bank + 1, the lowest free, until there is none', () => {
    const { unit } = machine();
    expect([unit.bankFor(P2M), unit.bankFor(OTHER_P2M), unit.bankFor(P2M)]).toEqual([0, 1, 0]);
    expect([unit.vmidOfRoot(P2M), unit.vmidOfRoot(OTHER_P2M), unit.vmidOfRoot(0x99)]).toEqual([1, 2, -1]);
    expect([unit.bankFor(0x80), unit.bankFor(0xa0)]).toEqual([2, -1]);
  });
});

describe('an SMMU refuses', () => {
  test('what the founding bug saw: a read of 0x8424cb148, translation fault at level 1, in the log’s own words', () => {
    const { unit, p2m } = machine();
    p2m.map(5, 0x105, R | W);
    expect(unit.translate(ETH, 0x84_24cb_148, false)).toBe(false);
    expect(unit.lastFault()).toEqual({
      requester: ETH,
      address: 0x84_24cb_148,
      write: false,
      registers: { fsr: 0x402, fsynr0: 0xb0001, cb: 0 },
    });
  });

  test('a write to a read-only page: permission fault at level 3', () => {
    const { p2m, access } = machine();
    p2m.map(0x84_24cb, 0x84_24cb, R);
    expect(access(0x84_24cb_148, true)).toEqual({ fsr: 0x408, fsynr0: 0xb0013, cb: 0 });
    p2m.map(512, 0x400, W, 2);
    expect(access(512 * 4096)).toEqual({ fsr: 0x408, fsynr0: 0xb0002, cb: 0 });
  });

  test('a page that is not mapped, at the level where the walk ended', () => {
    const { p2m, access } = machine();
    p2m.map(0, 0x100, R | W);
    const levels = [1, 512, 2 ** 18].map((input) => Number(access(input * 4096).fsynr0) & 3);
    expect(levels).toEqual([3, 2, 1]);
  });

  test('an address beyond the 40 bits of the p2m: translation fault at level 0', () => {
    const { access } = machine();
    expect(access(2 ** 40)).toEqual({ fsr: 0x402, fsynr0: 0xb0000, cb: 0 });
    expect(access(2 ** 40 - 4096)).toEqual({ fsr: 0x402, fsynr0: 0xb0001, cb: 0 });
  });

  test('a reserved encoding as if it were not there', () => {
    const { p2m, access, unit } = machine();
    p2m.map(5, 0x105, R | W);
    const at = p2m.entryAt(5, 1);
    p2m.write(at, p2m.memory.read32(at) & ~2, p2m.memory.read32(at + 4));
    expect(access(5 * 4096)).toEqual({ fsr: 0x402, fsynr0: 0xb0003, cb: 0 });
    expect(unit.tableRights(ETH, 5)).toBe(0);
  });

  test('a page whose access flag is clear: access flag fault, before permissions count', () => {
    const { p2m, access, unit } = machine();
    p2m.map(5, 0x105, R);
    const at = p2m.entryAt(5, 1);
    p2m.write(at, p2m.memory.read32(at) & ~(1 << 10), p2m.memory.read32(at + 4));
    expect(access(5 * 4096)).toEqual({ fsr: 0x404, fsynr0: 0xb0003, cb: 0 });
    expect(access(5 * 4096, true)).toEqual({ fsr: 0x404, fsynr0: 0xb0013, cb: 0 });
    expect(unit.tableRights(ETH, 5)).toBe(0);
  });

  test('a stream that no mapping matches, or that leads to no bank', () => {
    const { unit, p2m, access } = machine();
    p2m.map(5, 0x105, R);
    const global = { cb: -1, gfsynr0: 0, gfsynr2: 0 };
    expect(access(5 * 4096, false, DISK)).toEqual({ ...global, gfsr: 2, gfsynr1: DISK });
    expect(access(5 * 4096, true, DISK)).toMatchObject({ gfsr: 2, gfsynr0: 2 });
    expect([unit.tableRights(DISK, 5), unit.tagOf(DISK)]).toEqual([0, -1]);
    expect(access(5 * 4096)).toEqual({ frame: 0x105 });
    unit.setStream(ETH_ROW, ETH, -1);
    expect(access(5 * 4096)).toEqual({ ...global, gfsr: 1, gfsynr1: ETH });
  });

  test('and its registers decode to what happened', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 28 - 1), fc.boolean(), (input, write) => {
        const { p2m, access } = machine();
        p2m.map(input, 0x100, write ? R : W);
        const { fsr = 0, fsynr0 = 0 } = access(input * 4096 + 8, write) as Record<string, number>;
        expect(faultKinds(fsr)).toEqual(['permission']);
        expect(decode(SMMU_CB_FSR, [fsr]).format).toBe(2);
        const syndrome = { level: 3, write: Number(write), stage1Bank: 0xb };
        expect(decode(SMMU_CB_FSYNR0, [fsynr0])).toMatchObject(syndrome);
      }),
    );
  });

  test('and remembers why while the tables are looked at', () => {
    const { unit, p2m, access } = machine();
    p2m.map(5, 0x105, R);
    access(0x84_24cb_148);
    const fault = unit.lastFault();
    expect([unit.tableRights(ETH, 5), unit.tableRights(ETH, 6)]).toEqual([R, 0]);
    expect(unit.lastFault()).toEqual(fault);
  });
});

describe('an SMMU’s IOTLB', () => {
  test('keeps translating a page that the tables no longer map, until its VMID is invalidated', () => {
    const { unit, p2m, access } = machine();
    p2m.map(5, 0x105, R | W);
    access(5 * 4096, true);
    p2m.write(p2m.entryAt(5, 1), 0, 0);
    unit.iotlb.invalidateDomain(2);
    expect([access(5 * 4096, true), unit.tableRights(ETH, 5)]).toEqual([{ frame: 0x105 }, 0]);
    unit.iotlb.invalidateDomain(unit.vmidOfRoot(P2M));
    expect(access(5 * 4096, true)).toMatchObject({ fsr: 0x402 });
  });

  test('is tagged by VMID: streams of two domains see their own translations of one address', () => {
    const { unit, p2m, tables, access } = machine();
    p2m.map(5, 0x105, R);
    tables(ARM_STAGE2, SHAPE, OTHER_P2M).map(5, 0x205, R);
    unit.setStream(DISK_ROW, DISK, unit.bankFor(OTHER_P2M));
    expect([unit.tagOf(ETH), unit.tagOf(DISK)]).toEqual([1, 2]);
    const [eth, disk] = [{ frame: 0x105 }, { frame: 0x205 }];
    expect([access(5 * 4096), access(5 * 4096, false, DISK), access(5 * 4096)]).toEqual([eth, disk, eth]);
    expect([unit.iotlb.find(1, 5), unit.iotlb.find(2, 5)]).toEqual([5, -1]);
  });

  test('remembers nothing that was refused, and walks anew when the rights do not do', () => {
    const { p2m, access, store } = machine();
    const mark = store.mark();
    access(5 * 4096);
    expect(store.mark()).toBe(mark);
    p2m.map(5, 0x105, R);
    expect(access(5 * 4096)).toEqual({ frame: 0x105 });
    expect(access(5 * 4096, true)).toMatchObject({ fsr: 0x408 });
    p2m.map(5, 0x105, R | W);
    expect(access(5 * 4096, true)).toEqual({ frame: 0x105 });
  });
});
