import type { FactForm, LineForm } from '../form.js';
import { noteComplaint, noteIommu, noteOffBecause, noteRegion } from '../machine-facts.js';
import { sbdfOf } from '../values.js';
import { type Said, saidForms } from './said.js';

/** What Xen says of the ACPI DMAR table while it reads it, and of RMRRs (vtd/dmar.c). */

const VTD = { source: 'xen', unit: 'vtd', kind: 'init' } as const;
const UNDISCOVERABLE = 'names devices that are not there';

/** A complaint of the table: an event, and a fact for the causes of faults. */
function complaint(message: Omit<Said, 'name'> & Partial<Pick<Said, 'name'>>): Said {
  const { also } = message;
  return {
    name: 'firmware-bug',
    ...message,
    also(line, event, facts) {
      noteComplaint(facts, line);
      return also?.(line, event, facts);
    },
  };
}

const TABLE: readonly Said[] = [
  complaint({
    texts: ['Failed to parse ACPI DMAR. Disabling VT-d.'],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'iommu-off',
    meaning: 'Xen cannot use the firmware’s DMAR table, and leaves VT-d off',
    also(line, _, facts) {
      noteIommu(facts, 'disabled', line.line);
      noteOffBecause(facts, line);
      return undefined;
    },
  }),
  complaint({
    texts: ['Invalid ACPI DMAR entry length: {length:hex}'],
    printedBy: 'Xen 4.6 to 4.22',
    meaning: 'a structure of the DMAR table is too short or too long',
  }),
  {
    texts: ['Ignore unknown DMAR structure type ({type:hex})'],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'feature-off',
    meaning: 'the DMAR table has a structure that this Xen does not know; it goes on without',
  },
  complaint({
    texts: ['[VT-D]<dmar.c:{at:dec}: >Invalid device scope'],
    printedBy: 'Xen 4.6 to 4.22',
    meaning: 'a device scope of the DMAR table is too short',
  }),
  complaint({
    texts: ['Only one {flag:word} device scope is allowed'],
    printedBy: 'Xen 4.6 to 4.22',
    meaning: 'two structures of the DMAR table claim all devices of a segment',
  }),
  complaint({
    texts: ['Unknown scope type {type:hex}'],
    printedBy: 'Xen 4.6 to 4.22',
    meaning: 'a device scope of the DMAR table has a type that Xen does not know',
  }),
  complaint({
    texts: ['Zero: Invalid DMAR width'],
    printedBy: 'Xen 4.6 to 4.22',
    meaning: 'the DMAR table gives the machine no host address width',
  }),
  complaint({
    texts: ["Non-existent device ({device:bdf})< is reported> in this DRHD's scope!"],
    printedBy: 'Xen 4.6 to 4.22; shorter since 4.7',
    name: 'device-unknown',
    meaning: 'a unit’s scope in the DMAR table names a device that is not there',
  }),
  complaint({
    texts: [
      "Non-existent device ({device:bdf})< is> reported in RMRR [{start:hex},< >{end:hex}]'s scope!",
      "Non-existent device ({device:bdf})< is> reported in RMRR ({start:hex}, {end:hex})'s scope!",
    ],
    printedBy: 'Xen 4.6 to 4.22; in square brackets since 4.14',
    name: 'device-unknown',
    meaning: 'an RMRR of the DMAR table is for a device that is not there',
  }),
  complaint({
    texts: ['Non-existent device ({device:bdf}) is reported in SATC scope!'],
    printedBy: 'Xen 4.19 to 4.22',
    name: 'device-unknown',
    meaning: 'a SATC structure of the DMAR table names a device that is not there',
  }),
  complaint({
    texts: [
      'DRHD is invalid (some devices in its scope are not PCI discoverable)',
      'The DRHD is invalid due to there are devices under its scope are not PCI discoverable!',
    ],
    printedBy: 'Xen 4.6 to 4.11',
    meaning: `a unit’s scope ${UNDISCOVERABLE}: Xen refuses the DMAR table unless iommu=force or iommu=workaround_bios_bug`,
  }),
  {
    texts: [
      'Workaround BIOS bug: ignoring DRHD (no devices in its scope are PCI discoverable)',
      'Workaround BIOS bug: ignore the DRHD due to all devices under its scope are not PCI discoverable!',
    ],
    printedBy: 'Xen 4.6 to 4.11, with iommu=workaround_bios_bug',
    name: 'workaround',
    meaning: 'a unit none of whose devices is there is left alone, as iommu=workaround_bios_bug asks',
  },
  {
    texts: ['Ignore SATC for seg {segment:hex} as no device under its scope is PCI discoverable'],
    printedBy: 'Xen 4.19 to 4.22',
    name: 'feature-off',
    meaning: 'a SATC structure none of whose devices is there is left out',
  },
];

const REGION = 'an RMRR of the firmware, memory that its devices must go on reaching';
const NOT_RESERVED =
  'an RMRR lies in memory that the E820 map does not reserve: the firmware forgot one of the two, and DMA to it may hit memory in use';

const REGIONS: readonly Said[] = [
  {
    texts: ['RMRR: [{start:hex},{end:hex}]', 'RMRR region: base_addr {start:hex} end_addr<ess> {end:hex}'],
    printedBy: 'Xen 4.6 to 4.22, with iommu=verbose',
    name: 'rmrr',
    meaning: REGION,
    manual: 'Intel VT-d spec 5.10 §8.4',
    also(line, event, facts) {
      const devices = scopeOf(facts.other.get(SCOPE)?.value, 'RMRR');
      noteRegion(facts, line, devices);
      facts.other.delete(SCOPE);
      if (devices.length > 0) event.details.devices = devices.join(' ');
      return undefined;
    },
  },
  complaint({
    texts: [
      'RMRR: [{start:hex}, {end:hex}] is not (entirely) in reserved memory',
      'RMRR [{start:hex},{end:hex}] not in reserved memory',
      'RMRR address range {start:hex}..{end:hex} not in reserved memory',
      'RMRR address range not in reserved memory base = {start:hex} end = {end:hex}',
    ],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'rmrr-invalid',
    meaning: NOT_RESERVED,
    also(line, _, facts) {
      noteRegion(facts, line);
      return undefined;
    },
  }),
  complaint({
    texts: ["RMRR: page at {mfn:hex} can't be converted", "RMRR: page at {mfn:hex} couldn't be reserved"],
    printedBy: 'Xen 4.19 to 4.22',
    name: 'rmrr-invalid',
    meaning: 'a page of an RMRR that is no reserved memory could not be taken from the heap',
  }),
  complaint({
    texts: ['RMRR [{start:hex},{end:hex}] is incorrect!', 'RMRR ({start:hex}, {end:hex}) is incorrect<!>'],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'rmrr-invalid',
    meaning: 'an RMRR ends before it begins, or is not made of whole pages',
  }),
  complaint({
    texts: ['Overlapping RMRRs [{start:hex},{end:hex}] and [{second start:hex},{second end:hex}]'],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'rmrr-invalid',
    meaning: 'two RMRRs of the DMAR table overlap; Xen refuses the second',
  }),
  complaint({
    texts: [
      'Ignore RMRR [{start:hex},{end:hex}] as no device under its scope is PCI discoverable!',
      'Ignore RMRR ({start:hex}, {end:hex}) (some devices in its scope are not PCI discoverable)',
      'Ignore the RMRR ({start:hex}, {end:hex}) due to devices under its scope are not PCI discoverable!',
    ],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'rmrr-invalid',
    meaning: `an RMRR ${UNDISCOVERABLE}; Xen leaves it out, so that nothing maps the region`,
  }),
];

const USERS = '{first pfn:hex}-{last pfn:hex}';
const REFUSED = 'an RMRR of the command line (rmrr=) is refused';

/** RMRRs of the command line. Xen spells it RMMR once. */
const USER_REGIONS: readonly Said[] = [
  {
    texts: [`Adding RMRR for {devices:dec} device ([0]: {requester:hex}) range [${USERS}]`],
    printedBy: 'Xen 4.17 to 4.22',
    name: 'rmrr',
    meaning: 'an RMRR that an option of the command line, not the firmware, names',
  },
  {
    texts: [`Could not register RMMR range [${USERS}]`],
    printedBy: 'Xen 4.9 to 4.22',
    name: 'option-invalid',
    meaning: `${REFUSED}: it could not be registered`,
  },
  {
    texts: [`Invalid RMRR Range [${USERS}]`],
    printedBy: 'Xen 4.9 to 4.22',
    name: 'option-invalid',
    meaning: `${REFUSED}: it ends before it begins`,
  },
  {
    texts: [`Invalid pfn in RMRR range [${USERS}]`],
    printedBy: 'Xen 4.9 to 4.22',
    name: 'option-invalid',
    meaning: `${REFUSED}: a page of it is no memory`,
  },
  {
    texts: [`RMRR range [${USERS}] exceeds {limit:text} pages`],
    printedBy: 'Xen 4.9 to 4.22',
    name: 'option-invalid',
    meaning: `${REFUSED}: it is too long`,
  },
  {
    texts: [`Overlapping RMRRs: [${USERS}] and [{second first pfn:hex}-{second last pfn:hex}]`],
    printedBy: 'Xen 4.9 to 4.22',
    name: 'option-invalid',
    meaning: `${REFUSED}: it overlaps one of the firmware’s`,
  },
  {
    texts: [`Segments are not equal for RMRR range [${USERS}]`],
    printedBy: 'Xen 4.9 to 4.22',
    name: 'option-invalid',
    meaning: `${REFUSED}: its devices are of several PCI segments`,
  },
];

/** The structure of the table whose device scope is being listed, with its devices so far, in `facts.other`. */
const SCOPE = 'vtd-scope';
/** Devices of one structure that are kept. */
const SCOPE_AT_MOST = 64;

/** The devices that were listed for a structure of this type. */
function scopeOf(scope: string | undefined, type: string): string[] {
  const [of, ...devices] = scope?.split(' ') ?? [];
  return of === type ? devices : [];
}

const LISTINGS: readonly FactForm[] = [
  {
    role: 'fact',
    texts: ['found ACPI_DMAR_{type:word}:'],
    printedBy: 'Xen 4.6 to 4.22, with iommu=verbose',
    read({ fields, line }, facts) {
      facts.other.set(SCOPE, { value: fields.type!, line });
    },
  },
  {
    role: 'fact',
    texts: [
      '[VT-D]<dmar.c:{at:dec}:> endpoint: {device:bdf}',
      '[VT-D]<dmar.c:{at:dec}:> bridge: {device:bdf}',
    ],
    printedBy: 'Xen 4.6 to 4.22, with iommu=verbose',
    read({ fields, line }, facts) {
      const device = sbdfOf(fields.device);
      const scope = facts.other.get(SCOPE)?.value;
      if (device === null || scope === undefined || scope.split(' ').length > SCOPE_AT_MOST) return;
      facts.other.set(SCOPE, { value: `${scope} ${device}`, line });
    },
  },
];

export const XEN_VTD_DMAR_FORMS: readonly LineForm[] = [
  ...saidForms(VTD, [...TABLE, ...REGIONS, ...USER_REGIONS]),
  ...LISTINGS,
];
