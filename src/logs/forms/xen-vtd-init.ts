import type { FactForm, LineForm } from '../form.js';
import { noteFeature, noteOther } from '../machine-facts.js';
import { hexDetail, hexValue } from '../values.js';
import { vtdCapabilities } from '../vtd-capabilities.js';
import { initReason } from './init-reasons.js';
import { type Also, type Said, saidForms } from './said.js';
import { tableComplaint } from './table-complaint.js';

/** What Xen says while it sets VT-d units and interrupt remapping up (vtd/iommu.c, intremap.c). */

const VTD = { source: 'xen', unit: 'vtd', kind: 'init' } as const;
const ALWAYS = 'Xen 4.6 to 4.22';

/** Features by what Xen calls them: their names in the facts, and what it means that they are used and that they are not. */
const FEATURES: Readonly<Record<string, readonly [name: string, used: string, unused: string]>> = {
  __proto__: null as never,
  'Snoop Control': [
    'snoop-control',
    'mappings can make DMA snoop the processors’ caches whatever the device asks for',
    'devices decide whether their DMA snoops the processors’ caches',
  ],
  'Dom0 DMA Passthrough': [
    'dom0-passthrough',
    'dom0’s devices are not translated: they reach everything',
    'dom0’s devices are translated',
  ],
  'Queued Invalidation': [
    'queued-invalidation',
    'invalidations are queued in memory',
    'invalidations are written to registers, and interrupts cannot be remapped',
  ],
  'Interrupt Remapping': [
    'interrupt-remapping',
    'interrupts of devices are remapped',
    'interrupts of devices are not remapped: a guest with a device may raise any interrupt',
  ],
  'Posted Interrupt': [
    'posted-interrupts',
    'interrupts of devices reach a guest without Xen',
    'interrupts of devices go through Xen',
  ],
  'Shared EPT tables': [
    'shared-ept',
    'devices of HVM guests use the guest’s own EPT tables',
    'devices of HVM guests have tables of their own',
  ],
};

const UNITS: readonly Said[] = [
  {
    texts: ['Intel VT-d iommu {unit:dec} supported page sizes: {sizes:text}'],
    printedBy: ALWAYS,
    name: 'capabilities',
    meaning: 'the page sizes that a unit can map',
    manual: 'Intel VT-d spec 5.10 §11.4.2 (CAP_REG.SSLPS)',
  },
  {
    texts: ['Intel VT-d {feature:text} enabled.'],
    printedBy: ALWAYS,
    name: 'feature-on',
    meaning: 'a feature of VT-d',
    also({ fields, line }, event, facts) {
      const said = fields.feature!;
      const off = said.endsWith(' not');
      const feature = off ? said.slice(0, -4) : said;
      const row = FEATURES[feature];
      if (row === undefined) return false;
      const [name, used, unused] = row;
      event.details.feature = feature;
      noteFeature(facts, name, !off, line);
      event.reason = initReason(off ? 'feature-off' : 'feature-on', off ? unused : used);
      return undefined;
    },
  },
  {
    texts: ['dmaru-\\>address = {registers:hex}'],
    printedBy: `${ALWAYS}, with iommu=verbose`,
    name: 'unit-found',
    meaning: 'a unit of the DMAR table, by the address of its registers',
    manual: 'Intel VT-d spec 5.10 §8.3',
  },
  {
    texts: ['[VT-D]<iommu.c:{at:dec}: >cap = {cap:hex} ecap = {ecap:hex}'],
    printedBy: `${ALWAYS}, with iommu=verbose`,
    name: 'capabilities',
    meaning: 'what a unit can do',
    manual: 'Intel VT-d spec 5.10 §11.4.2, §11.4.3',
    also({ fields, line }, event, facts) {
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
      noteOther(facts, 'unit-address-width', String(said.widthBits), line);
      for (const [name, on] of Object.entries(said.features)) noteFeature(facts, name, on, line);
      return undefined;
    },
  },
  {
    texts: ['iommu_enable_translation: iommu-\\>reg = {registers:hex}'],
    printedBy: `${ALWAYS}, with iommu=verbose`,
    name: 'iommu-on',
    meaning: 'translation is switched on in a unit',
    also({ fields }, event, facts) {
      const registers = hexDetail(fields.registers!);
      event.details.registers = registers;
      const unit = facts.other.get(`vtd-registers ${registers}`);
      if (unit !== undefined) event.details.unit = unit.value;
      return undefined;
    },
  },
  {
    texts: ['IOMMU: unsupported sagaw {sagaw:hex}'],
    printedBy: ALWAYS,
    name: 'unit-failed',
    meaning: 'a unit walks tables of neither 3 nor 4 levels, which is all that Xen has',
    manual: 'Intel VT-d spec 5.10 §11.4.2 (CAP_REG.SAGAW)',
  },
  {
    texts: ['[VT-D]<iommu.c:{at:dec}: >IOMMU: unsupported'],
    printedBy: ALWAYS,
    name: 'unit-failed',
    meaning: 'a unit’s capabilities make no sense: registers beyond their page, or too many domain ids',
    also: ({ after }) => (after.startsWith(' sagaw') ? false : undefined),
  },
  {
    texts: ['Unhandled bits in SAGAW {sagaw:hex}<, {consequence:text}>'],
    printedBy: 'Xen 4.18 to 4.22',
    name: 'feature-off',
    meaning: 'a unit walks tables of more levels than Xen uses',
    manual: 'Intel VT-d spec 5.10 §11.4.2 (CAP_REG.SAGAW)',
  },
  {
    texts: ['IOMMU: nr_iommus {units:dec} \\> MAX_IOMMUS'],
    printedBy: 'Xen 4.6 to 4.15',
    name: 'unit-failed',
    meaning: 'the machine has more units than this Xen was built for',
  },
  {
    texts: ['IOMMU: set root entry failed'],
    printedBy: ALWAYS,
    name: 'unit-failed',
    meaning: 'a unit did not take its root table',
  },
  {
    texts: ['IOMMU: no irq available!', "IOMMU: can't request irq", 'IOMMU: interrupt setup failed'],
    printedBy: ALWAYS,
    name: 'unit-failed',
    meaning: 'a unit’s fault interrupt could not be set up: its faults would go unseen',
  },
  {
    texts: ['Set iommu interrupt affinity error!'],
    printedBy: ALWAYS,
    name: 'unit-failed',
    meaning: 'a unit’s fault interrupt could not be moved to another CPU',
  },
  {
    texts: ['cannot disable Queued Invalidation'],
    printedBy: 'Xen 4.16 to 4.22',
    name: 'unit-failed',
    meaning: 'queued invalidation, which firmware left on, could not be switched off',
  },
  {
    texts: ['No available invalidation interface'],
    printedBy: 'Xen 4.16 to 4.22',
    name: 'unit-failed',
    meaning: 'a unit offers neither queued nor register-based invalidation',
  },
  {
    texts: ['Cannot allocate memory for {what:name}'],
    printedBy: ALWAYS,
    name: 'out-of-memory',
    meaning: 'there was no memory for a queue or table of a unit',
    also: ({ fields }) => (/^(?:qi_ctrl|ir_ctrl)-/.test(fields.what!) ? undefined : false),
  },
  {
    texts: ['Disabled protected memory registers'],
    printedBy: `${ALWAYS}, debug builds`,
    name: 'workaround',
    meaning: 'protected memory regions that firmware or tboot had switched on are off now',
  },
];

const EXPOSED = 'interrupts of devices are not remapped: a guest with a device may raise any interrupt';

const INTERRUPTS: readonly Said[] = [
  {
    texts: ['Platform firmware does not support interrupt remapping'],
    printedBy: ALWAYS,
    name: 'interrupts-exposed',
    meaning: `firmware says that interrupts cannot be remapped: ${EXPOSED}`,
    manual: 'Intel VT-d spec 5.10 §8.1 (INTR_REMAP)',
    also: offFeature,
  },
  {
    texts: ['Queued invalidation is not enabled on IOMMU #{unit:dec}: Should not enable interrupt remapping'],
    printedBy: ALWAYS,
    name: 'feature-refused',
    meaning: 'interrupts are not remapped, because a unit’s queued invalidation is off',
    also: offFeature,
  },
  {
    texts: ["Interrupt Remapping disabled since Queued Invalidation isn't supported or enabled."],
    printedBy: ALWAYS,
    name: 'feature-refused',
    meaning: 'interrupts are not remapped, because a unit’s queued invalidation is off',
    also: offFeature,
  },
  {
    texts: ['[VT-D]<iommu.c:{at:dec}: >Interrupt Remapping not enabled'],
    printedBy: `${ALWAYS}, debug builds`,
    name: 'interrupts-exposed',
    meaning: EXPOSED,
    also: offFeature,
  },
  {
    texts: ['Compatibility Format Interrupts permitted on IOMMU #{unit:dec}'],
    printedBy: ALWAYS,
    name: 'interrupts-exposed',
    meaning: 'interrupts in the old format pass a unit unremapped, so that passing devices through is unsafe',
    manual: 'Intel VT-d spec 5.10 §11.4.4.1 (GCMD_REG.CFI)',
  },
  {
    texts: ['Failed to enable Interrupt Remapping!', 'Failed to enable Queued Invalidation!'],
    printedBy: `${ALWAYS}, debug builds`,
    name: 'unit-failed',
    meaning: 'a unit did not switch on what it was told to',
  },
  {
    texts: ['There is not a DRHD for IOAPIC {ioapic:hex} (id: {id:hex})!'],
    printedBy: `${ALWAYS}, debug builds`,
    name: 'firmware-bug',
    meaning: 'the DMAR table names an IO-APIC in no unit’s scope: interrupts cannot be remapped',
    also: tableComplaint,
  },
  {
    texts: ['ioapic_to_iommu: ioapic {ioapic:hex} (id: {id:hex}) is NULL!'],
    printedBy: `${ALWAYS}, debug builds`,
    name: 'firmware-bug',
    meaning: 'the DMAR table names an IO-APIC in no unit’s scope: interrupts are not remapped',
    also: tableComplaint,
  },
  {
    texts: ["Didn't find the bdf for HPET {hpet:dec}!", "Didn't find the bdf for the apic_id!"],
    printedBy: `${ALWAYS}, debug builds`,
    name: 'firmware-bug',
    meaning: 'the DMAR table does not say by which requester id an IO-APIC or HPET raises interrupts',
    also: tableComplaint,
  },
  {
    texts: ['intremap index ({index:dec})< is> larger than< the> maximum index ({last:dec})'],
    printedBy: `${ALWAYS}, debug builds`,
    name: 'unit-failed',
    meaning: 'all entries of an interrupt table are taken',
  },
  {
    texts: [
      'index ({index:dec}) for remap table is invalid',
      'index ({index:dec}) has an empty entry',
      'index ({index:dec}) get an empty entry!',
    ],
    printedBy: `${ALWAYS}, debug builds`,
    name: 'unit-failed',
    meaning: 'an interrupt refers to an entry of the interrupt table that is not there',
  },
];

function offFeature(...[line, , facts]: Parameters<Also>): undefined {
  noteFeature(facts, 'interrupt-remapping', false, line.line);
}

/** Where a unit's registers are mapped, which is how faults named the unit until 4.12. */
const ADDRESSES: readonly FactForm[] = [
  {
    role: 'fact',
    texts: ['drhd-\\>address = {base:hex} iommu-\\>reg = {registers:hex}'],
    printedBy: `${ALWAYS}, with iommu=verbose`,
    read({ fields, line }, facts) {
      const value = `at ${hexDetail(fields.base!)}`;
      noteOther(facts, `vtd-registers ${hexDetail(fields.registers!)}`, value, line);
    },
  },
  {
    role: 'fact',
    texts: ['[VT-D]<dmar.c:{at:dec}: >Host address width {bits:dec}'],
    printedBy: `${ALWAYS}, with iommu=verbose`,
    read({ fields, line }, facts) {
      noteOther(facts, 'host-address-width', fields.bits!, line);
    },
  },
];

export const XEN_VTD_INIT_FORMS: readonly LineForm[] = [
  ...saidForms(VTD, [...UNITS, ...INTERRUPTS]),
  ...ADDRESSES,
];
