import { sbdfText } from '../../formats/requester.js';
import { domainOf, SPECIAL_DOMAINS } from '../domids.js';
import type { EventDraft } from '../event.js';
import type { LogFacts } from '../facts.js';
import type { EventForm, FactForm, FormLine, LineForm, MoreForm } from '../form.js';
import { lastOf, noteFeature } from '../machine-facts.js';
import { decimal, hexNumber, hexValue, lastSbdf, sbdfOf } from '../values.js';
import { type InitRow, initForms } from './amdvi-init-row.js';
import { initReason } from './init-reasons.js';

// What Xen says of devices behind AMD-Vi, of their tables, and of itself when it stops there.
// (xen/drivers/passthrough/amd/pci_amd_iommu.c, iommu_map.c, iommu_intr.c)

const SINCE_416 = 'Xen since 4.16; the last wordings 4.6 to 4.15 with iommu=debug';

/** `d1` or `dom1` has the device now; `d[IO]` is quarantine. */
function noteMove(facts: LogFacts, device: string | null, domain: string | undefined, line: number): void {
  const owner = domainOf(domain);
  if (device === null || owner === null) return;
  const special = SPECIAL_DOMAINS[owner];
  const value = special?.name === 'DOMID_IO' ? 'quarantined' : `assigned to d${owner}`;
  if (lastOf(facts, device)?.value === value) return;
  facts.of(facts.devices, device, { value, line });
  if (special === undefined) facts.of(facts.domains, owner, { value: `has ${device}`, line });
}

const MOVES: readonly FactForm[] = [
  {
    role: 'fact',
    texts: ['AMD-Vi: Re-assign {device:bdf} from {from:text} to {to:text}'],
    printedBy: 'Xen with iommu=debug',
    read: ({ fields, line }, facts) => noteMove(facts, sbdfOf(fields.device), fields.to, line),
  },
  {
    role: 'fact',
    texts: [
      'AMD-Vi: Setup I/O page table: device id = {requester:hex}, type = {type:hex}, root table = {root:hex}, domain = {domain:dec}, paging mode = {levels:dec}',
    ],
    printedBy: 'Xen with iommu=debug',
    read({ fields, line }, facts) {
      const requester = hexNumber(fields.requester);
      const device = requester === null || requester > 0xffff ? null : sbdfText(requester);
      noteMove(facts, device, `d${fields.domain}`, line);
    },
  },
  {
    role: 'fact',
    texts: [
      'AMD-Vi: Disable: device id = {requester:hex}, domain = {domain:dec}, paging mode = {levels:dec}',
    ],
    printedBy: 'Xen with iommu=debug',
    read({ fields, line }, facts) {
      const requester = hexNumber(fields.requester);
      if (requester === null || requester > 0xffff) return;
      const value = `deassigned from d${fields.domain}`;
      facts.of(facts.devices, sbdfText(requester), { value, line });
    },
  },
  {
    role: 'fact',
    texts: ['AMD-Vi: Skipping host bridge {device:bdf}'],
    printedBy: 'Xen with iommu=debug',
    read({ fields, line }, facts) {
      const device = sbdfOf(fields.device);
      if (device !== null) facts.of(facts.devices, device, { value: 'host bridge, not translated', line });
    },
  },
];

/** Xen prints it of every device with ATS, whatever the IOMMU. */
const ats = (text: string, on: boolean): FactForm => ({
  role: 'fact',
  texts: [text],
  printedBy: 'Xen: debug builds with iommu=verbose',
  read({ before, line }, facts) {
    const device = lastSbdf(before.slice(-32));
    if (device === null) return;
    facts.of(facts.devices, device, { value: on ? 'ATS enabled' : 'ATS disabled', line });
    if (on) noteFeature(facts, 'ats', true, line);
  },
});

const SHARED: FactForm = {
  role: 'fact',
  texts: ['AMD-Vi: Share p2m table with iommu: p2m table = {table:hex}'],
  printedBy: 'Xen 4.6 to 4.12 with iommu=debug',
  read: ({ line }, facts) => noteFeature(facts, 'shared-ept', true, line),
};

const ATS: readonly FactForm[] = [
  ats(': ATS is enabled', true),
  ats(': ATS was enabled', true),
  ats(': ATS is disabled', false),
];

const DEVICES: readonly InitRow[] = [
  {
    texts: [
      'failed to find IOMMU: {device:bdf} cannot be assigned to {domain:text}',
      'Fail to find iommu. {device:bdf} cannot be assigned to {domain:text}',
      'failed to find IOMMU: {device:bdf} cannot be removed from {domain:text}',
      'Fail to find iommu. {device:bdf} cannot be removed from {domain:text}',
    ],
    printedBy: SINCE_416,
    reason: 'device-unknown',
    meaning:
      'a device lies behind no AMD-Vi unit, so that it cannot be given to a guest or taken from it (ENODEV)',
  },
  {
    texts: [
      'AMD-Vi: Warning: no IOMMU for {device:bdf}; cannot be handed to {domain:text}',
      'AMD-Vi: No iommu for {device:bdf}; cannot be handed to {domain:text}',
      'AMD-Vi: No iommu for device {device:bdf}',
    ],
    printedBy: `${SINCE_416}, the last 4.6 to 4.9`,
    reason: 'device-unknown',
    meaning: 'a new device lies behind no AMD-Vi unit',
  },
  {
    texts: ['AMD-Vi: Warning: {device:bdf} reassignment may cause {domain:text} data corruption'],
    printedBy: 'Xen since 4.17',
    reason: 'device-exposed',
    meaning:
      'the device table entry could not be written at once, so that a request in flight may be translated by half of it',
  },
  {
    texts: [
      'AMD-Vi: Warning: {domain:word}: unity mapping failed for {device:bdf}',
      'AMD-Vi: Warning: {domain:word}: unity unmapping failed for {device:bdf}',
    ],
    printedBy: SINCE_416,
    reason: 'map-failed',
    meaning: 'the memory that firmware names for the device (IVMD) could not be mapped or unmapped',
  },
  {
    texts: ['AMD-Vi: unity-unmap for {domain:word}/{device:bdf} failed ({errno:dec})'],
    printedBy: 'Xen since 4.16',
    reason: 'map-failed',
    meaning:
      'the memory that firmware names for the device (IVMD) could not be unmapped: its domain is crashed',
  },
  {
    texts: [': quarantine unity mapping failed'],
    printedBy: 'Xen since 4.17',
    reason: 'map-failed',
    meaning: 'the memory that firmware names for the device (IVMD) could not be mapped for its quarantine',
    tell: ({ before }, event) => {
      event.device = lastSbdf(before.slice(-32));
      return undefined;
    },
  },
  {
    texts: ['unexpected DTE {entry:word} (expected {expected:word})'],
    printedBy: 'Xen since 4.17',
    reason: 'unit-failed',
    meaning: 'a device table entry changed while Xen replaced it',
    tell: ({ before }, event) => {
      event.domain = decimal(/\bDom(\d{1,5}): $/.exec(before.slice(-16))?.[1]);
      return undefined;
    },
  },
];

const TABLES: readonly InitRow[] = [
  {
    texts: [
      'AMD-Vi: Error: cannot allocate I/O page table',
      'Cannot allocate I/O page table',
      'AMD-Vi: Error: root table alloc failed, dfn = {frame:hex}',
      'Root table alloc failed, dfn = {frame:hex}',
      'Root table alloc failed, gfn = {frame:hex}',
    ],
    printedBy: SINCE_416,
    reason: 'out-of-memory',
    meaning: 'there was no memory for page tables of devices',
    tell: tellFrame,
  },
  {
    texts: [
      'invalid IO pagetable entry dfn = {frame:hex}',
      'Invalid IO pagetable entry dfn = {frame:hex}',
      'Invalid IO pagetable entry gfn = {frame:hex}',
      'Update page mode failed dfn = {frame:hex}',
      'Update page mode failed gfn = {frame:hex}',
      'Merge iommu page failed at level {level:dec}, gfn = {frame:hex} mfn = {mfn:hex}',
    ],
    printedBy: SINCE_416,
    reason: 'map-failed',
    tell: tellFrame,
  },
  {
    texts: [
      'AMD IOMMU table error. next_level = {next:dec}, expected {expected:dec}',
      'IOMMU p2m table error. next_level = {next:dec}, expected {expected:dec}',
    ],
    printedBy: 'Xen since 4.15, the last wording up to 4.14: the dump of debug key o',
    reason: 'unit-failed',
    meaning: 'an entry of a domain’s page tables for devices leads to the wrong level',
  },
  {
    texts: ['AMD-Vi: {domain:word}: IOMMU mapping failed: {errno:dec}'],
    printedBy: 'Xen 4.8 to 4.11 with iommu=debug',
    reason: 'map-failed',
    meaning: 'memory of the hardware domain could not be mapped for its devices',
  },
];

/** Xen prints the frame at which it failed. */
function tellFrame({ fields }: FormLine, event: EventDraft): undefined {
  const frame = hexValue(fields.frame);
  if (frame !== null) event.address = BigInt.asUintN(64, frame << 12n);
  delete event.details.frame;
}

/** What Xen was doing in its functions for AMD-Vi, as far as a call trace tells. */
const DOING: readonly (readonly [beginning: string, doing: string])[] = [
  [
    'ioapic_update_ire',
    'routing an interrupt of an IO-APIC through AMD-Vi’s interrupt table: compare the IO-APICs of the MADT and the IVRS table, and their addresses',
  ],
  ['setup_ioapic_remapping', 'routing the interrupts of the IO-APICs through AMD-Vi’s interrupt tables'],
  ['msi_msg_update_ire', 'routing an interrupt of a device (MSI) through AMD-Vi’s interrupt table'],
  ['setup_hpet_msi', 'routing an interrupt of the HPET through AMD-Vi’s interrupt table'],
  ['map_page', 'mapping memory for devices'],
  ['unmap_page', 'unmapping memory of devices'],
  ['flush', 'telling an AMD-Vi unit or a device to forget translations'],
  ['assign_device', 'giving a device to a domain'],
  ['add_device', 'putting a device under AMD-Vi'],
  ['remove_device', 'taking a device from AMD-Vi'],
  ['quarantine', 'putting a device into quarantine'],
  ['init', 'setting AMD-Vi up'],
  ['detect', 'looking for AMD-Vi units'],
];

const TRACE = 'xen-amdvi-trace';

/** Xen's own functions lie at these addresses; Linux prints its call traces without any. */
const FRAME_AT_MOST = 40;
const FRAME = /\[<ffff82[0-9a-f]{10}>\] (?:[RFS] )?$/;

const CALLS: readonly LineForm[] = [
  {
    role: 'event',
    source: 'xen',
    unit: 'amdvi',
    kind: 'init',
    opens: TRACE,
    texts: ['amd_iommu_{function:word}+{offset:hex}/{size:hex}'],
    printedBy: 'Xen: a call trace',
    read({ fields, before, line }, event, facts) {
      if (!FRAME.test(before.slice(-FRAME_AT_MOST))) return false;
      // The callers of the first are no events of their own.
      const last = facts.other.get('amdvi-call-trace')?.line;
      facts.other.set('amdvi-call-trace', { value: fields.function!, line });
      if (last !== undefined && line - last > 0 && line - last <= TRACE_AT_MOST) return false;
      const doing = DOING.find(([beginning]) => fields.function!.includes(beginning))?.[1];
      event.reason = initReason(
        'panic',
        `Xen stopped or complained while ${doing ?? 'in its code for AMD-Vi'}`,
      );
      event.details.function = `amd_iommu_${fields.function}`;
      return undefined;
    },
  } satisfies EventForm,
  {
    role: 'more',
    continues: TRACE,
    texts: ['Pagetable walk from {address:hex}:'],
    printedBy: 'Xen: behind the call trace of a page fault of its own',
    read({ fields }, event) {
      // An address of the hypervisor's own, none of a device.
      const address = hexValue(fields.address);
      event.details['page fault at'] = `0x${(address ?? 0n).toString(16)}`;
      if (address !== null && address < 0x1000n) event.details['page fault at'] += ', a null pointer';
      return undefined;
    },
  } satisfies MoreForm,
];

/** Lines of a call trace. */
const TRACE_AT_MOST = 32;

/** What Xen says of devices behind AMD-Vi and of their tables, and where it stops. */
export const XEN_AMDVI_DEVICES: readonly LineForm[] = [
  ...MOVES,
  ...ATS,
  SHARED,
  ...initForms('xen', [...DEVICES, ...TABLES]),
  ...CALLS,
];
