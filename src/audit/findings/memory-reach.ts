import { PAGE_SIZE, rightsText, W } from '../../formats/address.js';
import {
  bytesText,
  type Expectations,
  type Finding,
  type FindingCode,
  listed,
  type NamedBytes,
} from './finding.js';
import { namesOf, type Reach } from './reach.js';

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
export function* watchedRangeFindings(
  reaches: readonly Reach[],
  expectations: Expectations,
): Generator<Finding> {
  for (const range of expectations.hypervisor) yield* watch(reaches, range, 'hypervisor');
  for (const range of expectations.protected) yield* watch(reaches, range, 'protected');
}

function* watch(
  reaches: readonly Reach[],
  range: NamedBytes,
  what: 'hypervisor' | 'protected',
): Generator<Finding> {
  const first = Math.floor(range.start / PAGE_SIZE);
  const last = Math.ceil(range.end / PAGE_SIZE);
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
    yield {
      severity: writes || what === 'hypervisor' ? 'error' : 'info',
      code,
      message: `${reach.who} ${verb} ${range.name} at ${listed(shown.listed.map(hitText), shown.total)}.`,
      sbdf: reach.devices[0]!.sbdf,
      devices: namesOf(reach.devices),
      start: Math.max(foremost.start * PAGE_SIZE, range.start),
      end: Math.min(foremost.end * PAGE_SIZE, range.end),
    };
  }
}

const hitText = ({ start, end, rights }: Hit): string =>
  `${bytesText(start * PAGE_SIZE, end * PAGE_SIZE)} (${rightsText(rights)})`;
