import type { FoundEvent } from './assemble.js';
import type { JudgedEvent } from './causes/cause.js';
import type { EventDraft } from './event.js';

/** A line at which an event was said. */
export interface Occurrence {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** The line as it is in the log, without colours; the first 1000 characters. */
  readonly text: string;
  /** As the log writes it; null where it gives none. */
  readonly time: string | null;
}

/** An event and everything that repeats it. */
export interface GroupedEvent extends JudgedEvent {
  /** How many of {@link count} were not printed. */
  readonly suppressed: number;
  readonly first: Occurrence;
  readonly last: Occurrence;
  /** Where it was said of more than one address: the lowest and the highest. `address` is the first one's. */
  readonly addresses: { readonly lowest: bigint; readonly highest: bigint } | null;
}

/**
 * Pages that are told apart of one device, reason and access. What comes on further ones is one event more, as no page
 * says anything any more where there are so many.
 */
export const PAGES_AT_MOST = 32;

/** Events that are told apart. A log with more is hostile, or of so many machines that only kinds and reasons matter. */
export const GROUPS_AT_MOST = 4096;

/** Characters of a line that are kept to be shown. */
const TEXT_AT_MOST = 1000;

const PAGE_BITS = 12n;

interface Group {
  event: EventDraft;
  count: number;
  suppressed: number;
  first: Occurrence;
  last: Occurrence;
  lowest: bigint | null;
  highest: bigint | null;
  /** Files read before, for the order. */
  readonly file: number;
}

/** What is the same in events that repeat each other, but for the address. */
function identity({ source, unit, kind, device, domain, access, reason, details }: EventDraft): string {
  const named = Object.entries(details).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([source, unit, kind, device, domain, access, reason?.code, reason?.name, named]);
}

/** Groups events that repeat each other, in bounded memory whatever the log. */
export class Grouper {
  private readonly groups = new Map<string, Group>();
  /** How many pages are told apart of each identity. */
  private readonly pages = new Map<string, number>();
  private file = '';
  private files = 0;
  /** Whether there was more than can be told apart. */
  overflowed = false;

  /** Events that follow are of this file. */
  begin(file: string): void {
    this.file = file;
    this.files++;
  }

  add(found: FoundEvent): void {
    const { event } = found;
    const alike = identity(event);
    const page = event.address === null ? '' : (event.address >> PAGE_BITS).toString(16);
    const known = this.groups.get(`${page} ${alike}`);
    if (known !== undefined) {
      this.repeat(known, found);
      return;
    }
    const pages = this.pages.get(alike) ?? 0;
    if (pages >= PAGES_AT_MOST) this.join(`other ${alike}`, found);
    else if (this.groups.size < GROUPS_AT_MOST) {
      this.pages.set(alike, pages + 1);
      this.join(`${page} ${alike}`, found);
    } else this.joinCoarsely(found);
  }

  private join(key: string, found: FoundEvent): void {
    const known = this.groups.get(key);
    if (known !== undefined) this.repeat(known, found);
    else this.groups.set(key, this.begun(found));
  }

  /** There is no room to tell this one apart: it joins those with the same reason, or at least of the same kind. */
  private joinCoarsely(found: FoundEvent): void {
    this.overflowed = true;
    const { source, unit, kind, reason } = found.event;
    const byKind = `kind ${source} ${unit} ${kind}`;
    const byReason = `${byKind} ${reason?.code} ${reason?.name}`;
    const room = this.groups.size < 2 * GROUPS_AT_MOST || this.groups.has(byReason);
    this.join(room ? byReason : byKind, found);
  }

  private occurrence({ line, text, time }: FoundEvent): Occurrence {
    const shown = text.length <= TEXT_AT_MOST ? text : `${text.slice(0, TEXT_AT_MOST - 1)}…`;
    return { file: this.file, line, text: shown, time };
  }

  private begun(found: FoundEvent): Group {
    const { event, suppressed } = found;
    const here = this.occurrence(found);
    const { address } = event;
    return {
      event,
      count: 1 + suppressed,
      suppressed,
      first: here,
      last: here,
      lowest: address,
      highest: address,
      file: this.files,
    };
  }

  private repeat(group: Group, found: FoundEvent): void {
    const { event, suppressed, line } = found;
    group.count += 1 + suppressed;
    group.suppressed += suppressed;
    // Events may come a few lines late, as lines may belong to them that come later.
    if (group.file === this.files && line < group.first.line) {
      group.first = this.occurrence(found);
      group.event = event;
    } else if (group.last.file !== this.file || line > group.last.line) group.last = this.occurrence(found);
    const { address } = event;
    if (address === null) return;
    if (group.lowest === null || address < group.lowest) group.lowest = address;
    if (group.highest === null || address > group.highest) group.highest = address;
  }

  /** All events, in the order of their first lines. */
  events(): GroupedEvent[] {
    return [...this.groups.values()]
      .sort((a, b) => a.file - b.file || a.first.line - b.first.line)
      .map(({ event, count, suppressed, first, last, lowest, highest }) => ({
        ...event,
        count,
        suppressed,
        first,
        last,
        firstLine: first.line,
        addresses: lowest === null || highest === null || lowest === highest ? null : { lowest, highest },
      }));
  }
}
