import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { R, W } from './address.js';
import { AMDVI_SHAPES, AMDVI_TABLES, abortDevice, type DeviceEntry, writeDeviceEntry } from './amdvi.js';
import { collectLeaves, IommuView } from './iommu-view.js';
import { FOUR_LEVELS } from './radix.js';
import { SparseMemory, TreeBuilder } from './tables.fixture.js';
import { ContextType, VTD_SECOND_LEVEL, writeContextEntry, writeRootEntry } from './vtd.js';

const NIC = 0x0300;
const ROOT_TABLE = 0x10_000;
const CONTEXTS = 0x11;
const contextAt = CONTEXTS * 4096 + (NIC & 0xff) * 16;

/** VT-d tables with one context, for the NIC, whose tree maps frame 7 to 0x77 for reads. */
function vtd(type: number = ContextType.MULTI_LEVEL, levels = 4) {
  const tree = new TreeBuilder(VTD_SECOND_LEVEL, { topLevel: levels, concatenated: 1 });
  tree.map(7, 0x77, R);
  writeRootEntry(tree.memory, ROOT_TABLE + 3 * 16, CONTEXTS);
  writeContextEntry(tree.memory, contextAt, type, tree.root, levels, 5);
  return { tree, view: new IommuView(tree.memory, 'vtd', ROOT_TABLE) };
}

describe('a view of VT-d tables', () => {
  test.each([3, 4, 5])('follows %i levels', (levels) => {
    const { tree, view } = vtd(ContextType.MULTI_LEVEL, levels);
    tree.map(1 << 20, 1 << 10, R | W, 2);
    expect(view.select(NIC)).toBe('translated');
    expect([view.did, view.root, view.shape.topLevel]).toEqual([5, tree.root, levels]);
    expect([view.rights(7), view.frame]).toEqual([R, 0x77]);
    expect([view.rights(8), view.frame]).toEqual([0, -1]);
    expect([view.rights((1 << 20) + 99), view.frame]).toEqual([R | W, (1 << 10) + 99]);
    expect(view.rights(2 ** (9 * levels))).toBe(0);
    expect(view.rights(-1)).toBe(0);
  });

  test('device-TLBs change nothing, pass-through lets all within the width pass', () => {
    expect(vtd(ContextType.DEVICE_IOTLB).view.select(NIC)).toBe('translated');
    const { view } = vtd(ContextType.PASS_THROUGH, 3);
    expect(view.select(NIC)).toBe('passthrough');
    expect([view.did, view.root]).toEqual([5, -1]);
    expect([view.rights(0x1234), view.frame]).toEqual([R | W, 0x1234]);
    expect([view.rights(2 ** 27), view.frame]).toEqual([0, -1]);
    expect(collectLeaves(view)).toBeUndefined();
  });

  test('says why a device is blocked', () => {
    const { tree, view } = vtd();
    const noteOf = (requester: number) => {
      view.select(requester);
      expect([view.state, view.did, view.root, view.rights(7), view.frame]).toEqual([
        'blocked',
        -1,
        -1,
        0,
        -1,
      ]);
      return view.note;
    };
    view.select(NIC);
    expect(noteOf(0x0400)).toBe('the root entry of the bus is not present');
    expect(noteOf(0x0301)).toBe('the context entry of the device is not present');
    tree.memory.write32(contextAt, tree.memory.read32(contextAt) | 0x10);
    expect(noteOf(NIC)).toBe('a reserved bit of a present context entry is set');
    writeContextEntry(tree.memory, contextAt, 3, tree.root, 4, 5);
    expect(noteOf(NIC)).toMatch(/width, type or root table/);
  });

  test('refused encodings give no rights', () => {
    const { tree, view } = vtd();
    const at = tree.entryAt(7, 2);
    // A superpage whose frame is not aligned.
    tree.write(at, 0x1000 | 0x80 | 3, 0);
    view.select(NIC);
    expect([view.rights(7), view.frame]).toEqual([0, -1]);
    expect(collectLeaves(view)).toMatchObject({ pages: 0, reserved: 1 });
  });
});

const entryAt = ROOT_TABLE + NIC * 32;

/** A device table with one entry, for the NIC, whose tree maps frame 7 to 0x77 for reads. */
function amdvi(entry: Partial<DeviceEntry> = {}) {
  const { mode = 4 } = entry;
  const tree = new TreeBuilder(AMDVI_TABLES, AMDVI_SHAPES[mode] ?? FOUR_LEVELS);
  tree.map(7, 0x77, R);
  const whole = { valid: true, translationValid: true, mode, root: tree.root, did: 5, ...entry };
  writeDeviceEntry(tree.memory, entryAt, whole);
  return { tree, view: new IommuView(tree.memory, 'amdvi', ROOT_TABLE) };
}

describe('a view of AMD-Vi tables', () => {
  test.each([1, 2, 3, 4, 5, 6])('follows %i levels', (mode) => {
    const { tree, view } = amdvi({ mode });
    expect(view.select(NIC)).toBe('translated');
    expect([view.did, view.root, view.note]).toEqual([5, tree.root, '']);
    expect([view.rights(7), view.frame]).toEqual([R, 0x77]);
    expect([view.rights(8), view.frame]).toEqual([0, -1]);
  });

  test('V = 0 passes everything, and the view says so', () => {
    const { view } = amdvi({ valid: false });
    expect(view.select(NIC)).toBe('passthrough');
    expect([view.did, view.root]).toEqual([-1, -1]);
    expect([view.rights(0x1234), view.frame]).toEqual([R | W, 0x1234]);
    expect(view.note).toMatch(/^V = 0/);
    // So does a device whose entry nobody has written.
    expect(view.select(0x0008)).toBe('passthrough');
  });

  test('TV = 0 blocks, as Xen leaves a quarantined device', () => {
    const { tree, view } = amdvi();
    abortDevice(tree.memory, entryAt);
    expect(view.select(NIC)).toBe('blocked');
    expect([view.note, view.rights(7)]).toEqual(['TV = 0: everything is aborted', 0]);
  });

  test('mode 0 passes what IR and IW let pass', () => {
    const { tree, view } = amdvi({ mode: 0 });
    expect(view.select(NIC)).toBe('passthrough');
    expect([view.did, view.rights(7), view.frame]).toEqual([5, R | W, 7]);
    const word1 = tree.memory.read32(entryAt + 4);
    tree.memory.write32(entryAt + 4, word1 & ~(2 << 29));
    expect([view.select(NIC), view.rights(7)]).toEqual(['passthrough', R]);
    tree.memory.write32(entryAt + 4, word1 & ~(3 << 29));
    expect(view.select(NIC)).toBe('blocked');
    expect(view.note).toMatch(/IR nor IW/);
  });

  test('IR and IW of the device table entry restrict the tables', () => {
    const { tree, view } = amdvi();
    tree.map(8, 0x78, R | W);
    tree.memory.write32(entryAt + 4, tree.memory.read32(entryAt + 4) & ~(1 << 29));
    view.select(NIC);
    expect([view.rights(7), view.rights(8)]).toEqual([0, W]);
    expect(collectLeaves(view)).toMatchObject({ pages: 2, rights: W });
  });

  test('reserved bits, mode 7, guest translation and a table that ends block', () => {
    const { tree, view } = amdvi({ mode: 7 });
    expect([view.select(NIC), view.note]).toEqual([
      'blocked',
      'a reserved bit or mode in the device table entry',
    ]);
    const again = amdvi();
    again.tree.memory.write32(entryAt, again.tree.memory.read32(entryAt) | 4);
    expect(again.view.select(NIC)).toBe('blocked');
    const guest = amdvi();
    guest.tree.memory.write32(entryAt + 4, guest.tree.memory.read32(entryAt + 4) | (1 << 23));
    expect([guest.view.select(NIC), guest.view.note]).toEqual([
      'blocked',
      'guest translation, which is not followed',
    ]);
    const short = new IommuView(tree.memory, 'amdvi', ROOT_TABLE, 0x300);
    expect([short.select(NIC), short.note]).toEqual(['blocked', 'beyond the device table']);
  });
});

describe('everything a device can reach', () => {
  test('comes as ranges, with the numbers of pages and tables', () => {
    const { tree, view } = amdvi();
    for (let i = 0x100; i < 0x108; i++) tree.map(i, i, R | W);
    view.select(NIC);
    const leaves = collectLeaves(view)!;
    expect(leaves).toMatchObject({ pages: 9, tables: 4, sharedSubtrees: false, complete: true });
    expect(leaves.mapped).toEqual([
      { input: 7, frame: 0x77, count: 1, rights: R, pageLevel: 1 },
      { input: 0x100, frame: 0x100, count: 8, rights: R | W, pageLevel: 1 },
    ]);
  });

  test('of a quarantine tree is one page and its repeats', () => {
    const { tree, view } = amdvi();
    const tables = [0, tree.newTable(), tree.newTable(), tree.newTable(), tree.root];
    for (let level = 1; level <= 4; level++) {
      for (let i = 0; i < 512; i++) {
        const at = tables[level]! * 4096 + i * 8;
        if (level === 1) tree.mapAt(at, 0x99, R | W, 1);
        else tree.pointAt(at, tables[level - 1]!, level);
      }
    }
    view.select(NIC);
    const leaves = collectLeaves(view)!;
    expect(leaves).toMatchObject({ pages: 2 ** 36, tables: 4, sharedSubtrees: true, complete: true });
    expect(
      new Set(leaves.mapped.filter((range) => range.shared === undefined).map(({ frame }) => frame)),
    ).toEqual(new Set([0x99]));
    expect([view.rights(0xabcdef), view.frame]).toEqual([R | W, 0x99]);
  });

  test('stops at the limit of tables and says so', () => {
    const { tree, view } = vtd();
    for (let i = 0; i < 64; i++) tree.map(i * 512, i, R);
    view.select(NIC);
    expect(collectLeaves(view, 10)).toMatchObject({ tables: 10, complete: false });
    expect(collectLeaves(view)).toMatchObject({ pages: 65, complete: true });
  });
});

test('any memory and any root can be looked at', () => {
  const words = fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), {
    minLength: 1024,
    maxLength: 1024,
  });
  const root = fc.oneof(
    fc.nat(15).map((frame) => frame * 4096),
    fc.nat(2 ** 20).map((n) => n * 2 ** 32),
  );
  fc.assert(
    fc.property(
      words,
      root,
      fc.nat(0xffff),
      fc.constantFrom('vtd' as const, 'amdvi' as const),
      (all, at, id, kind) => {
        // Every frame number is read modulo 16: each pointer leads to some garbage.
        const memory = { read32: (pa: number) => all[((Math.floor(pa / 4) % 16384) * 7919) % 1024]! };
        const view = new IommuView(memory, kind, at);
        const state = view.select(id);
        for (const input of [0, 1, 511, 2 ** 30, 2 ** 36 - 1, 2 ** 52]) {
          const rights = view.rights(input);
          if (state === 'blocked') expect(rights).toBe(0);
          if (rights !== 0) expect(view.frame).toBeGreaterThanOrEqual(0);
        }
        const leaves = collectLeaves(view, 50);
        expect(leaves === undefined).toBe(state !== 'translated');
        if (leaves !== undefined) expect(leaves.tables).toBeLessThanOrEqual(50);
      },
    ),
    { numRuns: 200 },
  );
  const empty = new IommuView(new SparseMemory(), 'vtd', 2 ** 51);
  expect([empty.select(0), empty.rights(0)]).toEqual(['blocked', 0]);
});
