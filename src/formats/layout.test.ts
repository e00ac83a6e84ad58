import fc from 'fast-check';
import { expect, describe as group, test } from 'vitest';
import * as amdvi from './amdvi.js';
import * as amdviEventLog from './amdvi-event-log.js';
import * as amdviEvents from './amdvi-events.js';
import * as amdviFeatures from './amdvi-features.js';
import * as arm from './arm-stage2.js';
import * as ept from './ept.js';
import * as grant from './grant-v1.js';
import * as grantV2 from './grant-v2.js';
import * as ipmmu from './ipmmu.js';
import { decode, describe, type EntryLayout, encode, getField, kindOf, setField } from './layout.js';
import * as smmu from './smmuv2.js';
import * as smmuv3 from './smmuv3.js';
import * as smmuv3Commands from './smmuv3-commands.js';
import * as smmuv3Errors from './smmuv3-errors.js';
import * as smmuv3Events from './smmuv3-events.js';
import * as vtd from './vtd.js';
import * as faults from './vtd-faults.js';
import * as vtdScalable from './vtd-scalable.js';
import * as pageInfo from './x86-page-info.js';
import * as pte from './x86-pte.js';

const isLayout = (value: unknown): value is EntryLayout =>
  typeof value === 'object' && value !== null && 'fields' in value && 'words' in value;

/** Every layout that a format exports, so that none escapes the tests. */
const layouts: EntryLayout[] = [
  ...[
    amdvi,
    amdviEventLog,
    amdviEvents,
    amdviFeatures,
    arm,
    ept,
    grant,
    grantV2,
    smmu,
    smmuv3,
    smmuv3Commands,
    smmuv3Errors,
    smmuv3Events,
    ipmmu,
    vtd,
    vtdScalable,
    faults,
    pte,
  ].flatMap((module) => Object.values(module).filter(isLayout)),
  ...new Set(pageInfo.PAGE_INFO_LAYOUTS.flatMap((row) => [row.typeInfo, row.countInfo])),
];

test('the tests see the layouts of every format', () => {
  expect(layouts.length).toBe(78);
});

group.each(layouts.map((layout) => ({ name: layout.name, layout })))('$name', ({ layout }) => {
  test('gives every bit to exactly one field', () => {
    const owner: (string | undefined)[] = new Array(layout.words * 32).fill(undefined);
    for (const field of layout.fields) {
      expect(field.lo).toBeLessThanOrEqual(field.hi);
      for (let bit = field.lo; bit <= field.hi; bit++) {
        expect([bit, owner[bit]]).toEqual([bit, undefined]);
        owner[bit] = field.name;
      }
    }
    expect(owner.length).toBe(layout.words * 32);
    expect(owner.indexOf(undefined)).toBe(-1);
  });

  test('names its fields in the order of their bits, each once and with a meaning', () => {
    const lows = layout.fields.map((field) => field.lo);
    expect(lows).toEqual([...lows].sort((a, b) => a - b));
    expect(new Set(layout.fields.map((field) => field.name)).size).toBe(layout.fields.length);
    for (const field of layout.fields) expect(field.doc).not.toBe('');
    for (const field of layout.fields) if (kindOf(field) === 'flag') expect(field.lo).toBe(field.hi);
  });

  test('gives back every value put into any field, and leaves the other bits alone', () => {
    const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    const noise = fc.array(word, { minLength: layout.words + 2, maxLength: layout.words + 2 });
    for (const field of layout.fields) {
      const width = field.hi - field.lo + 1;
      const value = fc.maxSafeInteger().map((n) => Math.abs(n) % 2 ** width);
      fc.assert(
        fc.property(noise, value, (words, put) => {
          const before = whole(words);
          const out = Int32Array.from(words);
          setField(layout, field.name, out, put, 1);
          expect(getField(layout, field.name, out, 1)).toBe(put);
          const after = whole([...out]);
          const mask = ((1n << BigInt(width)) - 1n) << BigInt(field.lo + 32);
          expect(after & ~mask).toBe(before & ~mask);
          expect((after & mask) >> BigInt(field.lo + 32)).toBe(BigInt(put));
        }),
        { numRuns: 20 },
      );
    }
  });

  test('decodes what it encoded', () => {
    const values = fc.record(
      Object.fromEntries(
        layout.fields.map((field) => {
          return [field.name, fc.maxSafeInteger().map((n) => Math.abs(n) % 2 ** (field.hi - field.lo + 1))];
        }),
      ),
    );
    fc.assert(
      fc.property(values, (record) => {
        expect(decode(layout, encode(layout, record))).toEqual({ ...record });
      }),
      { numRuns: 30 },
    );
  });

  test('refuses values that do not fit', () => {
    for (const field of layout.fields) {
      const tooBig = 2 ** (field.hi - field.lo + 1);
      expect(() => encode(layout, { [field.name]: tooBig })).toThrow(RangeError);
      expect(() => encode(layout, { [field.name]: -1 })).toThrow(RangeError);
      expect(() => encode(layout, { [field.name]: 0.5 })).toThrow(RangeError);
    }
  });
});

/** The words as one number, the first the lowest. */
function whole(words: readonly number[]): bigint {
  return words.reduceRight((sum, word) => (sum << 32n) | BigInt(word >>> 0), 0n);
}

group('describing an entry', () => {
  test('names flags, enumerations even at zero, frames in hex and numbers in decimal', () => {
    const words = encode(vtd.VTD_CONTEXT_ENTRY, { present: 1, root: 0x1234, width: 2, did: 17 });
    expect(describe(vtd.VTD_CONTEXT_ENTRY, words)).toBe(
      'present, type multi-level, root 0x1234, width 48-bit, did 17',
    );
  });

  test('points out reserved bits', () => {
    const words = encode(vtd.VTD_ROOT_ENTRY, { present: 1, reserved1: 4, contextTable: 0x77 });
    expect(describe(vtd.VTD_ROOT_ENTRY, words)).toBe('present, reserved bits 1-11 0x4, context table 0x77');
  });

  test('gives an unnamed value of an enumeration as a number', () => {
    const words = encode(vtd.VTD_CONTEXT_ENTRY, { present: 1, type: 3, width: 1 });
    expect(describe(vtd.VTD_CONTEXT_ENTRY, words)).toBe('present, type 0x3, width 39-bit');
  });

  test('calls an entry of zeros empty', () => {
    expect(describe(vtd.VTD_CONTEXT_ENTRY, [0, 0, 0, 0])).toBe('empty');
  });

  test('reads an entry in the middle of an array', () => {
    expect(describe(pte.X86_PAGE_ENTRY, [0, 0, 0x12345003, 0], 2)).toBe('present, writable, address 0x12345');
  });
});

test('an unknown field is an error that lists the fields there are', () => {
  expect(() => getField(vtd.VTD_ROOT_ENTRY, 'presnet', [0, 0, 0, 0])).toThrow(
    /VT-d root entry has no field "presnet"; it has present, reserved1, contextTable/,
  );
});
