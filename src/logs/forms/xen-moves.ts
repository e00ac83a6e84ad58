import { domainOf, SPECIAL_DOMAINS } from '../domids.js';
import type { LogFacts } from '../facts.js';
import type { FactForm, FormLine, LineForm } from '../form.js';
import { lastOf, noteFeature } from '../machine-facts.js';
import { lastSbdf, sbdfOf } from '../values.js';
import { type Said, saidForms } from './said.js';

/** Which domain has a device, as Xen's lines of VT-d tell while it moves, and what goes wrong with devices on the way. */

const ALWAYS = 'Xen 4.6 to 4.22';

/** `d1`'s devices, `d[IO]` is quarantine. Unmapping is told after mapping where a device goes from one to another. */
function noteMove({ fields, line }: FormLine, domain: number | null, maps: boolean, facts: LogFacts): void {
  const device = sbdfOf(fields.device);
  if (device === null || domain === null) return;
  const special = SPECIAL_DOMAINS[domain];
  const quarantine = special?.name === 'DOMID_IO';
  if (maps) {
    const value = quarantine ? 'quarantined' : `assigned to d${domain}`;
    facts.of(facts.devices, device, { value, line });
    if (special === undefined) facts.of(facts.domains, domain, { value: `has ${device}`, line });
    return;
  }
  const had = quarantine ? 'quarantined' : `assigned to d${domain}`;
  const last = lastOf(facts, device)?.value;
  if (last === undefined || last === had) {
    const value = quarantine ? 'taken from quarantine' : `deassigned from d${domain}`;
    facts.of(facts.devices, device, { value, line });
  }
}

/** How much of what stands before a move is looked at. */
const PREFIX = 64;

/** The domain at the end of `[VT-D]d1`, `[VT-D]iommu.c:1484: d1`, `[VT-D]d[IO]`. */
const mover = ({ before }: FormLine): number | null =>
  domainOf(/(?:^|[\s\]])(d(?:\d{1,5}|\[\w{1,8}\]))$/.exec(before.slice(-PREFIX))?.[1]);

const MOVES: readonly FactForm[] = [
  {
    role: 'fact',
    texts: [':PCIe: map {device:bdf}', ':PCI: map {device:bdf}'],
    printedBy: `${ALWAYS}, with iommu=debug: Xen puts the device into a domain’s VT-d tables`,
    read: (line, facts) => noteMove(line, mover(line), true, facts),
  },
  {
    role: 'fact',
    texts: [':PCIe: unmap {device:bdf}', ':PCI: unmap {device:bdf}'],
    printedBy: `${ALWAYS}, with iommu=debug`,
    read: (line, facts) => noteMove(line, mover(line), false, facts),
  },
];

/** Devices that keep translations of their own. */
const ATS: FactForm = {
  role: 'fact',
  texts: ['ATS is enabled', 'ATS was enabled', 'ATS is disabled'],
  printedBy: `${ALWAYS}, debug builds with iommu=verbose`,
  read({ before, text, line }, facts) {
    const device = lastSbdf(before.slice(-PREFIX));
    if (device === null) return;
    const on = !text.includes('is disabled');
    noteFeature(facts, 'ats', on, line);
    facts.of(facts.devices, device, {
      value: on ? 'keeps translations (ATS)' : 'keeps no translations (ATS)',
      line,
    });
  },
};

const INIT: readonly Said[] = [
  {
    texts: ['IOMMU setup failed, crash Xen for security purpose'],
    printedBy: ALWAYS,
    name: 'panic',
    meaning:
      'Xen stops while it wakes up: the IOMMU could not be set up again, and devices would reach everything',
  },
  {
    texts: ['Failed to reserve [{start:hex}-{end:hex}) for {what:text}, skipping IOMMU mapping for it'],
    printedBy: 'Xen 4.17 to 4.22',
    name: 'rmrr-failed',
    meaning: 'memory for a device of Xen’s own, such as a USB debug console, is not mapped for the device',
  },
  {
    texts: ['owning {device:bdf}?'],
    printedBy: ALWAYS,
    name: 'device-failed',
    meaning: 'a device belongs to a domain other than the hardware domain while that is being built',
    also({ before }, event) {
      event.domain ??= domainOf(/Dom\d{1,5}(?= {0,4}$)/.exec(before.slice(-PREFIX))?.[0]);
      return event.domain === null ? false : undefined;
    },
  },
  {
    texts: ['alloc_pdev failed'],
    printedBy: ALWAYS,
    name: 'out-of-memory',
    meaning: 'there was no memory to note a device: Xen does not put it under the IOMMU',
  },
  {
    texts: ['iommu_get_device_group() failed: {errno:dec}', 'iommu_get_device_group() failed!'],
    printedBy: ALWAYS,
    name: 'device-failed',
    meaning: 'which devices belong together (their group) could not be told',
  },
  {
    texts: [
      'Attempted to add SR-IOV VF {device:bdf} without PF {function:bdf}',
      'Attempted to remove PCI SR-IOV PF {device:bdf} with VFs still present',
    ],
    printedBy: 'Xen 4.20 to 4.22',
    name: 'device-failed',
    meaning: 'dom0 reported virtual functions and their physical function in the wrong order',
  },
];

const FLUSH: readonly Said<string>[] = [
  {
    texts: ['ATS device {device:bdf} flush failed'],
    printedBy: 'Xen 4.8 to 4.22',
    name: 'device-invalidation-timeout',
    meaning:
      'a device did not drop the translations that it keeps (ATS) in time; Xen hides the device and crashes its domain',
    manual: 'Intel VT-d spec 5.10 §4.3',
    also({ before, line }, event, facts) {
      const { device } = event;
      event.domain ??= domainOf(/dom\d{1,5}(?=: {0,4}$)/.exec(before.slice(-PREFIX))?.[0]);
      const value = 'hidden: it did not answer an invalidation';
      if (device !== null) facts.of(facts.devices, device, { value, line });
      return undefined;
    },
  },
];

export const XEN_MOVE_FORMS: readonly LineForm[] = [
  ...MOVES,
  ATS,
  ...saidForms({ source: 'xen', unit: null, kind: 'init' }, INIT),
  ...saidForms({ source: 'xen', unit: null, kind: 'command-error' }, FLUSH),
];
