import { PAGE_SIZE, W } from '../../formats/address.js';
import type { Survey } from '../survey.js';
import { bytesText, type Finding, type FindingCode, type FindingSeverity, listed } from './finding.js';
import { namesOf, type Reach, usersOfSpaces } from './reach.js';

/** Frames of tables whose owners one reach is told by name; the others are counted. */
const FRAMES_NAMED = 4096;
/** The same for all reaches together. */
const ALL_NAMED = 1 << 21;

/**
 * Devices that reach the tables which decide what devices reach. Whoever can write them can give itself all memory;
 * whoever can read them learns where everything lies.
 */
export function* tableReachFindings(survey: Survey, reaches: readonly Reach[]): Generator<Finding> {
  const tables = new TableFrames(survey);
  for (const reach of reaches) {
    // What passes untranslated reaches everything, which its own finding says.
    if (!reach.passthrough) yield* reachedTables(reach, tables);
  }
}

/** All frames of tables in order, each with whose it is. Frames of several owners are the first one's. */
class TableFrames {
  readonly frames: Float64Array;
  private readonly owners: Int32Array;
  private readonly units: number;
  private readonly domainIds: readonly string[];
  private named = 0;

  constructor({ units, spaces, devices }: Survey) {
    this.units = units.length;
    this.domainIds = usersOfSpaces({ spaces, devices }).map((users) => domainIdsText(users));
    const lists = [...units, ...spaces].map(({ tables }) => tables);
    const all = new Float64Array(lists.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const list of lists) {
      all.set(list, at);
      at += list.length;
    }
    all.sort();
    let unique = 0;
    for (let i = 0; i < all.length; i++) if (i === 0 || all[i] !== all[i - 1]) all[unique++] = all[i]!;
    this.frames = all.subarray(0, unique);
    this.owners = new Int32Array(unique).fill(-1);
    for (const [owner, list] of lists.entries()) {
      for (const frame of list) {
        const index = this.firstFrom(frame);
        if (this.owners[index] === -1) this.owners[index] = owner;
      }
    }
  }

  /** Index of the first frame that is not below `frame`. */
  firstFrom(frame: number): number {
    let low = 0;
    let high = this.frames.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.frames[middle]! < frame) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whose the table at `index` is: `the page tables of domain id 3`; undefined when enough have been named. */
  whose(index: number): string | undefined {
    if (this.named++ >= ALL_NAMED) return undefined;
    const owner = this.owners[index]!;
    if (owner < this.units) return `the device tables of unit ${owner}`;
    return `the page tables of ${this.domainIds[owner - this.units]}`;
  }
}

function domainIdsText(users: readonly { readonly domainId: number | null }[]): string {
  const ids = [...new Set(users.map(({ domainId }) => domainId))].filter((id) => id !== null);
  if (ids.length === 0) return 'no domain id';
  return `domain id ${ids.slice(0, 4).join(', ')}${ids.length > 4 ? ', …' : ''}`;
}

/** Tables that are reached with some right: how many, and of the first of them whose they are. */
interface Reached {
  total: number;
  named: number;
  first: number;
  readonly byOwner: Map<string, { readonly first: number; count: number }>;
}

function reachedTables({ who, devices, frames }: Reach, tables: TableFrames): Finding[] {
  const written: Reached = { total: 0, named: 0, first: -1, byOwner: new Map() };
  const readOnly: Reached = { total: 0, named: 0, first: -1, byOwner: new Map() };
  for (let i = 0; i < frames.length; i++) {
    const from = tables.firstFrom(frames.start(i));
    const end = tables.firstFrom(frames.end(i));
    if (from < end) note((frames.rights(i) & W) !== 0 ? written : readOnly, tables, from, end);
  }
  const finding = (
    { byOwner, first, total, named }: Reached,
    severity: FindingSeverity,
    code: FindingCode,
    verb: string,
    why: string,
  ): Finding[] => {
    if (total === 0) return [];
    const texts = [...byOwner].map(([whose, frames]) => {
      const address = bytesText(frames.first * PAGE_SIZE, (frames.first + 1) * PAGE_SIZE);
      return frames.count === 1
        ? `${whose} at ${address}`
        : `${frames.count} frames of ${whose} from ${address} on`;
    });
    const others = total - named;
    if (named === 0)
      texts.push(
        `${others} frames of tables from ${bytesText(first * PAGE_SIZE, (first + 1) * PAGE_SIZE)} on`,
      );
    const rest = named > 0 && others > 0 ? ` (and ${others} more frames of tables)` : '';
    const message = `${who} can ${verb} ${listed(texts)}${rest}: ${why}.`;
    const bytes = { start: first * PAGE_SIZE, end: (first + 1) * PAGE_SIZE };
    return [{ severity, code, message, sbdf: devices[0]!.sbdf, devices: namesOf(devices), ...bytes }];
  };
  return [
    ...finding(written, 'error', 'tables-writable', 'write', 'it can give itself any memory'),
    ...finding(readOnly, 'warning', 'tables-reachable', 'read', 'it can learn where everything lies'),
  ];
}

function note(reached: Reached, tables: TableFrames, from: number, end: number): void {
  if (reached.total === 0) reached.first = tables.frames[from]!;
  reached.total += end - from;
  for (let index = from; index < end && reached.named < FRAMES_NAMED; index++) {
    const whose = tables.whose(index);
    if (whose === undefined) return;
    reached.named++;
    const known = reached.byOwner.get(whose);
    if (known === undefined) reached.byOwner.set(whose, { first: tables.frames[index]!, count: 1 });
    else known.count++;
  }
}
