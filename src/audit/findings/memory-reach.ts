import { PAGE_SIZE, rightsText, W } from '../../formats/address.js';
import type { Survey } from '../survey.js';
import {
  bytesText,
  type Expectations,
  type Finding,
  type FindingCode,
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
    const hits: Hit[] = [];
    let more = 0;
    reach.frames.within(first, last, (start, end, rights) => {
      if (hits.length < HITS_LISTED) hits.push({ start, end, rights });
      else more++;
      return true;
    });
    if (hits.length === 0) continue;
    const written = hits.filter(({ rights }) => (rights & W) !== 0);
    const shown = written.length > 0 ? written : hits;
    const code: FindingCode = `${what}-${written.length > 0 ? 'writable' : 'readable'}`;
    const verb = written.length > 0 ? 'can write' : 'can read';
    const [only] = shown as [Hit];
    findings.push({
      severity: written.length > 0 || what === 'hypervisor' ? 'error' : 'info',
      code,
      message: `${reach.who} ${verb} ${range.name} at ${listed(shown.map(hitText), shown.length + more)}.`,
      sbdf: reach.devices[0]!.sbdf,
      devices: namesOf(reach.devices),
      ...(shown.length === 1 && more === 0
        ? {
            start: Math.max(only.start * PAGE_SIZE, range.start),
            end: Math.min(only.end * PAGE_SIZE, range.end),
          }
        : {}),
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
      tables.look(unit.tables, `root, context or device tables of unit ${i}`);
    }
    for (const [i, space] of survey.spaces.entries()) {
      tables.look(space.tables, `page tables of domain id ${idsOf[i]!.join(', ')}`);
    }
    findings.push(...tables.findings());
  }
  return findings;
}

class ReachedTables {
  private readonly reach: Reach;
  private readonly written: string[] = [];
  private readonly readOnly: string[] = [];
  private writtenTotal = 0;
  private readTotal = 0;

  constructor(reach: Reach) {
    this.reach = reach;
  }

  look(tables: Float64Array, what: string): void {
    for (const frame of tables) {
      const rights = this.reach.frames.rightsTo(frame);
      if (rights === 0) continue;
      const text = `${what} at ${bytesText(frame * PAGE_SIZE, (frame + 1) * PAGE_SIZE)}`;
      if ((rights & W) !== 0) {
        this.writtenTotal++;
        if (this.written.length < HITS_LISTED) this.written.push(text);
      } else {
        this.readTotal++;
        if (this.readOnly.length < HITS_LISTED) this.readOnly.push(text);
      }
    }
  }

  findings(): Finding[] {
    const { who, devices } = this.reach;
    const about = { sbdf: devices[0]!.sbdf, devices: namesOf(devices) };
    const findings: Finding[] = [];
    if (this.writtenTotal > 0) {
      findings.push({
        severity: 'error',
        code: 'tables-writable',
        message: `${who} can write ${listed(this.written, this.writtenTotal)}: it can give itself any memory.`,
        ...about,
      });
    }
    if (this.readTotal > 0) {
      findings.push({
        severity: 'warning',
        code: 'tables-reachable',
        message: `${who} can read ${listed(this.readOnly, this.readTotal)}.`,
        ...about,
      });
    }
    return findings;
  }
}
