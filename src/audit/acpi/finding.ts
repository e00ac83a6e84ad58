import type { FindingSeverity } from '../findings/finding.js';
import { DMAR_CONSEQUENCES } from './consequences-dmar.js';
import { IORT_CONSEQUENCES } from './consequences-iort.js';
import { IVRS_CONSEQUENCES } from './consequences-ivrs.js';
import { TABLE_CONSEQUENCES } from './consequences-table.js';

/** What follows from a mistake in a table. */
export interface Consequence {
  /** What it is about, for reports and for SARIF. */
  readonly about: string;
  /** What whoever makes the firmware must change. */
  readonly fix?: string;
  /** What Xen does, by release; facts from its sources at the tags RELEASE-4.11.0 to RELEASE-4.22.0. */
  readonly xen?: string;
  /** What Linux does. */
  readonly linux?: string;
}

export type Consequences = Readonly<Record<string, Consequence>>;

/** Something in an ACPI table that is wrong or worth knowing. */
export interface AcpiFinding extends Omit<Consequence, 'about'> {
  readonly severity: FindingSeverity;
  /** Kebab case, stable. */
  readonly code: string;
  /** What is so, with values. */
  readonly message: string;
  /** The device it is about, where it is about one. */
  readonly sbdf?: string;
  /** Signature of the table. */
  readonly table: string;
  /** Byte offset in the table. */
  readonly offset: number;
}

/** A table made to exhaust memory has more; they are counted. */
const FINDINGS_AT_MOST = 512;

const BY_TABLE: Readonly<Record<string, Consequences>> = {
  DMAR: DMAR_CONSEQUENCES,
  IVRS: IVRS_CONSEQUENCES,
  IORT: IORT_CONSEQUENCES,
};

/** What a code means in a table of that signature; what is true of all tables where it has no meaning of its own. */
export function consequenceOf(table: string, code: string): Consequence {
  const consequence = BY_TABLE[table]?.[code] ?? TABLE_CONSEQUENCES[code];
  if (consequence === undefined) throw new RangeError(`no consequence is known for ${table} ${code}`);
  return consequence;
}

/** Collects the findings about one table. */
export class AcpiFindings {
  readonly table: string;
  readonly list: AcpiFinding[] = [];
  private more = 0;

  constructor(table: string) {
    this.table = table;
  }

  error(code: string, offset: number, message: string, sbdf?: string): void {
    this.add('error', code, offset, message, sbdf);
  }

  warning(code: string, offset: number, message: string, sbdf?: string): void {
    this.add('warning', code, offset, message, sbdf);
  }

  info(code: string, offset: number, message: string, sbdf?: string): void {
    this.add('info', code, offset, message, sbdf);
  }

  add(severity: FindingSeverity, code: string, offset: number, message: string, sbdf?: string): void {
    const { about: _, ...rest } = consequenceOf(this.table, code);
    const { table } = this;
    const finding = { severity, code, message, ...(sbdf === undefined ? {} : { sbdf }), table, offset };
    if (this.list.length < FINDINGS_AT_MOST) this.list.push({ ...finding, ...rest });
    else this.more++;
  }

  /** All findings in the order of their offsets; the last one counts those that are not listed. */
  done(): AcpiFinding[] {
    const sorted = [...this.list].sort((a, b) => a.offset - b.offset);
    if (this.more === 0) return sorted;
    const message = `${this.more} more findings are not listed`;
    return [...sorted, { severity: 'info', code: 'more-findings', message, table: this.table, offset: 0 }];
  }
}
