import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { R, W } from '../formats/address.js';
import { AMDVI_SHAPES, AMDVI_TABLES } from '../formats/amdvi.js';
import { ARM_STAGE2, stage2Shape } from '../formats/arm-stage2.js';
import { FOUR_LEVELS, type RadixFormat, type RootShape } from '../formats/radix.js';
import { VTD_SECOND_LEVEL } from '../formats/vtd.js';
import { decidingFields, refusingEntry, walkEntries } from '../formats/walk-entries.js';
import { AmdviUnit } from './amdvi-unit.js';
import type { IommuUnit } from './iommu.js';
import { SmmuUnit } from './smmu-unit.js';
import { SmmuV3Unit } from './smmuv3-unit.js';
import { bareMachine } from './units.fixture.js';
import { VtdUnit } from './vtd-unit.js';

const NIC = 0x300;
const TREE = 0x100;
const SHAPE = stage2Shape(40);

type Bare = ReturnType<typeof bareMachine>;

/** Units that lead the NIC to a tree at frame 0x100. */
const UNITS: Readonly<
  Record<string, { format: RadixFormat; shape: RootShape; unit: (bare: Bare) => IommuUnit }>
> = {
  'VT-d': {
    format: VTD_SECOND_LEVEL,
    shape: FOUR_LEVELS,
    unit: ({ layout, ram }) => {
      const unit = new VtdUnit(layout, ram, 16);
      unit.enable(0x10);
      unit.setContextTable(3, 0x11);
      unit.setContext(NIC, TREE, 7);
      return unit;
    },
  },
  'AMD-Vi': {
    format: AMDVI_TABLES,
    shape: AMDVI_SHAPES[3]!,
    unit: ({ layout, ram }) => {
      const unit = new AmdviUnit(layout, ram, 16, 0x800);
      unit.enable(0x10);
      unit.setTables(NIC, TREE, 3, 7);
      return unit;
    },
  },
  SMMUv2: {
    format: ARM_STAGE2,
    shape: SHAPE,
    unit: ({ layout, ram }) => {
      const unit = new SmmuUnit(layout, ram, 16, 4, 3, 0xb);
      unit.setStream(0, NIC, unit.bankFor(TREE));
      return unit;
    },
  },
  SMMUv3: {
    format: ARM_STAGE2,
    shape: SHAPE,
    unit: ({ layout, ram }) => {
      const unit = new SmmuV3Unit(layout, ram, 16, 16);
      unit.setStreamTable(0x10);
      unit.linkTable(NIC, 0x20);
      unit.writeStage2(NIC, { t0sz: SHAPE.t0sz, sl0: SHAPE.sl0, outputSize: 5, vmid: 1, root: TREE });
      return unit;
    },
  },
};

const INPUTS = [0, 5, 6, 0x1ff, 0x200, 0x3ff, 0x40000, 0x84_24cb];
const page = fc.record({
  input: fc.constantFrom(...INPUTS),
  frame: fc.nat(0xfff),
  rights: fc.constantFrom(R, W, R | W),
});
/** A bit of an entry on the way to an input that is turned over. */
const fault = fc.record({
  input: fc.constantFrom(...INPUTS),
  level: fc.integer({ min: 1, max: 3 }),
  bit: fc.nat(63),
});

describe('the tree that a unit has selected', () => {
  test.each(Object.keys(UNITS))('walked entry by entry says what %s itself says', (name) => {
    const { format, shape, unit: make } = UNITS[name]!;
    fc.assert(
      fc.property(fc.array(page, { maxLength: 12 }), fc.array(fault, { maxLength: 4 }), (pages, faults) => {
        const bare = bareMachine();
        const unit = make(bare);
        const tables = bare.tables(format, shape, TREE);
        for (const { input, frame, rights } of pages) tables.map(input, frame, rights);
        // Where the entries stand is found before the first of them is spoilt.
        const spoilt = faults.map(({ input, level, bit }) => ({
          at: tables.entryAt(input, level) + (bit > 31 ? 4 : 0),
          bit: 1 << (bit & 31),
        }));
        for (const { at, bit } of spoilt) bare.ram.write32(at, bare.ram.read32(at) ^ bit);
        for (const input of INPUTS) {
          const said = unit.tableRights(NIC, input);
          const led = unit.frame;
          const report = walkEntries(unit.selectedTree!, input);
          if (said !== 0) {
            expect([report.rights & (R | W), report.frame]).toEqual([said, led]);
          }
          for (const write of [false, true]) {
            const need = write ? W : R;
            if (unit.translate(NIC, input * 4096, write) || unit.iotlbRow >= 0) continue;
            const entry = refusingEntry(report, need);
            // Stage 2 has two reasons of its own, which are no matter of the walk.
            if (entry === undefined) expect(format).toBe(ARM_STAGE2);
            else expect(decidingFields(format, entry, need)).not.toEqual([]);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test.each(Object.keys(UNITS))('is not walked by %s for what it remembers', (name) => {
    const { format, shape, unit: make } = UNITS[name]!;
    const bare = bareMachine();
    const unit = make(bare);
    bare.tables(format, shape, TREE).map(5, 0x105, R | W);
    expect([unit.translate(NIC, 5 * 4096, false), unit.iotlbRow]).toEqual([true, -1]);
    expect(unit.translate(NIC, 5 * 4096, true)).toBe(true);
    expect([unit.iotlb.input(unit.iotlbRow), unit.iotlb.frame(unit.iotlbRow)]).toEqual([5, 0x105]);
    expect([unit.translate(NIC, 6 * 4096, false), unit.iotlbRow]).toEqual([false, -1]);
  });
});
