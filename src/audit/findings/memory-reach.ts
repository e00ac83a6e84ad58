import { PAGE_SIZE, rightsText, W } from '../../formats/address.js';
import type { Survey } from '../survey.js';
import {
  bytesText,
  type Expectations,
  type Finding,
  type FindingCode,
  type FindingSeverity,
  listed,
  type NamedBytes,
} from './finding.js';
import { namesOf, type Reach, usersOfSpaces } from './reach.js';

/** A part of a watched range that somebody reaches. */
interface Hit {
  readonly start: number;
  readonly end: number;
  readonly rights: number;
}

interface Hits {
  readonly listed: Hit[];
  total: number;
}

/** Parts that are listed of one watched range; more are counted. */
const HITS_LISTED = 64;

/** Devices that reach the hypervisor's memory, or protected ranges. */
export function watchedRangeFindings(reaches: readonly Reach[], expectations: Expectations): Finding[] {
  return [
    ...expectations.hypervisor.flatMap((range) => watch(reaches, range, 'hypervisor')),
    ...expectations.protected.flatMap((range) => watch(reaches, range, 'protected')),
  ];
}

function watch(reaches: readonly Reach[], range: NamedBytes, what: 'hypervisor' | 'protected'): Finding[] {
  const first = Math.floor(range.start / PAGE_SIZE);
  const last = Math.ceil(range.end / PAGE_SIZE);
  const findings: Finding[] = [];
  for (const reach of reaches) {
    const read: Hits = { listed: [], total: 0 };
    const written: Hits = { listed: [], total: 0 };
    reach.frames.within(first, last, (start, end, rights) => {
      const hits = (rights & W) === 0 ? read : written;
      hits.total++;
      if (hits.listed.length < HITS_LISTED) hits.listed.push({ start, end, rights });
      return true;
    });
    if (read.total + written.total === 0) continue;
    const writes = written.total > 0;
    const shown = writes ? written : read;
    const code: FindingCode = `${what}-${writes ? 'writable' : 'readable'}`;
    const verb = writes ? 'can write' : 'can read';
    const [foremost] = shown.listed as [Hit];
    findings.push({
      severity: writes || what === 'hypervisor' ? 'error' : 'info',
      code,
      message: `${reach.who} ${verb} ${range.name} at ${listed(shown.listed.map(hitText), shown.total)}.`,
      sbdf: reach.devices[0]!.sbdf,
      devices: namesOf(reach.devices),
      start: Math.max(foremost.start * PAGE_SIZE, range.start),
      end: Math.min(foremost.end * PAGE_SIZE, range.end),
    });
  }
  return findings;
}

const hitText = ({ start, end, rights }: Hit): string =>
  `${bytesText(start * PAGE_SIZE, end * PAGE_SIZE)} (${rightsText(rights)})`;

/**
 * Devices that reach the tables which decide what devices reach. Whoever can write them can give itself all memory;
 * whoever can read them learns where everything lies.
 */
export function tableReachFindings(survey: Survey, reaches: readonly Reach[]): Finding[] {
  const findings: Finding[] = [];
  const idsOf = usersOfSpaces(survey).map((users) =>
    [...new Set(users.map(({ domainId }) => domainId))].slice(0, 4),
  );
  for (const reach of reaches) {
    // What passes untranslated reaches everything, which its own finding says.
    if (reach.passthrough) continue;
    const tables = new ReachedTables(reach);
    for (const [i, unit] of survey.units.entries()) {
      tables.look(unit.tables, `the device tables of unit ${i}`);
    }
    for (const [i, space] of survey.spaces.entries()) {
      tables.look(space.tables, `the page tables of domain id ${idsOf[i]!.join(', ')}`);
    }
    findings.push(...tables.findings());
  }
  return findings;
}

class ReachedTables {
  private readonly reach: Reach;
  private readonly written: Tables = { byKind: new Map(), first: -1 };
  private readonly readOnly: Tables = { byKind: new Map(), first: -1 };

  constructor(reach: Reach) {
    this.reach = reach;
  }

  look(tables: Float64Array, what: string): void {
    for (const frame of tables) {
      const rights = this.reach.frames.rightsTo(frame);
      if (rights === 0) continue;
      const tables = (rights & W) !== 0 ? this.written : this.readOnly;
      if (tables.first < 0) tables.first = frame;
      const frames = tables.byKind.get(what);
      if (frames === undefined) tables.byKind.set(what, { first: frame, count: 1 });
      else frames.count++;
    }
  }

  findings(): Finding[] {
    const { who, devices } = this.reach;
    const finding = (
      { byKind, first }: Tables,
      severity: FindingSeverity,
      code: FindingCode,
      verb: string,
      why: string,
    ): Finding[] => {
      if (first < 0) return [];
      const texts = [...byKind].map(([what, frames]) => {
        const address = bytesText(frames.first * PAGE_SIZE, (frames.first + 1) * PAGE_SIZE);
        return frames.count === 1
          ? `${what} at ${address}`
          : `${frames.count} frames of ${what} from ${address} on`;
      });
      const message = `${who} can ${verb} ${listed(texts)}: ${why}.`;
      const bytes = { start: first * PAGE_SIZE, end: (first + 1) * PAGE_SIZE };
      return [{ severity, code, message, sbdf: devices[0]!.sbdf, devices: namesOf(devices), ...bytes }];
    };
    return [
      ...finding(this.written, 'error', 'tables-writable', 'write', 'it can give itself any memory'),
      ...finding(this.readOnly, 'warning', 'tables-reachable', 'read', 'it can learn where everything lies'),
    ];
  }
}

/** Frames of tables that are reached, by what they are. */
interface Tables {
  readonly byKind: Map<string, { readonly first: number; count: number }>;
  /** The first frame of all; -1 for none. */
  first: number;
}
