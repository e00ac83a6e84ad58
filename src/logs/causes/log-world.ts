import { hex } from '../../text/hex.js';
import type { Bdf } from '../../toolstack/bdf.js';
import type { Profile } from '../../xen/editions/behaviours.js';
import type { EventKind } from '../event.js';
import { ELSEWHERE, type NamedRange, type Said } from '../facts.js';
import { decimal, sbdfOf } from '../values.js';
import type { JudgedEvent, World } from './cause.js';
import { type DeviceEvents, indexOf, near } from './world-index.js';

/** Where something was said: `line 12`. */
export const where = ({ line }: { readonly line: number }): string =>
  line === ELSEWHERE ? 'the ACPI table' : `line ${line}`;

/** Which release it is, and how that is known: `this log says Xen 4.14.0 (line 3)`, or `you say Xen 4.14`. */
export function releaseSaid({ facts, edition }: World): string {
  const { xen } = facts;
  if (edition === undefined) return 'the release is not known: give it with --xen';
  const { release, name } = edition;
  if (xen === null) return `you say Xen ${name}`;
  const same = release !== undefined && new RegExp(`^4\\.${release.minor}(?!\\d)`).test(xen.value);
  return same
    ? `this log says Xen ${xen.value} (${where(xen)})`
    : `you say Xen ${name}, the log ${xen.value}`;
}

/** Whether the release behaves so; undefined where no release is known. */
export function behaves(world: World, behave: (profile: Profile) => boolean): boolean | undefined {
  return world.edition === undefined ? undefined : behave(world.edition.profile);
}

export const isXen = ({ source }: JudgedEvent): boolean => source === 'xen';
export const isX86 = ({ unit }: JudgedEvent): boolean => unit === 'vtd' || unit === 'amdvi';
export const isArm = ({ unit }: JudgedEvent): boolean =>
  unit === 'smmuv2' || unit === 'smmuv3' || unit === 'ipmmu';

/** An option of Xen's or Linux's command line that begins so, with the line: `iommu=no-igfx`. */
export function option(said: Said<string> | null, pattern: RegExp): Said<string> | undefined {
  if (said === null) return undefined;
  const found = said.value.split(/\s/).find((word) => pattern.test(word));
  return found === undefined ? undefined : { value: found, line: said.line };
}

/** Whether `text` is an item of a comma list option: `igfx` of `iommu=no-igfx,verbose`; undefined where it is not said. */
export function listItem(word: string | undefined, name: string): boolean | undefined {
  const items = word?.slice(word.indexOf('=') + 1).split(',') ?? [];
  if (
    items.some(
      (item) =>
        item === `no-${name}` || item === `${name}=0` || item === `${name}=off` || item === `${name}=no`,
    )
  )
    return false;
  if (items.some((item) => item === name || item.startsWith(`${name}=`))) return true;
  return undefined;
}

const GIB4 = 1n << 32n;

/**
 * Linux hands out I/O addresses from the top of 32 bits downwards (drivers/iommu/dma-iommu.c, iommu_dma_alloc_iova), so that
 * an address in the last half GiB is, or was, one of its mappings.
 */
export const isLinuxIova = (address: bigint | null): boolean =>
  address !== null && address < GIB4 && address >= 0xe000_0000n;

/** The range of one of the facts' lists that an address lies in, the smallest where several do. */
export function rangeAt(
  world: World,
  ranges: readonly NamedRange[],
  address: bigint | null,
): NamedRange | undefined {
  return address === null ? undefined : indexOf(world).rangeAt(ranges, address);
}

/** The end of the highest usable range of the log's E820; undefined without one. */
export function endOfMemory(world: World): bigint | undefined {
  return indexOf(world).once(endOfMemory, () => {
    let end: bigint | undefined;
    for (const { what, end: one } of world.facts.e820)
      if (isUsable(what) && (end === undefined || one > end)) end = one;
    return end;
  });
}

export const isUsable = (what: string): boolean => /^(?:usable|RAM|System RAM)$/i.test(what);

/** `[0x8c000, 0x9c800)`. */
export const rangeText = ({ start, end }: NamedRange): string => `[${hex(start)}, ${hex(end)})`;

/** Whether a range is for this device: it names it, or names none. */
export const isFor = (range: NamedRange, device: string | null): boolean =>
  range.devices.length === 0 || (device !== null && range.devices.includes(device));

/** What was said of the event's device around the event, in the order of the lines. */
export function history({ device, firstLine }: JudgedEvent, { facts }: World): readonly Said<string>[] {
  return near((device === null ? undefined : facts.devices.get(device)) ?? [], firstLine);
}

/** The last thing said of the device before the event that matches. */
export function lastSaid(event: JudgedEvent, world: World, pattern: RegExp): Said<string> | undefined {
  return history(event, world).findLast(({ value, line }) => pattern.test(value) && line <= event.firstLine);
}

/** The driver that was seen with the device, before or after. */
export function driverOf(event: JudgedEvent, world: World): Said<string> | undefined {
  return history(event, world).find(({ value }) => /^driver /.test(value));
}

/** Who has the device when it faults, as far as the log and the config tell. */
export interface Owner {
  readonly who: 'host' | 'dom0' | 'guest' | 'quarantine' | 'unknown';
  readonly domain: number | null;
  /** How it is known, for a sentence. */
  readonly because: string;
}

/** Domain ids from here up are quarantine's own: one for each device (dossier §6.3). */
const QUARANTINE_IDS = 0x8000;

const NOBODY: Owner = { who: 'unknown', domain: null, because: 'this log does not say whose the device is' };

/** `d1`, `Dom1`, `domain 1`: the number in a note on a device; null without one. */
const domainIn = (text: string): number | null => decimal(/\bd(?:om(?:ain)?)? ?(\d{1,5})\b/i.exec(text)?.[1]);

function ownerByNumber({ domain, unit, source }: JudgedEvent): Owner | undefined {
  if (source !== 'xen') return undefined;
  if (typeof domain === 'string') {
    if (/IO/.test(domain))
      return { who: 'quarantine', domain: null, because: `the line says domain ${domain}` };
    return undefined;
  }
  if (domain === null || unit === 'vtd') return undefined;
  if (domain >= QUARANTINE_IDS)
    return {
      who: 'quarantine',
      domain: null,
      because: `the line has domain id ${domain}: ids from 0x8000 on are those of quarantined devices`,
    };
  const who = domain === 0 ? 'dom0' : 'guest';
  return { who, domain, because: `the line names domain ${domain}` };
}

function ownerByHistory(event: JudgedEvent, world: World): Owner | undefined {
  const said = lastSaid(event, world, /^(?:assigned|deassigned|quarantined|taken)/);
  if (said === undefined) return undefined;
  const because = `the log says of the device: ${said.value} (${where(said)})`;
  if (/^assigned/.test(said.value)) {
    const domain = domainIn(said.value);
    if (domain === 0) return { who: 'dom0', domain, because };
    return { who: 'guest', domain, because };
  }
  if (/^quarantined/.test(said.value)) return { who: 'quarantine', domain: null, because };
  return undefined;
}

const same = (bdf: Bdf, device: string): boolean => {
  const { segment, bus, device: slot, fn } = bdf;
  const hex16 = (value: number) => value.toString(16);
  const text = sbdfOf(
    `${hex16(segment)}:${hex16(bus)}:${hex16(slot)}.${fn === '*' ? functionOf(device) : fn}`,
  );
  return text === device;
};

/** Whether the config gives the event's device to its guest. */
export const configHas = ({ device }: JudgedEvent, { config }: World): boolean =>
  device !== null &&
  config !== undefined &&
  (config.dtdev.includes(device) || config.pci.some(({ bdf }) => bdf !== undefined && same(bdf, device)));

const hasGuests = (world: World): boolean =>
  indexOf(world).once(ownerOf, () => [...world.facts.domains.keys()].some((domain) => domain > 0));

/** Whose the device is when it faults. */
export function ownerOf(event: JudgedEvent, world: World): Owner {
  return indexOf(world).once(event, () => findOwner(event, world));
}

function findOwner(event: JudgedEvent, world: World): Owner {
  if (event.source === 'linux')
    return { who: 'host', domain: null, because: 'Linux prints the line: it has the IOMMU to itself' };
  const known = ownerByNumber(event) ?? ownerByHistory(event, world);
  if (known !== undefined) return known;
  if (configHas(event, world))
    return { who: 'guest', domain: null, because: `the config gives ${event.device} to the guest` };
  const guests = hasGuests(world);
  const moved = history(event, world).some(({ value }) =>
    /^(?:assigned|deassigned|taken|quarantined)/.test(value),
  );
  if (guests || moved || world.config !== undefined) return NOBODY;
  return {
    who: 'dom0',
    domain: 0,
    because: 'no guest appears in this log, so the device seems to be dom0’s',
  };
}

/** The first events of a kind, in the order of their lines. */
export const ofKind = (kind: EventKind, world: World): readonly JudgedEvent[] => indexOf(world).kind(kind);

/** What the log has of the event's device, this event included; undefined where it names none. */
export const others = ({ device }: JudgedEvent, world: World): DeviceEvents | undefined =>
  device === null ? undefined : indexOf(world).device(device);

/** How many different addresses the event's device faults at. */
export const addressesOf = (event: JudgedEvent, world: World): number =>
  others(event, world)?.addresses.size ?? 1;

/** Other events, of whatever device, at the same page. */
export function atSamePage(event: JudgedEvent, world: World): readonly JudgedEvent[] {
  if (event.address === null) return [];
  return indexOf(world)
    .page(event.address >> 12n)
    .filter((one) => one !== event);
}

/** The function's number of a PCI address; null for what is none. */
export function functionOf(device: string | null): number | null {
  const digit = /^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.([0-7])$/.exec(device ?? '')?.[1];
  return digit === undefined ? null : Number(digit);
}

/** `0000:01:00`, of `0000:01:00.1`; null for what is no PCI address. */
export function slotOf(device: string | null): string | null {
  return functionOf(device) === null ? null : device!.slice(0, -2);
}

/** How far apart the functions of a card are that stand in for each other: the stride of `pci-phantom=`. */
export function strideFrom({ device }: JudgedEvent, declared: readonly string[]): number | undefined {
  const fn = functionOf(device);
  const slot = slotOf(device);
  if (fn === null) return undefined;
  const strides = declared
    .filter((one) => slotOf(one) === slot)
    .map((one) => fn - functionOf(one)!)
    .filter((stride) => stride === 1 || stride === 2 || stride === 4);
  return strides.length === 0 ? undefined : Math.max(...strides);
}

/** Seconds from the start of the one who prints the log to the event; undefined where the log does not say. */
export function secondsSinceStart({ first }: JudgedEvent): number | undefined {
  const time = first?.time ?? null;
  return time !== null && /^\d{1,9}\.\d{1,9}$/.test(time) ? Number(time) : undefined;
}

const PAGE = 4096n;

/** Bytes that the entry stands for at which a walk ended, of tables of 512 entries; undefined where no walk is shown. */
export function spanOfFailure({ level, unit }: JudgedEvent): bigint | undefined {
  const match = /^(?:level |L)([0-6])$/i.exec(level?.name ?? '');
  if (match === null) return undefined;
  const number = Number(match[1]);
  // Arm counts levels from the root down, the others from the leaves up.
  const above = unit === 'vtd' || unit === 'amdvi' ? number - 1 : 3 - number;
  return above < 0 ? undefined : PAGE << BigInt(9 * above);
}

/** Whether only the page is missing and those around it are mapped: true; false where much more is missing. */
export function isHole(event: JudgedEvent): boolean | undefined {
  const span = spanOfFailure(event);
  return span === undefined || event.level?.problem === undefined ? undefined : span === PAGE;
}

/** `2 MiB`, of {@link spanOfFailure}. */
export function spanText(span: bigint): string {
  if (span >= 1n << 30n) return `${span >> 30n} GiB`;
  return span >= 1n << 20n ? `${span >> 20n} MiB` : `${span >> 10n} KiB`;
}
