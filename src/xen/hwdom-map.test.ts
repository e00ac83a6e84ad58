import { describe, expect, it } from 'vitest';
import { amd, broken, type MachineOptions, reach, x86 } from './machine.fixture.js';

const at = (base: number, count = 1) => ({ base, count });

/** One frame of each kind: its name, where it is, and what the machine says of it. */
const FRAMES = {
  reserved: 0xe0000,
  'read-only': 0xe0001,
  denied: 0xfec00,
  lapic: 0xfee00,
  interrupts: 0xfee01,
  unusable: 0xd0000,
  'unusable below 1M': 0x9f,
  hole: 0xc0000,
  'reserved above 4G': 0x180000,
} as const;

const REGIONS: MachineOptions['regions'] = [
  { range: at(FRAMES.reserved, 2), kind: 'reserved' },
  { range: at(FRAMES.denied), kind: 'reserved', denied: true },
  { range: at(FRAMES.lapic, 2), kind: 'reserved' },
  { range: at(FRAMES.unusable), kind: 'unusable' },
  { range: at(FRAMES['unusable below 1M']), kind: 'unusable' },
  { range: at(FRAMES.hole), kind: 'hole' },
  { range: at(FRAMES['reserved above 4G']), kind: 'reserved' },
];

/** What dom0's device reaches of those frames. */
function reached(machine: typeof x86, edition: string, options: MachineOptions = {}): string {
  const xen = machine(edition, { regions: REGIONS, readOnlyMmio: [at(FRAMES['read-only'])], ...options });
  return Object.entries(FRAMES)
    .map(([name, frame]) => `${name} ${reach(xen, 0, frame)}`)
    .filter((text) => !text.endsWith('--'))
    .join(', ');
}

// From dossier §3.6 and the sources at the tags, by hand.
const RESERVED = 'reserved rw, read-only rw, denied rw';
const BEFORE_4_13 = `${RESERVED}, lapic rw, interrupts rw`;
const READ_ONLY = 'reserved rw, read-only r-, denied rw';

describe('what a PV dom0’s tables have at boot beyond RAM (§3.6)', () => {
  it.each([
    ['4.11.0', `${BEFORE_4_13}, hole rw`],
    ['4.12', BEFORE_4_13],
    ['4.13', RESERVED],
    ['4.16', RESERVED],
    ['4.17', READ_ONLY],
    ['4.18', READ_ONLY],
    ['4.19', `${READ_ONLY}, reserved above 4G rw`],
    ['4.20', `${READ_ONLY}, reserved above 4G rw`],
    ['4.19.2', 'reserved rw, read-only r-, interrupts rw, reserved above 4G rw'],
    ['4.20.1', 'reserved rw, read-only r-, interrupts rw, reserved above 4G rw'],
    ['4.22', 'reserved rw, read-only r-, interrupts rw, reserved above 4G rw'],
  ])('relaxed, %s: %s', (edition, expected) => {
    expect(reached(x86, edition)).toBe(expected);
  });

  it.each(['4.12', '4.13', '4.17', '4.19', '4.22'])('strict, %s: the same', (edition) => {
    expect(reached(x86, edition, { mode: 'strict' })).toBe(reached(x86, edition));
  });

  it('strict up to 4.11: nothing', () => {
    expect(reached(x86, '4.11.0', { mode: 'strict' })).toBe('');
  });

  it.each([
    ['4.11.0', ''],
    ['4.12', ''],
    ['4.16', ''],
    ['4.17', 'read-only r-'],
    ['4.22', 'read-only r-'],
  ])('without map-reserved and map-inclusive, %s: %s', (edition, expected) => {
    expect(reached(x86, edition, { hwdomInclusive: false, hwdomReserved: false })).toBe(expected);
  });

  it.each([
    ['4.12', `${BEFORE_4_13}, hole rw`],
    ['4.13', `${RESERVED}, hole rw`],
    ['4.19', `${READ_ONLY}, hole rw, reserved above 4G rw`],
    ['4.22', 'reserved rw, read-only r-, interrupts rw, unusable below 1M rw, hole rw, reserved above 4G rw'],
  ])('with map-inclusive, %s: %s', (edition, expected) => {
    expect(reached(x86, edition, { hwdomInclusive: true })).toBe(expected);
  });

  it('AMD’s driver of 4.11 goes by memory alone; later it is no different', () => {
    expect(reached(amd, '4.11.0')).toBe('');
    for (const edition of ['4.12', '4.17', '4.22'])
      expect(reached(amd, edition), edition).toBe(reached(x86, edition));
  });

  it('pass-through: everything', () => {
    expect(reached(x86, '4.22', { mode: 'passthrough' }).split(', ')).toHaveLength(9);
  });

  it('is what the rule permits a strict dom0’s devices, and no more', () => {
    for (const edition of ['4.11.0', '4.12', '4.17', '4.22']) {
      const options = { regions: REGIONS, readOnlyMmio: [at(FRAMES['read-only'])], mode: 'strict' } as const;
      const found = broken(x86(edition, { ...options, dom0Pages: 0 }));
      expect(found, edition).toEqual(edition === '4.12' ? ['I14'] : []);
    }
  });
});
