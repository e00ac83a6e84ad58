import type { LineForm } from '../form.js';
import { keepLine } from '../vtd-walk.js';
import { type Said, saidForms } from './said.js';

/** Xen's complaints of invalidations that a unit or a device does not carry out (vtd/qinval.c, dmar.h, iommu.c). */

const QUEUE = 'xen-vtd-queue';
const QUEUED = 'Intel VT-d spec 5.10 §6.5.2';
const SLOW = 'a unit takes long to carry out what it was told';
const DEVICE_SLOW =
  'a unit waits for a device to drop translations that the device keeps (ATS): the device does not answer, or was reset';

const COMMANDS: readonly Said<string>[] = [
  {
    texts: ['IOMMU#{unit:dec}: {what:text} flush taking too long'],
    printedBy: 'Xen 4.16 to 4.22',
    name: 'invalidation-slow',
    meaning: SLOW,
  },
  {
    texts: ['IOMMU#{unit:dec}: {what:text} flush took {ms:dec}ms'],
    printedBy: 'Xen 4.16 to 4.22',
    name: 'invalidation-slow',
    meaning: `${SLOW}; at last it did`,
  },
  {
    texts: ['IOMMU#{unit:dec}: QI wait descriptor taking too long'],
    printedBy: 'Xen 4.16 to 4.22',
    name: 'invalidation-slow',
    meaning: SLOW,
    manual: `${QUEUED}.8`,
    opens: QUEUE,
  },
  {
    texts: ['IOMMU#{unit:dec}: QI dev wait descriptor taking too long'],
    printedBy: 'Xen 4.16 to 4.22',
    name: 'device-invalidation-slow',
    meaning: DEVICE_SLOW,
    manual: `${QUEUED}.8`,
    opens: QUEUE,
  },
  {
    texts: ['IOMMU#{unit:dec}: QI wait descriptor took {ms:dec}ms'],
    printedBy: 'Xen 4.16 to 4.22',
    name: 'invalidation-slow',
    meaning: `${SLOW}; at last it did`,
    manual: `${QUEUED}.8`,
  },
  {
    texts: ['IOMMU#{unit:dec}: QI dev wait descriptor took {ms:dec}ms'],
    printedBy: 'Xen 4.16 to 4.22',
    name: 'device-invalidation-slow',
    meaning: `${DEVICE_SLOW}; at last it did`,
    manual: `${QUEUED}.8`,
  },
  {
    texts: [
      'Queue invalidate wait descriptor timed out',
      'queue invalidate wait descriptor was not executed',
    ],
    printedBy: 'Xen 4.6 to 4.15; 4.6 and 4.7 stop with it',
    name: 'invalidation-timeout',
    meaning: 'a unit did not carry out the invalidations in its queue in time',
    manual: QUEUED,
    opens: QUEUE,
  },
  {
    texts: ['IOMMU#{unit:dec}: no QI slot available'],
    printedBy: 'Xen 4.16 to 4.22',
    name: 'invalidation-queue-full',
    meaning: 'a unit’s invalidation queue is full: it carries nothing out any more',
    manual: QUEUED,
    opens: QUEUE,
  },
  {
    texts: ['IOMMU: flush IOTLB failed'],
    printedBy: 'Xen 4.6 to 4.22, debug builds',
    name: 'invalidation-failed',
    meaning: 'a unit did not invalidate its IOTLB',
  },
  {
    texts: [
      'IOMMU flush all failed for hardware domain',
      'crash shutdown: IOMMU flush all failed',
      'suspend: IOMMU flush all failed: {errno:dec}',
      'IOMMU pages flush failed: {errno:dec}',
    ],
    printedBy: 'Xen 4.8 to 4.22',
    name: 'invalidation-failed',
    meaning: 'what units remember could not be invalidated: devices may go on with mappings that are gone',
  },
  {
    texts: ['DMAR hardware malfunction', 'DMAR hardware is malfunctional'],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'unit-dead',
    meaning: 'Xen stops: a register of a unit did not change as it must within a second',
  },
];

/** Registers of the queue that follow: where it is, what the unit carries out next, and where the next goes. */
const REGISTERS: readonly LineForm[] = ['IQA', 'IQH', 'IQT'].map((name) => ({
  role: 'more',
  continues: QUEUE,
  texts: [`${name} = {value:hex}`, `DMAR_${name}_REG = {value:hex}`],
  printedBy: 'Xen 4.6 to 4.22',
  read({ fields }, event) {
    keepLine(event, `${name} = ${fields.value}`);
    return undefined;
  },
}));

export const XEN_VTD_QUEUE_FORMS: readonly LineForm[] = [
  ...saidForms({ source: 'xen', unit: 'vtd', kind: 'command-error' }, COMMANDS),
  ...REGISTERS,
];
