import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';

describe('masters on Arm', () => {
  it('that could not be given away are named with the domain and the error', () => {
    expect(
      eventsOf('(XEN) XEN_DOMCTL_assign_dt_device: assign "/soc/dev@100" to dom3 failed (-22)').events,
    ).toMatchObject([
      {
        device: '/soc/dev@100',
        domain: 3,
        reason: { name: 'device-failed' },
        details: { rc: '-22 (EINVAL)' },
      },
    ]);
  });

  it('that belong to a domain already are named; other uses of these words are not taken', () => {
    expect(eventsOf('(XEN) /soc/dev@100 already assigned.').events).toMatchObject([
      { kind: 'toolstack', device: '/soc/dev@100' },
    ]);
    expect(eventsOf('IRQ already assigned.').events).toEqual([]);
  });
});

describe('an excerpt of a device tree', () => {
  // https://github.com/xvisor/xvisor/issues/160 (ZCU104)
  const ZCU104 =
    'smmu: smmu@fd800000 {\n\tcompatible = "arm,mmu-500";\n\treg = <0xfd800000 0x20000>;\n};\n' +
    'ethernet_iommu { iommus = <&smmu 0x877>; };\n';

  it('is no event but tells which node has a stream', () => {
    const { events, facts } = eventsOf(ZCU104);
    expect(events).toEqual([]);
    expect(facts.other.get('stream 0x877')).toEqual({ value: 'ethernet_iommu', line: 5 });
    expect(facts.devices.get('ethernet_iommu')).toEqual([{ value: 'stream 0x877 of smmu', line: 5 }]);
  });

  it('tells it of nodes over several lines as well, and of the last one alone', () => {
    const tree =
      '\tgem3: ethernet@ff0e0000 {\n\t\tiommus = <&smmu 0x877>;\n\t};\n' +
      '\tsdhci@ff170000 {\n\t\tiommus = <&smmu 0x871>;\n\t};\n';
    const { other } = eventsOf(tree).facts;
    expect(other.get('stream 0x877')?.value).toBe('ethernet@ff0e0000');
    expect(other.get('stream 0x871')?.value).toBe('sdhci@ff170000');
  });

  it('is bounded in what it leaves behind', () => {
    const tree = Array.from({ length: 6000 }, (_, i) => `n { iommus = <&smmu 0x${i.toString(16)}>; };`);
    expect(eventsOf(tree.join('\n')).facts.other.size).toBeLessThanOrEqual(4096);
  });
});
