import type { LineForm, MoreForm } from '../form.js';
import { atUnit } from '../smmu-unit.js';
import { type Driver, type DriverRow, initForms } from './driver-lines.js';
import { initReason } from './init-reasons.js';

/** What SMMUv1 and SMMUv2 say while they are set up: smmu.c of Xen and arm-smmu*.c of Linux. */

const XEN: Driver = { source: 'xen', unit: 'smmuv2', prefixes: ['smmu: {unit:name}: '] };
const LINUX: Driver = { source: 'linux', unit: 'smmuv2', prefixes: ['arm-smmu {unit:name}: '] };
/** Xen's lines on a master: a device-tree path, or since 4.21 a PCI address (which takes the colon behind it). */
const XEN_MASTER: Driver = {
  source: 'xen',
  unit: 'smmuv2',
  prefixes: ['smmu: {device:name}: ', 'smmu: {device:bdf} '],
};
const LINUX_MASTER: Driver = { source: 'linux', unit: 'smmuv2', prefixes: [''] };

const PROBE = 'smmuv2-probe';

/** The line that begins what a unit says of itself. */
const probing = (driver: Driver): LineForm => ({
  role: 'event',
  source: driver.source,
  unit: 'smmuv2',
  kind: 'init',
  opens: PROBE,
  texts: [`${driver.prefixes[0]}probing hardware configuration...`],
  printedBy: 'Xen since 4.6, Linux',
  read({ fields }, event) {
    atUnit(event, fields.unit!);
    event.reason = initReason('unit-found', 'an SMMU was found and is asked what it can do');
    return undefined;
  },
});

/** What it says of itself, and the fact that follows: a feature, or a number under a name. */
type ProbeRow = readonly [message: string, feature: string | null];

const PROBED: readonly ProbeRow[] = [
  ['SMMUv{version:dec} with:', null],
  ['stage 1 translation', 'stage-1'],
  ['stage 2 translation', 'stage-2'],
  ['nested translation', 'nested'],
  ['coherent table walk', 'coherent-walks'],
  ['stream matching with {groups:dec} register groups<, mask {mask:hex}>', null],
  ['{banks:dec} context banks ({stage2:dec} stage-2 only)', null],
  ['Stage-1: {va:text}-bit VA -\\> {ipa:text}-bit IPA', null],
  ['Stage-2: {ipa:text}-bit IPA -\\> {pa:text}-bit PA', null],
];

const LINUX_PROBED: readonly ProbeRow[] = [
  ['non-coherent table walk', null],
  ['address translation ops', null],
  ['(IDR0.CTTW overridden by FW configuration)', null],
  ['Supported page sizes: {sizes:hex}', null],
  ['preserved {mappings:dec} boot mapping', null],
];

const probed = (driver: Driver, rows: readonly ProbeRow[]): MoreForm[] =>
  rows.map(([message, feature]) => ({
    role: 'more',
    continues: PROBE,
    alone: { source: driver.source, unit: 'smmuv2', kind: 'init' },
    texts: [driver.prefixes[0] + message],
    printedBy: driver.source === 'xen' ? 'Xen since 4.6' : 'Linux',
    read(line, event, facts) {
      const { unit, ...said } = line.fields;
      if (event.source !== driver.source) return false;
      if (event.details.unit !== undefined && event.details.unit !== unit) return false;
      // A unit says each once; the next time it is set up anew.
      const text = behindUnit(line.text, unit!);
      if (event.more.includes(text)) return false;
      event.more.push(text);
      atUnit(event, unit!);
      event.reason ??= initReason('capabilities', 'what an SMMU can do');
      for (const name of Object.keys(said)) event.details[name] = said[name]!;
      if (feature !== null) facts.features.set(feature, { value: true, line: line.line });
      return undefined;
    },
  }));

/** Characters of a line that are kept. */
const LINE_AT_MOST = 200;

/** What the unit says behind its name. */
const behindUnit = (text: string, unit: string): string =>
  text
    .slice(text.indexOf(`${unit}:`) + unit.length + 1)
    .trim()
    .slice(0, LINE_AT_MOST);

const ALWAYS = 'Xen since 4.6, Linux';

/** Printed alike by both. */
const COMMON: readonly DriverRow[] = [
  ['no translation support!', 'unit-failed', ALWAYS, 'the SMMU translates neither stage'],
  [
    'stream-matching supported, but no SMRs present!',
    'unit-failed',
    ALWAYS,
    'the SMMU matches streams but has no register to match with',
  ],
  [
    'SMMU address space size ({size:hex}) differs from mapped region size ({mapped:hex})!',
    'firmware-bug',
    ALWAYS,
    'the registers that firmware describes have another size than those of the SMMU',
  ],
  [
    'impossible number of S2 context banks!',
    'unit-failed',
    ALWAYS,
    'the SMMU reports more context banks of stage 2 than context banks',
  ],
  ['failed to allocate arm_smmu_device', 'out-of-memory', ALWAYS, 'no memory for the driver of an SMMU'],
  [
    'missing #global-interrupts property',
    'firmware-bug',
    ALWAYS,
    'the device tree does not say which interrupts of the SMMU are global',
  ],
  [
    'found {found:dec} interrupts but expected at least {expected:dec}',
    'firmware-bug',
    ALWAYS,
    'the device tree gives the SMMU too few interrupts',
  ],
  [
    'found only {found:dec} context interrupt(s) but {expected:dec} required',
    'firmware-bug',
    ALWAYS,
    'the device tree gives the SMMU fewer interrupts than it has context banks',
  ],
  ['failed to allocate {count:dec} irqs', 'out-of-memory', ALWAYS, 'no memory for the interrupts of an SMMU'],
  ['failed to get irq index {index:dec}', 'unit-failed', ALWAYS, 'an interrupt of the SMMU cannot be used'],
  [
    'failed to request global IRQ {index:dec} ({irq:dec})',
    'unit-failed',
    ALWAYS,
    'the interrupt for global faults could not be had',
  ],
  [
    'failed to request context IRQ {index:dec} ({irq:dec})',
    'unit-failed',
    ALWAYS,
    'the interrupt for the faults of a context bank could not be had',
  ],
  ['removing device with active domains!', 'unit-failed', ALWAYS, 'an SMMU goes while domains use it'],
];

const XEN_ONLY: readonly DriverRow[] = [
  ['Invalid resource', 'firmware-bug', 'Xen since 4.6', 'the device tree gives the SMMU no registers'],
  [
    'ioremap failed (addr {address:hex} size {size:hex})',
    'unit-failed',
    'Xen since 4.6',
    'the registers of the SMMU could not be mapped',
  ],
  ['option {option:name}', 'workaround', 'Xen since 4.6', 'a quirk that the device tree names is followed'],
  [
    'no v7 descriptor support!',
    'unit-failed',
    'Xen since 4.6',
    'the SMMU cannot read tables in the long format',
  ],
  [
    'SMR mask bits ({mask:hex}) insufficient for ID field ({id:hex})',
    'unit-failed',
    'Xen 4.6 to 4.15',
    'the SMMU cannot match all stream ids',
  ],
  [
    'P2M IPA size not supported (P2M={wanted:dec} SMMU={has:dec})!',
    'unit-failed',
    'Xen 4.6 to 4.12',
    'stage 2 of the SMMU cannot reach all addresses of guests, so that it cannot share their tables',
  ],
  [
    'CPU page size {size:hex} unsupported',
    'unit-failed',
    'Xen since 4.6',
    'the SMMU cannot use pages of this size',
  ],
  [
    'registered {count:dec} master devices',
    'capabilities',
    'Xen since 4.6',
    'how many masters the old binding (mmu-masters) names',
  ],
  [
    'failed to add master {device:place}',
    'device-failed',
    'Xen since 4.6',
    'a master of the old binding (mmu-masters) could not be taken',
  ],
  [
    'failed to allocate {count:dec} SMRs',
    'out-of-memory',
    'Xen 4.6 to 4.15',
    'no memory for stream mappings',
  ],
  [
    'failed to allocate free SMR',
    'device-failed',
    'Xen 4.6 to 4.15',
    'all stream mapping registers are in use, so that the master’s streams cannot be told apart',
  ],
  [
    'd{domain:dec}: p2maddr {tables:hex}',
    'device-added',
    'Xen since 4.6',
    'a context bank was given the tables of a domain',
  ],
];

const XEN_MASTERS: readonly DriverRow[] = [
  [
    'rejecting multiple registrations for master device< {master:name}>',
    'device-failed',
    'Xen since 4.6',
    'a master is described twice',
  ],
  [
    'reached maximum number ({count:dec}) of stream IDs for master device {master:name}',
    'device-failed',
    'Xen 4.6 to 4.15',
    'a master has more stream ids than the driver keeps',
  ],
  [
    'stream ID for master device {master:name} greater than maximum allowed ({most:dec})',
    'device-failed',
    'Xen 4.6 to 4.20',
    'a stream id of a master is beyond what the SMMU can map',
  ],
  [
    'SMMU stream ID {id:dec} is greater than maximum allowed ({most:dec})',
    'device-failed',
    'Xen since 4.21',
    'a stream id of a master is beyond what the SMMU can map',
  ],
  [
    'No registrations found for master device {master:name}',
    'device-failed',
    'Xen since 4.18',
    'a master is to be taken from an SMMU that does not know it',
  ],
  [
    'cannot attach to SMMU, is it on the same bus?',
    'device-failed',
    'Xen since 4.6',
    'the master is not known to any SMMU: its node in the device tree names none, or another that is not in use',
  ],
  ['already attached to IOMMU domain', 'device-failed', 'Xen since 4.6', 'the master has a domain already'],
  [
    'cannot attach to SMMU {has:name} whilst already attached to domain on SMMU {wanted:name}',
    'device-failed',
    'Xen since 4.6',
    'a context is of one SMMU, and the master is behind another',
  ],
  ['Failed to allocate IOMMU group', 'out-of-memory', 'Xen since 4.6', 'no memory for a group of masters'],
  [
    'not attached to domain {domain:dec}',
    'device-failed',
    'Xen since 4.6',
    'a master is to be taken from a domain that does not have it',
  ],
];

const LINUX_ONLY: readonly DriverRow[] = [
  [
    'not probing due to mismatched DT properties',
    'unit-failed',
    'Linux since 4.9',
    'the device tree mixes the old binding (mmu-masters) with the new one (iommus)',
  ],
  [
    'failed to set DMA mask for table walker',
    'unit-failed',
    'Linux',
    'the SMMU cannot reach all memory with tables',
  ],
  ['Failed to register iommu', 'unit-failed', 'Linux', 'the SMMU could not be made known to the kernel'],
  ['disabling translation', 'device-exposed', 'Linux', 'the SMMU stops translating while devices may go on'],
  [
    'enabling workaround for {what:text}',
    'workaround',
    'Linux',
    'a known fault of this hardware is worked around',
  ],
  [
    'Failed to disable prefetcher {what:text}',
    'unit-failed',
    'Linux since 4.9',
    'a workaround for the prefetcher cannot be used, as firmware has locked the register',
  ],
  [
    'Failed to turn off SAFE logic',
    'unit-failed',
    'Linux since 5.4',
    'firmware refused a workaround of Qualcomm',
  ],
];

const LINUX_MASTERS: readonly DriverRow[] = [
  [
    'stream ID {stream:hex} out of range for SMMU ({most:hex})',
    'device-failed',
    'Linux since 4.9',
    'a stream id of the device is beyond what the SMMU can map',
  ],
  [
    'SMR mask {mask:hex} out of range for SMMU ({most:hex})',
    'device-failed',
    'Linux since 4.10',
    'a stream mask of the device is beyond what the SMMU can match',
  ],
  [
    'cannot attach to SMMU, is it on the same bus?',
    'device-failed',
    'Linux',
    'the device is not known to any SMMU: its firmware description names none, or another that is not in use',
  ],
  [
    'cannot attach to SMMU {has:name} whilst already attached to domain on SMMU {wanted:name}',
    'device-failed',
    'Linux',
    'a domain is of one SMMU, and the device is behind another',
  ],
  [
    'deprecated "mmu-masters" DT property in use; {what:text} support unavailable',
    'feature-off',
    'Linux since 4.9',
    'the device tree uses the old binding (mmu-masters), with which less can be done',
  ],
];

export const SMMUV2_INIT_FORMS: readonly LineForm[] = [
  probing(XEN),
  ...probed(XEN, PROBED),
  ...initForms(XEN, [...COMMON, ...XEN_ONLY]),
  ...initForms(XEN_MASTER, XEN_MASTERS),
  probing(LINUX),
  ...probed(LINUX, [...PROBED, ...LINUX_PROBED]),
  ...initForms(LINUX, [...COMMON, ...LINUX_ONLY]),
  ...initForms(LINUX_MASTER, LINUX_MASTERS),
];
