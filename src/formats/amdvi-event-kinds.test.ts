import { describe, expect, it } from 'vitest';
import { amdviFlagFields, amdviFlags } from './amdvi-event-flags.js';
import {
  AMDVI_EVENT_KINDS,
  amdviCommand,
  amdviEventKind,
  hardwareError,
  invalidRequest,
  isInterruptRequest,
  specialAddress,
} from './amdvi-event-kinds.js';
import { AmdviEvent, AmdviFault, eventWord1 } from './amdvi-events.js';
import { AMDVI_EXTENDED_FEATURES, AMDVI_FEATURES } from './amdvi-features.js';
import { decode, getField } from './layout.js';

describe('the kinds of AMD-Vi events', () => {
  it('are all that the unit can write, in the order of their codes, and each layout has the code in its place', () => {
    expect(AMDVI_EVENT_KINDS.map(({ code, name }) => [name, code])).toEqual(Object.entries(AmdviEvent));
    for (const { code, layout } of AMDVI_EVENT_KINDS) {
      if (layout !== undefined)
        expect(getField(layout, 'event', [0, eventWord1(code, 0, 0), 0, 0])).toBe(code);
    }
    expect(amdviEventKind(0)).toBeUndefined();
    expect(amdviEventKind(0xf)).toBeUndefined();
  });

  it('have their flags where the masks of the page fault’s say', () => {
    const kind = amdviEventKind(AmdviEvent.IO_PAGE_FAULT)!;
    for (const [name, field] of [
      ['GUEST', 'guest'],
      ['EXECUTE', 'execute'],
      ['USER', 'user'],
      ['INTERRUPT', 'interrupt'],
      ['PRESENT', 'present'],
      ['WRITE', 'write'],
      ['PERMISSION', 'permission'],
      ['RESERVED', 'reservedBits'],
      ['TRANSLATION', 'translation'],
    ] as const) {
      const set = Object.entries(amdviFlagFields(kind, AmdviFault[name])).filter(([, value]) => value !== 0);
      expect(set).toEqual([[field, 1]]);
    }
  });

  it('say of PR what it means for pages and for interrupts', () => {
    const kind = amdviEventKind(AmdviEvent.IO_PAGE_FAULT)!;
    expect(amdviFlags(kind, 0)).toEqual([
      { name: 'PR', value: 0, meaning: 'an entry on the way is not present' },
    ]);
    expect(amdviFlags(kind, AmdviFault.INTERRUPT)[1]?.meaning).toMatch(/^the interrupt is blocked/);
    expect(amdviFlags(kind, 0xa00)).toContainEqual({
      name: '??',
      value: 5,
      meaning: 'a reserved bit of the event is set',
    });
  });

  it('have types: how the unit’s access failed, and which rule a request broke', () => {
    const flags = (code: number, type: number) => amdviFlags(amdviEventKind(code)!, type << 9);
    expect(flags(AmdviEvent.COMMAND_HARDWARE_ERROR, 1)).toEqual([
      { name: 'Type', value: 1, meaning: 'master abort' },
    ]);
    expect(flags(AmdviEvent.INVALID_DEVICE_REQUEST, 2)[0]?.meaning).toContain('port I/O');
    expect(hardwareError(3)).toBe('data error');
    expect(invalidRequest(0, true)).toContain('translation request');
    expect(invalidRequest(2, true)).toBeUndefined();
    expect([4, 5, 6, 7].map((type) => isInterruptRequest(type, false))).toEqual([false, true, true, false]);
    expect(isInterruptRequest(5, true)).toBe(false);
  });
});

describe('addresses that are no memory', () => {
  it.each([
    [0xfd_f800_0000n, 'interrupt and EOI range'],
    [0xffff_fffd_f800_0000n, 'interrupt and EOI range'],
    [0xfd_f8ff_ffffn, 'interrupt and EOI range'],
    [0xfd_f910_0000n, 'system management range'],
    [0xfd_fc00_0000n, 'port I/O range'],
    [0xff_ffff_ffffn, 'reserved range'],
    [0xfc_ffff_ffffn, undefined],
    [0x1fd_f800_0000n, undefined],
  ])('%s is %s', (address, what) => {
    expect(specialAddress(address)).toBe(what);
  });
});

it('Commands are known by the top bits of their second word', () => {
  expect(amdviCommand(0x3000_0001)).toBe('INVALIDATE_IOMMU_PAGES');
  expect(amdviCommand(0xf000_0000)).toBeUndefined();
});

it('The feature register of a field report has the features that Linux lists of it', () => {
  // [AMD-Vi: Extended features (0x58f77ef22294ade): PPR X2APIC NX GT IA GA PC GA_vAPIC]
  const values = decode(AMDVI_EXTENDED_FEATURES, [0x2229_4ade | 0, 0x058f_77ef]);
  const listed = AMDVI_FEATURES.filter(({ name, linux }) => {
    return linux !== '' && values[name.charAt(0).toLowerCase() + name.slice(1)] !== 0;
  });
  expect(listed.map(({ linux }) => linux)).toEqual([
    'PPR',
    'X2APIC',
    'NX',
    'GT',
    'IA',
    'GA',
    'PC',
    'GA_vAPIC',
  ]);
  expect(values).toMatchObject({ hATS: 2, gATS: 0, pASmax: 15 });
});
