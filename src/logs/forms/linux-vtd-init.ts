import type { LineForm } from '../form.js';
import { noteFeature, noteIommu, noteOffBecause, noteOther } from '../machine-facts.js';
import { hexDetail, hexValue } from '../values.js';
import { vtdCapabilities } from '../vtd-capabilities.js';
import { type Also, type Said, saidForms } from './said.js';

/** What Linux says while it switches VT-d units and interrupt remapping on (intel/iommu.c, irq_remapping.c). */

const VTD = { source: 'linux', unit: 'vtd', kind: 'init' } as const;

const feature =
  (name: string, on: boolean): Also =>
  ({ line }, _, facts) => {
    noteFeature(facts, name, on, line);
    return undefined;
  };

/** The unit that stands before, as in `DMAR: dmar0: ` and `IOMMU 0 0xfed90000: `. */
const namesUnit: Also = ({ before }, event) => {
  const unit = /\b(dmar\d{1,4}|IOMMU \d{1,4})[^:]{0,24}: $/.exec(before.slice(-64))?.[1];
  if (unit !== undefined) event.details.unit = unit;
  return undefined;
};

const on: Also = ({ line }, _, facts) => {
  noteIommu(facts, 'enabled', line);
  return undefined;
};

const off: Also = (line, _, facts) => {
  noteIommu(facts, 'disabled', line.line);
  noteOffBecause(facts, line);
  return undefined;
};

/** Translation was on when the kernel began: what devices did for the last one goes on. */
const before: Also = (line, _, facts) => {
  noteOther(facts, 'translation-pre-enabled', 'translation was on before this kernel began', line.line);
  return undefined;
};

const MODES: readonly Said[] = [
  {
    texts: ['DMAR: IOMMU enabled', 'Intel-IOMMU: enabled'],
    printedBy: 'Linux, for intel_iommu=on',
    name: 'iommu-on',
    meaning: 'the command line switches VT-d on',
    also: on,
  },
  {
    texts: [
      'DMAR: Intel(R) Virtualization Technology for Directed I/O',
      'PCI-DMA: Intel(R) Virtualization Technology for Directed I/O',
    ],
    printedBy: 'Linux; in the second wording until 4.1',
    name: 'iommu-on',
    meaning: 'VT-d is on: Linux translates what devices access',
    also: on,
  },
  {
    texts: ['Intel-IOMMU force enabled due to platform opt in', 'Forcing Intel-IOMMU to enabled'],
    printedBy: 'Linux',
    name: 'iommu-on',
    meaning: 'VT-d is switched on because firmware or tboot asks for it',
    also: on,
  },
  {
    texts: ['DMAR: IOMMU disabled', 'Intel-IOMMU: disabled'],
    printedBy: 'Linux, for intel_iommu=off',
    name: 'iommu-off-by-choice',
    meaning: 'the command line leaves VT-d off: devices reach all memory',
    also: off,
  },
  {
    texts: ['DMAR: Disable GFX device mapping', 'DMAR: Disable integrated GPU device mapping'],
    printedBy: 'Linux, for intel_iommu=igfx_off',
    name: 'iommu-off-by-choice',
    meaning: 'the command line leaves integrated graphics untranslated',
    also: graphicsOff,
  },
  {
    texts: ['Disabling IOMMU for graphics on this chipset'],
    printedBy: 'Linux',
    name: 'workaround',
    meaning: 'integrated graphics is left untranslated, as this chipset’s errata ask',
    also: graphicsOff,
  },
  {
    texts: ['BIOS has allocated no shadow GTT; disabling IOMMU for graphics'],
    printedBy: 'Linux',
    name: 'firmware-bug',
    meaning: 'firmware did not set integrated graphics up for translation; it is left untranslated',
    also: graphicsOff,
  },
  {
    texts: ['Forcing write-buffer flush capability'],
    printedBy: 'Linux',
    name: 'workaround',
    meaning: 'the chipset buffers writes to tables though its unit denies it; Linux flushes the buffer',
  },
  {
    texts: ['Disabling batched IOTLB flush on Ironlake', 'IOMMU batching disallowed due to virtualization'],
    printedBy: 'Linux',
    name: 'workaround',
    meaning: 'translations are invalidated at once rather than in batches',
  },
  {
    texts: ['DMAR: Disable supported super page', 'DMAR: Scalable mode is disallowed'],
    printedBy: 'Linux, for intel_iommu=sp_off and sm_off',
    name: 'feature-off',
    meaning: 'the command line forbids large pages or scalable mode',
  },
  {
    texts: ['DMAR: Enable scalable mode if hardware supports'],
    printedBy: 'Linux, for intel_iommu=sm_on',
    name: 'feature-on',
    meaning: 'scalable mode is used where units have it',
  },
  {
    texts: ["DMAR: Unknown option - '{option:text}'"],
    printedBy: 'Linux since 5.15',
    name: 'option-invalid',
    meaning: 'intel_iommu= has a word that Linux does not know',
  },
  {
    texts: ['Intel-IOMMU: not forcing on after tboot'],
    printedBy: 'Linux',
    name: 'iommu-off',
    meaning:
      'the command line forbids tboot to switch VT-d on: the measured launch is not protected from devices',
  },
  {
    texts: ['tboot: Failed to initialize {what:text}', 'tboot: IOMMU setup failed, DMAR can not resume!'],
    printedBy: 'Linux',
    name: 'panic',
    meaning: 'Linux stops: tboot demands VT-d, and it could not be set up',
  },
];

function graphicsOff(...[line, , facts]: Parameters<Also>): undefined {
  noteOther(facts, 'graphics-unit-off', 'integrated graphics is not translated', line.line);
}

const UNITS: readonly Said[] = [
  {
    texts: ['reg_base_addr {registers:hex} ver {version:place} cap {cap:hex} ecap {ecap:hex}'],
    printedBy: 'Linux',
    name: 'capabilities',
    meaning: 'what a unit can do',
    manual: 'Intel VT-d spec 5.10 §11.4.2, §11.4.3',
    also(line, event, facts) {
      const { fields } = line;
      const said = vtdCapabilities(hexValue(fields.cap) ?? 0n, hexValue(fields.ecap) ?? 0n);
      Object.assign(event.details, {
        cap: hexDetail(fields.cap!),
        ecap: hexDetail(fields.ecap!),
        width: `${said.widthBits} bits`,
        levels: said.levels,
        'domain ids': String(said.domainIds),
        superpages: said.superpages,
        capabilities: said.capabilities,
        'extended capabilities': said.extended,
      });
      noteOther(facts, 'unit-address-width', String(said.widthBits), line.line);
      return namesUnit(line, event, facts);
    },
  },
  {
    texts: ['Using Queued invalidation', 'using Queued invalidation'],
    printedBy: 'Linux',
    name: 'feature-on',
    meaning: 'invalidations are queued in memory',
    manual: 'Intel VT-d spec 5.10 §6.5.2',
    also(line, event, facts) {
      noteFeature(facts, 'queued-invalidation', true, line.line);
      return namesUnit(line, event, facts);
    },
  },
  {
    texts: ['Using Register based invalidation', 'using Register based invalidation'],
    printedBy: 'Linux',
    name: 'feature-off',
    meaning: 'invalidations are written to registers, one at a time',
    manual: 'Intel VT-d spec 5.10 §6.5.1',
    also(line, event, facts) {
      noteFeature(facts, 'queued-invalidation', false, line.line);
      return namesUnit(line, event, facts);
    },
  },
  {
    texts: ['No supported address widths. Not attempting DMA translation.'],
    printedBy: 'Linux since 5.8',
    name: 'feature-off',
    meaning: 'a unit remaps interrupts only: it translates no addresses',
    also: namesUnit,
  },
  {
    texts: [
      'Cannot get a valid agaw for iommu (seq_id = {unit:dec})',
      'Cannot get a valid max agaw for iommu (seq_id = {unit:dec})',
    ],
    printedBy: 'Linux',
    name: 'unit-failed',
    meaning: 'a unit walks tables of no number of levels that Linux has',
    manual: 'Intel VT-d spec 5.10 §11.4.2 (CAP_REG.SAGAW)',
  },
  {
    texts: [
      "DMAR: Can't reserve memory",
      "DMAR: Can't map the region",
      'DMAR: Failed to map {unit:name}',
      'DMAR: Failed to allocate seq_id',
      'DMAR: No free IRQ vectors',
      "DMAR: Can't request irq",
      'DMAR: Initialization failed',
      'DMAR: Domain initialization failed',
    ],
    printedBy: 'Linux since 4.2',
    name: 'unit-failed',
    meaning: 'a unit could not be set up: its registers, its interrupt or memory could not be had',
  },
  {
    texts: ['failed to enable fault, interrupt, ret {error:dec}'],
    printedBy: 'Linux',
    name: 'unit-failed',
    meaning: 'a unit’s fault interrupt could not be set up: its faults would go unseen',
  },
  {
    texts: ['Allocating root entry for {unit:name} failed', "DMAR: Can't allocate dmar_domain"],
    printedBy: 'Linux',
    name: 'out-of-memory',
    meaning: 'there was no memory for tables of a unit',
  },
  {
    texts: ['No free domain ids'],
    printedBy: 'Linux',
    name: 'out-of-domain-ids',
    meaning: 'all domain ids of a unit are taken: no more devices can be given to domains of their own',
    manual: 'Intel VT-d spec 5.10 §11.4.2 (CAP_REG.ND)',
    also: namesUnit,
  },
  {
    texts: [
      'Translation was enabled for {unit:name} but we are not in kdump mode',
      'Translation already enabled - trying to copy translation structures',
      'Copied translation tables from previous kernel for {unit:name}',
    ],
    printedBy: 'Linux since 4.2',
    name: 'workaround',
    meaning: 'a unit was translating when this kernel began; what devices do for the last one goes on',
    also: before,
  },
  {
    texts: [
      'Failed to copy translation tables from previous kernel for {unit:name}',
      'Failed to copy context table for bus {bus:dec}',
    ],
    printedBy: 'Linux since 4.2',
    name: 'unit-failed',
    meaning:
      'the tables of the kernel before could not be taken over: devices that still work for it will fault',
    also: before,
  },
];

const EXPOSED = 'interrupts of devices are not remapped: a device that a guest has may raise any interrupt';

const INTERRUPTS: readonly Said[] = [
  {
    texts: ['Enabled IRQ remapping in {mode:word} mode'],
    printedBy: 'Linux',
    name: 'feature-on',
    meaning: 'interrupts of devices are remapped',
    also: feature('interrupt-remapping', true),
  },
  {
    texts: ['Failed to enable irq remapping. You are vulnerable to irq-injection attacks.'],
    printedBy: 'Linux',
    name: 'interrupts-exposed',
    meaning: EXPOSED,
    also: feature('interrupt-remapping', false),
  },
  {
    texts: ['Not enabling interrupt remapping'],
    printedBy: 'Linux',
    name: 'interrupts-exposed',
    meaning: EXPOSED,
    also: feature('interrupt-remapping', false),
  },
  {
    texts: ['This system BIOS has enabled interrupt remapping'],
    printedBy: 'Linux since 3.10',
    name: 'interrupts-exposed',
    meaning: 'interrupt remapping is switched off, as this chipset’s errata make it unstable',
    also: feature('interrupt-remapping', false),
  },
  {
    texts: ['Compatibility-format IRQs enabled despite intr remapping'],
    printedBy: 'Linux',
    name: 'interrupts-exposed',
    meaning: 'interrupts in the old format pass a unit unremapped: devices may raise any interrupt',
  },
  {
    texts: ['ioapic {ioapic:dec} has no mapping iommu, interrupt remapping will be disabled'],
    printedBy: 'Linux',
    name: 'firmware-bug',
    meaning: 'the DMAR table names an IO-APIC in no unit’s scope: interrupts are not remapped',
    also: feature('interrupt-remapping', false),
  },
  {
    texts: ['x2apic is disabled because BIOS sets x2apic opt out bit.'],
    printedBy: 'Linux',
    name: 'feature-off',
    meaning: 'the DMAR table asks to do without x2APIC',
    manual: 'Intel VT-d spec 5.10 §8.1 (X2APIC_OPT_OUT)',
  },
  {
    texts: ['does not support EIM'],
    printedBy: 'Linux',
    name: 'feature-off',
    meaning: 'a unit cannot remap interrupts to x2APIC ids',
    also: namesUnit,
  },
  {
    texts: ['Queued invalidation will be enabled to support x2apic and Intr-remapping.'],
    printedBy: 'Linux',
    name: 'feature-on',
    meaning: 'invalidations are queued in memory, which interrupt remapping needs',
    also: feature('queued-invalidation', true),
  },
  {
    texts: [
      'Failed to setup irq remapping for {unit:name}',
      'Failed to enable queued invalidation',
      'Failed to set source-id of IOAPIC ({ioapic:dec})',
      'Failed to set source-id of HPET block ({hpet:dec})',
      "can't allocate an IRTE",
      'Failed to copy IR table for {unit:name} from previous kernel',
      'failed to parse managed IOAPIC/HPET',
    ],
    printedBy: 'Linux',
    name: 'unit-failed',
    meaning: 'interrupt remapping of a unit, an IO-APIC or a device could not be set up',
  },
  {
    texts: [
      'IRQ remapping was enabled on {unit:name} but we are not in kdump mode',
      'Copied IR table for {unit:name} from previous kernel',
    ],
    printedBy: 'Linux since 4.2',
    name: 'workaround',
    meaning: 'a unit was remapping interrupts when this kernel began',
  },
];

export const LINUX_VTD_INIT_FORMS: readonly LineForm[] = saidForms(VTD, [...MODES, ...UNITS, ...INTERRUPTS]);
