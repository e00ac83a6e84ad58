import { readField } from '../formats/layout.js';
import { VTD_FAULT_STATUS } from '../formats/vtd-faults.js';
import type { EventReason, StatusBit } from './event.js';

const MANUAL = VTD_FAULT_STATUS.manual;

/** The bits that a fault status register has set, and which record is the first pending one where that is not number 0. */
export function statusBits(register: number): StatusBit[] {
  const bits: StatusBit[] = [];
  const pending = (register & 2) !== 0;
  for (const field of VTD_FAULT_STATUS.fields) {
    const value = readField(field, [register]);
    if (value !== 0 && (pending || field.kind !== 'number'))
      bits.push({ name: field.name, value, meaning: field.doc });
  }
  return bits;
}

/** One bit by its name, as lines name it that show no register. */
export function statusBit(name: string): StatusBit {
  const field = VTD_FAULT_STATUS.fields.find((one) => one.name === name);
  return { name, value: 1, meaning: field?.doc ?? '' };
}

/** Bits that are errors of the invalidation queue rather than faults of devices. */
const QUEUE_ERRORS = ['IQE', 'ICE', 'ITE'];

/** All bits, the gravest first. */
const BY_GRAVITY = ['IQE', 'ITE', 'ICE', 'PFO', 'AFO', 'PRO', 'APF', 'PPF'];

/** Whether the bits tell of an error of the queue. */
export const isQueueError = (bits: readonly StatusBit[]): boolean =>
  bits.some(({ name }) => QUEUE_ERRORS.includes(name));

/** Whether the bits tell no more than that a fault record is to be read: the lines of that fault follow. */
export const isOnlyPending = (bits: readonly StatusBit[]): boolean =>
  bits.every(({ name }) => name === 'PPF' || name === 'FRI' || name === 'reserved16');

/** The gravest of the bits as the reason of an event that has no other. */
export function statusReason(bits: readonly StatusBit[]): EventReason {
  for (const name of BY_GRAVITY) {
    const bit = bits.find((one) => one.name === name);
    if (bit !== undefined) return { code: null, name, meaning: bit.meaning, manual: MANUAL };
  }
  return { code: null, name: 'no-status', meaning: 'the status register shows nothing', manual: MANUAL };
}
