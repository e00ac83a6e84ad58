import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stage2Shape } from '../../formats/arm-stage2.js';
import { setField } from '../../formats/layout.js';
import { STREAM_TABLE_ENTRY, SteConfig, stage2Entry } from '../../formats/smmuv3.js';
import { SmmuV3Unit } from '../../hardware/smmuv3-unit.js';
import { bareMachine } from '../../hardware/units.fixture.js';
import { refusedFields } from './front-smmuv3.js';

const STREAM = 3;
const SHAPE = stage2Shape(40);
/** Fields that a unit looks at, and values that they may have. */
const FIELDS = {
  valid: 1,
  config: 7,
  t0sz: 63,
  startLevel: 3,
  granule: 3,
  outputSize: 7,
  aarch64: 1,
  bigEndian: 1,
} as const;
const change = fc
  .constantFrom(...(Object.keys(FIELDS) as (keyof typeof FIELDS)[]))
  .chain((name) => fc.record({ name: fc.constant(name), value: fc.nat(FIELDS[name]) }));

describe('a stream table entry', () => {
  it('has fields that are named as refused where, and only where, the unit refuses it', () => {
    const { layout, ram } = bareMachine();
    const unit = new SmmuV3Unit(layout, ram, 16, 8);
    unit.setStreamTable(0x10);
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
        const entry = new Int32Array(STREAM_TABLE_ENTRY.words);
        stage2Entry({ vmid: 1, root: 0x20, t0sz: SHAPE.t0sz, sl0: SHAPE.sl0, outputSize: 5 }, entry);
        for (const { name, value } of changes) setField(STREAM_TABLE_ENTRY, name, entry, value);
        entry.forEach((word, i) => {
          ram.write32(unit.entryAddress(STREAM) + 4 * i, word);
        });
        const stopped = refusedFields(entry).length === 0 && ((entry[0]! >>> 1) & 7) < SteConfig.BYPASS;
        expect(unit.select(STREAM)).toBe(refusedFields(entry).length === 0 && !stopped);
      }),
    );
  });
});
