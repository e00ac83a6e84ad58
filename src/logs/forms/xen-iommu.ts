import { domainOf, SPECIAL_DOMAINS } from '../domids.js';
import type { LogFacts } from '../facts.js';
import type { FactForm, FormLine, LineForm } from '../form.js';
import { lastOf, noteFeature, noteIommu, noteOffBecause } from '../machine-facts.js';
import { sbdfOf } from '../values.js';
import { type Said, saidForms } from './said.js';

/** What Xen says of IOMMUs of every kind of x86 (passthrough/iommu.c, passthrough/x86/iommu.c). */

const ALWAYS = 'Xen 4.6 to 4.22';
const MODES = ['Relaxed', 'Strict', 'Passthrough', 'None'] as const;

const STATE: readonly Said[] = [
  {
    texts: ['I/O virtualisation {state:word}'],
    printedBy: ALWAYS,
    name: 'iommu-on',
    meaning: 'Xen uses the IOMMU',
    also({ fields, line }, event, facts) {
      const { state } = fields;
      if (state !== 'enabled' && state !== 'disabled') return false;
      delete event.details.state;
      noteIommu(facts, state, line);
      if (state === 'disabled') {
        const meaning =
          'Xen uses no IOMMU: no device can be given to a guest safely, and dom0’s devices reach all memory';
        event.reason = { code: null, name: 'iommu-off', meaning, manual: null };
      }
      return undefined;
    },
  },
  {
    texts: ['- Dom0 mode: {mode:word}'],
    printedBy: ALWAYS,
    name: 'mode',
    meaning: 'which memory dom0’s devices reach',
    manual: 'dossier §2.7',
    also({ fields, line }, event, facts) {
      const mode = MODES.find((one) => one === fields.mode);
      if (mode === undefined) return false;
      facts.dom0Mode = { value: mode, line };
      if (event.reason !== null) event.reason = { ...event.reason, meaning: DOM0_MODES[mode] };
      return undefined;
    },
  },
  {
    texts: ['Interrupt remapping {state:word}'],
    printedBy: ALWAYS,
    name: 'feature-on',
    meaning: 'interrupts of devices are remapped',
    also({ fields, line }, event, facts) {
      const { state } = fields;
      if (state !== 'enabled' && state !== 'disabled') return false;
      event.details.feature = 'Interrupt Remapping';
      delete event.details.state;
      noteFeature(facts, 'interrupt-remapping', state === 'enabled', line);
      if (state === 'disabled') {
        const meaning =
          'interrupts of devices are not remapped: a guest with a device may raise any interrupt';
        event.reason = { code: null, name: 'interrupts-exposed', meaning, manual: null };
      }
      return undefined;
    },
  },
  {
    texts: ["Couldn't enable {what:text} and iommu=required/force"],
    printedBy: ALWAYS,
    name: 'panic',
    meaning:
      'Xen stops: iommu=required or force was given, and the IOMMU or interrupt remapping cannot be used',
    also(line, _, facts) {
      noteOffBecause(facts, line);
      return undefined;
    },
  },
  {
    texts: ['IOMMU setup failed, crash Xen for security purpose'],
    printedBy: ALWAYS,
    name: 'panic',
    meaning:
      'Xen stops while it wakes up: the IOMMU could not be set up again, and devices would reach everything',
  },
  {
    texts: ['Could not set up quarantine'],
    printedBy: 'Xen 4.13 to 4.22',
    name: 'panic',
    meaning: 'Xen stops: the tables for devices that nobody has could not be made',
    manual: 'dossier §6.3',
  },
  {
    texts: [
      'Presently, iommu must be enabled for PVH hardware domain',
      "PVH hardware domain iommu must be set in 'strict' mode",
      'Dom0 uses paging translated mode, dom0-passthrough must not be enabled',
    ],
    printedBy: ALWAYS,
    name: 'panic',
    meaning: 'Xen stops: dom0 is PVH, which needs an IOMMU that is on and strict',
    manual: 'dossier §2.7',
  },
  {
    texts: ['IOMMU: page size mask {mask:hex} unsupported'],
    printedBy: 'Xen 4.17 to 4.22',
    name: 'iommu-off',
    meaning: 'Xen uses no IOMMU, as it cannot map pages of 4 KiB',
  },
];

const DOM0_MODES: Readonly<Record<(typeof MODES)[number], string>> = {
  Relaxed: 'dom0’s devices reach all memory but Xen’s own, whether or not dom0 has it',
  Strict: 'dom0’s devices reach dom0’s own memory and what is granted and mapped',
  Passthrough: 'dom0’s devices are not translated at all: they reach everything',
  None: 'dom0 has no IOMMU context: its devices reach everything',
};

const IDENTITY = 'memory that dom0’s devices should reach at its own address could not be mapped';

const RANGES_FAILED = 'Xen stops: the ranges that dom0’s devices reach could not be put together';

const IDENTITY_MAPS: readonly Said[] = [
  {
    texts: [
      'IOMMU identity mapping of [{start:hex}, {end:hex}] failed: {errno:dec}',
      'IOMMU identity mapping of [{start:hex},{end:hex}) failed: {errno:dec}',
      'identity IOMMU mapping of {gfn:hex} failed: {errno:dec}',
      'identity mapping of {gfn:hex} failed: {errno:dec}',
    ],
    printedBy: 'Xen 4.13 to 4.22',
    name: 'map-failed',
    meaning: IDENTITY,
  },
  {
    texts: [
      'IOMMU unable to create mappings: {errno:dec}',
      'IOMMU unable to create read-only mappings: {errno:dec}',
    ],
    printedBy: 'Xen 4.19 to 4.22',
    name: 'map-failed',
    meaning: IDENTITY,
  },
  {
    texts: [
      "IOMMU inclusive mappings can't be added: {errno:dec}",
      'IOMMU init: unable to allocate rangeset',
    ],
    printedBy: 'Xen 4.19 to 4.22',
    name: 'panic',
    meaning: RANGES_FAILED,
  },
  {
    // Keys of words that few lines have; "IOMMU failed to" stands before.
    texts: [
      'add identity range: {errno:dec}',
      'remove IO-APIC: {errno:dec}',
      'remove Interrupt Address Range: {errno:dec}',
      'remove Xen ranges: {errno:dec}',
      'remove forbidden regions: {errno:dec}',
      'remove read-only regions: {errno:dec}',
      'remove unusable memory: {errno:dec}',
      'remove MMCFG areas: {errno:dec}',
      'remove unaddressable ranges: {errno:dec}',
    ],
    printedBy: 'Xen 4.19 to 4.22',
    name: 'panic',
    meaning: RANGES_FAILED,
    also: ({ before }) => (/IOMMU (?:failed|unable) to $/.test(before) ? undefined : false),
  },
  {
    texts: [
      'IOMMU inclusive mappings are only supported on PV Dom0',
      'IOMMU inclusive mappings are deprecated',
    ],
    printedBy: 'Xen 4.12 to 4.22',
    name: 'option-invalid',
    meaning:
      'map-inclusive, with which dom0’s devices reach all below 4 GiB, is for PV dom0s only, and will go',
  },
  {
    texts: ['Failed to reserve [{start:hex}-{end:hex}) for {what:text}, skipping IOMMU mapping for it'],
    printedBy: 'Xen 4.17 to 4.22',
    name: 'rmrr-failed',
    meaning: 'memory for a device of Xen’s own, such as a USB debug console, is not mapped for the device',
  },
];

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

export const XEN_IOMMU_FORMS: readonly LineForm[] = [
  ...saidForms({ source: 'xen', unit: null, kind: 'init' }, [...STATE, ...IDENTITY_MAPS]),
  ...MOVES,
];
