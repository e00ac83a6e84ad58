import { eventName } from '../../formats/smmuv3-events.js';
import { vtdFaultReason } from '../../formats/vtd-faults.js';
import { SourceText } from '../../text/source.js';
import { loadDomainConfig } from '../../toolstack/domain-config.js';
import { parseRelease } from '../../toolstack/release.js';
import { resolveEdition } from '../../xen/editions/edition.js';
import { EventDraft, type LogUnit } from '../event.js';
import { LogFacts } from '../facts.js';
import { rankCauses } from './all.js';
import type { JudgedEvent, World } from './cause.js';
import type { RankedCause } from './rank.js';

/** An event, made by hand. */
export function eventWith(changed: Partial<JudgedEvent> & { unit: LogUnit | null }): JudgedEvent {
  const { source = 'xen', unit, kind = 'dma-fault' } = changed;
  return { ...new EventDraft(source, unit, kind), count: 1, firstLine: 100, ...changed };
}

/** A fault of a VT-d unit with its reason, as the codec knows it. */
export function vtd(
  reason: number | null,
  device: string,
  address: bigint,
  changed: Partial<JudgedEvent> = {},
) {
  const row = reason === null ? undefined : vtdFaultReason(reason);
  return eventWith({
    unit: 'vtd',
    device,
    address,
    access: reason === 5 ? 'write' : reason === 6 ? 'read' : null,
    reason:
      row === undefined
        ? null
        : { code: row.code, name: row.condition, meaning: row.meaning, manual: row.section },
    ...changed,
  });
}

/** A page fault of an AMD-Vi unit with its flags. */
export function amdvi(bits: readonly string[], changed: Partial<JudgedEvent> = {}): JudgedEvent {
  return eventWith({
    unit: 'amdvi',
    device: '0000:03:00.0',
    address: 0x8424c_b000n,
    access: bits.includes('RW') ? 'write' : 'read',
    reason: { code: 2, name: 'IO_PAGE_FAULT', meaning: 'a page fault', manual: null },
    bits: bits.map((name) => ({ name, value: 1, meaning: name })),
    ...changed,
  });
}

/** A context fault of an SMMUv2. */
export function smmu(bit: string, access: 'read' | 'write', changed: Partial<JudgedEvent> = {}): JudgedEvent {
  return eventWith({
    unit: 'smmuv2',
    address: 0x8424c_b148n,
    access,
    reason: { code: 0x402, name: bit, meaning: 'a context fault', manual: null },
    bits: [{ name: bit, value: 1, meaning: bit }],
    ...changed,
  });
}

/** An event of an SMMUv3. */
export function smmuV3(code: number, changed: Partial<JudgedEvent> = {}): JudgedEvent {
  return eventWith({
    unit: 'smmuv3',
    address: 0x8424c_b148n,
    access: 'read',
    reason: { code, name: eventName(code) ?? '', meaning: 'an event', manual: null },
    ...changed,
  });
}

/** What else is known. */
export interface Known {
  readonly xen?: string;
  readonly config?: string;
  readonly events?: readonly JudgedEvent[];
  readonly facts?: (facts: LogFacts) => void;
}

export function worldOf({ xen, config, events = [], facts: write }: Known = {}): World {
  const facts = new LogFacts();
  if (xen !== undefined) facts.xen = { value: xen, line: 1 };
  write?.(facts);
  const release = parseRelease('4.17')!;
  return {
    facts,
    events,
    edition: xen === undefined ? undefined : resolveEdition(xen),
    config:
      config === undefined
        ? undefined
        : loadDomainConfig(new SourceText('guest.cfg', config), release).config,
  };
}

export function causesOf(event: JudgedEvent, known: Known = {}): RankedCause[] {
  return rankCauses(event, worldOf({ ...known, events: [event, ...(known.events ?? [])] }));
}

/** Ids of the causes of an event, likeliest first. */
export const idsOf = (event: JudgedEvent, known: Known = {}): string[] =>
  causesOf(event, known).map(({ id }) => id);

/** E820 ranges. */
export const e820 =
  (...ranges: readonly (readonly [start: bigint, end: bigint, what: string])[]) =>
  (facts: LogFacts): void => {
    for (const [start, end, what] of ranges) facts.e820.push({ start, end, what, devices: [], line: 2 });
  };
