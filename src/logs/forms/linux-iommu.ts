import type { FactForm, LineForm } from '../form.js';
import { noteOther } from '../machine-facts.js';
import { decimal, hexValue } from '../values.js';
import { keepLine } from '../vtd-walk.js';
import { noteErrno, type Said, saidForms } from './said.js';

/** What Linux says of IOMMUs of every kind (iommu.c, dma-iommu.c), of mappings of VT-d, and of pKVM’s hypervisor. */

const ANY = { source: 'linux', unit: null, kind: 'init' } as const;
const VTD = { source: 'linux', unit: 'vtd', kind: 'init' } as const;

const DOMAIN_TYPES: Readonly<Record<string, string>> = {
  __proto__: null as never,
  Translated: 'devices of the host reach only what their drivers map',
  Passthrough: 'devices of the host are not translated: they reach everything until a guest gets them',
};

const POLICY: readonly Said[] = [
  {
    texts: ['iommu: Default domain type: {type:word}'],
    printedBy: 'Linux since 4.20',
    name: 'mode',
    meaning: 'how devices of the host are translated',
    also({ fields, line, after }, event, facts) {
      const meaning = DOMAIN_TYPES[fields.type!];
      if (meaning !== undefined && event.reason !== null) event.reason = { ...event.reason, meaning };
      if (after.includes('command line')) event.details['set by'] = 'the command line';
      noteOther(facts, 'linux-domain-type', fields.type!, line);
      return undefined;
    },
  },
  {
    texts: ['iommu: DMA domain TLB invalidation policy: {policy:word} mode'],
    printedBy: 'Linux since 5.15',
    name: 'mode',
    meaning: 'when translations of unmapped memory are forgotten: at once (strict) or in batches (lazy)',
    also({ fields, line }, _, facts) {
      noteOther(facts, 'linux-invalidation-policy', fields.policy!, line);
      return undefined;
    },
  },
  {
    texts: ['Memory encryption detected - Disabling default IOMMU Passthrough'],
    printedBy: 'Linux since 5.4',
    name: 'mode',
    meaning: 'devices are translated, as memory is encrypted',
  },
  {
    texts: [
      'Failed to set up IOMMU for device {device:place}; retaining platform DMA ops',
      'Failed to allocate default IOMMU domain of type {type:dec} for group {group:text} - Falling back',
    ],
    printedBy: 'Linux',
    name: 'device-failed',
    meaning: 'the translation that a device or its group should have could not be set up',
  },
];

const MAPPINGS: readonly Said[] = [
  {
    texts: ['ERROR: DMA PTE for vPFN {frame:hex} already set (to {found:hex} not {wanted:hex})'],
    printedBy: 'Linux',
    name: 'map-failed',
    meaning:
      'an address was to be mapped for a device that is mapped already: two users have the same address',
    also({ fields }, event) {
      const frame = hexValue(fields.frame);
      event.address = frame === null || frame >= 1n << 52n ? null : frame << 12n;
      for (const name of ['frame', 'found', 'wanted']) delete event.details[name];
      keepLine(event, `set to ${fields.found}, not ${fields.wanted}`);
      return undefined;
    },
  },
  {
    texts: ['iommu width ({bits:dec}) is not sufficient for the mapped address ({address:hex})'],
    printedBy: 'Linux',
    name: 'map-failed',
    meaning: 'memory lies beyond the addresses that the unit translates',
  },
  {
    texts: [
      'Read-only mapping is disallowed on the domain which serves as the parent in a nested configuration',
    ],
    printedBy: 'Linux since 6.8',
    name: 'map-failed',
    meaning:
      'this processor’s errata forbid read-only mappings below a guest’s own tables (ERRATA_772415_SPR17)',
  },
];

/** The state of the page that the next line is about, in `facts.other`. */
const PKVM_STATE = 'pkvm-state';

const PROTECTED: readonly Said[] = [
  {
    texts: [
      'domain map[iov_pfn: {frame:hex}, pfn: {pfn:hex}, nr_pages: {pages:dec}] failed (err={errno:dec})',
    ],
    printedBy: 'pKVM on Intel: Linux',
    name: 'map-failed',
    meaning: 'pKVM’s hypervisor refused to map memory for a device',
    also({ fields }, event) {
      const frame = hexValue(fields.frame);
      event.address = frame === null || frame >= 1n << 52n ? null : frame << 12n;
      delete event.details.frame;
      noteErrno(event, decimal(fields.errno));
      return undefined;
    },
  },
  {
    texts: [
      'pkvm_host_use_dma: invalid memory range [{start:hex}, {end:hex}), state check failed with {errno:dec}',
    ],
    printedBy: 'pKVM on Intel: the hypervisor',
    name: 'map-failed',
    meaning:
      'memory that a device should reach is not the host’s alone, or is no memory all through: pKVM keeps devices from it',
    also({ fields, line }, event, facts) {
      event.address = hexValue(fields.start);
      const state = facts.other.get(PKVM_STATE);
      if (state !== undefined && line - state.line <= 2) keepLine(event, state.value);
      return undefined;
    },
  },
];

const STATE: FactForm = {
  role: 'fact',
  texts: ['page-\\>host_state={state:dec}, expected states mask={mask:hex}'],
  printedBy: 'pKVM on Intel: the hypervisor, before the range',
  read({ fields, line }, facts) {
    const { state, mask } = fields;
    noteOther(facts, PKVM_STATE, `page->host_state=${state}, expected states mask=${mask}`, line);
  },
};

export const LINUX_IOMMU_FORMS: readonly LineForm[] = [
  ...saidForms(ANY, POLICY),
  ...saidForms(VTD, [...MAPPINGS, ...PROTECTED]),
  STATE,
];
