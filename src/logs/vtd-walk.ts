import {
  contextReserved,
  contextType,
  contextWidth,
  entryPresent,
  rootReserved,
  VTD_SECOND_LEVEL,
} from '../formats/vtd.js';
import { wordsOf64 } from '../formats/vtd-registers.js';
import type { EventDraft, FailedLevel } from './event.js';
import { failedEntry, NO_READ, NO_WRITE, NOT_PRESENT, RESERVED_SET } from './vtd-reasons.js';

/**
 * What an entry of a dump says where it stops no access. Tables are dumped after the fault: that nothing in them refuses
 * it any more is news of its own.
 */
export const ALLOWS =
  'lets the access pass as it was dumped: it changed after the fault, or the unit used an older entry that it remembered';

/** The detail that keeps what the PASID table entry of a dump says of the entries behind it. */
const TRANSLATION = 'translation';
const FIRST_STAGE = 'first stage';

/** Lines of a dump that an event keeps. */
const DUMP_AT_MOST = 64;

/** Keeps a line of a dump as it was printed. */
export function keepLine(event: EventDraft, text: string): void {
  if (event.more.length < DUMP_AT_MOST) event.more.push(text);
}

/** What an entry shows where the reason was a reserved bit that is reserved on some units only. */
export const PERHAPS_RESERVED =
  'has a bit set that this unit reserves: an address beyond its width, a superpage or snoop bit it does not know';

/** Reasons of a reserved bit in a paging entry. */
const RESERVED_REASONS: readonly number[] = [0xc, 0x72, 0x7a];

/** Whether an entry that was noted gives way to the one that the walk reaches behind it. */
const passes = ({ entry, problem }: FailedLevel): boolean =>
  // What was found without an entry follows from the reason alone.
  entry === null || problem === ALLOWS || problem === PERHAPS_RESERVED;

/**
 * Notes an entry that a dump shows, from the root down. The first one that refuses the access is where the walk ended;
 * entries behind it are what the software that dumps sees, which goes on. A reason that blames no entry, as an address
 * beyond the width, is no matter of the tables; one that blames an entry above the paging tables is one of that alone.
 */
function note(event: EventDraft, name: string, entry: bigint | null, problem: string | null): void {
  const code = event.reason?.code ?? null;
  if (code !== null) {
    const blamed = failedEntry(code);
    if (blamed === null) return;
    if (ABOVE_PAGING.has(blamed.name) && blamed.name !== name) return;
  }
  if (event.level !== null && !passes(event.level)) return;
  const unseen = code !== null && RESERVED_REASONS.includes(code) ? PERHAPS_RESERVED : ALLOWS;
  event.level = { name, entry, problem: problem ?? unseen };
}

const ABOVE_PAGING: ReadonlySet<string> = new Set([
  'root entry',
  'context entry',
  'PASID directory entry',
  'PASID table entry',
]);

/** A root entry of legacy mode; `high` where the upper half was printed. */
export function noteRoot(event: EventDraft, entry: bigint, high = 0n): void {
  const [lo] = wordsOf64(entry);
  const [w2, w3] = wordsOf64(high);
  note(
    event,
    'root entry',
    entry,
    !entryPresent(lo) ? NOT_PRESENT : rootReserved(lo, w2, w3) ? RESERVED_SET : null,
  );
}

/** A root entry of scalable mode: its low half is for devices 0 to 15 of the bus, the high one for 16 to 31. */
export function noteScalableRoot(event: EventDraft, low: bigint, high: bigint): void {
  const device = /:([0-9a-f]{2})\.[0-7]$/.exec(event.device ?? '')?.[1];
  const half = device !== undefined && Number.parseInt(device, 16) > 15 ? high : low;
  note(event, 'root entry', half, (half & 1n) === 0n ? NOT_PRESENT : null);
  event.details[TRANSLATION] = 'scalable mode';
}

const TYPE_RESERVED = 3;

/** A context entry: its two halves of 64 bits. */
export function noteContext(event: EventDraft, low: bigint, high: bigint): void {
  const [w0] = wordsOf64(low);
  const [w2, w3] = wordsOf64(high);
  const scalable = event.details[TRANSLATION] !== undefined;
  let problem: string | null = null;
  if (!entryPresent(w0)) problem = NOT_PRESENT;
  else if (!scalable) {
    // The domain id that tags what the unit remembers (DID, bits 72 to 87).
    event.details['domain id'] = String((w2 >>> 8) & 0xffff);
    const width = contextWidth(w2);
    if (contextReserved(w0, w2, w3)) problem = RESERVED_SET;
    else if (contextType(w0) === TYPE_RESERVED) problem = 'its translation type is none';
    else if (width < 1 || width > 3) problem = `its width (AW ${width}) is none`;
  }
  note(event, 'context entry', low | (high << 64n), problem);
}

/** An entry of the PASID directory. */
export function notePasidDirectory(event: EventDraft, entry: bigint): void {
  note(event, 'PASID directory entry', entry, (entry & 1n) === 0n ? NOT_PRESENT : null);
}

/** PGTT of a PASID table entry. */
const TRANSLATIONS = ['none', FIRST_STAGE, 'second stage', 'nested', 'pass-through'];

/** The first 64 bits of a PASID table entry. (Intel VT-d spec 5.10 §9.6) */
export function notePasidEntry(event: EventDraft, entry: bigint): void {
  note(event, 'PASID table entry', entry, (entry & 1n) === 0n ? NOT_PRESENT : null);
  event.details[TRANSLATION] = TRANSLATIONS[Number((entry >> 6n) & 7n)] ?? 'reserved';
}

/** An entry of a paging table at a level counted from 1, the tables of 4 KiB pages. */
export function notePaging(event: EventDraft, level: number, entry: bigint): void {
  const firstStage = event.details[TRANSLATION] === FIRST_STAGE;
  note(
    event,
    `L${level}`,
    entry,
    firstStage ? firstStageProblem(event, entry) : secondStageProblem(event, entry, level),
  );
}

/** First-stage entries have P, R/W and U/S as the processor’s do. (Intel VT-d spec 5.10 §9.7) */
function firstStageProblem(event: EventDraft, entry: bigint): string | null {
  if ((entry & 1n) === 0n) return NOT_PRESENT;
  return event.access === 'write' && (entry & 2n) === 0n ? NO_WRITE : null;
}

function secondStageProblem(event: EventDraft, entry: bigint, level: number): string | null {
  const [lo, hi] = wordsOf64(entry);
  if (!VTD_SECOND_LEVEL.present(lo, hi, level)) return NOT_PRESENT;
  if (level >= 1 && level <= 4 && VTD_SECOND_LEVEL.reserved(lo, hi, level)) return RESERVED_SET;
  if (event.access === 'write' && (lo & 2) === 0) return NO_WRITE;
  if (event.access === 'read' && (lo & 1) === 0) return NO_READ;
  return null;
}

/** A table that the dump says is not there; `name` is the entry that should point to it. */
export function noteMissing(event: EventDraft, name: string, problem: string = NOT_PRESENT): void {
  note(event, name, null, problem);
}
