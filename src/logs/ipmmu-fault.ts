import { IPMMU_IMSTR } from '../formats/ipmmu.js';
import type { EventDraft } from './event.js';
import { statusBits } from './status-bits.js';

/** Fields of IMSTR that are no kind of fault. */
const NO_KIND = new Set(['ERRCODE', 'ERRLVL']);

/** IMSTR: why a context refused. The register does not tell a read from a write. */
export function readImstr(event: EventDraft, status: number): void {
  const bits = statusBits(IPMMU_IMSTR, [status]);
  const kinds = bits.filter((bit) => !NO_KIND.has(bit.name));
  event.bits.splice(0, event.bits.length, ...bits);
  event.reason = {
    code: status >>> 0,
    name: kinds.map((bit) => bit.name).join('+') || 'none',
    meaning: kinds.map((bit) => bit.meaning).join('; ') || 'the status register shows no fault',
    manual: IPMMU_IMSTR.manual,
  };
  const level = bits.find((bit) => bit.name === 'ERRLVL');
  if (level !== undefined && kinds.length > 0) {
    event.level = { name: `level ${level.value}`, entry: null, problem: event.reason.meaning };
  }
}

/** One bit of IMSTR, of which a line of its own tells, by the manual's name. */
export function readImstrBit(event: EventDraft, name: string): void {
  const field = IPMMU_IMSTR.fields.find(({ doc }) => doc.startsWith(`${name}: `))!;
  readImstr(event, 1 << field.lo);
  event.reason = { ...event.reason!, code: null };
}
