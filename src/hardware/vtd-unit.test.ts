import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { R, type Rights, W } from '../formats/address.js';
import { encode } from '../formats/layout.js';
import { FOUR_LEVELS, THREE_LEVELS } from '../formats/radix.js';
import { VTD_CONTEXT_ENTRY, VTD_ROOT_ENTRY, VTD_SECOND_LEVEL } from '../formats/vtd.js';
import {
  faultIsRead,
  faultPage,
  faultPending,
  faultReasonCode,
  faultSource,
  VtdReason,
} from '../formats/vtd-faults.js';
import { bareMachine } from './units.fixture.js';
import { VtdUnit } from './vtd-unit.js';

/** 03:00.0 */
const NIC = 0x300;
const ROOT_TABLE = 0x10;
const CONTEXT_TABLE = 0x11;
const TREE = 0x20;
const OTHER_TREE = 0x60;
const IOTLB_SIZE = 16;

const CONTEXT = { present: 1, type: 0, root: TREE, width: 2, did: 7 };

/** A unit whose tables are written entry by entry: bus 3 has a context table, the NIC a context with an empty tree. */
function machine(context: Readonly<Record<string, number>> = CONTEXT) {
  const bare = bareMachine();
  const unit = new VtdUnit(bare.layout, bare.ram, IOTLB_SIZE);
  const put = (pa: number, words: Int32Array) => {
    words.forEach((word, i) => {
      bare.ram.write32(pa + 4 * i, word);
    });
  };
  const putRoot = (fields: Readonly<Record<string, number>>) =>
    put(ROOT_TABLE * 4096 + 3 * 16, encode(VTD_ROOT_ENTRY, fields));
  const putContext = (fields: Readonly<Record<string, number>>, devfn = 0) =>
    put(CONTEXT_TABLE * 4096 + devfn * 16, encode(VTD_CONTEXT_ENTRY, fields));
  unit.enable(ROOT_TABLE);
  putRoot({ present: 1, contextTable: CONTEXT_TABLE });
  putContext(context);
  const tree = bare.tables(VTD_SECOND_LEVEL, FOUR_LEVELS, TREE);
  const access = (address: number, write = false, requester = NIC) => {
    const ok = unit.translate(requester, address, write);
    return ok ? { frame: unit.frame } : { reason: unit.lastFault().registers.reason };
  };
  return { ...bare, unit, putRoot, putContext, tree, access };
}

const refused = (reason: number) => ({ reason });

describe('a VT-d unit', () => {
  test('translates through root, context and second-level tables in RAM', () => {
    const { tree, access, unit } = machine();
    tree.map(0x84_24cb, 0x123, R | W);
    expect(access(0x84_24cb_148)).toEqual({ frame: 0x123 });
    expect(access(0x84_24cb_148, true)).toEqual({ frame: 0x123 });
    expect(unit.tableRights(NIC, 0x84_24cb)).toBe(R | W);
  });

  test.each([2, 3])('translates inside a superpage of level %i', (level) => {
    const { tree, access } = machine();
    const span = 512 ** (level - 1);
    tree.map(5 * span, 3 * span, R, level);
    expect(access((5 * span + 7) * 4096)).toEqual({ frame: 3 * span + 7 });
    expect(access((6 * span - 1) * 4096)).toEqual({ frame: 4 * span - 1 });
    expect(access(6 * span * 4096)).toEqual(refused(VtdReason.READ_DENIED));
  });

  test('that is not enabled passes every access untranslated', () => {
    const { layout, ram } = bareMachine();
    const unit = new VtdUnit(layout, ram, IOTLB_SIZE);
    expect(unit.translate(NIC, 0x84_24cb_148, true)).toBe(true);
    expect(unit.frame).toBe(0x84_24cb);
    expect(unit.translate(NIC, 2 ** 50, true)).toBe(true);
    expect([unit.tableRights(NIC, 5), unit.tagOf(NIC)]).toEqual([R | W, -1]);
  });

  test('passes a pass-through device’s accesses untranslated, remembers none, and knows no tag', () => {
    const { access, unit, store } = machine({ present: 1, type: 2, width: 2, did: 7 });
    const mark = store.mark();
    expect(access(0x84_24cb_148, true)).toEqual({ frame: 0x84_24cb });
    expect([unit.tableRights(NIC, 5), unit.frame, unit.tagOf(NIC)]).toEqual([R | W, 5, -1]);
    expect(access(2 ** 48, true)).toEqual(refused(VtdReason.BEYOND_WIDTH));
    expect([unit.tableRights(NIC, 2 ** 36), store.mark()]).toEqual([0, mark]);
  });

  test('takes the entries that its own functions write', () => {
    const { layout, ram, tables } = bareMachine();
    const unit = new VtdUnit(layout, ram, IOTLB_SIZE);
    tables(VTD_SECOND_LEVEL, FOUR_LEVELS, TREE).map(5, 0x105, R | W);
    unit.enable(ROOT_TABLE);
    expect([unit.rootTable, unit.hasContextTable(3), unit.contextTable(3)]).toEqual([ROOT_TABLE, false, -1]);
    unit.setContextTable(3, CONTEXT_TABLE);
    expect([unit.hasContextTable(3), unit.contextTable(3), unit.hasContextTable(4)]).toEqual([
      true,
      CONTEXT_TABLE,
      false,
    ]);
    unit.setContext(NIC, TREE, 9);
    expect([unit.translate(NIC, 5 * 4096, true), unit.frame, unit.tagOf(NIC)]).toEqual([true, 0x105, 9]);
    unit.setPassThrough(NIC, 9);
    expect([unit.translate(NIC, 5 * 4096, true), unit.frame]).toEqual([true, 5]);
    unit.clearContext(NIC);
    expect([unit.translate(NIC, 5 * 4096, true), unit.lastFault().registers.reason]).toEqual([false, 2]);
  });

  test('refuses to write a context entry where there is no context table, and leaves RAM alone', () => {
    const { unit, ram, store } = machine();
    const mark = store.mark();
    for (const wrong of [
      () => unit.setContext(0x400, TREE, 1),
      () => unit.setPassThrough(0x400, 1),
      () => unit.clearContext(0x400),
    ]) {
      expect(wrong).toThrow(new RangeError('bus 0x4 has no context table; setContextTable comes first'));
    }
    expect([store.mark(), ram.read32(8)]).toEqual([mark, 0]);
  });
});

describe('a VT-d unit refuses', () => {
  test('1: a device of a bus whose root entry is not present', () => {
    const { access, putRoot } = machine();
    expect(access(0, false, 0x400)).toEqual(refused(VtdReason.ROOT_NOT_PRESENT));
    putRoot({ present: 0, contextTable: CONTEXT_TABLE, reserved1: 1 });
    expect(access(0)).toEqual(refused(VtdReason.ROOT_NOT_PRESENT));
  });

  test('2: a device whose context entry is not present, whatever else it says', () => {
    const { access, putContext } = machine();
    expect(access(0, false, NIC + 1)).toEqual(refused(VtdReason.CONTEXT_NOT_PRESENT));
    putContext({ ...CONTEXT, present: 0, reserved4: 1 });
    expect(access(0)).toEqual(refused(VtdReason.CONTEXT_NOT_PRESENT));
  });

  test.each([0, 3, 4, 5, 6, 7])('3: a context entry of width %i, which the unit does not have', (width) => {
    const { access, tree, unit } = machine({ ...CONTEXT, width });
    tree.map(0, 1, R | W);
    expect(access(0)).toEqual(refused(VtdReason.CONTEXT_INVALID));
    expect([unit.tableRights(NIC, 0), unit.tagOf(NIC)]).toEqual([0, -1]);
    expect(machine({ ...CONTEXT, type: 2, width }).access(0)).toEqual(refused(VtdReason.CONTEXT_INVALID));
  });

  test.each([1, 3])('3: a context entry of type %i: no device-TLBs here, and no such type', (type) => {
    expect(machine({ ...CONTEXT, type }).access(0)).toEqual(refused(VtdReason.CONTEXT_INVALID));
  });

  test('4: an address beyond the width of the context, 48 or 39 bits', () => {
    const { access, tree } = machine();
    tree.map(0, 1, R);
    expect(access(2 ** 48 - 1)).toEqual(refused(VtdReason.READ_DENIED));
    expect(access(2 ** 48)).toEqual(refused(VtdReason.BEYOND_WIDTH));
    const narrow = machine({ ...CONTEXT, width: 1 });
    narrow.tables(VTD_SECOND_LEVEL, THREE_LEVELS, TREE).map(2 ** 27 - 1, 0x77, R);
    expect(narrow.access(2 ** 39 - 1)).toEqual({ frame: 0x77 });
    expect(narrow.access(2 ** 39)).toEqual(refused(VtdReason.BEYOND_WIDTH));
  });

  test('5 and 6: what no entry allows, by direction, wherever the path ends', () => {
    const { access, tree } = machine();
    tree.map(1, 0x101, R);
    tree.map(2, 0x102, W);
    const faults = [1, 2, 3, 512, 2 ** 18, 2 ** 27].map((input) => [
      access(input * 4096).reason ?? 0,
      access(input * 4096, true).reason ?? 0,
    ]);
    expect(faults).toEqual([
      [0, VtdReason.WRITE_DENIED],
      [VtdReason.READ_DENIED, 0],
      ...Array(4).fill([VtdReason.READ_DENIED, VtdReason.WRITE_DENIED]),
    ]);
  });

  test('5: a write that an upper table alone forbids', () => {
    const { access, tree, ram } = machine();
    tree.map(1, 0x101, R | W);
    const upper = tree.entryAt(1, 3);
    ram.write32(upper, ram.read32(upper) & ~W);
    expect(access(4096)).toEqual({ frame: 0x101 });
    expect(access(4096, true)).toEqual(refused(VtdReason.WRITE_DENIED));
  });

  test('0xa: a root entry with a reserved bit, or a frame beyond 52 bits', () => {
    const entry = { present: 1, contextTable: CONTEXT_TABLE };
    for (const wrong of [
      { reserved1: 1 },
      { reserved64: 1 },
      { reserved96: 2 ** 31 },
      { contextTable: 2 ** 40 },
    ]) {
      const { access, putRoot } = machine();
      putRoot({ ...entry, ...wrong });
      expect(access(0)).toEqual(refused(VtdReason.ROOT_RESERVED));
    }
  });

  test('0xb: a context entry with a reserved bit, or a frame beyond 52 bits, before it looks at type and width', () => {
    for (const wrong of [
      { reserved4: 1 },
      { reserved71: 1 },
      { reserved88: 2 ** 39 },
      { root: TREE + 2 ** 40 },
    ]) {
      expect(machine({ ...CONTEXT, ...wrong }).access(0)).toEqual(refused(VtdReason.CONTEXT_RESERVED));
      expect(machine({ ...CONTEXT, ...wrong, width: 0 }).access(0)).toEqual(
        refused(VtdReason.CONTEXT_RESERVED),
      );
    }
    expect(machine({ ...CONTEXT, ignored67: 15 }).access(0)).toEqual(refused(VtdReason.READ_DENIED));
  });

  test('0xc: a second-level entry with a reserved bit, but 5 or 6 where the path already denies the access', () => {
    const { access, tree } = machine();
    // A 2 MiB page that is not aligned: read-only itself, so a write is denied before the bits are looked at.
    tree.map(512, 0x200, R, 2);
    const entry = tree.entryAt(512, 2);
    tree.write(entry, tree.memory.read32(entry) | (1 << 12), 0);
    expect(access(512 * 4096)).toEqual(refused(VtdReason.ENTRY_RESERVED));
    expect(access(512 * 4096, true)).toEqual(refused(VtdReason.WRITE_DENIED));
  });
});

describe('a VT-d unit’s IOTLB', () => {
  test('keeps translating a page that the tables no longer map, until it is invalidated', () => {
    const { access, tree, unit } = machine();
    tree.map(5, 0x105, R | W);
    access(5 * 4096, true);
    tree.write(tree.entryAt(5, 1), 0, 0);
    expect([access(5 * 4096, true), unit.tableRights(NIC, 5)]).toEqual([{ frame: 0x105 }, 0]);
    unit.iotlb.invalidatePages(7, 5, 1);
    expect(access(5 * 4096, true)).toEqual(refused(VtdReason.WRITE_DENIED));
  });

  test('remembers nothing that was refused, and no more rights than the tables gave', () => {
    const { access, tree, unit, store } = machine();
    const mark = store.mark();
    access(5 * 4096);
    expect(store.mark()).toBe(mark);
    tree.map(5, 0x105, R);
    expect(access(5 * 4096)).toEqual({ frame: 0x105 });
    expect(access(5 * 4096, true)).toEqual(refused(VtdReason.WRITE_DENIED));
    // A write walks anew when the remembered rights do not do.
    tree.map(5, 0x105, R | W);
    expect(access(5 * 4096, true)).toEqual({ frame: 0x105 });
    expect(unit.iotlb.rights(unit.iotlb.find(7, 5))).toBe(R | W);
  });

  test('is tagged: a device that moves to another domain does not see the old one’s translations', () => {
    const { access, tree, tables, unit, putContext } = machine();
    tree.map(5, 0x105, R);
    expect([access(5 * 4096), unit.tagOf(NIC)]).toEqual([{ frame: 0x105 }, 7]);
    tables(VTD_SECOND_LEVEL, FOUR_LEVELS, OTHER_TREE).map(6, 0x206, R);
    putContext({ ...CONTEXT, root: OTHER_TREE, did: 8 });
    expect([access(5 * 4096), access(6 * 4096), unit.tagOf(NIC)]).toEqual([
      refused(VtdReason.READ_DENIED),
      { frame: 0x206 },
      8,
    ]);
    // With the same tag it would: what a context switch without a flush leaves behind.
    putContext({ ...CONTEXT, root: OTHER_TREE });
    expect(access(5 * 4096)).toEqual({ frame: 0x105 });
  });

  test('serves every device with the same tag', () => {
    const { access, tree, putContext } = machine();
    putContext(CONTEXT, 1);
    tree.map(5, 0x105, R);
    access(5 * 4096);
    tree.write(tree.entryAt(5, 1), 0, 0);
    expect(access(5 * 4096, false, NIC + 1)).toEqual({ frame: 0x105 });
  });

  test('is not asked once the context entry is gone', () => {
    const { access, tree, unit } = machine();
    tree.map(5, 0x105, R);
    access(5 * 4096);
    unit.clearContext(NIC);
    expect(access(5 * 4096)).toEqual(refused(VtdReason.CONTEXT_NOT_PRESENT));
  });

  test('does not serve one address for another that is 2^44 bytes higher', () => {
    const { access, tree } = machine();
    tree.map(5, 0x105, R);
    access(5 * 4096);
    expect(access((2 ** 32 + 5) * 4096)).toEqual(refused(VtdReason.READ_DENIED));
  });

  test('goes back with the store', () => {
    const { access, tree, unit, store } = machine();
    tree.map(5, 0x105, R);
    const [mark, hash] = [store.mark(), store.hashText()];
    access(5 * 4096);
    expect(unit.iotlb.find(7, 5)).not.toBe(-1);
    store.rollback(mark);
    expect([unit.iotlb.find(7, 5), store.hashText()]).toEqual([-1, hash]);
  });
});

describe('a VT-d fault record', () => {
  test('says who, where, which direction and why', () => {
    const page = fc.oneof(fc.nat(), fc.constantFrom(0x84_24cb, 2 ** 36 - 1));
    fc.assert(
      fc.property(page, fc.nat(4095), fc.nat(0xff), fc.boolean(), (page, offset, devfn, write) => {
        const { unit } = machine();
        const requester = 0x300 | devfn;
        const reason = devfn !== 0 ? VtdReason.CONTEXT_NOT_PRESENT : VtdReason.READ_DENIED - Number(write);
        const address = page * 4096 + offset;
        expect(unit.translate(requester, address, write)).toBe(false);
        const fault = unit.lastFault();
        expect([fault.requester, fault.address, fault.write]).toEqual([requester, address, write]);
        const { frcd0 = 0, frcd1 = 0, frcd2 = 0, frcd3 = 0 } = fault.registers;
        expect([faultPage(frcd0, frcd1), faultSource(frcd2), faultReasonCode(frcd3)]).toEqual([
          page,
          requester,
          reason,
        ]);
        expect([faultIsRead(frcd3), faultPending(frcd3)]).toEqual([!write, true]);
      }),
    );
  });

  test('stays what it was while the tables are looked at', () => {
    const { access, tree, unit } = machine();
    tree.map(5, 0x105, R);
    access(0x84_24cb_148, true);
    const fault = unit.lastFault();
    unit.tableRights(NIC, 5);
    unit.tagOf(0x400);
    expect(unit.lastFault()).toEqual(fault);
  });
});

test('rights read from the tables are those that accesses have', () => {
  const entry = fc.record({
    input: fc.nat(3),
    rights: fc.constantFrom<Rights>(0, R, W, R | W),
    upper: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 6 }), (entries) => {
      const { unit, tree, ram } = machine();
      for (const { input, rights, upper } of entries) {
        tree.map(input * 512, 0x100 + input, rights);
        const at = tree.entryAt(input * 512, 2);
        if (upper) ram.write32(at, ram.read32(at) & ~W);
      }
      for (let input = 0; input < 4; input++) {
        const rights = unit.tableRights(NIC, input * 512);
        const can = (write: boolean) => unit.translate(NIC, input * 512 * 4096, write);
        expect([can(false), can(true)]).toEqual([(rights & R) !== 0, (rights & W) !== 0]);
      }
    }),
  );
});
