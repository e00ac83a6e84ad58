import type { FactForm } from '../form.js';
import { linuxSpeaker } from '../smmu-unit.js';
import { sbdfOf } from '../values.js';

/** What Linux says of PCI devices that causes of their faults want to know: that they are there, and who drives them. */
export const LINUX_DEVICES: readonly FactForm[] = [
  {
    role: 'fact',
    texts: [
      'enabling device ({from:hex} -\\> {to:hex})',
      'enabling bus mastering',
      'vgaarb: changed VGA decodes',
      'vfio_ecap_init: hiding ecap',
    ],
    printedBy: 'Linux: the PCI core for a driver, vfio-pci',
    read({ before, line }, facts) {
      const who = linuxSpeaker(before);
      const device = who === null ? null : sbdfOf(who.device);
      if (who === null || device === null || who.driver === 'pci') return;
      const value = `driver ${who.driver.slice(0, 32)}`;
      if (facts.devices.get(device)?.some((said) => said.value === value) !== true)
        facts.of(facts.devices, device, { value, line });
    },
  },
  {
    role: 'fact',
    texts: ['mce: [Hardware Error]: {what:text}'],
    printedBy: 'Linux',
    read({ fields, line }, facts) {
      facts.other.set('machine-check', {
        value: `a machine check: ${(fields.what ?? '').slice(0, 80)}`,
        line,
      });
    },
  },
];
