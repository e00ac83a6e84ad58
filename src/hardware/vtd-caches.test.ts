import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { R, W } from '../formats/address.js';
import { FOUR_LEVELS, THREE_LEVELS } from '../formats/radix.js';
import { VTD_SECOND_LEVEL } from '../formats/vtd.js';
import { VtdReason } from '../formats/vtd-faults.js';
import { Store } from '../store/store.js';
import { Layout } from '../store/table.js';
import { ContextCache } from './context-cache.js';
import { DelayedWrites } from './delayed-writes.js';
import { bareMachine } from './units.fixture.js';
import { FULL_VTD, type VtdCapabilities } from './vtd-capabilities.js';
import { VtdUnit } from './vtd-unit.js';

/** 03:00.0 */
const NIC = 0x300;
const ROOT_TABLE = 0x10;
const TREE = 0x20;
const OTHER_TREE = 0x60;
const REQUESTERS = [NIC, NIC + 1, NIC + 8];

/** A unit with a context cache; bus 3 has a context table and no contexts, and there are two trees. */
function machine(capabilities: Partial<VtdCapabilities> = {}, contextCache = 4) {
  const { layout, ram, tables } = bareMachine();
  const all = { ...FULL_VTD, ...capabilities };
  const unit = new VtdUnit(layout, ram, 16, { capabilities: all, contextCache });
  unit.enable(ROOT_TABLE);
  unit.setContextTable(3, 0x11);
  unit.flushWrites();
  const shape = unit.levels === 3 ? THREE_LEVELS : FOUR_LEVELS;
  const trees = [TREE, OTHER_TREE].map((root) => tables(VTD_SECOND_LEVEL, shape, root));
  const access = (input: number, write = false, requester = NIC) => {
    const ok = unit.translate(requester, input * 4096, write);
    return ok ? { frame: unit.frame } : { reason: unit.lastFault().registers.reason };
  };
  return { unit, ram, access, tree: trees[0]!, other: trees[1]! };
}

const refused = (reason: number) => ({ reason });

describe('a context cache', () => {
  test('goes on using a context that has changed in memory until it is invalidated under the DID it had', () => {
    const { unit, access, tree, other } = machine();
    tree.map(5, 0x105, R);
    other.map(5, 0x205, R);
    unit.setContext(NIC, TREE, 7);
    expect(access(5)).toEqual({ frame: 0x105 });
    unit.setContext(NIC, OTHER_TREE, 8);
    expect(access(5)).toEqual({ frame: 0x105 });
    expect([unit.tagOf(NIC), unit.rememberedTagOf(NIC)]).toEqual([8, 7]);
    unit.invalidateContext(8, NIC);
    expect(access(5)).toEqual({ frame: 0x105 });
    unit.invalidateContext(7, NIC);
    expect(access(5)).toEqual({ frame: 0x205 });
  });

  test('still knows the tables of a device whose context was cleared', () => {
    const { unit, access, tree } = machine();
    tree.map(5, 0x105, R);
    unit.setContext(NIC, TREE, 7);
    access(5);
    unit.clearContext(NIC);
    expect(unit.select(NIC)).toBe(false);
    expect(unit.selectRemembered(NIC)).toBe(true);
    expect(unit.selectedRights(5)).toBe(R);
    expect(access(5)).toEqual({ frame: 0x105 });
  });

  test('remembers that a device has no context in caching mode only, under DID 0', () => {
    for (const cachingMode of [false, true]) {
      const { unit, access, tree } = machine({ cachingMode });
      tree.map(5, 0x105, R);
      expect(access(5)).toEqual(refused(VtdReason.CONTEXT_NOT_PRESENT));
      unit.setContext(NIC, TREE, 7);
      const now = cachingMode ? refused(VtdReason.CONTEXT_NOT_PRESENT) : { frame: 0x105 };
      expect(access(5)).toEqual(now);
      unit.invalidateContext(0, NIC);
      expect(access(5)).toEqual({ frame: 0x105 });
    }
  });

  test('remembers pass-through and the levels of a context', () => {
    const { unit, access } = machine({ levels: [3] });
    unit.setPassThrough(NIC, 7);
    expect(access(5)).toEqual({ frame: 5 });
    unit.clearContext(NIC);
    expect(access(6)).toEqual({ frame: 6 });
    expect(access(2 ** 27)).toEqual(refused(VtdReason.BEYOND_WIDTH));
  });

  test('of no entries remembers nothing and takes no words', () => {
    const { unit, access, tree, other } = machine({}, 0);
    tree.map(5, 0x105, R);
    other.map(5, 0x205, R);
    unit.setContext(NIC, TREE, 7);
    access(5);
    unit.setContext(NIC, OTHER_TREE, 8);
    expect(access(5)).toEqual({ frame: 0x205 });
    expect(unit.selectRemembered(NIC)).toBe(false);
  });

  test('holds the last fill of each row, and equal contents are equal states', () => {
    const fill = fc.record({
      requester: fc.constantFrom(...REQUESTERS, 0, 4),
      did: fc.nat(2),
      root: fc.integer({ min: -1, max: 3 }),
      reason: fc.constantFrom(0, 2),
    });
    const drop = fc.record({ requester: fc.constantFrom(...REQUESTERS, 0, 4), did: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(fc.oneof(fill, drop), { maxLength: 30 }), (actions) => {
        const fresh = () => {
          const store = new Store();
          return { store, cache: new ContextCache(new Layout(store), 'VT-d', 4) };
        };
        const { store, cache } = fresh();
        const model = new Map<number, { requester: number; did: number; root: number; reason: number }>();
        for (const action of actions) {
          const row = action.requester % 4;
          if ('root' in action) {
            cache.fill(action.requester, action.did, action.root, 4, action.reason);
            model.set(row, action);
            continue;
          }
          cache.invalidateDevice(action.did, action.requester);
          const entry = model.get(row);
          if (entry?.requester === action.requester && entry.did === action.did) model.delete(row);
        }
        for (const requester of [...REQUESTERS, 0, 4]) {
          const entry = [...model.values()].find((one) => one.requester === requester);
          const row = cache.find(requester);
          expect(row >= 0).toBe(entry !== undefined);
          if (entry === undefined) continue;
          expect([cache.did(row), cache.root(row), cache.reason(row), cache.levels(row)]).toEqual([
            entry.did,
            entry.root,
            entry.reason,
            4,
          ]);
        }
        const other = fresh();
        for (const { requester, did, root, reason } of model.values()) {
          other.cache.fill(requester, did, root, 4, reason);
        }
        expect(other.store.hashText()).toBe(store.hashText());
      }),
    );
  });

  test('refuses a size that is neither 0 nor a power of two', () => {
    expect(() => new ContextCache(new Layout(new Store()), 'VT-d', 3)).toThrow(RangeError);
  });
});

describe('a unit in caching mode (Intel VT-d spec 5.10 §6.1)', () => {
  test('goes on refusing what was absent until that is invalidated under the domain’s id', () => {
    const { unit, access, tree } = machine({ cachingMode: true });
    unit.setContext(NIC, TREE, 7);
    expect(access(5)).toEqual(refused(VtdReason.READ_DENIED));
    tree.map(5, 0x105, R | W);
    expect(access(5)).toEqual(refused(VtdReason.READ_DENIED));
    expect(access(5, true)).toEqual(refused(VtdReason.WRITE_DENIED));
    unit.invalidatePages(0, 5, 1);
    expect(access(5)).toEqual(refused(VtdReason.READ_DENIED));
    unit.invalidatePages(7, 5, 1);
    expect(access(5, true)).toEqual({ frame: 0x105 });
  });

  test('looks again where there are rights, but not enough', () => {
    const { unit, access, tree } = machine({ cachingMode: true });
    unit.setContext(NIC, TREE, 7);
    tree.map(5, 0x105, R);
    access(5);
    tree.map(5, 0x105, R | W);
    expect(access(5, true)).toEqual({ frame: 0x105 });
  });
});

describe('a unit with capabilities of its own', () => {
  test('takes a pass-through context for invalid without ECAP.PT', () => {
    const { unit, access } = machine({ passThrough: false });
    unit.setPassThrough(NIC, 7);
    expect(access(5)).toEqual(refused(VtdReason.CONTEXT_INVALID));
  });

  test('takes superpages it does not know, and without ECAP.SC the snoop bit, for reserved bits', () => {
    const { unit, ram, access, tree } = machine({ superpageLevel: 1, snoopControl: false });
    unit.setContext(NIC, TREE, 7);
    tree.map(0x200, 0x400, R, 2);
    expect(access(0x201)).toEqual(refused(VtdReason.ENTRY_RESERVED));
    tree.map(0x800, 0x105, R);
    expect(access(0x800)).toEqual({ frame: 0x105 });
    const leaf = tree.entryAt(0x801, 1);
    tree.map(0x801, 0x106, R);
    ram.write32(leaf, ram.read32(leaf) | (1 << 11));
    expect(access(0x801)).toEqual(refused(VtdReason.ENTRY_RESERVED));
  });

  test('of three levels writes contexts of three levels', () => {
    const { unit, access, tree } = machine({ levels: [3] });
    tree.map(2 ** 26, 0x105, R);
    unit.setContext(NIC, TREE, 7);
    expect(access(2 ** 26)).toEqual({ frame: 0x105 });
    expect(access(2 ** 27)).toEqual(refused(VtdReason.BEYOND_WIDTH));
  });
});

describe('writes that are under way', () => {
  test('are not seen by a unit with a write buffer before it is drained, or something is invalidated', () => {
    const drains: readonly ((unit: VtdUnit) => void)[] = [
      (unit) => unit.flushWrites(),
      (unit) => unit.invalidateDomain(99),
      (unit) => unit.invalidatePages(99, 0, 1),
      (unit) => unit.invalidateContext(99, NIC),
    ];
    for (const drain of drains) {
      const { unit, access } = machine({ writeBuffer: true }, 0);
      unit.setPassThrough(NIC, 7);
      expect(access(5)).toEqual(refused(VtdReason.CONTEXT_NOT_PRESENT));
      drain(unit);
      expect(access(5)).toEqual({ frame: 5 });
    }
  });

  test('stay in caches that the unit does not snoop, whatever is invalidated, until the line is written back', () => {
    const { unit, ram, access, tree } = machine({ coherent: false }, 0);
    unit.setContext(NIC, TREE, 7);
    tree.map(5, 0x105, R);
    tree.map(6, 0x106, R);
    expect(access(5)).toEqual({ frame: 0x105 });
    const leaf = tree.entryAt(5, 1);
    unit.noteWrite(leaf, 8);
    ram.write32(leaf, 0);
    unit.invalidateDomain(7);
    unit.flushWrites();
    expect(access(5)).toEqual({ frame: 0x105 });
    unit.syncCache(leaf + 8, 8);
    unit.invalidateDomain(7);
    expect(access(5)).toEqual(refused(VtdReason.READ_DENIED));
  });

  test('leave what the unit sees as it was when the first of them was made, and arrive oldest first when there are many', () => {
    const write = fc.record({ entry: fc.nat(30), value: fc.nat() });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 60 }), fc.boolean(), (writes, flushed) => {
        const { layout, ram } = bareMachine();
        const delayed = new DelayedWrites(layout, 'VT-d', ram);
        const waiting: { entry: number; before: number }[] = [];
        for (const { entry, value } of writes) {
          const pa = 0x30 * 4096 + entry * 8;
          if (!waiting.some((one) => one.entry === entry)) {
            if (waiting.length === 16) waiting.shift();
            waiting.push({ entry, before: ram.read32(pa) });
          }
          delayed.note(pa);
          ram.write32(pa, value);
        }
        if (flushed) {
          delayed.flush();
          waiting.length = 0;
        }
        expect(delayed.count).toBe(waiting.length);
        for (let entry = 0; entry <= 30; entry++) {
          const pa = 0x30 * 4096 + entry * 8;
          const before = waiting.find((one) => one.entry === entry)?.before;
          expect(delayed.read32(pa)).toBe(before ?? ram.read32(pa));
        }
      }),
    );
  });
});
