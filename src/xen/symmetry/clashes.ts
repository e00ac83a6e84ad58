import { iotlbRow } from '../../hardware/iotlb.js';
import { isDomainFrame } from '../frames.js';
import { streamsOf } from '../machine.js';
import type { Xen } from '../state.js';
import { Kind, Life } from '../tables/domain.js';
import { unitFrames } from './frame-roles.js';

const ENTRIES = 512;

/** Numbers that are used beside a machine's own. */
export interface NumbersUsed {
  /** Of frames that are named, besides domains' memory. */
  readonly named: readonly number[];
  /** Of guest frames. */
  readonly gfns: readonly number[];
  /** What devices write. */
  readonly written: readonly number[];
}

/**
 * Why renaming these frames would not do on this machine: what an image is made of is told by the form of words, so nothing
 * else may look like a renamed frame, stand where the entry of one does, or meet one in what is kept by a frame's low bits.
 * undefined when nothing does.
 */
export function clashes(
  xen: Xen,
  frames: readonly number[],
  used: NumbersUsed,
  version2: boolean,
): string | undefined {
  const { limits } = xen.spec;
  const numbers = frames.map((pdx) => xen.ram.frameAt(pdx));
  const isRenamed = new Set(numbers);
  if (xen.host.extents.get(0) !== 0) return 'some belong to extents';
  if (numbers.some((frame) => frame >= 2 ** 32 - ENTRIES)) return 'their numbers have more than 32 bits';
  if (hasDescriptors(xen)) return 'a page holds descriptors';

  const others: number[] = [];
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    const frame = xen.ram.frameAt(pdx);
    if (isRenamed.has(frame)) continue;
    if (numbers.some((renamed) => renamed % 0x10_0000 === frame % 0x10_0000))
      return 'frames differ in their high bits only';
    if (isDomainFrame(xen, pdx)) others.push(frame);
  }
  const gfns = [...new Set([...guestFrames(xen), ...used.gfns])];
  const reserved = xen.spec.reserved.flatMap(({ range }) =>
    Array.from({ length: Math.min(range.count, ENTRIES) }, (_, n) => range.base + n),
  );
  others.push(...used.named.filter((frame) => !isRenamed.has(frame) && !others.includes(frame)));
  const inputs = [...others, ...gfns, ...reserved];
  const meets = (place: (frame: number) => number, among: readonly number[]): number | undefined => {
    const places = new Set(numbers.map(place));
    return among.find((frame) => places.has(place(frame)));
  };
  const hex = (frame: number): string => `0x${frame.toString(16)}`;

  if (gfns.some((gfn) => isRenamed.has(gfn))) return 'some are numbered like guest frames';
  const entry = meets((frame) => frame % ENTRIES, inputs);
  if (entry !== undefined) return `${hex(entry)} has the same place in a table as one of them`;
  if (
    upperPlaces([...numbers, ...inputs]).some((place) => numbers.some((frame) => frame % ENTRIES === place))
  )
    return 'tables of higher levels have entries where theirs are';
  const places = devicePlaces(xen);
  if (places.some((place) => numbers.some((frame) => frame % ENTRIES === place)))
    return "a device's entry has the same place in a table as one of them";
  if (lookalikes(xen, version2).some((frame) => isRenamed.has(frame)))
    return 'other words look like their entries';
  if (used.written.some((word) => isRenamed.has(word) || isRenamed.has(word >>> 12)))
    return 'a device writes words that look like their entries';
  if (!looksRight(xen, isRenamed)) return 'memory holds words that look like their entries';

  const remembered = meets((frame) => iotlbRow(frame, limits.iotlb), [...others, ...gfns]);
  const small = new Set(numbers.map((frame) => iotlbRow(frame, limits.iotlb))).size < numbers.length;
  if (xen.unit !== undefined && (small || remembered !== undefined)) {
    const other = remembered === undefined ? 'two of them' : `${hex(remembered)} and one of them`;
    return `${other} have one place in an IOTLB of ${limits.iotlb}`;
  }
  const { cpuTlb } = limits;
  const memory = [
    ...frames,
    ...others.map((frame) => xen.ram.indexOf(frame)).filter((pdx) => pdx >= 0 && isDomainFrame(xen, pdx)),
  ];
  const entries = new Set(memory.map((pdx) => pdx & (cpuTlb - 1)));
  if (cpuTlb !== 0 && entries.size < memory.length)
    return `two frames have one place in a CPU TLB of ${cpuTlb}`;
  return undefined;
}

/** Guest frames that stand for others than those of the same number: what the search uses, and what is there already. */
function guestFrames(xen: Xen): number[] {
  if (!xen.hasTranslatedDomains) return [];
  const found = new Set(Array.from({ length: xen.spec.limits.gfns }, (_, gfn) => gfn));
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    const gfn = xen.frame.gfn.get(pdx) - 1;
    if (gfn >= 0 && gfn !== xen.ram.frameAt(pdx)) found.add(gfn);
  }
  for (let row = 0; row < xen.spec.limits.domains * xen.spec.limits.handles; row++) {
    const gfn = xen.maptrack.hostGfn.get(row) - 1;
    if (gfn >= 0) found.add(gfn);
  }
  return [...found];
}

function hasDescriptors(xen: Xen): boolean {
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (xen.domain.life.get(slot) !== Life.absent && xen.domain.gdt.get(slot) !== 0) return true;
  }
  return false;
}

/** Where tables above the lowest have entries for these inputs. */
function upperPlaces(inputs: readonly number[]): number[] {
  return [9, 18, 27, 36].flatMap((shift) => inputs.map((input) => Math.floor(input / 2 ** shift) % ENTRIES));
}

/** Whether a frame of Xen's heap may yet become a context table of VT-d. */
const lacksContextTables = (xen: Xen): boolean =>
  xen.vtds.some((vtd) => xen.spec.devices.some(({ requester }) => !vtd.hasContextTable(requester >>> 8)));

/** Where a device's entry would stand in a table that is not there yet, in entries of 8 bytes. */
function devicePlaces(xen: Xen): number[] {
  const { devices } = xen.spec;
  if (lacksContextTables(xen)) {
    return devices.flatMap(({ requester }) => [
      (requester & 0xff) * 2,
      (requester & 0xff) * 2 + 1,
      (requester >>> 8) * 2,
    ]);
  }
  const { smmuv3 } = xen;
  if (smmuv3 === undefined || devices.flatMap(streamsOf).every((stream) => smmuv3.hasEntry(stream)))
    return [];
  return Array.from({ length: ENTRIES }, (_, place) => place);
}

/** Frames whose entries would look like other words: domain ids and flags of context entries and grants. */
function lookalikes(xen: Xen, version2: boolean): number[] {
  const domids = Array.from({ length: xen.slots }, (_, slot) => xen.domidOf(slot));
  const ofGrants = domids.map((domid) => domid * 16);
  const ofContexts = [...domids, ...domids.map((domid) => ~domid & 0xffff)].map((domid) => domid >>> 4);
  const ofQuarantine = Array.from({ length: 0x800 }, (_, n) => 0x800 + n);
  const ofStatuses = version2 ? [0x8, 0x10, 0x18, 0x80, 0x100, 0x180] : [];
  return [
    0,
    ...ofGrants,
    ...(lacksContextTables(xen) ? [...ofContexts, ...ofQuarantine] : []),
    ...ofStatuses,
  ];
}

/**
 * Whether in memory and in tables only entries look as if they named a renamed frame, and stand, in tables where inputs are
 * frames, where they belong. The tables of an untranslated dom0 never change.
 */
function looksRight(xen: Xen, isRenamed: ReadonlySet<number>): boolean {
  const places = new Set([...isRenamed].map((frame) => frame % ENTRIES));
  const skipped = new Set(unitFrames(xen));
  const translated = Array.from({ length: xen.domIo }, (_, slot) => slot).some(
    (slot) => xen.domain.kind.get(slot) !== Kind.pv && xen.domain.life.get(slot) !== Life.absent,
  );
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    const words = xen.ram.wordsOf(pdx);
    if (words < 0 || skipped.has(pdx)) continue;
    for (let entry = 0; entry < ENTRIES; entry++) {
      const lo = xen.store.words[words + entry * 2]!;
      const frame = lo >>> 12;
      if (isDomainFrame(xen, pdx)) {
        if (isRenamed.has(frame) && (lo & 1) === 0) return false;
      } else if (places.has(entry) && lo !== 0 && !isUniform(xen, words) && frame % ENTRIES !== entry)
        return false;
      else if (isRenamed.has(frame) && !places.has(entry) && !translated) return false;
    }
  }
  return true;
}

/** A table all of whose entries are the same looks the same from everywhere: those of quarantine. */
function isUniform(xen: Xen, words: number): boolean {
  for (let at = words; at < words + ENTRIES * 2; at++) {
    if (xen.store.words[at] !== xen.store.words[words + (at & 1)]) return false;
  }
  return true;
}
