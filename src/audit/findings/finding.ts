import type { Rights } from '../../formats/address.js';
import { hex } from '../../text/hex.js';

/** How bad it is: an `error` breaks isolation or the tables, a `warning` may be meant, an `info` is worth knowing. */
export type FindingSeverity = 'error' | 'warning' | 'info';

/** What each code of a finding is about, for reports and for SARIF. */
export const FINDING_CODES = {
  'reserved-bits': 'an entry has a reserved bit set, so the unit refuses what lies below it',
  'outside-memory': 'an entry points to where there is no memory',
  'table-loop': 'a table lies on the path to itself',
  'bad-level': 'an entry names a level or a width that the format does not have',
  'entries-wrong': 'more entries of the same tables are wrong than are told one by one',
  'not-walked': 'tables of a format that is not followed',
  'walk-incomplete': 'a walk ended at a bound',
  'tables-reachable': 'a device can read the tables of an IOMMU',
  'tables-writable': 'a device can write the tables of an IOMMU',
  'hypervisor-readable': 'a device can read memory of the hypervisor',
  'hypervisor-writable': 'a device can write memory of the hypervisor',
  'protected-readable': 'a device can read a protected range',
  'protected-writable': 'a device can write a protected range',
  'pass-through': 'a device’s addresses pass untranslated',
  'domain-id-reused': 'one unit has several sets of tables under one domain id',
  'tables-shared': 'domain ids share tables below their roots',
  'domains-overlap': 'devices of different domains reach the same memory',
  'group-split': 'devices that cannot be told apart or kept apart are in different domains',
  'rmrr-missing': 'a reserved region is not mapped for its device',
  'rmrr-moved': 'a reserved region is mapped, but not to itself',
  'translation-off': 'a unit has tables and does not use them',
} as const;

export type FindingCode = keyof typeof FINDING_CODES;

/** Devices that one finding names: lists of all of them, in each of many findings, would be more than memory holds. */
export const DEVICES_NAMED = 256;

/** Something that a reviewer should see. */
export interface Finding {
  readonly severity: FindingSeverity;
  readonly code: FindingCode;
  /** What is so, with devices, domain ids and addresses, and why it matters; sentences. */
  readonly message: string;
  /** The device, or the first of {@link devices}. */
  readonly sbdf?: string;
  /** The devices that it is about; of more than {@link DEVICES_NAMED} the first. */
  readonly devices: readonly string[];
  /** Bytes of memory that it is about; of several ranges, the first. `end` exclusive. */
  readonly start?: number;
  readonly end?: number;
}

/** What nobody can read in the tables, and a reviewer may know. All addresses are physical, in bytes. */
export interface Expectations {
  /** Memory of the hypervisor: text, data, heap. */
  readonly hypervisor: readonly NamedBytes[];
  /** Memory that no device should write. */
  readonly protected: readonly NamedBytes[];
  /** Reserved regions (RMRR, IVMD) and whose they are. */
  readonly reserved: readonly ReservedRegion[];
  /** Devices that must be in one domain; undefined when nobody said. */
  readonly groups: readonly (readonly string[])[] | undefined;
}

export interface NamedBytes {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

export interface ReservedRegion extends NamedBytes {
  /** `ssss:bb:dd.f`; empty for all devices. */
  readonly devices: readonly string[];
  /** What the mapping has to allow. */
  readonly rights: Rights;
}

export const NOTHING_EXPECTED: Expectations = {
  hypervisor: [],
  protected: [],
  reserved: [],
  groups: undefined,
};

/** `0x1000-0x2fff`: bytes as people write ranges, the last one included. */
export const bytesText = (start: number, end: number): string => `${hex(start)}-${hex(end - 1)}`;

/** How many things a message names before it counts the rest. */
const NAMED = 4;

/** `a, b, c, d and 3 more`. */
export function listed(texts: readonly string[], total: number = texts.length): string {
  const shown = texts.slice(0, NAMED);
  const rest = total - shown.length;
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ');
}
