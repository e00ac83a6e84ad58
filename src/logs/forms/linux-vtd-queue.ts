import { sbdfText } from '../../formats/requester.js';
import { VTD_FAULT_STATUS } from '../../formats/vtd-faults.js';
import type { EventDraft } from '../event.js';
import type { LineForm } from '../form.js';
import { hexDetail, hexNumber, hexValue } from '../values.js';
import { invalidationInWords } from '../vtd-invalidation.js';
import { statusBit } from '../vtd-status.js';
import { keepLine } from '../vtd-walk.js';
import { type Said, saidForms } from './said.js';

/** Linux's complaints of invalidations and page requests (qi_dump_fault of intel/dmar.c, intel/prq.c). */

const QUEUE = 'linux-vtd-queue';
const REGISTER = 'Intel VT-d spec 5.10 §11.4.9.9 (IQERCD_REG)';

const doc = (bit: string): string => VTD_FAULT_STATUS.fields.find(({ name }) => name === bit)?.doc ?? '';

/** The registers of a unit that is gone read as ones. */
function allOnes(event: EventDraft, text: string, ones: number): boolean {
  if (hexNumber(text) !== ones) return false;
  event.details.registers = 'all ones: the unit does not answer, as where the chip behind it is switched off';
  return true;
}

/** The device that did not answer; 0 is what older units say, which cannot tell. */
function noteSource(event: EventDraft, text: string): void {
  const requester = hexNumber(text);
  if (allOnes(event, text, 0xffff) || requester === null || requester === 0 || requester > 0xffff) return;
  event.device = sbdfText(requester);
}

const ERRORS: readonly Said<string>[] = [
  {
    texts: ['VT-d detected Invalidation Queue Error: Reason {info:hex}'],
    printedBy: 'Linux since 5.14',
    name: 'IQE',
    meaning: doc('IQE'),
    manual: REGISTER,
    opens: QUEUE,
    also({ fields }, event) {
      event.bits.push(statusBit('IQE'));
      allOnes(event, fields.info!, 0xf);
      return undefined;
    },
  },
  {
    texts: ['VT-d detected Invalidation Time-out Error: SID {source:hex}'],
    printedBy: 'Linux since 5.14',
    name: 'ITE',
    meaning: doc('ITE'),
    manual: REGISTER,
    opens: QUEUE,
    also({ fields }, event) {
      event.bits.push(statusBit('ITE'));
      noteSource(event, fields.source!);
      delete event.details.source;
      return undefined;
    },
  },
  {
    texts: ['VT-d detected Invalidation Completion Error: SID {source:hex}'],
    printedBy: 'Linux since 5.14',
    name: 'ICE',
    meaning: doc('ICE'),
    manual: REGISTER,
    opens: QUEUE,
    also({ fields }, event) {
      event.bits.push(statusBit('ICE'));
      noteSource(event, fields.source!);
      delete event.details.source;
      return undefined;
    },
  },
  {
    texts: [
      'VT-d detected invalid descriptor: qw0 = {qw0:hex}, qw1 = {qw1:hex}',
      'VT-d detected invalid descriptor: low={qw0:hex}, high={qw1:hex}',
    ],
    printedBy: 'Linux until 5.13',
    name: 'IQE',
    meaning: doc('IQE'),
    manual: 'Intel VT-d spec 5.10 §11.4.7.1 (FSTS_REG)',
    also({ fields }, event) {
      event.bits.push(statusBit('IQE'));
      event.details.descriptor = invalidationInWords(hexValue(fields.qw0) ?? 0n).name;
      event.details.qw0 = hexDetail(fields.qw0!);
      event.details.qw1 = hexDetail(fields.qw1!);
      return undefined;
    },
  },
  {
    texts: ['Flush IOTLB failed'],
    printedBy: 'Linux',
    name: 'invalidation-failed',
    meaning: 'a unit did not invalidate its IOTLB',
  },
  {
    texts: [
      'Unexpected iotlb invalidation type {type:hex}',
      'Unexpected context-cache invalidation type {type:hex}',
    ],
    printedBy: 'Linux since 4.2',
    name: 'invalidation-failed',
    meaning: 'Linux asked a unit for an invalidation that is none',
  },
  {
    texts: [
      'Page request without PASID',
      'Address is not canonical',
      'Page request in Privilege Mode',
      'Execution request not supported',
      'Invalid page request: {request:text}',
    ],
    printedBy: 'Linux since 5.15',
    name: 'page-request-refused',
    meaning: 'a device asked for a page in a way that Linux does not admit',
    manual: 'Intel VT-d spec 5.10 §7.4',
    also: ({ before }, event) => {
      const unit = /\b(dmar\d{1,4}): $/.exec(before.slice(-32))?.[1];
      if (unit === undefined) return false;
      event.details.unit = unit;
      return undefined;
    },
  },
  {
    texts: ['PRQ overflow detected'],
    printedBy: 'Linux since 5.15',
    name: 'page-request-overflow',
    meaning: 'devices asked for more pages than the queue holds: requests are lost',
    manual: 'Intel VT-d spec 5.10 §7.4',
  },
];

/** The descriptor at the queue's head, and the one before it, which is what the unit was carrying out. */
const DESCRIPTORS: readonly LineForm[] = ['HEAD', 'PRIOR'].map((name) => ({
  role: 'more',
  continues: QUEUE,
  texts: [`QI ${name}: {what:text} qw0 = {qw0:hex}, qw1 = {qw1:hex}`],
  printedBy: 'Linux since 5.14',
  read({ fields }, event) {
    const said = invalidationInWords(hexValue(fields.qw0) ?? 0n);
    const whose = said.device === null ? '' : ` of ${said.device}`;
    keepLine(event, `QI ${name}: ${said.name}${whose}: qw0 = ${fields.qw0}, qw1 = ${fields.qw1}`);
    // A device that does not answer is named by what it was asked, where the unit does not say.
    if (event.reason?.name === 'ITE') event.device ??= said.device;
    return undefined;
  },
}));

export const LINUX_VTD_QUEUE_FORMS: readonly LineForm[] = [
  ...saidForms({ source: 'linux', unit: 'vtd', kind: 'command-error' }, ERRORS),
  ...DESCRIPTORS,
  {
    role: 'more',
    continues: QUEUE,
    texts: [
      'Invalidation Queue Error (IQE) cleared',
      'Invalidation Time-out Error (ITE) cleared',
      'Invalidation Completion Error (ICE) cleared',
    ],
    printedBy: 'Linux since 5.14',
    read({ text }, event) {
      keepLine(event, text);
      return undefined;
    },
  },
];
