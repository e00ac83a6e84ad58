import { AMDVI_ENTRY_BYTES } from '../../formats/amdvi.js';
import { STE_BYTES } from '../../formats/smmuv3.js';
import { VTD_ENTRY_BYTES } from '../../formats/vtd.js';
import { STREAM_TABLE_FRAMES } from '../../hardware/smmuv3-unit.js';
import { isDomainFrame } from '../frames.js';
import { grantTableFrames } from '../grant-frames.js';
import { deviceTableFrames, streamsOf } from '../machine.js';
import type { Xen } from '../state.js';
import { Life } from '../tables/domain.js';

/**
 * What the words of a frame of RAM can be, for as long as a search goes on. Xen's frames change their use, so a frame of
 * its heap is whatever any of them may become, but for those that are never given back.
 */
export const Role = {
  /** Another domain's memory, where entries of page tables may stand. */
  memory: 0,
  /** Domains' memory that changes places. */
  renamed: 1,
  /** Xen's heap: page tables in the first place. Where inputs are frames, entries go with them. */
  table: 2,
  /** The first entries of a grant table. */
  grants: 3,
  /** What else belongs to a grant table, and all of it where the domain may die: then it may become a page table. */
  grantsOrTable: 4,
  /** What the IOMMUs' units find their contexts in. */
  fixed: 5,
} as const;

/** What the frames of a machine are, and where its units have the entries of its devices. */
export interface FrameRoles {
  /** By index: a {@link Role}. */
  readonly of: Uint8Array;
  /** Indexes of the frames that are renamed. */
  readonly renamed: readonly number[];
  /** By device: the words of the store that make up its entries, in the same order for each. */
  readonly entriesOf: readonly (readonly number[])[];
  /** Whether the word of a grant table's frame can be the frame that an entry names. */
  namesFrame(word: number): boolean;
}

export interface RoleOptions {
  /** Whether domains may die. */
  readonly deaths: boolean;
  /** Whether grant tables may be of version 2. */
  readonly version2: boolean;
}

export function frameRoles(
  xen: Xen,
  renamed: readonly number[],
  { deaths, version2 }: RoleOptions,
): FrameRoles {
  const of = new Uint8Array(xen.ram.frames);
  for (let pdx = 0; pdx < of.length; pdx++) of[pdx] = isDomainFrame(xen, pdx) ? Role.memory : Role.table;
  for (const pdx of unitFrames(xen)) of[pdx] = Role.fixed;
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (xen.domain.life.get(slot) === Life.absent) continue;
    grantTableFrames(xen, slot).forEach((pdx, n) => {
      of[pdx] = n === 0 && !deaths ? Role.grants : Role.grantsOrTable;
    });
  }
  for (const pdx of renamed) of[pdx] = Role.renamed;
  const entriesOf = xen.spec.devices.map((_, device) => entryWords(xen, device));
  // The second word in version 1; the third of four in version 2.
  const namesFrame = (word: number) => (word & 1) === 1 || (version2 && (word & 3) === 2);
  return { of, renamed, entriesOf, namesFrame };
}

/** Frames in which units find contexts: they are made once, and never given back. */
export function unitFrames(xen: Xen): number[] {
  const frames: number[] = [];
  const { devices } = xen.spec;
  const add = (frame: number, count = 1): void => {
    for (let n = 0; frame >= 0 && n < count; n++) frames.push(xen.ram.indexOf(frame + n));
  };
  for (const vtd of xen.vtds) {
    add(vtd.rootTable);
    if (vtd.rootTable < 0) continue;
    for (const { requester } of devices) add(vtd.contextTable(requester >>> 8));
  }
  const requesters = devices.map(({ requester }) => requester);
  if (xen.amdvi !== undefined) add(xen.amdvi.deviceTable, deviceTableFrames(requesters));
  if (xen.smmuv3 !== undefined && xen.smmuv3.streamTable >= 0) {
    add(xen.smmuv3.streamTable, xen.smmuv3.streamTableFrames);
    for (const stream of devices.flatMap(streamsOf)) add(xen.smmuv3.tableOf(stream), STREAM_TABLE_FRAMES);
  }
  return frames;
}

/** The words of the store in which a device's units keep its context; none where there is no place for it yet. */
function entryWords(xen: Xen, device: number): number[] {
  const { requester } = xen.spec.devices[device]!;
  const vtd = xen.vtds[xen.unitIndex(device)];
  if (vtd !== undefined) {
    const table = vtd.rootTable < 0 ? -1 : vtd.contextTable(requester >>> 8);
    return wordsAt(xen, table, (requester & 0xff) * VTD_ENTRY_BYTES, VTD_ENTRY_BYTES);
  }
  if (xen.amdvi !== undefined) {
    return wordsAt(xen, xen.amdvi.deviceTable, requester * AMDVI_ENTRY_BYTES, AMDVI_ENTRY_BYTES);
  }
  if (xen.smmuv3 === undefined || xen.smmuv3.streamTable < 0) return [];
  return streamsOf(xen.spec.devices[device]!).flatMap((stream) => {
    const second = xen.smmuv3!.tableOf(stream);
    const table = xen.smmuv3!.twoLevels ? second : xen.smmuv3!.streamTable;
    return wordsAt(xen, table, (xen.smmuv3!.twoLevels ? stream & 0xff : stream) * STE_BYTES, STE_BYTES);
  });
}

/** The words of `bytes` from a place that lies `offset` bytes behind the beginning of a frame. */
function wordsAt(xen: Xen, frame: number, offset: number, bytes: number): number[] {
  if (frame < 0) return [];
  const first = xen.ram.back(xen.ram.indexOf(frame + Math.floor(offset / 4096))) + (offset % 4096) / 4;
  return Array.from({ length: bytes / 4 }, (_, n) => first + n);
}
