import { hexValue } from '../logs/values.js';

/** What a log says of a unit's root table. */
export interface RootFacts {
  /** Values of RTADDR_REG, or the table's address alone. */
  readonly addresses: readonly bigint[];
  /** Entries of root tables that Xen's fault dumps print: they tell a root table from others. */
  readonly entries: readonly { readonly bus: number; readonly entry: bigint }[];
  /** Requesters of devices that are there: a root that has entries for them is more likely theirs. */
  readonly requesters: ReadonlySet<number>;
}

/** A log of any length gives so many facts at most. */
const FACTS_AT_MOST = 256;

/** What comes before the address in Linux's debugfs (`dmar_translation_struct`, `iommu_regset`) and in tools of others. */
const ADDRESS = ['Root Table Address:', 'RTADDR'] as const;
/** Xen's dump of the tables after a fault (print_vtd_entries, drivers/passthrough/vtd/utils.c). */
const ENTRY = 'root_entry[';

/**
 * Finds what lines of a log say of root tables: `Root Table Address: 0x1341b6000`, `RTADDR 0x20 0x1341b6000`,
 * `RTADDR=0x…`, and Xen's `root_entry[00] = 1341d2001`. Neither Xen nor Linux prints RTADDR while it starts.
 *
 * @param devices what else the log names, as `ssss:bb:dd.f`.
 */
export function rootFacts(lines: Iterable<string>, devices: Iterable<string> = []): RootFacts {
  const addresses = new Set<bigint>();
  const entries = new Map<string, { bus: number; entry: bigint }>();
  for (const line of lines) {
    const entry = entryIn(line);
    if (entry !== undefined && entries.size < FACTS_AT_MOST)
      entries.set(`${entry.bus} ${entry.entry}`, entry);
    const address = addressIn(line);
    if (address !== undefined && addresses.size < FACTS_AT_MOST) addresses.add(address);
  }
  const requesters = new Set<number>();
  for (const device of devices) {
    const requester = requesterOf(device);
    if (requester !== undefined) requesters.add(requester);
  }
  return { addresses: [...addresses], entries: [...entries.values()], requesters };
}

/** Bus and function of a PCI address; undefined for a device of another kind. */
function requesterOf(sbdf: string): number | undefined {
  const match = /^[0-9a-f]{4,8}:([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])$/.exec(sbdf);
  if (match === null) return undefined;
  const [bus, device, fn] = match.slice(1).map((digits) => Number.parseInt(digits, 16));
  return (bus! << 8) | (device! << 3) | fn!;
}

function entryIn(line: string): { bus: number; entry: bigint } | undefined {
  const at = line.indexOf(ENTRY);
  if (at < 0) return undefined;
  const match = /^([0-9a-f]{1,2})\] = ([0-9a-f]{1,16})\b/.exec(line.slice(at + ENTRY.length, at + 40));
  const entry = hexValue(match?.[2]);
  if (match === null || entry === null || (entry & 0xfffn) !== 1n) return undefined;
  return { bus: Number.parseInt(match[1]!, 16), entry };
}

/** The first hexadecimal number behind the name that is long enough for an address; a register's offset is not. */
function addressIn(line: string): bigint | undefined {
  for (const name of ADDRESS) {
    const at = line.indexOf(name);
    if (at < 0) continue;
    const columns = line.slice(at + name.length, at + name.length + 60).split(/[^0-9a-fx]+/);
    const value = hexValue(columns.find((column) => /^0x[0-9a-f]{4,16}$/.test(column)));
    if (value !== null && value !== 0n) return value;
  }
  return undefined;
}
