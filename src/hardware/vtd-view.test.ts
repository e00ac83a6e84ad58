import fc from 'fast-check';
import { expect, test } from 'vitest';
import { R, W } from '../formats/address.js';
import { IommuView } from '../formats/iommu-view.js';
import { FOUR_LEVELS } from '../formats/radix.js';
import { VTD_SECOND_LEVEL } from '../formats/vtd.js';
import { bareMachine } from './units.fixture.js';
import { VtdUnit } from './vtd-unit.js';

/** What the unit writes about devices, in any order. */
const action = fc.record({
  what: fc.constantFrom('table', 'translate', 'pass', 'clear'),
  bus: fc.integer({ min: 2, max: 4 }),
  devfn: fc.integer({ min: 0, max: 2 }),
  root: fc.constantFrom(0x80, 0x90),
});
const mapping = fc.record({
  input: fc.oneof(
    fc.nat(20),
    fc.nat(2 ** 20),
    fc.maxSafeInteger().map((n) => Math.abs(n) % 2 ** 36),
  ),
  frame: fc.nat(2 ** 30),
  rights: fc.integer({ min: 1, max: 3 }),
});
/** A word of a table overwritten with anything: reserved bits, misaligned pages, roots beyond memory. */
const noise = fc.record({
  frame: fc.integer({ min: 0x40, max: 0xa0 }),
  word: fc.nat(1023),
  value: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
});

test('a view from the outside sees what the unit does', () => {
  fc.assert(
    fc.property(
      fc.array(action, { maxLength: 12 }),
      fc.array(mapping, { maxLength: 6 }),
      fc.array(noise, { maxLength: 6 }),
      (actions, mappings, overwritten) => {
        const { layout, ram, tables } = bareMachine();
        const unit = new VtdUnit(layout, ram, 8);
        unit.enable(0x40);
        const trees = new Map(
          [0x80, 0x90].map((root) => [root, tables(VTD_SECOND_LEVEL, FOUR_LEVELS, root)]),
        );
        for (const { what, bus, devfn, root } of actions) {
          const requester = (bus << 8) | devfn;
          if (what === 'table' || !unit.hasContextTable(bus)) unit.setContextTable(bus, 0x50 + bus);
          if (what === 'translate') unit.setContext(requester, root, bus);
          if (what === 'pass') unit.setPassThrough(requester, bus);
          if (what === 'clear') unit.clearContext(requester);
        }
        for (const { input, frame, rights } of mappings) {
          trees.get(input % 2 ? 0x80 : 0x90)!.map(input, frame, rights & (R | W));
        }
        for (const { frame, word, value } of overwritten) ram.write32(frame * 4096 + word * 4, value);

        const view = new IommuView(ram, 'vtd', unit.rootTable * 4096);
        const inputs = [0, 1, 2 ** 36 - 1, 2 ** 36, ...mappings.flatMap(({ input }) => [input, input + 1])];
        for (let bus = 1; bus <= 4; bus++) {
          for (let devfn = 0; devfn <= 3; devfn++) {
            const requester = (bus << 8) | devfn;
            const state = view.select(requester);
            // The unit has no device-TLBs and no five levels; the view cannot know.
            if (state === 'translated' && !unit.select(requester)) continue;
            expect(unit.select(requester)).toBe(state !== 'blocked');
            if (state === 'translated') expect(view.did).toBe(unit.tagOf(requester));
            if (state === 'blocked') continue;
            for (const input of inputs) {
              const expected = unit.selectedRights(input);
              expect(view.rights(input)).toBe(expected);
              if (expected !== 0) expect(view.frame).toBe(unit.frame);
            }
          }
        }
      },
    ),
    { numRuns: 150 },
  );
});
