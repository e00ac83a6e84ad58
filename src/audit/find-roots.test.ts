import { describe, expect, test } from 'vitest';
import { DMAR_HEADER, DMAR_STRUCTURES } from '../formats/acpi/dmar.js';
import { IVRS_BLOCKS, IVRS_HEADER } from '../formats/acpi/ivrs.js';
import { structureBytes, tableBytes } from '../formats/acpi/tables.fixture.js';
import { writeDeviceEntry } from '../formats/amdvi.js';
import { encode } from '../formats/layout.js';
import { clearEntry, writeContextEntry, writeRootEntry } from '../formats/vtd.js';
import {
  VTD_PASID_DIRECTORY_ENTRY,
  VTD_SCALABLE_CONTEXT_ENTRY,
  VTD_SCALABLE_ROOT_ENTRY,
} from '../formats/vtd-scalable.js';
import { InputError } from '../text/diagnostic.js';
import { findRoots } from './find-roots.js';
import { ArrayImage } from './image.fixture.js';
import { givenRoot } from './root-address.js';
import { rootFacts } from './root-facts.js';
import type { MemoryImage, RegisterReader } from './survey.js';

/** An image whose machine answers for its registers: 64 bits by address. */
function asked(image: ArrayImage, registers: Readonly<Record<number, bigint>>): MemoryImage {
  const value = (pa: number) => registers[pa] ?? 0n;
  const reader: RegisterReader = {
    read64: async (pa) => value(pa),
    read32: async (pa) => Number((pa % 8 === 0 ? value(pa) : value(pa - 4) >> 32n) & 0xffff_ffffn),
  };
  return Object.assign(Object.create(image) as ArrayImage, { registers: reader });
}

const DRHD = DMAR_STRUCTURES[0]!;

function withDmar(image: ArrayImage, units: readonly { base: number; segment: number }[]): void {
  const drhds = units.map(({ base, segment }) => structureBytes(DRHD, { type: 0, base, segment }));
  const table = tableBytes('DMAR', DMAR_HEADER, { hostAddressWidth: 38 }, drhds);
  new Uint8Array(image.words.buffer).set(table, 0x8_0000);
}

/** A root table at `root` with a context table behind it, and some devices of bus 0. */
function vtdRoot(image: ArrayImage, root: number, devices: readonly number[]): void {
  writeRootEntry(image, root, root / 4096 + 1);
  for (const devfn of devices) writeContextEntry(image, root + 4096 + devfn * 16, 0, 0x30, 4, 1);
}

const CAPABILITIES = { 4275634184: (3n << 34n) | (6n << 8n), 4275634192: 1n << 7n };

describe('roots of a machine that can be asked', () => {
  test('are in the registers of the units of its DMAR table', async () => {
    const image = new ArrayImage(256);
    withDmar(image, [
      { base: 0xfed9_0000, segment: 0 },
      { base: 0xfed9_1000, segment: 1 },
    ]);
    const registers = { ...CAPABILITIES, 4275634200: 0x8000_0000_0000_0000n, 4275634208: 0x1_2000n };
    const { roots, notes, tables } = await findRoots(asked(image, registers));
    expect(roots).toEqual([
      {
        kind: 'vtd',
        segment: 0,
        registers: 0xfed9_0000,
        table: 0x1_2000,
        mode: 'legacy',
        enabled: true,
        capabilities: {
          superpageLevel: 3,
          snoopControl: true,
          hostAddressWidth: 39,
          levels: [3, 4],
          passThrough: false,
          deviceTlbs: false,
        },
        foundBy: 'DRHD at 0xfed90000 in the DMAR table at 0x80000',
      },
    ]);
    expect(notes).toEqual([
      'DRHD at 0xfed91000 in the DMAR table at 0x80000: it was given no table, or does not answer',
    ]);
    expect(tables).toHaveLength(1);
  });

  test('are where QEMU has its units when no table tells', async () => {
    const registers = { ...CAPABILITIES, 4275634200: 0n, 4275634208: 0x1_2400n };
    const { roots } = await findRoots(asked(new ArrayImage(16), registers));
    expect(roots).toMatchObject([{ table: 0x1_2000, mode: 'scalable', enabled: false }]);
    expect(roots[0]!.foundBy).toMatch(/where QEMU has them/);
  });

  test('say how long device and stream tables are', async () => {
    const image = new ArrayImage(16);
    const amdvi = { 4275568640: 0x1_0000_01ffn, 4275568664: 1n };
    expect((await findRoots(asked(image, amdvi))).roots).toMatchObject([
      { kind: 'amdvi', table: 0x1_0000_0000, size: 0x1_0000, enabled: true },
    ]);
    const smmu = { 151322752: 0x4000_0000_4800_0000n, 151322760: 0x1_0210n, 151322656: 1n };
    expect((await findRoots(asked(image, smmu))).roots).toMatchObject([
      { kind: 'smmuv3', table: 0x4800_0000, size: 16, split: 8, enabled: true },
    ]);
  });

  test('are none where nobody answers', async () => {
    const { roots, notes } = await findRoots(asked(new ArrayImage(16), {}));
    expect(roots).toEqual([]);
    expect(notes).toEqual(['memory of a test has no IOMMU that was given tables']);
  });
});

describe('roots in an image', () => {
  test('are what looks like root tables, the one with most devices first, and told as that', async () => {
    const image = new ArrayImage(128);
    vtdRoot(image, 0x1_0000, [0x20]);
    vtdRoot(image, 0x2_0000, [0x20, 0x28]);
    const { roots, notes } = await findRoots(image);
    expect(roots).toMatchObject([
      { kind: 'vtd', mode: 'legacy', table: 0x2_0000, registers: null, enabled: null },
    ]);
    expect(roots[0]!.foundBy).toBe(
      'found by searching memory, not by its register: 2 devices have an entry; the best of 2 candidates',
    );
    expect(notes).toEqual(['other tables look like roots, too: 0x10000']);
  });

  test('are as many as the DMAR table has units', async () => {
    const image = new ArrayImage(256);
    vtdRoot(image, 0x1_0000, [0x20]);
    vtdRoot(image, 0x2_0000, [0x20, 0x28]);
    withDmar(image, [
      { base: 0xfed9_0000, segment: 5 },
      { base: 0xfed9_1000, segment: 5 },
    ]);
    const { roots } = await findRoots(image);
    expect(roots.map(({ table, segment }) => [table, segment])).toEqual([
      [0x2_0000, 5],
      [0x1_0000, 5],
    ]);
    expect(roots[0]!.capabilities).toEqual({ hostAddressWidth: 39 });
  });

  test('are decided by what a log says', async () => {
    const image = new ArrayImage(128);
    vtdRoot(image, 0x1_0000, [0x20]);
    vtdRoot(image, 0x2_0000, [0x20, 0x28]);
    const known = await findRoots(image, { facts: rootFacts([], ['0000:00:04.0', '/soc/edu']) });
    expect(known.roots[0]).toMatchObject({ table: 0x2_0000 });
    expect(known.roots[0]!.foundBy).toMatch(/1 of them named in the log/);
    const dumped = await findRoots(image, { facts: rootFacts(['(XEN)     root_entry[00] = 11001']) });
    expect(dumped.roots[0]).toMatchObject({ table: 0x1_0000 });
    const said = await findRoots(image, { facts: rootFacts(['Root Table Address: 0x10000']) });
    expect(said.roots).toMatchObject([{ table: 0x1_0000, foundBy: 'RTADDR 0x10000 in the log' }]);
  });

  test('are not pages in which one entry could not be', async () => {
    const image = new ArrayImage(128);
    vtdRoot(image, 0x1_0000, [0x20]);
    for (const spoil of [
      () => image.write32(0x1_1000, 4),
      () => image.write32(0x1_1000 + 0x20 * 16 + 8, 0),
      () => writeContextEntry(image, 0x1_1000, 0, 0x5000_0000, 4, 1),
      () => writeContextEntry(image, 0x1_1000, 3, 0x30, 4, 1),
      () => image.write32(0x1_0010, 2),
      () => writeRootEntry(image, 0x1_0010, 0x5000_0000),
    ]) {
      spoil();
      expect((await findRoots(image)).roots).toEqual([]);
      clearEntry(image, 0x1_1000);
      clearEntry(image, 0x1_0010);
      writeContextEntry(image, 0x1_1000 + 0x20 * 16, 0, 0x30, 4, 1);
      expect((await findRoots(image)).roots).toHaveLength(1);
    }
  });

  test('may be of a unit in scalable mode', async () => {
    const image = new ArrayImage(128);
    const put = (at: number, words: Int32Array) => image.words.set(words, at / 4);
    put(0x1_0000, encode(VTD_SCALABLE_ROOT_ENTRY, { upperPresent: 1, upperTable: 0x11 }));
    put(0x1_1000, encode(VTD_SCALABLE_CONTEXT_ENTRY, { present: 1, directory: 0x12 }));
    put(0x1_2000, encode(VTD_PASID_DIRECTORY_ENTRY, { present: 1, table: 0x13 }));
    expect((await findRoots(image)).roots).toMatchObject([{ table: 0x1_0000, mode: 'scalable' }]);
  });

  test('may be the device table of an AMD-Vi unit, wherever it begins', async () => {
    const image = new ArrayImage(256);
    for (let i = 0; i < 256; i++) image.write64(0x2_3000 + i * 32, 1n);
    writeDeviceEntry(image, 0x2_3000 + 0x88 * 32, {
      valid: true,
      translationValid: true,
      mode: 4,
      root: 0x30,
      did: 1,
    });
    const ivhd = structureBytes(IVRS_BLOCKS.get(0x10)!, { type: 0x10, base: 0xfed8_0000 });
    new Uint8Array(image.words.buffer).set(tableBytes('IVRS', IVRS_HEADER, {}, [ivhd]), 0x8_0000);
    expect((await findRoots(image)).roots).toMatchObject([{ kind: 'amdvi', table: 0x2_3000, size: 256 }]);
  });

  test('are not sought when they are given', async () => {
    const given = [givenRoot('0x5000')];
    expect((await findRoots(new ArrayImage(16), { given })).roots).toEqual(given);
    const { roots, notes } = await findRoots(new ArrayImage(16));
    expect([roots, notes]).toEqual([
      [],
      ['no table in memory looks like the root of an IOMMU: give --rtaddr'],
    ]);
  });
});

describe('a root that is given', () => {
  test('is what the register holds', () => {
    expect(givenRoot('0x1341b6000')).toMatchObject({
      kind: 'vtd',
      segment: 0,
      table: 0x1_341b_6000,
      mode: 'legacy',
    });
    expect(givenRoot('0001:0x1341b6400')).toMatchObject({
      segment: 1,
      table: 0x1_341b_6000,
      mode: 'scalable',
    });
    expect(givenRoot('vtd:0x1341b6c00')).toMatchObject({ mode: 'abort' });
    expect(givenRoot('amdvi:2:0x13400001ff')).toMatchObject({
      segment: 2,
      table: 0x13_4000_0000,
      size: 0x1_0000,
    });
    expect(givenRoot('smmuv3:0x48000000/0x10210')).toMatchObject({ table: 0x4800_0000, size: 16, split: 8 });
  });

  test('is refused when it is none', () => {
    for (const text of [
      '',
      '12',
      '0x',
      'x:0x1000',
      '0x1000/0x2',
      'smmuv3:0x1000',
      '0x1800',
      '0xfffffffffffff000',
    ])
      expect(() => givenRoot(text), text).toThrow(InputError);
  });
});

test('a log says of roots what Linux’s debugfs and Xen’s dumps print', () => {
  const { addresses, entries } = rootFacts([
    'IOMMU dmar0: Root Table Address: 0x103d1f000',
    'RTADDR\t\t\t0x20\t\t0x0000000103d2f000',
    '[   13.96] RTADDR=0x1341b6000 GSTS=0xc7000000:0',
    'GCMD\t\t\t0x18\t\t0x0000000000000000',
    '(XEN)     root_entry[1f] = 1341d2001',
    '(XEN)     root_entry[00] = ffff83000009e000',
    'RTADDR',
    `RTADDR ${'0x'.repeat(40_000)}`,
  ]);
  expect(addresses).toEqual([0x103d1f000n, 0x103d2f000n, 0x1341b6000n]);
  expect(entries).toEqual([{ bus: 0x1f, entry: 0x1341d2001n }]);
});

test('memory full of roots is searched for a while, and what was left out is told', async () => {
  // Every page but the first is a root table of 256 buses whose context tables are the first page, all zeros.
  const image = new ArrayImage(1200);
  for (let frame = 1; frame < 1200; frame++) {
    for (let bus = 0; bus < 256; bus++) image.write64(frame * 4096 + bus * 16, 1n);
  }
  const { roots, notes } = await findRoots(image);
  expect(roots).toEqual([]);
  expect(notes.join()).toContain('not all of it was looked at');
});
