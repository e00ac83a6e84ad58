import type { EventForm, LineForm } from '../form.js';
import { atUnit, deviceName, noteMaster } from '../smmu-unit.js';
import { featuresOf } from '../smmu-v3-features.js';
import { hexNumber } from '../values.js';
import { type Driver, type DriverRow, initForms } from './driver-lines.js';
import { initReason } from './init-reasons.js';

/** What SMMUv3 says while it is set up: smmu-v3.c of Xen (since 4.15) and arm-smmu-v3.c of Linux. */

const XEN: Driver = { source: 'xen', unit: 'smmuv3', prefixes: ['SMMUv3: {unit:name}: '] };
const LINUX: Driver = { source: 'linux', unit: 'smmuv3', prefixes: ['arm-smmu-v3 {unit:name}: '] };
const XEN_MASTER: Driver = {
  source: 'xen',
  unit: 'smmuv3',
  prefixes: ['SMMUv3: {device:name}: ', 'SMMUv3: {device:bdf} '],
};
const XEN_DOMAIN: Driver = { source: 'xen', unit: 'smmuv3', prefixes: ['SMMUv3: '] };
const LINUX_MASTER: Driver = { source: 'linux', unit: 'smmuv3', prefixes: [''] };

/** The line that says what a unit can do. Its features are the driver's own bits. */
const capabilities = (driver: Driver): EventForm => ({
  role: 'event',
  source: driver.source,
  unit: 'smmuv3',
  kind: 'init',
  texts: [`${driver.prefixes[0]}ias {ias:text}-bit, oas {oas:text}-bit (features {features:hex})`],
  printedBy: 'Xen since 4.15, Linux since 4.2',
  read({ fields, line }, event, facts) {
    const { features, bits } = featuresOf(hexNumber(fields.features) ?? 0, driver.source === 'linux');
    atUnit(event, fields.unit!);
    Object.assign(event.details, { ias: `${fields.ias} bits`, oas: `${fields.oas} bits` });
    event.bits.push(...bits);
    for (const [name, value] of features) facts.features.set(name, { value, line });
    event.reason = initReason(
      'capabilities',
      'how wide the SMMU’s input (ias) and output addresses (oas) are, and what it can do',
    );
    return undefined;
  },
});

/** A master behind the SMMU: the log then tells which unit a device has. */
const MASTER_ADDED: EventForm = {
  role: 'event',
  source: 'xen',
  unit: 'smmuv3',
  kind: 'init',
  texts: XEN_MASTER.prefixes.map(
    (prefix) => `${prefix}Added master device (SMMUv3 {unit:name} StreamIds {streams:dec})`,
  ),
  printedBy: 'Xen since 4.15',
  read({ fields, line }, event, facts) {
    const device = deviceName(fields.device!);
    event.device = device;
    atUnit(event, fields.unit!);
    event.details.streams = fields.streams!;
    event.reason = initReason('device-added', 'a master of this SMMU was made known');
    noteMaster(facts, fields.unit!, device, line);
    return undefined;
  },
};

const QUEUE = 'a queue between the SMMU and the driver';

/** Printed alike by both. */
const COMMON: readonly DriverRow[] = [
  ['allocated {entries:dec} entries for {queue:word}', 'capabilities', 'Xen, Linux', `how long ${QUEUE} is`],
  ['option mask {options:hex}', 'workaround', 'Xen, Linux', 'the quirks of the SMMU that are followed'],
  ['option {option:name}', 'workaround', 'Xen, Linux', 'a quirk that the device tree names is followed'],
  [
    'failed to allocate queue ({size:hex} bytes) for {queue:word}',
    'out-of-memory',
    'Xen, Linux',
    `no memory for ${QUEUE}`,
  ],
  [
    'failed to allocate l2 stream table for SID {stream:dec}',
    'out-of-memory',
    'Xen, Linux',
    'no memory for stream table entries',
  ],
  [
    'failed to allocate l1 stream table desc',
    'out-of-memory',
    'Xen 4.15 to 4.16, Linux',
    'no memory for the stream table',
  ],
  [
    'failed to allocate l1 stream table ({size:dec} bytes)',
    'out-of-memory',
    'Xen, Linux',
    'no memory for the stream table',
  ],
  [
    'failed to allocate linear stream table ({size:dec} bytes)',
    'out-of-memory',
    'Xen, Linux',
    'no memory for the stream table',
  ],
  [
    '2-level strtab only covers {covered:dec}/{bits:dec} bits of SID',
    'feature-refused',
    'Xen, Linux',
    'the stream table does not reach all stream ids of the SMMU',
  ],
  [
    'GBPA not responding to update',
    'unit-failed',
    'Xen, Linux',
    'the SMMU does not take what it is to do with traffic while it is off',
  ],
  [
    'msi_domain absent - falling back to wired irqs',
    'feature-off',
    'Xen, Linux',
    'the SMMU’s own interrupts are wired, not MSIs',
  ],
  [
    'failed to allocate MSIs - falling back to wired irqs',
    'feature-off',
    'Xen, Linux',
    'the SMMU’s own interrupts are wired, not MSIs',
  ],
  [
    'failed to enable combined irq',
    'unit-failed',
    'Xen, Linux',
    'the interrupt of the SMMU could not be had',
  ],
  [
    'failed to enable {queue:word} irq',
    'unit-failed',
    'Xen, Linux',
    'an interrupt of the SMMU could not be had',
  ],
  [
    'no evtq irq - events will not be reported!',
    'unit-failed',
    'Xen, Linux',
    'the SMMU has no interrupt for faults: none will be seen in the log',
  ],
  [
    'no gerr irq - errors will not be reported!',
    'unit-failed',
    'Xen, Linux',
    'the SMMU has no interrupt for global errors: none will be seen in the log',
  ],
  [
    'no priq irq - PRI will be broken',
    'unit-failed',
    'Xen, Linux',
    'the SMMU has no interrupt for page requests of devices',
  ],
  ['failed to disable irqs', 'unit-failed', 'Xen, Linux', 'the SMMU does not switch its interrupts off'],
  [
    'failed to setup unique irqs',
    'unit-failed',
    'Xen, Linux',
    'the interrupts of the SMMU could not be set up',
  ],
  ['failed to enable irqs', 'unit-failed', 'Xen, Linux', 'the SMMU does not switch its interrupts on'],
  ['failed to setup irqs', 'unit-failed', 'Xen, Linux', 'the interrupts of the SMMU could not be set up'],
  ['failed to clear cr0', 'unit-failed', 'Xen, Linux', 'the SMMU does not stop'],
  [
    'SMMU currently enabled! Resetting...',
    'unit-found',
    'Xen, Linux',
    'firmware or an earlier system left the SMMU on; it is started anew',
  ],
  ['failed to enable command queue', 'unit-failed', 'Xen, Linux', 'the SMMU does not take its command queue'],
  ['failed to enable event queue', 'unit-failed', 'Xen, Linux', 'the SMMU does not take its event queue'],
  [
    'failed to enable PRI queue',
    'unit-failed',
    'Xen, Linux',
    'the SMMU does not take its queue of page requests',
  ],
  [
    'failed to enable ATS check',
    'unit-failed',
    'Xen, Linux',
    'the SMMU does not check translated traffic of devices',
  ],
  ['failed to enable SMMU interface', 'unit-failed', 'Xen, Linux', 'the SMMU does not start'],
  [
    'unknown/unsupported TT endianness!',
    'unit-failed',
    'Xen, Linux',
    'the SMMU cannot read tables of this system’s byte order',
  ],
  [
    'IDR0.COHACC overridden by FW configuration< ({coherent:word})>',
    'firmware-bug',
    'Xen, Linux',
    'firmware and the SMMU disagree whether it reads tables through the processors’ caches',
  ],
  [
    'AArch64 table format not supported!',
    'unit-failed',
    'Xen, Linux',
    'the SMMU cannot read tables of AArch64',
  ],
  [
    'embedded implementation not supported',
    'unit-failed',
    'Xen, Linux',
    'the SMMU’s tables or queues are fixed in hardware',
  ],
  [
    'unknown output address size. Truncating to 48-bit',
    'feature-off',
    'Xen, Linux',
    'the SMMU reports an address width that the driver does not know',
  ],
  [
    'missing #iommu-cells property',
    'firmware-bug',
    'Xen, Linux',
    'the device tree does not say how masters name their streams',
  ],
  [
    'invalid #iommu-cells value ({cells:dec})',
    'firmware-bug',
    'Xen, Linux',
    'the device tree says that masters name their streams with other than one number',
  ],
  [
    'MMIO region too small ({size:text})',
    'firmware-bug',
    'Xen, Linux',
    'the registers that firmware describes are too few',
  ],
];

const XEN_ONLY: readonly DriverRow[] = [
  [
    'failed to get irq index {index:dec}',
    'unit-failed',
    'Xen 4.15 to 4.17',
    'an interrupt of the SMMU cannot be used',
  ],
  [
    'IRQ {name:name} not found',
    'firmware-bug',
    'Xen 4.15 to 4.17',
    'the device tree does not have an interrupt of the SMMU',
  ],
  [
    'no stage-2 translation support!',
    'unit-failed',
    'Xen since 4.15',
    'the SMMU has no stage 2, which is all that Xen uses: no device behind it can be passed through',
  ],
  [
    'unit-length command queue not supported',
    'unit-failed',
    'Xen since 4.15',
    'the SMMU takes only one command at a time',
  ],
  [
    'failed to allocate arm_smmu_device',
    'out-of-memory',
    'Xen 4.15 to 4.16',
    'no memory for the driver of an SMMU',
  ],
];

const XEN_MASTERS: readonly DriverRow[] = [
  [
    'Failed to enable ATS (STU {size:dec})',
    'feature-refused',
    'Xen since 4.15',
    'a device cannot cache translations',
  ],
  ['Failed to enable PASID', 'feature-refused', 'Xen since 4.15', 'a device cannot use substreams'],
  [
    'cannot attach to SMMU {has:name} (upstream of {wanted:name})',
    'device-failed',
    'Xen since 4.15',
    'a domain’s context is of one SMMU, and the device is behind another',
  ],
  ['Already added to SMMUv3', 'device-failed', 'Xen since 4.15', 'a master is described twice'],
  [
    'not attached to domain {domain:dec}',
    'device-failed',
    'Xen 4.15 to 4.20',
    'a master is to be taken from a domain that does not have it',
  ],
  [
    'not attached to d{domain:dec}',
    'device-failed',
    'Xen since 4.21',
    'a master is to be taken from a domain that does not have it',
  ],
];

const XEN_DOMAINS: readonly DriverRow[] = [
  [
    'd{domain:dec}: vmid {vmid:hex} vtcr {vtcr:hex} p2maddr {tables:hex}',
    'device-added',
    'Xen since 4.15',
    'stream table entries of a domain’s device point to its tables',
  ],
  [
    'Fixing alignment for the DMA buffer',
    'workaround',
    'Xen since 4.15',
    'a queue’s memory was moved to where the SMMU can use it',
  ],
  ['DMA allocation failed', 'out-of-memory', 'Xen since 4.15', 'no memory that the SMMU can use'],
];

const LINUX_ONLY: readonly DriverRow[] = [
  ['no translation support!', 'unit-failed', 'Linux', 'the SMMU translates neither stage'],
  [
    'command queue size \\<= {entries:dec} entries not supported',
    'unit-failed',
    'Linux since 5.4',
    'the SMMU’s command queue is too short',
  ],
  [
    'unit-length command queue not supported',
    'unit-failed',
    'Linux until 5.3',
    'the SMMU takes only one command at a time',
  ],
  [
    'failed to set DMA mask for table walker',
    'unit-failed',
    'Linux',
    'the SMMU cannot reach all memory with tables',
  ],
  [
    'RMR SID({stream:hex}) bypass failed',
    'rmrr-failed',
    'Linux since 6.0',
    'firmware names a stream that must go on untranslated (RMR), and it could not be let through',
  ],
  ['failed to allocate context descriptor', 'out-of-memory', 'Linux', 'no memory for a context descriptor'],
  ['Failed to register iommu', 'unit-failed', 'Linux', 'the SMMU could not be made known to the kernel'],
];

const LINUX_MASTERS: readonly DriverRow[] = [
  [
    'stream {stream:dec} already in tree',
    'device-failed',
    'Linux since 5.13',
    'two devices are said to have the same stream id',
  ],
  [
    'cannot attach - SVA enabled',
    'device-failed',
    'Linux since 5.11',
    'a device that shares the address spaces of processes cannot change its domain',
  ],
  [
    'Failed to enable ATS (STU {size:dec})',
    'feature-refused',
    'Linux since 5.2',
    'a device cannot cache translations',
  ],
];

export const SMMUV3_INIT_FORMS: readonly LineForm[] = [
  capabilities(XEN),
  MASTER_ADDED,
  ...initForms(XEN, [...COMMON, ...XEN_ONLY]),
  ...initForms(XEN_MASTER, XEN_MASTERS),
  ...initForms(XEN_DOMAIN, XEN_DOMAINS),
  capabilities(LINUX),
  ...initForms(LINUX, [...COMMON, ...LINUX_ONLY]),
  ...initForms(LINUX_MASTER, LINUX_MASTERS),
];
