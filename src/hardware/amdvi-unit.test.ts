import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { R, W } from '../formats/address.js';
import { AMDVI_SHAPES, AMDVI_TABLES } from '../formats/amdvi.js';
import { AMDVI_PAGE_FAULT, AmdviEvent } from '../formats/amdvi-events.js';
import { IommuView } from '../formats/iommu-view.js';
import { decode } from '../formats/layout.js';
import { AmdviUnit } from './amdvi-unit.js';
import { bareMachine } from './units.fixture.js';

/** 03:00.0 and 03:00.1 */
const NIC = 0x300;
const TWIN = 0x301;
/** A device table for buses 0 to 7 takes 16 frames. */
const DEVICE_TABLE = 0x10;
const DEVICES = 0x800;
const TREE = 0x40;
const entryAt = DEVICE_TABLE * 4096 + NIC * 32;

/** A unit that is on, with the NIC's entry leading to an empty tree of `mode` levels under domain id 7. */
function machine(mode = 3) {
  const bare = bareMachine();
  const unit = new AmdviUnit(bare.layout, bare.ram, 16, DEVICES);
  unit.enable(DEVICE_TABLE);
  const tree = bare.tables(AMDVI_TABLES, AMDVI_SHAPES[mode]!, TREE);
  unit.setTables(NIC, TREE, mode, 7);
  const access = (address: number, write = false, requester = NIC) => {
    const ok = unit.translate(requester, address, write);
    return ok ? { frame: unit.frame } : { flags: unit.lastFault().registers.flags };
  };
  return { ...bare, unit, tree, access };
}

describe('an AMD-Vi unit', () => {
  test.each([1, 2, 3, 4, 5, 6])('translates through the device table and %i levels in RAM', (mode) => {
    const { tree, access, unit } = machine(mode);
    tree.map(0x1cb, 0x84_24cb, R | W);
    expect(access(0x1cb_148)).toEqual({ frame: 0x84_24cb });
    expect(access(0x1cb_148, true)).toEqual({ frame: 0x84_24cb });
    expect([unit.tableRights(NIC, 0x1cb), unit.frame, unit.tagOf(NIC)]).toEqual([R | W, 0x84_24cb, 7]);
    expect(unit.tableRights(NIC, 0x1cc)).toBe(0);
  });

  test('lets everything pass while it is off, and a device whose entry it ignores', () => {
    const { layout, ram } = bareMachine();
    const off = new AmdviUnit(layout, ram, 16, DEVICES);
    expect([off.translate(NIC, 0x84_24cb_148, true), off.frame]).toEqual([true, 0x84_24cb]);
    expect([off.tableRights(NIC, 5), off.tagOf(NIC)]).toEqual([R | W, -1]);

    const { unit, access, tree } = machine();
    tree.map(5, 0x105, R);
    unit.setIgnored(NIC, TREE, 3, 7);
    expect(access(0x84_24cb_148, true)).toEqual({ frame: 0x84_24cb });
    expect([unit.tableRights(NIC, 5), unit.frame, unit.tagOf(NIC)]).toEqual([R | W, 5, -1]);
    unit.setTables(NIC, TREE, 3, 7);
    expect(access(5 * 4096)).toEqual({ frame: 0x105 });
    unit.forward(NIC);
    expect(access(5 * 4096, true)).toEqual({ frame: 5 });
    // As it does with what nobody has ever written.
    expect(access(0x1234, true, TWIN)).toEqual({ frame: 1 });
    expect(unit.tableRights(NIC, 2 ** 40)).toBe(0);
  });

  test('aborts a device with V = 1 and TV = 0, until its entry is written again', () => {
    const { unit, access, tree } = machine();
    tree.map(5, 0x105, R | W);
    access(5 * 4096);
    unit.abort(NIC);
    expect([access(5 * 4096), access(5 * 4096, true)]).toEqual([{ flags: 0 }, { flags: 0x20 }]);
    expect([unit.select(NIC), unit.tableRights(NIC, 5), unit.tagOf(NIC)]).toEqual([false, 0, -1]);
    unit.setTables(NIC, TREE, 3, 7);
    expect(access(5 * 4096, true)).toEqual({ frame: 0x105 });
  });

  test('faults with the flags of what refused', () => {
    const { tree, ram, access } = machine();
    tree.map(5, 0x105, R);
    tree.map(6, 0x106, R | W);
    // Nothing there: PR stays 0, and RW tells the direction.
    expect([access(7 * 4096), access(7 * 4096, true)]).toEqual([{ flags: 0 }, { flags: 0x20 }]);
    // Beyond what three levels cover.
    expect(access(2 ** 39)).toEqual({ flags: 0 });
    // Present without permission: PR and PE.
    expect(access(5 * 4096, true)).toEqual({ flags: 0x70 });
    // A reserved bit of a present entry: PR and RZ, but permission goes first.
    const leaf = tree.entryAt(5, 1);
    ram.write32(leaf + 4, ram.read32(leaf + 4) | (1 << 20));
    expect([access(5 * 4096), access(5 * 4096, true)]).toEqual([{ flags: 0x90 }, { flags: 0x70 }]);
    // A level that is not below: the same.
    const upper = tree.entryAt(0, 3);
    ram.write32(upper, ram.read32(upper) | (3 << 9));
    expect(access(6 * 4096, true)).toEqual({ flags: 0xb0 });
  });

  test('checks IR and IW of the device table entry, mode 0 included', () => {
    const { unit, ram, tree, access } = machine();
    tree.map(5, 0x105, R | W);
    const readOnly = () => ram.write32(entryAt + 4, ram.read32(entryAt + 4) & ~(1 << 30));
    access(5 * 4096, true);
    readOnly();
    expect([access(5 * 4096), access(5 * 4096, true)]).toEqual([{ frame: 0x105 }, { flags: 0x70 }]);
    expect(unit.tableRights(NIC, 5)).toBe(R);
    unit.setTables(NIC, 0, 0, 7);
    readOnly();
    expect([access(5 * 4096), access(5 * 4096, true)]).toEqual([{ frame: 5 }, { flags: 0x70 }]);
    expect([unit.tableRights(NIC, 5), unit.tagOf(NIC)]).toEqual([R, -1]);
  });

  test('logs an event in the architecture’s encoding', () => {
    const { unit, access, ram } = machine();
    access(0x8_424c_b148, true);
    const fault = unit.lastFault();
    expect(fault).toMatchObject({ requester: NIC, address: 0x8_424c_b148, write: true });
    const { event0 = 0, event1 = 0, event2 = 0, event3 = 0 } = fault.registers;
    expect(decode(AMDVI_PAGE_FAULT, [event0, event1, event2, event3])).toMatchObject({
      event: AmdviEvent.IO_PAGE_FAULT,
      device: NIC,
      did: 7,
      write: 1,
      present: 0,
      addressLow: 0x424c_b148,
      addressHigh: 8,
    });
    ram.write32(entryAt, ram.read32(entryAt) | 4);
    expect(access(0x1000)).toEqual({ flags: 0x80 });
    expect(unit.lastFault().registers.code).toBe(AmdviEvent.ILLEGAL_DEV_TABLE_ENTRY);
  });

  test('remembers translations under their domain id, whatever the tables say later', () => {
    const { unit, tree, access } = machine();
    tree.map(5, 0x105, R | W);
    access(5 * 4096, true);
    tree.map(5, 0x106, R);
    expect(access(5 * 4096, true)).toEqual({ frame: 0x105 });
    unit.setTables(TWIN, TREE, 3, 7);
    expect(access(5 * 4096, true, TWIN)).toEqual({ frame: 0x105 });
    unit.setTables(TWIN, TREE, 3, 8);
    expect(access(5 * 4096, false, TWIN)).toEqual({ frame: 0x106 });
    unit.iotlb.invalidatePages(8, 5, 1);
    expect(access(5 * 4096, true, TWIN)).toEqual({ flags: 0x70 });
  });
});

const entry = fc.record({
  requester: fc.integer({ min: NIC, max: NIC + 2 }),
  what: fc.constantFrom('tables', 'ignored', 'abort', 'forward'),
  mode: fc.integer({ min: 0, max: 6 }),
});
const mapping = fc.record({
  input: fc.nat(511),
  frame: fc.nat(2 ** 30),
  rights: fc.integer({ min: 0, max: 3 }),
});
/** A word of the device table or a tree overwritten with anything. */
const noise = fc.record({
  frame: fc.oneof(fc.constant(DEVICE_TABLE + 6), fc.integer({ min: TREE, max: TREE + 6 })),
  word: fc.oneof(fc.nat(23), fc.nat(1023)),
  value: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
});

test('a view from the outside sees what the unit does', () => {
  fc.assert(
    fc.property(
      fc.array(entry, { minLength: 1, maxLength: 6 }),
      fc.array(mapping, { maxLength: 6 }),
      fc.array(noise, { maxLength: 5 }),
      (entries, mappings, overwritten) => {
        const { layout, ram, tables } = bareMachine();
        const unit = new AmdviUnit(layout, ram, 8, DEVICES);
        unit.enable(DEVICE_TABLE);
        const tree = tables(AMDVI_TABLES, AMDVI_SHAPES[3]!, TREE);
        for (const { requester, what, mode } of entries) {
          if (what === 'tables') unit.setTables(requester, TREE, mode, 7);
          if (what === 'ignored') unit.setIgnored(requester, TREE, mode, 7);
          if (what === 'abort') unit.abort(requester);
          if (what === 'forward') unit.forward(requester);
        }
        for (const { input, frame, rights } of mappings) tree.map(input, frame, rights);
        for (const { frame, word, value } of overwritten) ram.write32(frame * 4096 + word * 4, value);
        const view = new IommuView(ram, 'amdvi', DEVICE_TABLE * 4096, DEVICES);
        const inputs = [0, 1, 2 ** 27, 2 ** 36, ...mappings.flatMap(({ input }) => [input, input + 1])];
        for (const requester of [NIC, TWIN, NIC + 2, NIC + 3, DEVICES]) {
          const state = view.select(requester);
          expect(unit.select(requester)).toBe(state !== 'blocked');
          expect(unit.tagOf(requester)).toBe(state === 'translated' ? view.did : -1);
          for (const input of inputs) {
            const expected = unit.tableRights(requester, input);
            expect(view.rights(input)).toBe(expected);
            if (expected !== 0) expect(view.frame).toBe(unit.frame);
            const { frame } = view;
            // What the unit does with an access, when nothing is remembered.
            unit.iotlb.invalidateDomain(view.did);
            expect(unit.translate(requester, input * 4096, true)).toBe((expected & W) !== 0);
            if ((expected & W) !== 0) expect(unit.frame).toBe(frame);
            unit.iotlb.invalidateDomain(view.did);
          }
        }
      },
    ),
    { numRuns: 150 },
  );
});
