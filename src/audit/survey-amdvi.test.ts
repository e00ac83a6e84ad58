import { describe, expect, test } from 'vitest';
import { R, W } from '../formats/address.js';
import { writeDeviceEntry } from '../formats/amdvi.js';
import { ArrayImage } from './image.fixture.js';
import type { FoundRoot } from './roots.js';
import { surveyMachine } from './survey-machine.js';

const TABLE = 0x10_0000;
const ROOT: FoundRoot = {
  kind: 'amdvi',
  segment: 0,
  table: TABLE,
  registers: 0xfed8_0000,
  enabled: true,
  foundBy: 'IVRS',
};
const RW = 3n << 61n;

/** 4 MiB of memory with a device table of zeros at 1 MiB. */
const machine = () => new ArrayImage(1024);
const entryAt = (requester: number) => TABLE + requester * 32;

describe('an AMD-Vi unit', () => {
  test('tells once of the entry that fills the table, and lists the others', () => {
    const image = machine();
    for (let i = 0; i < 0x1_0000; i++) image.write64(entryAt(i), 1n);
    const translated = { valid: true, translationValid: true, mode: 3, root: 16, did: 5 };
    writeDeviceEntry(image, entryAt(0x20), translated);
    writeDeviceEntry(image, entryAt(0x21), { ...translated, mode: 0, did: 1 });
    image.write64(entryAt(0x22), 0n);
    image.write64(entryAt(0x23), 2n);
    // A page of 4 KiB through all three levels, and one of 2 MiB that is read-only.
    image.write64(0x10000, RW | (2n << 9n) | 0x11001n);
    image.write64(0x11000, RW | (1n << 9n) | 0x12001n);
    image.write64(0x11008, (1n << 61n) | 0x20_0001n);
    image.write64(0x12000, RW | 0x8_0001n);
    const { devices, spaces, units } = surveyMachine(image, [ROOT]);
    expect(
      devices.map(({ sbdf, translation, domainId, type }) => [sbdf, translation, domainId, type]),
    ).toEqual([
      ['0000:00:04.0', 'translated', 5, '3-level (Mode = 3)'],
      ['0000:00:04.1', 'passthrough', 1, 'pass-through (Mode = 0)'],
      ['0000:00:04.3', 'passthrough', null, 'ignored (V = 0)'],
    ]);
    const { ranges } = spaces[0]!;
    expect([ranges.length, ranges.frame(0), ranges.rights(0)]).toEqual([2, 0x80, R | W]);
    expect([ranges.input(1), ranges.count(1), ranges.frame(1), ranges.rights(1)]).toEqual([512, 512, 512, R]);
    expect(units[0]!.others[0]).toMatchObject({
      count: 0x1_0000 - 4,
      translation: 'blocked',
      type: 'aborted (TV = 0)',
    });
    expect(units[0]!.others[1]).toMatchObject({ count: 1, translation: 'passthrough' });
    expect(units[0]!.notes).toEqual([
      '65532 more requesters have the same entry, blocked: aborted (TV = 0); TV = 0: everything is aborted',
      '1 more requester has an entry, passthrough: ignored (V = 0); V = 0: the unit ignores the entry and lets everything pass',
    ]);
    expect(units[0]!.tables).toHaveLength(512);
  });

  test('says that a table of zeros lets everything pass', () => {
    const { units, devices } = surveyMachine(machine(), [ROOT]);
    expect(devices).toEqual([]);
    expect(units[0]!.others[0]).toMatchObject({ count: 0x1_0000, translation: 'passthrough' });
    expect(units[0]!.others[0]!.note).toMatch(/V = 0/);
  });

  test('lists what a small table has, reserved bits and rights included', () => {
    const image = machine();
    const entry = { valid: true, translationValid: true, mode: 1, root: 16, did: 5 };
    for (let i = 0; i < 5; i++) writeDeviceEntry(image, entryAt(i), entry);
    image.write32(entryAt(0), image.read32(entryAt(0)) | 4);
    image.write32(entryAt(1), image.read32(entryAt(1)) | (7 << 9));
    image.write32(entryAt(2) + 4, 0);
    image.write32(entryAt(3) + 4, 1 << 29);
    image.write32(entryAt(4) + 4, (3 << 29) | (1 << 23));
    const { devices, units } = surveyMachine(image, [{ ...ROOT, size: 5 }]);
    expect(devices.map(({ translation, rights, note }) => [translation, rights, note.slice(0, 24)])).toEqual([
      ['blocked', 0, 'reserved bits are set'],
      ['blocked', 0, 'its mode is reserved'],
      ['blocked', 0, 'neither IR nor IW: every'],
      ['translated', R, ''],
      ['translated', R | W, 'guest translation (GV) i'],
    ]);
    expect(units[0]!.others).toEqual([]);
  });

  test('reads the part of its table that is in memory, and names the rest', () => {
    const image = new ArrayImage(257);
    writeDeviceEntry(image, entryAt(3), { valid: true, translationValid: true, mode: 0, root: 0, did: 0 });
    const { devices, units } = surveyMachine(image, [ROOT]);
    expect(devices).toHaveLength(1);
    expect(units[0]!.others[0]).toMatchObject({ count: 127 });
    expect(units[0]!.problems[0]).toMatchObject({ kind: 'outside-memory', level: 'device table' });
    expect(units[0]!.problems.length + units[0]!.moreProblems).toBe(511);
  });
});
