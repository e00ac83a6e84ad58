import type { EventDraft } from '../event.js';
import type { LogFacts } from '../facts.js';
import type { EventForm, FormLine, LineForm } from '../form.js';
import { type InitReasonName, initReason, isComplaint } from './init-reasons.js';
import { takeFields } from './message.js';
import { IOMMU_OPTION } from './xen-boot-facts.js';

/** A line of Xen about its IOMMU that is the same for all units. */
interface InitMessage {
  readonly texts: readonly string[];
  readonly printedBy: string;
  readonly name: InitReasonName;
  /** In our words, without a full stop; the vocabulary's where it says enough. */
  readonly meaning?: string;
  readonly manual?: string;
  /** Whether it is a reason why the IOMMU ends up switched off. */
  readonly switchesOff?: true;
  readonly also?: (line: FormLine, event: EventDraft, facts: LogFacts) => false | undefined;
}

const ALL = 'Xen 4.6 to 4.22';

/** Only where nothing stands before: `AMD-Vi: Interrupt remapping enabled` is Linux’s. */
const alone = ({ before }: FormLine): false | undefined => (before.trim() === '' ? undefined : false);

/** Says why, as far as lines before have said it. */
function off(line: FormLine, event: EventDraft, facts: LogFacts): false | undefined {
  if (alone(line) === false) return false;
  facts.iommu = { value: 'disabled', line: line.line };
  const because = facts.iommuOffBecause;
  const option = facts.other.get(IOMMU_OPTION);
  if (because !== null) {
    event.details.because = because.value.slice(0, 256);
    event.details['because of line'] = String(because.line);
  } else if (option?.value === 'off') {
    event.reason = initReason(
      'iommu-off-by-choice',
      'the IOMMU was switched off on Xen’s command line',
      'dossier §2.7',
    );
    event.details['because of line'] = String(option.line);
  } else if (facts.xen !== null) {
    event.details.because =
      'no line of this log says why: usually firmware that has no IOMMU tables, or has it switched off';
  }
  return undefined;
}

const SWITCHES: readonly InitMessage[] = [
  {
    texts: ['I/O virtualisation enabled'],
    printedBy: ALL,
    name: 'iommu-on',
    also: (line, _, facts) => {
      if (alone(line) === false) return false;
      facts.iommu = { value: 'enabled', line: line.line };
      return undefined;
    },
  },
  { texts: ['I/O virtualisation disabled'], printedBy: ALL, name: 'iommu-off', also: off },
  {
    texts: ['Dom0 mode: {mode:word}'],
    printedBy: ALL,
    name: 'mode',
    also: ({ fields, line }, event, facts) => {
      const mode = DOM0_MODES[fields.mode ?? ''];
      if (mode === undefined) return false;
      facts.dom0Mode = { value: fields.mode as 'Relaxed', line };
      event.reason = initReason('mode', mode, 'dossier §2.7, §3.6');
      return undefined;
    },
  },
  {
    texts: ['Interrupt remapping enabled'],
    printedBy: ALL,
    name: 'feature-on',
    meaning: 'interrupts of devices are remapped: a guest’s device cannot send arbitrary ones',
    also: (line, _, facts) => remapping(true, line, facts),
  },
  {
    texts: ['Interrupt remapping disabled'],
    printedBy: ALL,
    name: 'interrupts-exposed',
    meaning: 'interrupts of devices are not remapped: a guest with a device can send arbitrary interrupts',
    also: (line, _, facts) => remapping(false, line, facts),
  },
];

const DOM0_MODES: Readonly<Record<string, string>> = {
  Relaxed: 'dom0’s devices reach all memory but Xen’s own, guests’ memory included',
  Strict: 'dom0’s devices reach dom0’s memory only',
  Passthrough: 'dom0’s devices are not translated: they reach all memory',
  None: 'there is no IOMMU for dom0’s devices',
};

function remapping(value: boolean, line: FormLine, facts: LogFacts): false | undefined {
  if (alone(line) === false) return false;
  facts.features.set('interrupt-remapping', { value, line: line.line });
  return undefined;
}

/** xen/drivers/passthrough/iommu.c, its x86 part, and the boot of dom0. */
const SETUP: readonly InitMessage[] = [
  {
    texts: ["Couldn't enable {what:text} and iommu=required/force"],
    printedBy: ALL,
    name: 'panic',
    meaning: 'the command line demands what could not be had (iommu=required or force), and Xen stopped',
    manual: 'dossier §2.7',
    also: (_, event, facts) => {
      const because = facts.iommuOffBecause;
      if (because === null) return undefined;
      event.details.because = because.value.slice(0, 256);
      event.details['because of line'] = String(because.line);
      return undefined;
    },
  },
  {
    texts: ['Presently, iommu must be enabled for {who:text}'],
    printedBy: ALL,
    name: 'panic',
    meaning: 'a PVH dom0 needs an IOMMU, and there is none in use',
  },
  {
    texts: [
      "PVH hardware domain iommu must be set in 'strict' mode",
      'Dom0 uses paging translated mode, dom0-passthrough must not be enabled',
    ],
    printedBy: 'Xen 4.13 to 4.22; 4.6 to 4.11',
    name: 'panic',
    meaning: 'a PVH dom0 cannot have its devices reach memory untranslated',
    manual: 'dossier §2.7',
  },
  {
    texts: ['Could not set up quarantine'],
    printedBy: 'Xen 4.13 to 4.22',
    name: 'panic',
    meaning: 'there was no memory for the tables of quarantined devices',
    manual: 'dossier §6.3',
  },
  {
    texts: ['IOMMU: page size mask {mask:hex} unsupported'],
    printedBy: 'Xen 4.17 to 4.22',
    name: 'unit-failed',
    meaning: 'the IOMMU cannot map pages of 4 KiB, without which Xen does not use it',
    switchesOff: true,
  },
  {
    texts: [
      'IOMMU inclusive mappings are deprecated',
      'IOMMU inclusive mappings are only supported on PV Dom0',
    ],
    printedBy: 'Xen 4.12 to 4.22',
    name: 'option-invalid',
    meaning:
      'dom0-iommu=map-inclusive, a help against firmware that names no reserved regions, is deprecated or not possible here',
    manual: 'dossier §2.7',
  },
  {
    texts: [
      'IOMMU failed to {what:text}: {errno:dec}',
      "IOMMU inclusive mappings can't be added: {errno:dec}",
      'IOMMU unable to remove {what:text}: {errno:dec}',
      'IOMMU init: unable to allocate rangeset',
    ],
    printedBy: 'Xen 4.19 to 4.22',
    name: 'panic',
    meaning: 'the list of what dom0’s devices may reach could not be made',
  },
  {
    texts: [
      'IOMMU identity mapping of [{start:hex},{end:hex}) failed: {errno:dec}',
      'IOMMU identity mapping of [{start:hex}, {end:hex}] failed: {errno:dec}',
      'IOMMU unable to create mappings: {errno:dec}',
      'IOMMU unable to create read-only mappings: {errno:dec}',
      'identity IOMMU mapping of {frame:hex} failed: {errno:dec}',
      'identity mapping of {frame:hex} failed: {errno:dec}',
    ],
    printedBy: 'Xen 4.13 to 4.22',
    name: 'map-failed',
    meaning: 'memory that dom0’s devices may reach could not be mapped for them',
    manual: 'dossier §3.6',
  },
  {
    texts: ['into IOMMU failed: {errno:dec}'],
    printedBy: 'Xen 4.17 to 4.22',
    name: 'map-failed',
    meaning: 'memory of a strict PV dom0 could not be mapped for its devices before it started',
    manual: 'dossier §3.6',
  },
  {
    texts: ['is not (entirely) in reserved memory', "couldn't be reserved", "can't be converted"],
    printedBy: 'Xen 4.19 to 4.22',
    name: 'rmrr-invalid',
    meaning: 'a reserved region of the firmware does not lie in memory that the memory map keeps free',
    manual: 'dossier §6.4',
    also: ({ before, line }, event, facts) => {
      const found =
        /(\w[\w-]{1,20}): (?:\[(0x[0-9a-f]{1,16}), (0x[0-9a-f]{1,16})\] |page at (0x[0-9a-f]{1,13}) |)$/.exec(
          before.slice(-96),
        );
      if (found === null) return false;
      event.details.table = found[1]!;
      if (found[2] !== undefined) {
        event.address = BigInt(found[2]);
        event.details.range = `[${found[2]}, ${found[3]}]`;
      } else if (found[4] !== undefined) event.address = BigInt(found[4]) << 12n;
      facts.add(facts.firmwareComplaints, { value: before.slice(-96).trim(), line });
      return undefined;
    },
  },
];

/** xen/arch/x86/apic.c: what an IOMMU means for interrupts. */
const APIC: readonly InitMessage[] = [
  {
    texts: [
      'Not enabling x2APIC: depends on IOMMU support',
      'Not enabling x2APIC: depends on iommu_supports_eim',
    ],
    printedBy: 'Xen 4.13; 4.6 to 4.12',
    name: 'feature-refused',
    meaning: 'x2APIC needs an IOMMU that can remap its interrupts, and there is none',
  },
  {
    texts: ['Not enabling x2APIC (upon firmware request)', 'Not enabling x2APIC: disabled by cmdline'],
    printedBy: ALL,
    name: 'feature-off',
    meaning: 'x2APIC is not used because the firmware’s DMAR table or the command line says so',
  },
  {
    texts: ['Failed to enable Interrupt Remapping'],
    printedBy: ALL,
    name: 'interrupts-exposed',
    meaning: 'interrupt remapping could not be switched on; x2APIC is not used either then',
  },
  {
    texts: [
      'IOMMU requests xAPIC mode, but x2APIC already enabled by firmware',
      'Interrupt remapping could not be enabled while x2APIC is already enabled by BIOS',
      'x2APIC: already enabled by BIOS, but iommu_supports_eim failed',
      'x2APIC: already enabled by BIOS, but no IOMMU support',
    ],
    printedBy: 'Xen 4.14 to 4.22; 4.6 to 4.13',
    name: 'panic',
    meaning: 'the firmware has switched x2APIC on, and the IOMMU cannot remap its interrupts',
  },
  {
    texts: [
      'x2APIC cluster mode is not supported without interrupt remapping',
      'x2APIC cluster mode is not supported with restricted interrupt remapping',
    ],
    printedBy: 'Xen 4.14 to 4.19',
    name: 'feature-off',
    meaning: 'x2APIC is used in a slower mode because interrupts are not fully remapped',
  },
  {
    texts: ['Enabled directed EOI with ioapic_ack_old on'],
    printedBy: ALL,
    name: 'workaround',
    meaning:
      'interrupts are acknowledged in the old way, as they must be without interrupt remapping or on this chipset',
  },
];

/** xen/drivers/passthrough/pci.c and device_tree.c: devices that come, go and move. */
const DEVICES: readonly InitMessage[] = [
  {
    texts: [
      'IOMMU: add {device:bdf} failed ({errno:dec})',
      'IOMMU: remove {device:bdf} failed ({errno:dec})',
      'Failed to add {device:place} to the IOMMU',
    ],
    printedBy: ALL,
    name: 'device-failed',
    meaning: 'a device that was found or taken away could not be put under the IOMMU or out of it',
  },
  {
    texts: [
      'assign (phantom function {device:bdf}) failed ({errno:dec})',
      'assign phantom function ({device:bdf}) failed ({errno:dec})',
      'assign ({device:bdf}) failed ({errno:dec})',
      'XEN_DOMCTL_assign_device: assign {device:bdf} to dom{domain:dec} failed ({errno:dec})',
      'XEN_DOMCTL_assign_dt_device: assign "{device:text}" to dom{domain:dec} failed ({errno:dec})',
    ],
    printedBy: ALL,
    name: 'device-failed',
    meaning: 'Xen refused to assign the device to the domain',
    manual: 'dossier §6.1',
  },
  {
    texts: [
      'assign {device:bdf} to dom{domain:dec} failed ({errno:dec})',
      'assign {device:bdf} failed ({errno:dec})',
    ],
    printedBy: 'Xen 4.6 to 4.13',
    name: 'device-failed',
    meaning: 'Xen refused to assign the device to the domain',
    manual: 'dossier §6.1',
    also: ({ before }) => (before.endsWith('de') ? false : undefined),
  },
  {
    texts: [
      'deassign ({device:bdf}) failed ({errno:dec})',
      'deassign device ({device:bdf}) failed',
      'deassign {device:bdf} from dom{domain:dec} failed ({errno:dec})',
      'deassign {device:bdf} failed ({errno:dec})',
      'Failed to deassign {device:place} in domain {domain:dec}',
    ],
    printedBy: ALL,
    name: 'device-failed',
    meaning: 'Xen could not take the device back from the domain',
    manual: 'dossier §6.2',
  },
  {
    texts: ['already assigned, or non-existent', 'already assigned.'],
    printedBy: ALL,
    name: 'device-unknown',
    meaning: 'a device was asked for that another domain has, or that Xen does not know',
    manual: 'dossier §6.1',
    also: ({ before }, event) => {
      const path = /(?:^|\s)(\/\S{1,200}) $/.exec(before.slice(-256))?.[1];
      event.device ??= path ?? null;
      return event.device === null ? false : undefined;
    },
  },
  {
    texts: ['setup {device:bdf} for d{domain:dec} failed ({errno:dec})'],
    printedBy: ALL,
    name: 'device-failed',
    meaning: 'a device of dom0 could not be put under the IOMMU at boot',
    manual: 'dossier §3.6',
  },
  {
    texts: ['looks to be a real device; bumping'],
    printedBy: 'Xen 4.17 to 4.22',
    name: 'option-invalid',
    meaning: 'pci-phantom= names a function that is a real device',
  },
];

const read =
  ({ name, meaning, manual, switchesOff, also }: InitMessage): EventForm['read'] =>
  (line, event, facts) => {
    event.reason = initReason(name, meaning, manual);
    takeFields(line, event);
    if (also?.(line, event, facts) === false) return false;
    if (switchesOff && isComplaint(event.reason.name)) {
      facts.iommuOffBecause ??= { value: event.reason.meaning, line: line.line };
    }
    return undefined;
  };

export const XEN_INIT_FORMS: readonly LineForm[] = [...SWITCHES, ...SETUP, ...APIC, ...DEVICES].map(
  (message): EventForm => ({
    role: 'event',
    source: 'xen',
    unit: null,
    kind: 'init',
    texts: message.texts,
    printedBy: message.printedBy,
    read: read(message),
  }),
);
