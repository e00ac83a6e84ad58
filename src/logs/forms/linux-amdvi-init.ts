import { AMDVI_EXTENDED_FEATURES, AMDVI_FEATURES } from '../../formats/amdvi-features.js';
import { getField } from '../../formats/layout.js';
import type { EventDraft } from '../event.js';
import type { LogFacts } from '../facts.js';
import type { FactForm, FormLine, LineForm } from '../form.js';
import { hexValue, sbdfOf } from '../values.js';
import { type InitRow, initForms } from './amdvi-init-row.js';

// What Linux says of AMD-Vi while it sets it up (drivers/iommu/amd/init.c, up to 5.7 drivers/iommu/amd_iommu_init.c, up to 3.0
// arch/x86/kernel/amd_iommu_init.c). Up to 2.6.32 its lines begin with `AMD IOMMU: `.

/** Lines that Linux prints only where it has the units to itself: on bare metal, or in a guest with a virtual one. */
function noteOn(line: FormLine, facts: LogFacts): void {
  facts.iommu = { value: 'enabled', line: line.line };
}

/** The features that a register's value has, each with its value. */
function tellFeatures(event: EventDraft, register: bigint): void {
  const words = [Number(register & 0xffff_ffffn), Number((register >> 32n) & 0xffff_ffffn)];
  for (const { name, meaning } of AMDVI_FEATURES) {
    const field = name.charAt(0).toLowerCase() + name.slice(1);
    const value = getField(AMDVI_EXTENDED_FEATURES, field, words);
    if (value !== 0) event.bits.push({ name, value, meaning });
  }
}

/** The features that Linux lists by its own names. */
function tellListed(event: EventDraft, listed: string): void {
  const names = new Set(listed.slice(0, LISTED_AT_MOST).split(/\s+/));
  for (const { linux, name, meaning } of AMDVI_FEATURES) {
    if (linux !== '' && names.has(linux)) event.bits.push({ name, value: 1, meaning });
  }
}

const LISTED_AT_MOST = 200;

const FEATURES: readonly InitRow[] = [
  {
    texts: ['AMD-Vi: Extended features ({register:hex}<, {register2:hex}>)'],
    printedBy: 'Linux 4.x and later; the second register since 5.18 or so',
    reason: 'capabilities',
    tell(line, event, facts) {
      const register = hexValue(line.fields.register);
      if (register === null) return false;
      tellFeatures(event, register);
      noteOn(line, facts);
      return undefined;
    },
  },
  {
    texts: ['AMD-Vi: Extended features: {listed:text}'],
    printedBy: 'Linux 2.6.38 to 4.x',
    reason: 'capabilities',
    tell(line, event, facts) {
      tellListed(event, line.fields.listed ?? '');
      delete event.details.listed;
      noteOn(line, facts);
      return undefined;
    },
  },
  {
    texts: ['AMD-Vi: Using global IVHD EFR:{register:hex}<, EFR2:{register2:hex}>'],
    printedBy: 'Linux 5.x and later',
    reason: 'capabilities',
    meaning: 'what the units can do was taken from the IVRS table',
    tell({ fields }, event) {
      const register = hexValue(fields.register);
      if (register !== null) tellFeatures(event, register);
      return undefined;
    },
  },
  {
    texts: [
      'AMD-Vi: Found IOMMU cap {capability:hex}',
      'AMD-Vi: Found IOMMU at {device:bdf} cap {capability:hex}',
      'AMD-Vi: Enabling IOMMU at {device:bdf} cap {capability:hex}',
    ],
    printedBy: 'Linux 5.0 to 6.x; the second up to 4.20; the last in older ones',
    reason: 'unit-found',
    tell(line, _event, facts) {
      noteOn(line, facts);
      return undefined;
    },
  },
  {
    texts: ['AMD-Vi: Interrupt remapping enabled'],
    printedBy: 'Linux 3.x and later',
    reason: 'feature-on',
    meaning: 'interrupts of devices are remapped',
    features: { 'interrupt-remapping': true },
  },
  {
    texts: ['AMD-Vi: X2APIC enabled'],
    printedBy: 'Linux 4.x and later',
    reason: 'feature-on',
    meaning: 'interrupts go to APIC ids of 32 bits',
    features: { x2apic: true },
  },
  {
    texts: ['AMD-Vi: Virtual APIC enabled', 'AMD-Vi: virtual APIC enabled'],
    printedBy: 'Linux since 5.0; the last wording in 4.x',
    reason: 'feature-on',
    meaning: 'interrupts go straight to guests’ APICs',
    features: { 'posted-interrupts': true },
  },
  {
    texts: ['AMD-Vi: V2 page table enabled< (Paging mode : {levels:dec} level)>'],
    printedBy: 'Linux 6.x; the levels since after 6.1',
    reason: 'feature-on',
    meaning: 'the kernel’s devices are translated by tables like the CPU’s',
  },
  {
    texts: ['AMD-Vi: IOMMU SNP support enabled.', 'AMD-Vi: SNP enabled'],
    printedBy: 'Linux 6.x; the last wording up to 6.1 and later',
    reason: 'feature-on',
    meaning: 'accesses are checked against the reverse map table (SEV-SNP)',
    features: { snp: true },
  },
  {
    texts: ['AMD-Vi: IOMMU performance counters supported'],
    printedBy: 'Linux',
    reason: 'feature-on',
    meaning: 'the performance counters of a unit can be used',
  },
  {
    texts: ['Unable to read/write to IOMMU perf counter', 'Unable to write to IOMMU perf counter'],
    printedBy: 'Linux 3.x to 5.x: nothing but the counters is missing',
    reason: 'feature-refused',
    meaning: 'the performance counters of a unit cannot be used; devices are translated all the same',
  },
  {
    texts: ['AMD IOMMUv2 loaded and initialized'],
    printedBy: 'Linux 5.x to 6.x',
    reason: 'feature-on',
    meaning: 'devices can use the addresses of processes (PASID and page requests)',
  },
  {
    texts: ['AMD IOMMUv2 functionality not available on this system'],
    printedBy: 'Linux 3.x to 6.x: no error',
    reason: 'feature-off',
    meaning:
      'devices cannot use the addresses of processes, for which the units lack guest translation or page requests',
  },
  {
    texts: ['AMD-Vi: Force to disable Virtual APIC due to SNP'],
    printedBy: 'Linux 6.x',
    reason: 'feature-off',
    meaning: 'interrupts do not go straight to guests’ APICs, as SEV-SNP does not allow it',
    features: { 'posted-interrupts': false },
  },
  {
    texts: [
      'AMD-Vi: Cannot enable v2 page table for DMA-API. Fallback to v1.',
      "AMD-Vi: V2 page table doesn't support passthrough mode. Fallback to v1.",
      'AMD-Vi: Force to using AMD IOMMU v1 page table due to SNP',
    ],
    printedBy: 'Linux 6.x; the others in 6.1',
    reason: 'feature-refused',
    meaning: 'tables like the CPU’s (amd_iommu=pgtbl_v2) cannot be used',
  },
  {
    texts: [
      'AMD-Vi: SNP: {why:text}, SNP cannot be supported',
      'AMD-Vi: SNP: Too late to enable SNP for IOMMU.',
    ],
    printedBy: 'Linux 6.x',
    reason: 'feature-refused',
    meaning: 'guests cannot be protected by SEV-SNP',
    features: { snp: false },
  },
];

const MODES: readonly InitRow[] = [
  {
    texts: ['AMD-Vi: Lazy IO/TLB flushing enabled', 'AMD IOMMU: Lazy IO/TLB flushing enabled'],
    printedBy: 'Linux up to 5.x; the last wording up to 2.6.32',
    reason: 'mode',
    meaning: 'what was unmapped is forgotten by the units a little later, all at once',
    features: { 'lazy-unmap': true },
  },
  {
    texts: ['AMD-Vi: IO/TLB flush on unmap enabled', 'AMD IOMMU: IO/TLB flush on unmap enabled'],
    printedBy: 'Linux up to 5.x; the last wording up to 2.6.32',
    reason: 'mode',
    meaning: 'what is unmapped is forgotten by the units at once',
    features: { 'lazy-unmap': false },
  },
  {
    texts: ['AMD-Vi: Using strict mode due to virtualization'],
    printedBy: 'Linux 5.x and later, in a virtual machine',
    reason: 'mode',
    meaning: 'what is unmapped is forgotten by the units at once',
    features: { 'lazy-unmap': false },
  },
  {
    texts: ['AMD IOMMU: device isolation {isolation:word}'],
    printedBy: 'Linux up to 2.6.32',
    reason: 'mode',
    meaning: 'each device has tables of its own, or all share one',
  },
  {
    texts: ['AMD-Vi: Restricting V1 page-sizes to {sizes:text}'],
    printedBy: 'Linux 6.x: an option',
    reason: 'mode',
    meaning: 'devices are mapped only by pages of these sizes',
  },
  {
    texts: ['AMD-Vi: Initialized for Passthrough Mode'],
    printedBy: 'Linux 2.6.33 to 3.x and later',
    reason: 'mode',
    meaning: 'devices of the host are not translated (iommu=pt)',
  },
  {
    texts: ['AMD IOMMU disabled on kernel command-line', 'AMD IOMMU disabled by kernel command line'],
    printedBy: 'Linux 4.x and later; the last wording up to 2.6.32',
    reason: 'iommu-off-by-choice',
    off: true,
  },
  {
    texts: [
      'AMD-Vi: Translation is already enabled - trying to copy translation structures',
      'AMD-Vi: Translation is already enabled - trying to reuse translation structures',
      'AMD-Vi: Translation was enabled for IOMMU:{unit:dec} but we are not in kdump mode',
    ],
    printedBy: 'Linux 4.x and later; the second after 6.12',
    reason: 'mode',
    meaning:
      'the units were already on when the kernel started: firmware or a kernel before had switched them on',
    tell({ line }, _event, facts) {
      facts.other.set('translation-pre-enabled', { value: 'AMD-Vi', line });
      return undefined;
    },
  },
  {
    texts: ['AMD-Vi: Copied DEV table from previous kernel.'],
    printedBy: 'Linux 4.x to 6.12 and later',
    reason: 'mode',
    meaning: 'devices go on with the tables of the kernel before, until their drivers start',
  },
];

const WORKAROUNDS: readonly InitRow[] = [
  {
    texts: ['AMD-Vi: Applying erratum 746 workaround', 'AMD-Vi: Applying ATS write check workaround'],
    printedBy: 'Linux',
    reason: 'workaround',
    tell: ({ after }) => (after.startsWith(' for IOMMU at') ? false : undefined),
  },
  {
    texts: [
      'AMD-Vi: Applying erratum: Increase Event log size to {size:hex}',
      'AMD-Vi: Applying erratum: Increase PPR log size to {size:hex}',
    ],
    printedBy: 'Linux 6.x',
    reason: 'workaround',
    meaning: 'a log of the units is made longer, as a full one can hang them',
  },
];

const fact = (texts: readonly string[], printedBy: string, read: FactForm['read']): FactForm => ({
  role: 'fact',
  texts,
  printedBy,
  read,
});

const FACTS: readonly LineForm[] = [
  fact(
    [
      'Using passthrough domain for device {device:place}',
      'Using protection domain {domain:dec} for device {device:place}',
    ],
    'Linux 2.6.33 to 4.x with amd_iommu_dump',
    ({ fields, line }, facts) => {
      const device = sbdfOf(fields.device);
      if (device === null) return;
      const value = fields.domain === undefined ? 'not translated' : `in protection domain ${fields.domain}`;
      facts.of(facts.devices, device, { value, line });
    },
  ),
  fact(
    [
      'devid_start: {first:bdf} devid_end: {last:bdf} range_start: {start:hex} range_end: {end:hex} flags: {flags:hex}',
    ],
    'Linux with amd_iommu_dump',
    ({ fields, line }, facts) => {
      const start = hexValue(fields.start);
      const end = hexValue(fields.end);
      const first = sbdfOf(fields.first);
      const last = sbdfOf(fields.last);
      if (start === null || end === null || end <= start) return;
      const devices = first !== null && first === last ? [first] : [];
      facts.add(facts.reservedRegions, { start, end, what: '', devices, line });
    },
  ),
];

/** What Linux says of AMD-Vi's features and modes. */
export const LINUX_AMDVI_INIT: readonly LineForm[] = [
  ...initForms('linux', [...FEATURES, ...MODES, ...WORKAROUNDS]),
  ...FACTS,
];
