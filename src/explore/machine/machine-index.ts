import type { Timeline } from '../../program/timeline.js';
import { Trace } from '../../store/trace.js';
import { deviceOwner } from '../../xen/devices.js';
import { staleRow } from '../../xen/invariants/tlb.js';
import { deviceTagged } from '../../xen/remembered.js';
import type { Xen } from '../../xen/state.js';
import type { Here } from '../here.js';
import { type DomainRows, DomainTable, type StaleNote } from './domain-rows.js';
import { ReadMemo } from './read-memo.js';
import { Standing } from './standing.js';

/** What all domains have at a place of a run. */
export interface MachineRows {
  /** Slots of the domains that there are. */
  readonly slots: readonly number[];
  /** By slot; those that exist have one. */
  readonly domains: readonly (DomainRows | undefined)[];
  readonly stale: readonly StaleNote[];
  /** By word: 1 where the step that led here wrote it. */
  readonly written: Uint8Array;
}

/** What is known of a run's machine from the places that were asked about before. It is a memory, and decides nothing. */
class MachineIndex {
  private readonly xen: Xen;
  private readonly trace = new Trace();
  private readonly tables: readonly DomainTable[];
  private readonly stale: ReadMemo<readonly StaleNote[]>;
  private written = new Uint8Array(0);
  private last: { readonly here: Here; readonly rows: MachineRows } | undefined;
  readonly standing: Standing;

  constructor(xen: Xen) {
    this.xen = xen;
    this.standing = new Standing(xen);
    this.stale = new ReadMemo(this.trace);
    this.tables = Array.from(
      { length: xen.domIo },
      (_, slot) => new DomainTable(xen, slot, this.trace, this.standing),
    );
  }

  at(here: Here): MachineRows {
    if (this.last?.here === here) return this.last.rows;
    const { xen } = this;
    const stale = this.stale.get(xen.store, () => staleNotes(xen));
    const slots = this.tables.flatMap((_, slot) => (xen.exists(slot) ? [slot] : []));
    const domains = this.tables.map((table, slot) => (xen.exists(slot) ? table.at(stale) : undefined));
    const rows = { slots, domains, stale, written: this.markWritten(here) };
    this.last = { here, rows };
    return rows;
  }

  private markWritten(here: Here): Uint8Array {
    const { wordCount } = this.xen.store;
    if (this.written.length < wordCount) this.written = new Uint8Array(wordCount);
    else for (const word of this.last?.here.before.keys() ?? []) this.written[word] = 0;
    for (const word of here.before.keys()) this.written[word] = 1;
    return this.written;
  }
}

function staleNotes(xen: Xen): readonly StaleNote[] {
  return xen.units.flatMap((unit) =>
    Array.from({ length: unit.iotlb.rows }, (_, row) => {
      const stale = staleRow(xen, unit, row);
      if (stale === undefined) return [];
      const slot = deviceOwner(xen, deviceTagged(xen, unit, unit.iotlb.did(row)));
      return [{ slot, input: unit.iotlb.input(row), text: stale.message }];
    }).flat(),
  );
}

const INDEXES = new WeakMap<Timeline, MachineIndex>();

function indexOf(here: Here): MachineIndex {
  const { timeline } = here;
  let index = INDEXES.get(timeline);
  if (index === undefined) INDEXES.set(timeline, (index = new MachineIndex(timeline.xen)));
  return index;
}

/** What all domains have here, and in what the views of it disagree. */
export const machineRows = (here: Here): MachineRows => indexOf(here).at(here);

/** How an input frame of a domain stands here. */
export function standingOf(here: Here, slot: number, input: number): Standing {
  const { standing } = indexOf(here);
  standing.look(slot, input);
  return standing;
}
