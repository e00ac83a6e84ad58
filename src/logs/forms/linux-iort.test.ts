import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';
import { LINUX_IORT_FORMS } from './linux-iort.js';
import { describeSamples } from './samples.fixture.js';

const BUG = 'ACPI: IORT: [Firmware Bug]: ';
const wrong = (name: string) => [{ source: 'linux' as const, kind: 'init' as const, reason: { name } }];

describeSamples('complaints about the IORT', LINUX_IORT_FORMS, [
  { log: `${BUG}RMR descriptor[0x8000000] with zero length, continue anyway`, events: wrong('rmrr-invalid') },
  {
    log: `${BUG}RMR descriptor[0x8000000 - 0x800ffff] overlaps, continue anyway`,
    events: wrong('rmrr-invalid'),
  },
  {
    log: `${BUG}RMR descriptor[0x8000800 - 0x800ffff] not aligned to 64K, continue with [0x8000000 - 0x800ffff]`,
    events: [{ address: 0x800_0800n, reason: { name: 'rmrr-invalid' }, details: { end: '0x800ffff' } }],
  },
  { log: `${BUG}Invalid ID mapping, skipping RMR node 00000000deadbeef`, events: wrong('rmrr-invalid') },
  { log: `${BUG}Invalid SMMU reference, skipping RMR node 00000000deadbeef`, events: wrong('rmrr-invalid') },
  {
    log: `${BUG}Invalid RMR descriptor array, skipping RMR node 00000000deadbeef`,
    events: wrong('rmrr-invalid'),
  },
  {
    log: `${BUG}[map 00000000deadbeef] conflicting mapping for input ID 0x100`,
    events: [{ reason: { name: 'firmware-bug' }, details: { id: '0x100' } }],
  },
  {
    log: `${BUG}[node 00000000deadbeef type 2] ID map has NULL parent reference`,
    events: wrong('firmware-bug'),
  },
]);

describe('memory that the IORT reserves', () => {
  it('is noted as it is mapped', () => {
    const text = `${BUG}RMR descriptor[0x8000800 - 0x800ffff] not aligned to 64K, continue with [0x8000000 - 0x800ffff]`;
    const { facts } = eventsOf(text);
    expect(facts.reservedRegions).toMatchObject([{ start: 0x800_0000n, end: 0x801_0000n, what: 'RMR' }]);
    expect(facts.firmwareComplaints).toHaveLength(1);
  });
});
