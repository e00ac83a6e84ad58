import { grantEntryCount, grantFrameCount } from '../xen/grant-frames.js';
import { Life } from '../xen/tables/domain.js';
import { type CallRow, callRows } from './calls.js';
import { grantRowOf, type Handle, handleOf } from './grants/handles.js';
import { type Offer, offerOf, refsInUse } from './grants/offers.js';
import { type Here, wordOf } from './here.js';
import { type DomainLabel, domainLabel } from './machine/domain-label.js';
import type { Value } from './value.js';

/** The first rows of a table, and how many there are. */
export interface Rows<T> {
  readonly total: number;
  readonly rows: readonly T[];
}

/** How often a domain has mapped a frame, over all granters: what decides whether its devices keep it (since 4.16). */
export interface Counter {
  readonly frame: Value;
  readonly mfn: number | undefined;
  readonly readers: Value;
  readonly writers: Value;
}

/** What a domain offers, and what it has mapped. */
export interface DomainGrants extends DomainLabel {
  readonly version: Value;
  /** Frames of its table: those with entries, and, of version 2, those with their use flags. */
  readonly shared: readonly Value[];
  readonly status: readonly Value[];
  /** References that the table has room for. */
  readonly room: number;
  readonly offers: Rows<Offer>;
  readonly handles: Rows<Handle>;
  readonly counters: Rows<Counter>;
}

export interface Grants {
  /** Domains that offer or have mapped something. */
  readonly domains: readonly DomainGrants[];
  /** Those that have a grant table, and nothing in it. */
  readonly idle: readonly string[];
  /** Hypercalls about grants that are under way. */
  readonly calls: readonly CallRow[];
}

/** Grants as they stand: at most `most` rows of each kind. */
export function grants(here: Here, { most }: { readonly most: number }): Grants {
  const { xen } = here;
  const { domains } = xen.spec.limits;
  const slots = Array.from({ length: domains }, (_, slot) => slot).filter(
    (slot) => xen.domain.life.get(slot) !== Life.absent,
  );
  const handles = new Map(slots.map((slot) => [slot, rowsInUse(here, 'maptrack', 'flags', slot)]));
  const mappers = mappersOf(here, handles);
  const found: DomainGrants[] = [];
  const idle: string[] = [];
  for (const slot of slots) {
    const refs = refsInUse(here, slot);
    const counters = rowsInUse(here, 'grantCounter', 'frame', slot);
    const mapped = handles.get(slot)!;
    if (refs.length + mapped.length + counters.length === 0) {
      if (grantFrameCount(xen, slot) > 0) idle.push(xen.domainName(slot));
      continue;
    }
    const row = (ref: number): number => slot * xen.spec.limits.grants + ref;
    found.push({
      ...domainLabel(here, slot),
      version: here.field('domain', slot, 'grantVersion'),
      ...framesOf(here, slot, most),
      room: grantEntryCount(xen, slot),
      offers: rowsOf(refs, most, (ref) => offerOf(here, slot, ref, mappers.get(row(ref)) ?? [])),
      handles: rowsOf(mapped, most, (handle) => handleOf(here, slot, handle)),
      counters: rowsOf(counters, most, (counter) => counterOf(here, counter)),
    });
  }
  return { domains: found, idle, calls: callRows(here).filter(({ aboutGrants }) => aboutGrants) };
}

const rowsOf = <T>(keys: readonly number[], most: number, look: (key: number) => T): Rows<T> => ({
  total: keys.length,
  rows: keys.slice(0, most).map(look),
});

/** Who has mapped each grant, by its row. */
function mappersOf(
  here: Here,
  handles: ReadonlyMap<number, readonly number[]>,
): Map<number, Offer['handles'][number][]> {
  const { xen } = here;
  const mappers = new Map<number, Offer['handles'][number][]>();
  for (const [slot, rows] of handles) {
    for (const row of rows) {
      const grant = grantRowOf(here, row);
      const list = mappers.get(grant) ?? [];
      mappers.set(grant, list);
      list.push({ domain: xen.domainName(slot), handle: row - slot * xen.spec.limits.handles });
    }
  }
  return mappers;
}

function framesOf(here: Here, slot: number, most: number): Pick<DomainGrants, 'shared' | 'status'> {
  const { xen } = here;
  const { grantFrames } = xen.spec.limits;
  const count = Math.min(most, grantFrameCount(xen, slot));
  const shared = Array.from({ length: count }, (_, n) =>
    n === 0
      ? here.field('domain', slot, 'grantFrame')
      : here.field('grantFrame', slot * grantFrames + n, 'shared'),
  );
  const status = Array.from({ length: Math.min(most, xen.domain.statusFrames.get(slot)) }, (_, n) =>
    here.field('grantFrame', slot * grantFrames + n, 'status'),
  );
  return { shared, status };
}

/** Rows of a table with a row for each handle that a domain can have, as far as a field of them says something. */
function rowsInUse(here: Here, name: 'maptrack' | 'grantCounter', field: string, slot: number): number[] {
  const { handles } = here.xen.spec.limits;
  const table = here.table(name);
  const { words } = here.xen.store;
  const rows: number[] = [];
  const first = wordOf(table, 0, field);
  for (let row = slot * handles; row < (slot + 1) * handles; row++) {
    if (words[first + row * table.fieldNames.length] !== 0) rows.push(row);
  }
  return rows;
}

function counterOf(here: Here, row: number): Counter {
  const { xen } = here;
  return {
    frame: here.field('grantCounter', row, 'frame'),
    mfn: xen.ram.frameAt(xen.grantCounter.frame.get(row) - 1),
    readers: here.field('grantCounter', row, 'readers'),
    writers: here.field('grantCounter', row, 'writers'),
  };
}
