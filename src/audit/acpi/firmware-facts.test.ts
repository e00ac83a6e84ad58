import { describe, expect, it } from 'vitest';
import { ELSEWHERE, LogFacts } from '../../logs/facts.js';
import { addFirmwareFacts, reservedRanges } from './firmware-facts.js';
import { readAcpiFile } from './read-input.js';

const example = (name: string) =>
  readAcpiFile(new URL(`../../../examples/acpi/${name}`, import.meta.url).pathname).tables;

describe('what firmware tables tell beside a log', () => {
  it('is the reserved regions with their devices', () => {
    const [input] = example('laptop-dmar.txt');
    expect(reservedRanges(input!)).toEqual([
      { start: 0x6f58b000n, end: 0x6f7d5000n, what: 'RMRR', devices: ['0000:00:14.0'], line: ELSEWHERE },
      { start: 0x79800000n, end: 0x7e000000n, what: 'RMRR', devices: ['0000:00:02.0'], line: ELSEWHERE },
    ]);
  });

  it('is what is wrong with them, by the memory map of the log as well', () => {
    const facts = new LogFacts();
    facts.add(facts.e820, { start: 0n, end: 0x7000_0000n, what: 'usable', devices: [], line: 3 });
    addFirmwareFacts([...example('laptop-dmar.txt'), ...example('strix-halo-ivrs.txt')], facts);
    // The placeholder of one byte is a region all the same: Xen would map its page.
    expect(facts.reservedRegions.map(({ what }) => what)).toEqual(['RMRR', 'RMRR', 'IVMD']);
    expect(facts.firmwareComplaints.map(({ value }) => value)).toEqual([
      expect.stringMatching(
        /^DMAR \(.*laptop-dmar\.txt\): reserved region 0x6f58b000.* usable RAM at 0x0-0x6fffffff$/,
      ),
      expect.stringMatching(/^IVRS \(.*strix-halo-ivrs\.txt\): IVMD 21h of 0x1 bytes at 0x0/),
    ]);
  });
});
