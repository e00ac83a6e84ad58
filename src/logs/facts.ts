/** The line of what no line of the log says: it is known from an ACPI table that was given beside it. */
export const ELSEWHERE = 0;

/** Bytes of physical address space that the log gives a meaning; `end` is exclusive. */
export interface NamedRange {
  readonly start: bigint;
  readonly end: bigint;
  /** `usable`, `reserved`, `ACPI NVS`, … of an E820 map; empty for others. */
  readonly what: string;
  /** Devices that a reserved region is for, as `ssss:bb:dd.f`. */
  readonly devices: readonly string[];
  readonly line: number;
}

/** Something that was said once about the machine, with the line that says so. */
export interface Said<Value> {
  readonly value: Value;
  readonly line: number;
}

/** Lists of facts hold at most so many, so that a log of any length is read in bounded memory. */
export const FACTS_AT_MOST = 4096;

/**
 * What a log says of the machine, for the causes of its events. The last to say something is believed, as a log may hold
 * several boots.
 */
export class LogFacts {
  /** Xen's version, `4.17.3-pre`. */
  xen: Said<string> | null = null;
  linux: Said<string> | null = null;
  /** Xen's command line, and dom0's or the kernel's. */
  xenCommandLine: Said<string> | null = null;
  linuxCommandLine: Said<string> | null = null;
  /** Whether I/O virtualisation is on, as the hypervisor (or Linux, on bare metal) says at last. */
  iommu: Said<'enabled' | 'disabled'> | null = null;
  /** The first line that says why it is off. */
  iommuOffBecause: Said<string> | null = null;
  dom0Mode: Said<'Relaxed' | 'Strict' | 'Passthrough' | 'None'> | null = null;
  /** Features by name, on or off: `interrupt-remapping`, `shared-ept`, `queued-invalidation`, `posted-interrupts`, `ats`. */
  readonly features = new Map<string, Said<boolean>>();
  readonly e820: NamedRange[] = [];
  /** RMRRs (VT-d) and unity-mapped IVMDs (AMD-Vi). */
  readonly reservedRegions: NamedRange[] = [];
  /** Complaints about reserved regions and firmware tables: the line's text. */
  readonly firmwareComplaints: Said<string>[] = [];
  /** Devices by what was said of them: `assigned`, `deassigned`, `quarantined`, `hidden`, `driver NAME`, …. */
  readonly devices = new Map<string, Said<string>[]>();
  /** Domains by number: `created`, `destroyed`, `crashed`, …. */
  readonly domains = new Map<number, Said<string>[]>();
  /** Everything else by a name in kebab case, each cause knowing what it looks for; the last value. */
  readonly other = new Map<string, Said<string>>();

  /** Adds to a list that must stay bounded. */
  add<T>(list: T[], fact: T): void {
    if (list.length < FACTS_AT_MOST) list.push(fact);
  }

  /** Notes what was said of a device or a domain. */
  of<Key>(map: Map<Key, Said<string>[]>, key: Key, said: Said<string>): void {
    const known = map.get(key);
    if (known !== undefined) this.add(known, said);
    else if (map.size < FACTS_AT_MOST) map.set(key, [said]);
  }
}
