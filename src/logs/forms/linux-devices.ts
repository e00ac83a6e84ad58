import type { FactForm, FormLine } from '../form.js';
import { sbdfOf } from '../values.js';

/** How much of what stands before a message of the PCI core is looked at for driver and device. */
const SPEAKER = 96;

/** Who speaks: `vfio-pci 0000:00:02.0: `, the driver and the device; `pci` where no driver has it yet. */
function speaker({ before }: FormLine): { driver: string; device: string } | null {
  const words = before.slice(-SPEAKER).trimEnd().split(/\s/);
  const [driver = '', place = ''] = words.slice(-2);
  const device = place.endsWith(':') ? sbdfOf(place.slice(0, -1)) : null;
  return device === null || !/^[\w-]{1,32}$/.test(driver) ? null : { driver, device };
}

/** What Linux says of PCI devices that causes of their faults want to know: that they are there, and who drives them. */
export const LINUX_DEVICES: readonly FactForm[] = [
  {
    role: 'fact',
    texts: [
      'enabling device ({from:hex} -\\> {to:hex})',
      'enabling bus mastering',
      'vgaarb: changed VGA decodes',
      'vfio_ecap_init: hiding ecap',
      'Adding to iommu group {group:dec}',
    ],
    printedBy: 'Linux: the PCI core for a driver, vfio-pci, the IOMMU core',
    read(line, facts) {
      const who = speaker(line);
      if (who === null) return;
      const value = who.driver === 'pci' ? 'known to Linux' : `driver ${who.driver}`;
      const known = facts.devices.get(who.device);
      if (known?.some((said) => said.value === value) !== true)
        facts.of(facts.devices, who.device, { value, line: line.line });
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
