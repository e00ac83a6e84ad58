import type { EventForm, FormLine, LineForm, MoreForm } from '../form.js';
import { decimal, hexDetail, hexNumber, hexValue, sbdfOf } from '../values.js';
import { readFault, readReason, readStatus } from '../vtd-fault.js';
import { keepLine, noteContext, noteMissing, notePaging, noteRoot } from '../vtd-walk.js';

/** Faults that Xen prints of a VT-d unit (iommu_page_fault_do_one, print_vtd_entries). Xen prints reasons in hexadecimal. */

const FAULT = 'xen-vtd-fault';
const ALONE = { source: 'xen', unit: 'vtd', kind: 'dma-fault' } as const;

/** Linux prints the same words without Xen's prefix. */
const isXens = ({ before, fields }: FormLine): boolean =>
  before.includes('[VT-D]') || fields.base !== undefined;

const faultLines: readonly LineForm[] = [
  {
    role: 'more',
    continues: FAULT,
    alone: ALONE,
    leads: true,
    texts: [
      'DMAR:[DMA {access:word}] Request device [{device:bdf}] fault addr {address:hex}<, iommu reg = {base:hex}>',
      'INTR-REMAP: Request device [{device:bdf}] fault index {index:hex}<, iommu reg = {base:hex}>',
      'UNKNOWN: Request device [{device:bdf}] fault addr {address:hex}<, iommu reg = {base:hex}>',
    ],
    printedBy: 'Xen since 4.6; the registers’ address until 4.12',
    read(line, event, facts) {
      if (!isXens(line) || readFault(line, event, facts, hexNumber) === false) return false;
      const { base } = line.fields;
      if (base === undefined) return undefined;
      const unit = facts.other.get(`vtd-registers ${hexDetail(base)}`);
      event.details.unit = unit?.value ?? `registers at ${hexDetail(base)}`;
      return undefined;
    },
  },
  {
    role: 'more',
    continues: FAULT,
    alone: ALONE,
    texts: [
      '[VT-D]DMAR: reason {code:hex} - {words:text}< on iommu:{unit:dec}>',
      '[VT-D]INTR-REMAP: reason {code:hex} - {words:text}< on iommu:{unit:dec}>',
      '[VT-D]UNKNOWN: reason {code:hex} - {words:text}< on iommu:{unit:dec}>',
      'DMAR:[fault reason {code:hex}h] {words:text}',
      'INTR-REMAP:[fault reason {code:hex}h] {words:text}',
    ],
    printedBy: 'Xen since 4.6; with the unit after 4.22; in brackets before 4.6',
    read({ fields }, event) {
      const accepted = readReason(fields.code!, event, hexNumber);
      if (accepted !== false && fields.unit !== undefined) event.details.unit = `#${fields.unit}`;
      return accepted;
    },
  },
];

/** What iommu_fault_status calls the bits of the status register. */
const STATUS: Readonly<Record<string, number>> = {
  __proto__: null as never,
  'Fault Overflow': 1 << 0,
  'Primary Pending Fault': 1 << 1,
  'Advanced Fault Overflow': 1 << 2,
  'Advanced Pending Fault': 1 << 3,
  'Invalidation Queue Error': 1 << 4,
  'Invalidation Completion Error': 1 << 5,
  'Invalidation Time-out Error': 1 << 6,
};

const statusLine: MoreForm = {
  role: 'more',
  continues: FAULT,
  alone: ALONE,
  texts: ['iommu_fault_status: {what:text}'],
  printedBy: 'Xen since 4.6, with iommu=debug',
  read(line, event, facts) {
    const register = STATUS[line.fields.what!.trimEnd()];
    return register === undefined ? false : readStatus(register, line, event, facts);
  },
};

/** A line of a dump: `text` tells how it was printed. */
function dumpForm(
  texts: readonly string[],
  printedBy: string,
  shown: (fields: FormLine['fields']) => string,
  note: (fields: FormLine['fields'], ...rest: Parameters<EventForm['read']>) => void,
): MoreForm {
  return {
    role: 'more',
    continues: FAULT,
    texts,
    printedBy,
    read(line, event, facts) {
      keepLine(event, shown(line.fields));
      note(line.fields, line, event, facts);
      return undefined;
    },
  };
}

const ALL = 'Xen since 4.6, with iommu=verbose';

const tableLines: readonly LineForm[] = [
  {
    role: 'more',
    continues: FAULT,
    alone: ALONE,
    texts: ['print_vtd_entries: iommu {unit:text} dev {device:bdf} gmfn {gmfn:hex}'],
    printedBy: `${ALL}; the unit by its number since 4.9`,
    read({ fields }, event) {
      const device = sbdfOf(fields.device);
      const frame = hexValue(fields.gmfn);
      const address = frame === null || frame >= 1n << 52n ? null : frame << 12n;
      if (event.device !== null && event.device !== device) return false;
      if (event.address !== null && event.address !== address) return false;
      event.device = device;
      event.address = address;
      if (fields.unit!.startsWith('#')) event.details.unit = fields.unit!;
      keepLine(event, `iommu ${fields.unit} dev ${fields.device} gmfn ${fields.gmfn}`);
      return undefined;
    },
  },
  dumpForm(
    ['iommu-\\>root_maddr = 0'],
    ALL,
    () => 'iommu->root_maddr = 0',
    (_, __, event) => noteMissing(event, 'root table'),
  ),
  dumpForm(
    ['root_entry[{bus:hex}] = {entry:hex}'],
    ALL,
    ({ bus, entry }) => `root_entry[${bus}] = ${entry}`,
    ({ entry }, _, event) => noteRoot(event, hexValue(entry) ?? 0n),
  ),
  dumpForm(
    ['root_entry[{bus:hex}] not present'],
    ALL,
    ({ bus }) => `root_entry[${bus}] not present`,
    (_, __, event) => noteMissing(event, 'root entry'),
  ),
  dumpForm(
    ['context[{devfn:hex}] = {high:hex}_{low:hex}'],
    ALL,
    ({ devfn, high, low }) => `context[${devfn}] = ${high}_${low}`,
    ({ high, low }, _, event) => noteContext(event, hexValue(low) ?? 0n, hexValue(high) ?? 0n),
  ),
  dumpForm(
    ['ctxt_entry[{devfn:hex}] not present'],
    ALL,
    ({ devfn }) => `ctxt_entry[${devfn}] not present`,
    (_, __, event) => noteMissing(event, 'context entry'),
  ),
  dumpForm(
    ['Unsupported VTD page table level ({levels:dec})!'],
    ALL,
    ({ levels }) => `Unsupported VTD page table level (${levels})!`,
    ({ levels }, _, event) => {
      const problem = `its width asks for ${decimal(levels) ?? levels} levels, and Xen reads 3 or 4`;
      event.level = { name: 'context entry', entry: event.level?.entry ?? null, problem };
    },
  ),
  ...[5, 4, 3, 2, 1].flatMap((level) => [
    dumpForm(
      [`l${level}[{index:hex}] = {entry:hex}`],
      `${ALL}; with the rights since 4.16`,
      ({ index, entry }) => `l${level}[${index}] = ${entry}`,
      ({ entry }, _, event) => notePaging(event, level, hexValue(entry) ?? 0n),
    ),
    dumpForm(
      [`l${level}[{index:hex}] not present`],
      'Xen 4.6 to 4.15, with iommu=verbose',
      ({ index }) => `l${level}[${index}] not present`,
      (_, __, event) => noteMissing(event, `L${level}`),
    ),
  ]),
];

export const XEN_VTD_FORMS: readonly LineForm[] = [...faultLines, statusLine, ...tableLines];
