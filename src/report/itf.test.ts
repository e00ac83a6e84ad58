import { describe, expect, it } from 'vitest';
import { PV, program } from '../program/scene.fixture.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { itfTrace } from './itf.js';

const trace = (text: string, scene = 0) => itfTrace(program(text), resolveEdition('4.22'), scene, 'test');

describe('an ITF trace', () => {
  it('has a state for boot and one for each statement, with the step that led there', () => {
    const { states, vars } = trace(PV);
    expect(states.map(({ step }) => step)).toEqual([
      'init',
      'createdomain g iommu max_pages=3',
      'populate_physmap g 0x101',
      'populate_physmap g 0x102',
      'assign_device g nic',
    ]);
    for (const state of states) expect(Object.keys(state)).toEqual(['#meta', ...vars]);
  });

  it('begins where the scene ends', () => {
    const { states } = trace(`${PV}pin_l1_table g 0x101\n`, 4);
    expect(states.map(({ step }) => step)).toEqual(['init', 'pin_l1_table g 0x101']);
  });

  it('holds the tables as maps from names to records, and tells what a step changed', () => {
    const { states } = trace(`${PV}pin_l1_table g 0x101\n`, 4);
    const frame = (index: number) => {
      const { frame } = states[index] as { frame: { '#map': [string, Record<string, string>][] } };
      return new Map(frame['#map']).get('frame 0x101');
    };
    expect(frame(0)).toBeDefined();
    expect(frame(1)).not.toEqual(frame(0));
  });

  it('says which invariants a step broke', () => {
    const { states } = trace(PV, 4);
    expect(states[0]).toMatchObject({ status: 'ok', violations: { '#set': [] } });
  });
});
