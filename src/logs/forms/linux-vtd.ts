import type { EventForm, FormLine, LineForm, MoreForm } from '../form.js';
import { decimal, hexNumber, hexValue } from '../values.js';
import { readFault, readReason, readStatus } from '../vtd-fault.js';
import {
  keepLine,
  noteContext,
  noteMissing,
  notePaging,
  notePasidDirectory,
  notePasidEntry,
  noteRoot,
  noteScalableRoot,
} from '../vtd-walk.js';

/** Faults that Linux prints of a VT-d unit (dmar_fault_do_one, dmar_fault_dump_ptes). */

const FAULT = 'linux-vtd-fault';
const ALONE = { source: 'linux', unit: 'vtd', kind: 'dma-fault' } as const;

/** Linux printed reasons in decimal, and since about 5.13 in hexadecimal with 0x: the wording decides. */
const reasonCode = (text: string): number | null => (text.startsWith('0x') ? hexNumber(text) : decimal(text));

/** Xen prints old Linux’s words behind a prefix of its own. */
const isXens = ({ before }: FormLine): boolean => before.includes('[VT-D]');

const REASON = '< [fault reason {reason:hex}]>';

const faultLines: readonly LineForm[] = [
  {
    role: 'more',
    continues: FAULT,
    alone: ALONE,
    leads: true,
    texts: [
      `[DMA {access:word}< NO_PASID>< PASID {pasid:hex}>] Request device [{device:bdf}] fault addr {address:hex}${REASON}`,
      `[DMA {access:word}] Request device [{device:bdf}] PASID {pasid:hex} fault addr {address:hex}${REASON}`,
      `[INTR-REMAP] Request device [{device:bdf}] fault index {index:hex}${REASON}`,
      `INTR-REMAP: Request device [<[>{device:bdf}] fault index {index:hex}${REASON}`,
    ],
    printedBy:
      'Linux; the PASID behind the device in versions of 5, before it since about 5.13; the reason on a line of its own until about 4.5',
    read(line, event, facts) {
      return isXens(line) ? false : readFault(line, event, facts, reasonCode);
    },
  },
  {
    role: 'more',
    continues: FAULT,
    alone: ALONE,
    texts: [
      'DMAR:[fault reason {reason:hex}] {words:text}',
      'INTR-REMAP:[fault reason {reason:hex}] {words:text}',
    ],
    printedBy: 'Linux until about 4.5, in decimal',
    read: ({ fields }, event) => readReason(fields.reason!, event, reasonCode),
  },
  {
    role: 'more',
    continues: FAULT,
    alone: ALONE,
    texts: ['DRHD: handling fault status reg {status:hex}'],
    printedBy: 'Linux, before the faults',
    read(line, event, facts) {
      const status = hexNumber(line.fields.status);
      return status === null ? false : readStatus(status, line, event, facts);
    },
  },
];

/** A line of a dump. */
function dumpForm(
  texts: readonly string[],
  note: (fields: FormLine['fields'], ...rest: Parameters<EventForm['read']>) => void,
): MoreForm {
  return {
    role: 'more',
    continues: FAULT,
    texts,
    printedBy: 'Linux since 5.17, with CONFIG_DMAR_DEBUG',
    read(line, event, facts) {
      keepLine(event, line.text.replace(/^(?:DMAR: ){1,2}/, ''));
      note(line.fields, line, event, facts);
      return undefined;
    },
  };
}

/** The first kernels that dump tables say of a superpage that it is not present. */
const ABSENT_OR_LARGE = 'not present, or a superpage: this kernel prints the same for both';

const value = (text: string | undefined): bigint => hexValue(text) ?? 0n;

const tableLines: readonly LineForm[] = [
  {
    role: 'more',
    continues: FAULT,
    alone: ALONE,
    texts: ['Dump {unit:name} table entries for IOVA {address:hex}'],
    printedBy: 'Linux since 5.17, with CONFIG_DMAR_DEBUG',
    read({ fields, text }, event) {
      const address = hexValue(fields.address);
      if (event.kind !== 'dma-fault' || (event.address !== null && event.address !== address)) return false;
      event.address = address;
      event.details.unit = fields.unit!;
      keepLine(event, text.replace(/^(?:DMAR: ){1,2}/, ''));
      return undefined;
    },
  },
  dumpForm(['root table is not present'], (_, __, event) => noteMissing(event, 'root table')),
  dumpForm(['scalable mode root entry: hi {high:hex}, low {low:hex}'], ({ high, low }, _, event) =>
    noteScalableRoot(event, value(low), value(high)),
  ),
  dumpForm(['root entry: {entry:hex}'], ({ entry }, _, event) => noteRoot(event, value(entry))),
  dumpForm(['context table is not present'], (_, __, event) => noteMissing(event, 'context table')),
  dumpForm(['context entry: hi {high:hex}, low {low:hex}'], ({ high, low }, _, event) =>
    noteContext(event, value(low), value(high)),
  ),
  dumpForm(
    ['legacy mode page table is not present', 'pasid directory table is not present'],
    (_, __, event) => noteMissing(event, 'context entry'),
  ),
  dumpForm(['pasid dir entry: {entry:hex}'], ({ entry }, _, event) =>
    notePasidDirectory(event, value(entry)),
  ),
  dumpForm(['pasid table is not present'], (_, __, event) => noteMissing(event, 'PASID directory entry')),
  dumpForm(['pasid table entry[{index:dec}]: {entry:hex}'], ({ index, entry }, _, event) => {
    if (index === '0') notePasidEntry(event, value(entry));
  }),
  dumpForm(['scalable mode page table is not present'], (_, __, event) =>
    noteMissing(event, 'PASID table entry'),
  ),
  dumpForm(['pte level: {level:dec}, pte value: {entry:hex}'], ({ level, entry }, _, event) =>
    notePaging(event, decimal(level) ?? 0, value(entry)),
  ),
  dumpForm(['page table not present at level {level:dec}'], ({ level }, _, event) =>
    noteMissing(event, `L${(decimal(level) ?? 0) + 1}`),
  ),
  dumpForm(['PTE not present at level {level:dec}'], ({ level }, _, event) => {
    const at = decimal(level) ?? 0;
    noteMissing(event, `L${at}`, at === 2 || at === 3 ? ABSENT_OR_LARGE : undefined);
  }),
];

export const LINUX_VTD_FORMS: readonly LineForm[] = [...faultLines, ...tableLines];
