import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';
import { IPMMU_FORMS } from './ipmmu.js';

const only = (text: string) => {
  const found = eventsOf(text).events;
  expect(found).toHaveLength(1);
  return found[0]!;
};

describe('a fault of an IPMMU', () => {
  it('in Xen’s log has its domain and its status decoded', () => {
    const event = only(
      '(XEN) ipmmu: /soc/mmu@e67b0000: d1: Unhandled fault: status 0x00000002 iova 0x8424cb148',
    );
    expect(event).toMatchObject({
      source: 'xen',
      unit: 'ipmmu',
      kind: 'dma-fault',
      device: '/soc/mmu@e67b0000',
      domain: 1,
      address: 0x8424cb148n,
      access: null,
      reason: { code: 2, name: 'PF' },
      details: { unit: '/soc/mmu@e67b0000' },
    });
    expect(event.reason?.manual).toContain('IMSTR');
  });

  it('in Linux’s log has its status and, of old units, code and level', () => {
    const event = only('ipmmu-vmsa e67b0000.iommu: Unhandled fault: status 0x00001101 iova 0xffffe000');
    expect(event).toMatchObject({
      source: 'linux',
      device: 'e67b0000.iommu',
      domain: null,
      reason: { code: 0x1101, name: 'TF' },
      level: { name: 'level 1' },
    });
    expect(event.bits.map(({ name, value }) => [name, value])).toEqual([
      ['TF', 1],
      ['ERRCODE', 1],
      ['ERRLVL', 1],
    ]);
  });

  it('that has a line of its own is named alike', () => {
    expect(only('(XEN) ipmmu: /soc/mmu@e67b0000: d1: Multiple TLB hits @0x1000')).toMatchObject({
      address: 0x1000n,
      domain: 1,
      reason: { code: null, name: 'MHIT' },
    });
    expect(only('ipmmu-vmsa e67b0000.iommu: Page Table Walk Abort @0x1000').reason?.name).toBe('ABORT');
  });

  it('is one whatever its status', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), (status) => {
        const text = `ipmmu-vmsa e67b0000.iommu: Unhandled fault: status 0x${status.toString(16)} iova 0x0`;
        expect(eventsOf(text, IPMMU_FORMS).events[0]?.reason?.code).toBe(status);
      }),
    );
  });
});

describe('what an IPMMU says of itself', () => {
  it('that it cannot share tables is why there is no IOMMU', () => {
    const { events, facts } = eventsOf('(XEN) ipmmu: P2M sharing is not supported in current SoC revision');
    expect(events).toMatchObject([{ kind: 'init', reason: { name: 'unit-failed' } }]);
    expect(facts.iommuOffBecause?.line).toBe(1);
  });

  it('of a PCI device names it', () => {
    const text = '(XEN) ipmmu: 0000:01:00.0: Failed to find host bridge uTLB';
    expect(only(text)).toMatchObject({ device: '0000:01:00.0', reason: { name: 'device-failed' } });
  });
});
