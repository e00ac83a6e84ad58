import { domainOf } from '../domids.js';
import type { LineForm } from '../form.js';
import { type Also, noteErrno, type Said, saidForms } from './said.js';

/** What goes wrong where Xen puts devices and their RMRRs into VT-d's tables (vtd/iommu.c). */

const VTD = { source: 'xen', unit: 'vtd', kind: 'init' } as const;
const NO_ID = 'the unit’s domain ids are all taken: the device cannot be given to one more domain';
const RMRR_UNMAPPED =
  'an RMRR of a device could not be mapped for its domain, so that the device was not given to it';

const DEVICES: readonly Said[] = [
  {
    texts: ['IOMMU: no free domain id<s>'],
    printedBy: 'Xen 4.6 to 4.22, debug builds',
    name: 'out-of-domain-ids',
    meaning: NO_ID,
    manual: 'Intel VT-d spec 5.10 §11.4.2 (CAP_REG.ND)',
  },
  {
    texts: [
      'No valid iommu {unit:dec} domid for Dom{domain:dec}',
      'Cannot get valid iommu {unit:dec} domid: {domain:domain}',
      'Cannot get valid iommu domid: domid={domain:dec} iommu-\\>index={unit:dec}',
      'dom_index {index:dec} exceeds nr_dom {ids:dec} or iommu has no domid_map',
      'no domain for did {did:dec} (nr_dom {ids:dec})',
    ],
    printedBy: 'Xen 4.6 to 4.22, debug builds',
    name: 'device-failed',
    meaning: 'a unit has no domain id for this domain, or none known under this one: Xen’s notes are at odds',
  },
  {
    texts: ['context mapping failed'],
    printedBy: 'Xen 4.6 to 4.22, debug builds',
    name: 'device-failed',
    meaning: 'a new device could not be put into its unit’s context table',
  },
  {
    texts: ['unexpected context entry {found:text} (expected {expected:text})'],
    printedBy: 'Xen 4.17 to 4.22',
    name: 'device-failed',
    meaning:
      'the device’s context entry is not what Xen wrote: Xen crashes the domain or gives up the device',
  },
  {
    texts: ['already mapped to d{other:dec}', 'owned by {other:domain}', "mapped, but can't find owner"],
    printedBy: 'Xen 4.6 to 4.16',
    name: 'device-failed',
    meaning: 'the device’s context entry is another domain’s still',
    also: namesDomain,
  },
  {
    texts: ['reassignment may cause {other:domain} data corruption'],
    printedBy: 'Xen 4.17 to 4.19',
    name: 'device-exposed',
    meaning: 'the unit cannot change the entry of 128 bits at once: DMA in flight may hit the wrong domain',
  },
  {
    texts: ['unknown({type:dec}): {device:bdf}', 'unknown device type {type:dec}'],
    printedBy: 'Xen 4.6 to 4.22, debug builds',
    name: 'device-failed',
    meaning: 'a device of a type that Xen does not know; it gets no context or interrupt entry',
    also: namesDomain,
  },
  {
    texts: ['no upstream bridge for {device:bdf}'],
    printedBy: 'Xen 4.6 to 4.22, debug builds',
    name: 'device-failed',
    meaning: 'no bridge is known above the device, whose requester id its interrupts would have',
  },
  {
    texts: ['failed to reclaim {device:bdf} from {domain:domain} ({errno:dec})'],
    printedBy: 'Xen 4.13 to 4.22',
    name: 'device-failed',
    meaning: 'a device could not be taken back from its domain',
  },
  {
    // "error -5" stands before, which is no key: half of all lines have that word.
    texts: ['unmapping {device:bdf}'],
    printedBy: 'Xen 4.16 to 4.22',
    name: 'device-failed',
    meaning: 'the device’s context entry could not be cleared: Xen crashes the domain that had it',
    also({ before }, event) {
      const [, domain, error] = /(d(?:\d{1,5}|\[\w{1,8}\])): error (-\d{1,4}) $/.exec(before) ?? [];
      if (error === undefined) return false;
      event.domain = domainOf(domain);
      noteErrno(event, Number(error));
      return undefined;
    },
  },
];

/** How much of what stands before a message is looked at for the domain. */
const PREFIX = 256;

/** Lines whose prefix is `[VT-D]d1: 0000:00:04.0`: these words alone are anybody's. */
function namesDomain(...[{ before }, event]: Parameters<Also>): false | undefined {
  if (!before.includes('[VT-D]')) return false;
  event.domain ??= domainOf(/[\s\]](d(?:\d{1,5}|\[\w{1,8}\])):/.exec(before.slice(-PREFIX))?.[1]);
  return undefined;
}

const RMRRS: readonly Said[] = [
  {
    texts: ["It's disallowed to assign {device:bdf} with shared RMRR at {start:hex} for {domain:domain}"],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'rmrr-refused',
    meaning:
      'several devices share an RMRR: one of them cannot be given to a guest unless rdm policy relaxed is asked for',
  },
  {
    texts: ["It's risky to assign {device:bdf} with shared RMRR at {start:hex} for {domain:domain}"],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'device-exposed',
    meaning:
      'several devices share an RMRR, and one of them is given to a guest all the same, as rdm policy relaxed asks',
  },
  {
    texts: [
      'cannot map reserved region [{start:hex},{end:hex}]: {errno:dec}',
      'cannot map reserved region ({start:hex},{end:hex}] for Dom{domain:dec} ({errno:dec})',
    ],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'rmrr-failed',
    meaning: RMRR_UNMAPPED,
  },
  {
    texts: ['cannot unmap reserved region [{start:hex},{end:hex}]: {errno:dec}'],
    printedBy: 'Xen 4.17 to 4.22',
    name: 'rmrr-failed',
    meaning: 'an RMRR could not be taken from the tables of the domain that gives the device back',
  },
  {
    texts: ['RMRR mapping failed', 'IOMMU: mapping reserved region failed'],
    printedBy: 'Xen 4.6 to 4.22, debug builds',
    name: 'rmrr-failed',
    meaning: RMRR_UNMAPPED,
  },
  {
    texts: ['RMRR quarantine mapping failed'],
    printedBy: 'Xen 4.17 to 4.22',
    name: 'rmrr-failed',
    meaning: 'a device cannot be put in quarantine, as its RMRR could not be mapped there',
    manual: 'dossier §6.3',
  },
];

export const XEN_VTD_DEVICE_FORMS: readonly LineForm[] = saidForms(VTD, [...DEVICES, ...RMRRS]);
