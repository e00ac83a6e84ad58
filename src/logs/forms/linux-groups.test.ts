import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';

const groupOf = (text: string, device: string) => eventsOf(text).facts.devices.get(device)?.[0]?.value;

describe('groups of devices in Linux’s log', () => {
  it('are noted for their devices, in both wordings', () => {
    expect(groupOf('[    1.2] pci 0000:01:00.0: Adding to iommu group 14', '0000:01:00.0')).toBe(
      'IOMMU group 14',
    );
    expect(groupOf('[    1.2] iommu: Adding device 0000:01:00.0 to group 3', '0000:01:00.0')).toBe(
      'IOMMU group 3',
    );
    expect(groupOf('macb ff0e0000.ethernet: Adding to iommu group 0', 'ff0e0000.ethernet')).toBe(
      'IOMMU group 0',
    );
    expect(eventsOf('pci 0000:01:00.0: Adding to iommu group 14').events).toEqual([]);
  });

  it('that do not take a device are an event', () => {
    const expected = [{ device: '0000:01:00.0', reason: { name: 'device-failed' }, details: { rc: '-22' } }];
    expect(eventsOf('pci 0000:01:00.0: Failed to add to iommu group 14: -22').events).toMatchObject(expected);
    expect(eventsOf('iommu: Failed to add device 0000:01:00.0 to group 14: -22').events).toMatchObject(
      expected,
    );
  });
});
