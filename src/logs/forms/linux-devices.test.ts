import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';

describe('lines of Linux on devices', () => {
  it('say which driver has a device, once each', () => {
    const { facts } = eventsOf(`
[    0.601234] pci 0000:00:02.0: enabling device (0000 -> 0002)
[    1.201234] xhci_hcd 0000:00:14.0: enabling device (0000 -> 0002)
[  228.000000] vfio-pci 0000:00:02.0: vgaarb: changed VGA decodes: olddecodes=io+mem,decodes=io+mem:owns=io+mem
[  229.047659] vfio-pci 0000:00:02.0: vfio_ecap_init: hiding ecap 0x1b@0x100
[  230.000000] vfio-pci 0000:00:02.0: enabling device (0400 -> 0403)
`);
    expect(facts.devices.get('0000:00:02.0')).toEqual([{ value: 'driver vfio-pci', line: 4 }]);
    expect(facts.devices.get('0000:00:14.0')).toEqual([{ value: 'driver xhci_hcd', line: 3 }]);
  });

  it('say nothing of one where no device speaks', () => {
    const { facts } = eventsOf('enabling device (0000 -> 0002)\nfoo bar: enabling device (0000 -> 0002)\n');
    expect(facts.devices.size).toBe(0);
  });

  it('report a machine check', () => {
    const { facts } = eventsOf('[ 1.000000] mce: [Hardware Error]: CPU 0: Machine Check: 0 Bank 5\n');
    expect(facts.other.get('machine-check')?.value).toBe('a machine check: CPU 0: Machine Check: 0 Bank 5');
  });
});
