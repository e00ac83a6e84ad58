import { isDomainFrame } from '../frames.js';
import { isVersion2 } from '../grant-frames.js';
import { streamsOf } from '../machine.js';
import type { Xen } from '../state.js';
import { Life } from '../tables/domain.js';
import { clashes, type NumbersUsed } from './clashes.js';
import { type FrameRoles, frameRoles } from './frame-roles.js';
import { type Class, renamingsOf, withinLimit } from './renaming.js';

/** What may happen to a machine, as far as it decides what is alike. */
export interface Happenings extends NumbersUsed {
  /** Frames, by index, that are used; all that domains can have where it is not said. */
  readonly frames?: readonly number[] | undefined;
  /** Grant references that are used; handles that are, from 0. */
  readonly refs: readonly number[];
  readonly handles: number;
  /** Domains may be destroyed; step by step. */
  readonly deaths: boolean;
  readonly slowDeaths: boolean;
  /** Something may fail at any place. */
  readonly failures: boolean;
  /** Grant tables may change their version. */
  readonly version2: boolean;
}

/** Things of a machine that are not told apart, with why others are not among them. */
export interface Alike {
  readonly classes: readonly Class[];
  readonly roles: FrameRoles;
  /** Sentences: `pages: …`. */
  readonly apart: readonly string[];
}

/** More renamings than this cost more to look at than they save. */
const MOST_RENAMINGS = 256;

/**
 * Finds what is alike in a machine, from its description and its present state: things that no rule of Xen's tells apart but
 * by their names. Nobody declares it.
 */
export function findAlike(xen: Xen, happenings: Happenings): Alike {
  const apart: string[] = [];
  const say = (part: string, why: string | undefined): boolean => {
    if (why !== undefined) apart.push(`${part}: ${why}`);
    return why === undefined;
  };
  const classes: Class[] = [];
  const frames = alikeFrames(xen, happenings);
  const version2 = happenings.version2 || hasVersion2(xen);
  const usable =
    frames.length > 1 && say('pages', orderedPages(happenings) ?? clashes(xen, frames, happenings, version2));
  if (usable) classes.push({ part: 'frames', members: frames });
  const { refs } = happenings;
  if (refs.length > 1 && say('refs', orderedRefs(happenings, version2)))
    classes.push({ part: 'refs', members: refs });
  classes.push(...alikeHandles(xen, happenings, say), ...alikeDevices(xen, happenings, say));
  const kept = withinLimit(classes, MOST_RENAMINGS);
  if (renamingsOf(kept) < renamingsOf(classes))
    apart.push(`all: of ${renamingsOf(classes)} renamings ${renamingsOf(kept)} are used`);
  const renamed = [
    ...new Set(kept.filter(({ part }) => part === 'frames').flatMap(({ members }) => members)),
  ];
  for (const pdx of renamed) xen.ram.back(pdx);
  return { classes: kept, apart, roles: frameRoles(xen, renamed, { deaths: happenings.deaths, version2 }) };
}

/** What goes through a domain's pages by number, and can be seen or fail in between. */
function orderedPages({ deaths, slowDeaths, failures }: Happenings): string | undefined {
  if (slowDeaths || (deaths && failures))
    return 'a dying domain gives them back by number, which can be seen half-way';
  return undefined;
}

function orderedRefs({ deaths }: Happenings, version2: boolean): string | undefined {
  if (deaths) return "the frames of a dead domain's grant table become other things";
  return version2 ? 'in version 2 the statuses of two grants share a word' : undefined;
}

const hasVersion2 = (xen: Xen): boolean => {
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (xen.domain.life.get(slot) !== Life.absent && isVersion2(xen, slot)) return true;
  }
  return false;
};

/**
 * Pages that domains get and give back: free, or an ordinary guest's. dom0's stay its own, those of a directly mapped domain
 * have their places, and the first of a superpage is named by it. Of those that are left the most that stand together.
 */
function alikeFrames(xen: Xen, { frames }: Happenings): number[] {
  const blocks = new Map<number, number[]>();
  const span = xen.vtds.some(({ capabilities }) => !capabilities.coherent)
    ? PAGES_OF_A_LINE
    : PAGES_OF_A_TABLE;
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    const frame = xen.ram.frameAt(pdx);
    if (!isDomainFrame(xen, pdx) || frame % PAGES_OF_A_TABLE === 0 || isReserved(xen, frame)) continue;
    if (frames?.includes(pdx) === false) continue;
    const owner = xen.frame.owner.get(pdx) - 1;
    if (owner === 0 || owner >= xen.domIo || (owner > 0 && xen.domain.directMapped.get(owner) !== 0))
      continue;
    const block = Math.floor(frame / span);
    blocks.set(block, [...(blocks.get(block) ?? []), pdx]);
  }
  return [...blocks.values()].reduce((most, block) => (block.length > most.length ? block : most), []);
}

/** Pages whose entries stand in one table; and in one cache line, which a unit that snoops no caches sees as a whole. */
const PAGES_OF_A_TABLE = 512;
const PAGES_OF_A_LINE = 8;

const isReserved = (xen: Xen, frame: number): boolean =>
  xen.spec.reserved.some(({ range }) => frame >= range.base && frame < range.base + range.count);

type Say = (part: string, why: string | undefined) => boolean;

/** Handles of a mapper. Xen takes the lowest that is free, which is as good as any other that is. */
function alikeHandles(xen: Xen, { handles }: Happenings, say: Say): Class[] {
  const { limits } = xen.spec;
  const used = Math.min(handles, limits.handles);
  if (used < 2) return [];
  const classes: Class[] = [];
  for (let slot = 0; slot < limits.domains; slot++) {
    if (xen.domain.life.get(slot) === Life.absent) continue;
    const placed = xen.isTranslated(slot) ? `${xen.domainName(slot)} has a guest frame for each` : undefined;
    if (!say('handles', placed)) continue;
    classes.push({
      part: 'handles',
      members: Array.from({ length: used }, (_, handle) => slot * limits.handles + handle),
    });
  }
  return classes;
}

/** Devices of one kind behind one unit, without regions, aliases or functions of their own. */
function alikeDevices(xen: Xen, { deaths, failures }: Happenings, say: Say): Class[] {
  const kinds = new Map<string, number[]>();
  xen.spec.devices.forEach((device, row) => {
    const { name, address, requester, streams, ...kind } = device;
    const special =
      device.aliased === true ||
      (device.phantomStride ?? 0) !== 0 ||
      device.physicalFunction !== undefined ||
      device.absent === true ||
      streamsOf(device).length !== 1 ||
      xen.spec.reserved.some(({ devices }) => devices.includes(row)) ||
      xen.spec.devices.some(({ bridge, physicalFunction }) => bridge === row || physicalFunction === row);
    if (special) return;
    const key = JSON.stringify({ ...kind, unit: xen.unitIndex(row) });
    kinds.set(key, [...(kinds.get(key) ?? []), row]);
  });
  const found = [...kinds.values()].filter((rows) => rows.length > 1);
  if (found.length === 0) return [];
  const ordered =
    deaths || failures ? 'what is done to several is done in the order of their numbers' : undefined;
  if (!say('devices', ordered ?? meetingDevices(xen))) return [];
  return found.map((members) => ({ part: 'devices' as const, members }));
}

/** Why entries of devices cannot be exchanged on this machine. */
function meetingDevices(xen: Xen): string | undefined {
  const { contextCache } = xen.spec.limits;
  const { devices } = xen.spec;
  if (xen.vtds.some(({ delayed }) => delayed !== undefined))
    return 'a unit sees writes to their entries late';
  const rows = new Set(devices.map(({ requester }) => requester & (contextCache - 1)));
  if (contextCache !== 0 && xen.vtd !== undefined && rows.size < devices.length)
    return `two have one place in a context cache of ${contextCache}`;
  const buses = xen.vtds.some((vtd) =>
    devices.some(({ requester }) => !vtd.hasContextTable(requester >>> 8)),
  );
  if (buses) return 'a bus has no context table yet';
  const { smmuv3 } = xen;
  const linked =
    smmuv3 === undefined || devices.flatMap(streamsOf).every((stream) => smmuv3.hasEntry(stream));
  return linked ? undefined : 'a stream has no table yet';
}
