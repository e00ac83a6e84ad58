import type { EventKind } from '../event.js';
import type { NamedRange, Said } from '../facts.js';
import type { JudgedEvent, World } from './cause.js';

/*
 * What rules ask of all events and facts for each event, looked up instead of searched: a log can have thousands of each,
 * and time is to grow with the log and not with its square.
 */

/** What is known of a device's events together. */
export interface DeviceEvents {
  readonly count: number;
  readonly addresses: ReadonlySet<bigint | null>;
  readonly lowest: bigint | null;
}

/** Events and notes of a kind that rules look through; whatever a log repeats more often says no more. */
const LOOKED_THROUGH = 64;

/** Notes on a device or domain that are looked at: so many before an event, and a few behind it. */
const NOTES_BEFORE = 64;
const NOTES_BEHIND = 16;

export class WorldIndex {
  private readonly devices = new Map<
    string,
    { count: number; addresses: Set<bigint | null>; lowest: bigint | null }
  >();
  private readonly pages = new Map<bigint, JudgedEvent[]>();
  private readonly kinds = new Map<EventKind, JudgedEvent[]>();
  private readonly slots = new Map<string, string[]>();
  private readonly ranges = new Map<readonly NamedRange[], Segments>();
  /** Answers of rules' own questions of the log as a whole, or of an event, by the question. */
  readonly answers = new Map<unknown, unknown>();

  constructor({ events, facts }: World) {
    for (const event of events) this.add(event);
    for (const device of facts.devices.keys()) push(this.slots, device.slice(0, -2), device);
  }

  private add(event: JudgedEvent): void {
    const { kind, device, address } = event;
    push(this.kinds, kind, event);
    if (address !== null) push(this.pages, address >> 12n, event);
    if (device === null) return;
    const known = this.devices.get(device) ?? { count: 0, addresses: new Set(), lowest: null };
    this.devices.set(device, known);
    known.count++;
    known.addresses.add(address);
    if (address !== null && (known.lowest === null || address < known.lowest)) known.lowest = address;
  }

  device(device: string): DeviceEvents | undefined {
    return this.devices.get(device);
  }

  /** The first events at a page. */
  page(page: bigint): readonly JudgedEvent[] {
    return this.pages.get(page) ?? [];
  }

  /** The first events of a kind. */
  kind(kind: EventKind): readonly JudgedEvent[] {
    return this.kinds.get(kind) ?? [];
  }

  /** Devices that the log speaks of in a slot, `0000:03:00`. */
  slot(slot: string): readonly string[] {
    return this.slots.get(slot) ?? [];
  }

  rangeAt(ranges: readonly NamedRange[], address: bigint): NamedRange | undefined {
    let segments = this.ranges.get(ranges);
    if (segments === undefined) {
      segments = new Segments(ranges);
      this.ranges.set(ranges, segments);
    }
    return segments.at(address);
  }

  /** The answer to a question, found out once. */
  once<T>(question: unknown, find: () => T): T {
    if (!this.answers.has(question)) this.answers.set(question, find());
    return this.answers.get(question) as T;
  }
}

function push<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else if (known.length < LOOKED_THROUGH) known.push(value);
}

/** Ranges that may overlap, cut into pieces that do not: of those that cover a piece the smallest counts. */
class Segments {
  private readonly starts: readonly bigint[];
  private readonly covered: (NamedRange | undefined)[];

  constructor(ranges: readonly NamedRange[]) {
    const ordered = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0);
    this.starts = [...new Set(ranges.flatMap(({ start, end }) => [start, end]))].sort(ordered);
    this.covered = new Array(this.starts.length).fill(undefined);
    const place = new Map(this.starts.map((start, i) => [start, i]));
    const bySize = [...ranges].sort((a, b) => ordered(b.end - b.start, a.end - a.start));
    for (const range of bySize) this.covered.fill(range, place.get(range.start)!, place.get(range.end)!);
  }

  at(address: bigint): NamedRange | undefined {
    let [low, high] = [0, this.starts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : this.covered[low - 1];
  }
}

/** Of notes in the order of their lines, those near a line: the last ones before it and the first ones behind it. */
export function near(notes: readonly Said<string>[], line: number): readonly Said<string>[] {
  if (notes.length <= NOTES_BEFORE + NOTES_BEHIND) return notes;
  let [low, high] = [0, notes.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (notes[middle]!.line <= line) low = middle + 1;
    else high = middle;
  }
  return notes.slice(Math.max(0, low - NOTES_BEFORE), low + NOTES_BEHIND);
}

const indexes = new WeakMap<World, WorldIndex>();

/** The index of a log, made when it is first asked for: events and facts do not change any more then. */
export function indexOf(world: World): WorldIndex {
  let index = indexes.get(world);
  if (index === undefined) {
    index = new WorldIndex(world);
    indexes.set(world, index);
  }
  return index;
}
