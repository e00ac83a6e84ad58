import type { EventDraft, LogSource } from '../event.js';
import type { EventForm, FormLine, LineForm } from '../form.js';
import { readImstr, readImstrBit } from '../ipmmu-fault.js';
import { atUnit, deviceName, nameOnlyMaster, noteMaster } from '../smmu-unit.js';
import { decimal, hexNumber, hexValue } from '../values.js';
import { type Driver, type DriverRow, initForms, troubleForms } from './driver-lines.js';
import { initReason } from './init-reasons.js';

/** Renesas' IPMMU: Xen's drivers/passthrough/arm/ipmmu-vmsa.c (since 4.13), Linux's drivers/iommu/ipmmu-vmsa.c. */

const XEN: Driver = { source: 'xen', unit: 'ipmmu', prefixes: ['ipmmu: {unit:name}: '] };
const XEN_DOMAIN: Driver = {
  source: 'xen',
  unit: 'ipmmu',
  prefixes: ['ipmmu: {unit:name}: d{domain:dec}: '],
};
const XEN_MASTER: Driver = {
  source: 'xen',
  unit: 'ipmmu',
  prefixes: ['ipmmu: {device:name}: ', 'ipmmu: {device:bdf} '],
};
const XEN_ALL: Driver = { source: 'xen', unit: 'ipmmu', prefixes: ['ipmmu: '] };
const LINUX: Driver = { source: 'linux', unit: 'ipmmu', prefixes: ['ipmmu-vmsa {unit:name}: '] };
const LINUX_MASTER: Driver = { source: 'linux', unit: 'ipmmu', prefixes: [''] };

const readIova = ({ fields }: FormLine, event: EventDraft) => {
  atUnit(event, fields.unit!);
  event.address = hexValue(fields.iova);
  if (fields.domain !== undefined) event.domain = decimal(fields.domain);
};

/** Faults. Xen names the domain of the context, Linux none. */
function faultForms(source: LogSource, prefix: string): EventForm[] {
  const form = (text: string, read: (line: FormLine, event: EventDraft) => void): EventForm => ({
    role: 'event',
    source,
    unit: 'ipmmu',
    kind: 'dma-fault',
    texts: [prefix + text],
    printedBy: source === 'xen' ? 'Xen since 4.13' : 'Linux since 3.16',
    read(line, event, facts) {
      readIova(line, event);
      nameOnlyMaster(event, facts);
      read(line, event);
      return undefined;
    },
  });
  return [
    form('Unhandled fault: status {status:hex} iova {iova:hex}', ({ fields }, event) =>
      readImstr(event, hexNumber(fields.status) ?? 0),
    ),
    form('Multiple TLB hits @{iova:hex}', (_, event) => readImstrBit(event, 'MHIT')),
    form('Page Table Walk Abort @{iova:hex}', (_, event) => readImstrBit(event, 'ABORT')),
  ];
}

const SYNC =
  'the IPMMU did not finish an invalidation in time: translations that were taken back may still be used';

/** A master behind the IPMMU. */
const MASTER_ADDED: EventForm = {
  role: 'event',
  source: 'xen',
  unit: 'ipmmu',
  kind: 'init',
  texts: XEN_MASTER.prefixes.map(
    (prefix) => `${prefix}Added master device (IPMMU {unit:name} micro-TLBs {tlbs:dec})`,
  ),
  printedBy: 'Xen since 4.13',
  read({ fields, line }, event, facts) {
    const device = deviceName(fields.device!);
    event.device = device;
    atUnit(event, fields.unit!);
    event.details.tlbs = fields.tlbs!;
    event.reason = initReason('device-added', 'a master of this IPMMU was made known');
    noteMaster(facts, fields.unit!, device, line);
    return undefined;
  },
};

const XEN_UNITS: readonly DriverRow[] = [
  [
    'Registered {kind:word} IPMMU',
    'unit-found',
    'Xen since 4.13',
    'an IPMMU was set up: a cache, or the root that has the contexts',
  ],
  [
    'IPMMU context 0 is reserved',
    'workaround',
    'Xen since 4.13',
    'a context that old units lack is left unused',
  ],
  [
    'Reset completed, disabled {contexts:dec} contexts',
    'unit-found',
    'Xen since 4.21',
    'an IPMMU was started anew',
  ],
  ['Cannot allocate device data', 'out-of-memory', 'Xen since 4.13', 'no memory for the driver of an IPMMU'],
  ['Failed to get MMIO', 'firmware-bug', 'Xen since 4.13', 'the device tree gives the IPMMU no registers'],
  [
    'Failed to ioremap MMIO (addr {address:hex} size {size:hex})',
    'unit-failed',
    'Xen since 4.13',
    'the registers of the IPMMU could not be mapped',
  ],
  ['No IRQ found', 'firmware-bug', 'Xen since 4.13', 'the device tree gives the IPMMU no interrupt'],
  [
    'Failed to request IRQ {irq:dec}',
    'unit-failed',
    'Xen since 4.13',
    'the interrupt of the IPMMU could not be had',
  ],
  ['Failed to init IPMMU ({rc:dec})', 'unit-failed', 'Xen since 4.13', 'the IPMMU could not be set up'],
  [
    'Micro-TLB {tlb:dec} already assigned to IPMMU context {context:dec}',
    'device-failed',
    'Xen since 4.14',
    'a master’s port to the IPMMU belongs to another domain',
  ],
];

const XEN_DOMAINS: readonly DriverRow[] = [
  [
    'Set IPMMU context {context:dec} (pgd {tables:hex})',
    'device-added',
    'Xen since 4.13',
    'a context was given the tables of a domain',
  ],
  [
    'Unable to initialize IPMMU context',
    'device-failed',
    'Xen since 4.13',
    'no context could be had for a domain',
  ],
];

const XEN_MASTERS: readonly DriverRow[] = [
  [
    'Cannot attach to IPMMU',
    'device-failed',
    'Xen since 4.13',
    'a master cannot be given to a domain, as it is behind no IPMMU in use',
  ],
  [
    'Using IPMMU context {context:dec}',
    'device-added',
    'Xen since 4.13',
    'a master was given a domain’s context',
  ],
  [
    'Reusing IPMMU context {context:dec}',
    'device-added',
    'Xen since 4.13',
    'a master was given a domain’s context that others use',
  ],
  [
    "Can't attach IPMMU {has:name} to domain on IPMMU {wanted:name}",
    'device-failed',
    'Xen since 4.13',
    'a domain’s context is of one IPMMU, and the master is behind another',
  ],
  ['Already attached to IPMMU domain', 'device-failed', 'Xen since 4.13', 'the master has a domain already'],
  [
    'Not attached to d{domain:dec}',
    'device-failed',
    'Xen since 4.13',
    'a master is to be taken from a domain that does not have it',
  ],
  ['Already added to IPMMU', 'device-failed', 'Xen since 4.13', 'a master is described twice'],
  [
    'Failed to find host bridge uTLB',
    'device-failed',
    'Xen since 4.21',
    'the host bridge of a PCI device has no port to the IPMMU',
  ],
  [
    'Failed to find host bridge',
    'device-failed',
    'Xen since 4.21',
    'the host bridge of a PCI device is not known',
  ],
  ['Failed to find uTLB', 'device-failed', 'Xen since 4.21', 'a PCI device has no port to the IPMMU'],
  [
    'No unused OSID regs',
    'device-failed',
    'Xen since 4.21',
    'the host bridge has no register left to tell devices apart',
  ],
  [
    'Allocated OSID reg {register:dec} (OSID {osid:dec})',
    'device-added',
    'Xen since 4.21',
    'the host bridge tells a device apart from others',
  ],
];

const XEN_PLATFORM: readonly DriverRow[] = [
  [
    'Failed to find PRR node',
    'unit-failed',
    'Xen since 4.13',
    'the device tree does not say which chip this is',
  ],
  [
    'Failed to get PRR MMIO',
    'unit-failed',
    'Xen since 4.13',
    'the device tree does not say which chip this is',
  ],
  [
    'Failed to ioremap PRR MMIO',
    'unit-failed',
    'Xen since 4.13',
    'the register that says which chip this is could not be mapped',
  ],
  ['Unsupported SoC version', 'unit-failed', 'Xen since 4.13', 'IPMMUs of this chip are not supported'],
  [
    'P2M sharing is not supported in current SoC revision',
    'unit-failed',
    'Xen since 4.13',
    'IPMMUs of this chip revision cannot share the tables of guests, and Xen has no others on Arm',
  ],
  [
    'Unable to locate Root IPMMU',
    'unit-failed',
    'Xen since 4.13',
    'the device tree has no IPMMU that has contexts',
  ],
];

const LINUX_UNITS: readonly DriverRow[] = [
  [
    'IPMMU context {context:dec} is reserved',
    'workaround',
    'Linux',
    'a context that old units lack is left unused',
  ],
  ['no IRQ found', 'firmware-bug', 'Linux', 'the device tree gives the IPMMU no interrupt'],
  ['failed to request IRQ {irq:dec}', 'unit-failed', 'Linux', 'the interrupt of the IPMMU could not be had'],
];

const LINUX_MASTERS: readonly DriverRow[] = [
  ['Cannot attach to IPMMU', 'device-failed', 'Linux', 'a device is behind no IPMMU in use'],
  ['Using IPMMU context {context:dec}', 'device-added', 'Linux', 'a device was given a context'],
  [
    'Reusing IPMMU context {context:dec}',
    'device-added',
    'Linux',
    'a device was given a context that others use',
  ],
  [
    "Can't attach IPMMU {has:name} to domain on IPMMU {wanted:name}",
    'device-failed',
    'Linux',
    'a domain is of one IPMMU, and the device is behind another',
  ],
  ['Unable to initialize IPMMU context', 'device-failed', 'Linux', 'no context could be had for a domain'],
];

export const IPMMU_FORMS: readonly LineForm[] = [
  ...faultForms('xen', XEN_DOMAIN.prefixes[0]!),
  ...troubleForms(XEN, 'command-error', null, [
    ['TLB sync timed out -- MMU may be deadlocked', 'tlb-sync-timeout', 'Xen since 4.13', SYNC],
  ]),
  MASTER_ADDED,
  ...initForms(XEN_DOMAIN, XEN_DOMAINS),
  ...initForms(XEN, XEN_UNITS),
  ...initForms(XEN_MASTER, XEN_MASTERS),
  ...initForms(XEN_ALL, XEN_PLATFORM),
  ...faultForms('linux', LINUX.prefixes[0]!),
  ...troubleForms(LINUX, 'command-error', null, [
    ['TLB sync timed out -- MMU may be deadlocked', 'tlb-sync-timeout', 'Linux', SYNC],
  ]),
  ...initForms(LINUX, LINUX_UNITS),
  ...initForms(LINUX_MASTER, LINUX_MASTERS),
];
