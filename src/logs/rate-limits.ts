import type { FoundEvent } from './assemble.js';
import type { EventKind, LogSource, LogUnit } from './event.js';
import { FOLLOW_LINES, type FormLine } from './form.js';
import { decimal } from './values.js';

/** What a line says that tells how many messages a rate limit kept out of the log. */
export interface Suppression {
  readonly source: LogSource;
  /** Whose messages; undefined: any. */
  readonly units: readonly LogUnit[] | undefined;
  readonly count: number;
}

/** A line of a rate limit. */
export interface SuppressedForm {
  readonly role: 'suppressed';
  readonly texts: readonly string[];
  readonly printedBy: string;
  read(line: FormLine): Suppression | undefined;
}

/** Linux's functions by the unit whose faults they print, by the beginnings of their names. */
const FUNCTIONS: readonly (readonly [prefix: string, units: readonly LogUnit[]])[] = [
  ['dmar_fault', ['vtd']],
  ['amd_iommu_', ['amdvi']],
  ['iommu_print_event', ['amdvi']],
  ['arm_smmu_', ['smmuv2', 'smmuv3']],
  ['qcom_smmu_', ['smmuv2']],
  ['ipmmu_', ['ipmmu']],
];

export const SUPPRESSED_FORMS: readonly SuppressedForm[] = [
  {
    role: 'suppressed',
    texts: ['callbacks suppressed'],
    printedBy: 'Linux (___ratelimit of lib/ratelimit.c): the function and the number stand before',
    read({ before }) {
      const [, name = '', number] = /(\w{1,64}): (\d{1,15}) $/.exec(before.slice(-96)) ?? [];
      const units = FUNCTIONS.find(([prefix]) => name.startsWith(prefix))?.[1];
      const count = decimal(number);
      return units === undefined || count === null ? undefined : { source: 'linux', units, count };
    },
  },
  {
    role: 'suppressed',
    texts: ['printk: {count:dec} messages suppressed'],
    printedBy: 'Xen (__printk_ratelimit): for all messages that have a limit',
    read({ fields }) {
      const count = decimal(fields.count);
      return count === null ? undefined : { source: 'xen', units: undefined, count };
    },
  },
];

/** Events that repeat, and so are what a rate limit may keep back. */
const REPEATING: ReadonlySet<EventKind> = new Set([
  'dma-fault',
  'interrupt-fault',
  'command-error',
  'memory',
]);

/**
 * Adds what rate limits kept out of the log to the event that was said last before. Both Linux and Xen tell the number just
 * before the first message that they let through again, so that what was kept back came between the two; who repeats
 * himself so often says the same. Where the log has no such event before, it is added to the one behind.
 *
 * Linux names the function that was kept from printing. Xen has one limit for all messages, so that only an event a few
 * lines away is taken for what was kept back.
 */
export class RateLimits {
  private readonly emit: (found: FoundEvent) => void;
  /** The last event of each source and unit. */
  private readonly last = new Map<string, FoundEvent>();
  /** Those of them to which no more lines belong. */
  private readonly completed = new Set<FoundEvent>();
  private ahead: { readonly suppression: Suppression; readonly line: number }[] = [];

  constructor(emit: (found: FoundEvent) => void) {
    this.emit = emit;
  }

  /** A new event, to which lines may still be added. */
  found(found: FoundEvent): void {
    const { event, line } = found;
    if (!REPEATING.has(event.kind)) return;
    const key = `${event.source} ${event.unit}`;
    const before = this.last.get(key);
    this.last.set(key, found);
    if (before !== undefined && this.completed.delete(before)) this.emit(before);
    this.ahead = this.ahead.filter(({ suppression, line: said }) => {
      if (!concerns(suppression, said, found)) return line - said <= FOLLOW_LINES;
      found.suppressed += suppression.count;
      return false;
    });
  }

  /** No more lines belong to the event. */
  complete(found: FoundEvent): void {
    if (this.last.get(`${found.event.source} ${found.event.unit}`) === found) this.completed.add(found);
    else this.emit(found);
  }

  suppressed(suppression: Suppression | undefined, line: number): void {
    if (suppression === undefined) return;
    let latest: FoundEvent | undefined;
    for (const found of this.last.values()) {
      if (concerns(suppression, line, found) && found.line >= (latest?.line ?? 0)) latest = found;
    }
    if (latest !== undefined) latest.suppressed += suppression.count;
    else if (this.ahead.length < FOLLOW_LINES) this.ahead.push({ suppression, line });
  }

  end(): void {
    for (const found of this.completed) this.emit(found);
    this.completed.clear();
    this.last.clear();
    this.ahead = [];
  }
}

function concerns({ source, units }: Suppression, line: number, { event, line: at }: FoundEvent): boolean {
  if (event.source !== source) return false;
  if (units === undefined) return Math.abs(line - at) <= FOLLOW_LINES;
  return event.unit !== null && units.includes(event.unit);
}
