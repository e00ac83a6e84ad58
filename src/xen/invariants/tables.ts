import { ARM_STAGE2 } from '../../formats/arm-stage2.js';
import { EPT } from '../../formats/ept.js';
import { NPT } from '../../formats/npt.js';
import { FOUR_LEVELS, type RadixFormat, TABLE_ENTRIES } from '../../formats/radix.js';
import { SMMU_SHAPE } from '../../hardware/smmu-unit.js';
import { type SmmuV3Unit, STREAM_TABLE_FRAMES } from '../../hardware/smmuv3-unit.js';
import { PAGE_WORDS } from '../../store/store.js';
import { deviceCount } from '../devices.js';
import { isFree, ownerOf } from '../frames.js';
import { grantTableFrames } from '../grant-frames.js';
import { ownTree } from '../iommu-tables.js';
import { deviceTableFrames } from '../machine.js';
import { keepsAccess } from '../p2m.js';
import { isUntranslatedHwdom } from '../rule.js';
import type { Xen } from '../state.js';
import { GLIMPSE_NAMES } from '../tables/host.js';
import { type Breach, breach } from './harm.js';
import type { Invariant } from './invariant.js';
import type { Notes } from './notes.js';
import { frameText, pageText } from './words.js';

/** The frames that translation structures are made of. */

/** A frame that stands as a table in some tree and is not Xen's, or stands twice. */
function wrongTable(xen: Xen, _inputs: readonly number[], { marks }: Notes): string | undefined {
  marks.fill(0);
  for (let slot = 0; slot < xen.domIo; slot++) {
    const found = wrongIn(xen, marks, slot, 'iommuRoot') ?? wrongIn(xen, marks, slot, 'p2mRoot');
    if (found !== undefined) return found;
  }
  return undefined;
}

function wrongIn(
  xen: Xen,
  marks: Uint8Array,
  slot: number,
  kind: 'iommuRoot' | 'p2mRoot',
): string | undefined {
  const root = xen.domain[kind].get(slot);
  if (root === 0) return undefined;
  const what = `${xen.domainName(slot)}'s ${kind === 'p2mRoot' ? 'p2m' : 'IOMMU tables'}`;
  const first = xen.ram.frameAt(root - 1);
  if (kind === 'iommuRoot') {
    const { format, shape } = ownTree(xen, slot);
    return wrongBelow(xen, marks, format, first, shape.topLevel, what);
  }
  const format = keepsAccess(xen, slot) ? EPT : NPT;
  if (xen.spec.arch === 'x86') return wrongBelow(xen, marks, format, first, FOUR_LEVELS.topLevel, what);
  for (let i = 0; i < SMMU_SHAPE.concatenated; i++) {
    const found = wrongBelow(xen, marks, ARM_STAGE2, first + i, SMMU_SHAPE.topLevel, what);
    if (found !== undefined) return found;
  }
  return undefined;
}

function wrongBelow(
  xen: Xen,
  marks: Uint8Array,
  format: RadixFormat,
  table: number,
  level: number,
  what: string,
): string | undefined {
  const pdx = xen.ram.indexOf(table);
  if (pdx < 0) return `a table of ${what} is at ${frameText(table)}, which is no RAM`;
  if (isFree(xen, pdx) || ownerOf(xen, pdx) !== xen.domXen)
    return `a table of ${what} is in ${pageText(xen, pdx)}, which is not Xen's`;
  if (marks[pdx] !== 0) return `${pageText(xen, pdx)}, a table of ${what}, is a table elsewhere, too`;
  marks[pdx] = 1;
  const words = level === 1 ? -1 : xen.ram.wordsOf(pdx);
  for (let index = 0; words >= 0 && index < TABLE_ENTRIES; index++) {
    const lo = xen.store.read(words + index * 2);
    const hi = xen.store.read(words + index * 2 + 1);
    if (!format.present(lo, hi, level) || format.leaf(lo, hi, level)) continue;
    const below = format.nextLevel?.(lo, level) ?? level - 1;
    const found = wrongBelow(xen, marks, format, format.frame(lo, hi), below, what);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * A frame of Xen's heap that is taken and that nothing leads to. What leads to one is taken generously: any entry of a
 * frame that something leads to, in any format, since all of them have the frame in bits 12 to 51.
 */
function lostFrame(xen: Xen, _inputs: readonly number[], { marks }: Notes): string | undefined {
  marks.fill(0);
  for (let slot = 0; slot < xen.slots; slot++) {
    const { iommuRoot, p2mRoot, sharedInfo, logDirtyFrame } = xen.domain;
    follow(xen, marks, iommuRoot.get(slot) - 1);
    follow(xen, marks, logDirtyFrame.get(slot) - 1);
    const roots = p2mRoot.get(slot) === 0 ? 0 : xen.spec.arch === 'arm' ? SMMU_SHAPE.concatenated : 1;
    for (let i = 0; i < roots; i++) follow(xen, marks, p2mRoot.get(slot) - 1 + i);
    if (slot < xen.domIo) for (const pdx of grantTableFrames(xen, slot)) follow(xen, marks, pdx);
    follow(xen, marks, sharedInfo.get(slot) - 1);
  }
  follow(xen, marks, xen.quarantinePage);
  for (let device = 0; device < xen.spec.devices.length; device++)
    follow(xen, marks, xen.device.quarantineTable.get(device) - 1);
  for (const { rootTable } of xen.vtds) follow(xen, marks, xen.ram.indexOf(rootTable));
  const tables = deviceTableFrames(xen.spec.devices.map(({ requester }) => requester));
  for (const { deviceTable } of xen.amdvis)
    for (let i = 0; i < tables; i++) follow(xen, marks, xen.ram.indexOf(deviceTable + i));
  if (xen.smmuv3 !== undefined) followStreamTables(xen, marks, xen.smmuv3);
  for (let pdx = xen.xenHeap.first; pdx < xen.xenHeap.end; pdx++)
    if (!isFree(xen, pdx) && marks[pdx] === 0)
      return `${pageText(xen, pdx)} is taken from Xen's heap, and nothing leads to it`;
  return undefined;
}

/** Stream tables take frames that only their first one leads to. */
function followStreamTables(xen: Xen, marks: Uint8Array, smmu: SmmuV3Unit): void {
  const { streamTable, streamTableFrames } = smmu;
  for (let i = 0; i < streamTableFrames; i++) follow(xen, marks, xen.ram.indexOf(streamTable + i));
  for (const { requester } of xen.spec.devices) {
    const second = smmu.tableOf(requester);
    for (let i = 0; second >= 0 && i < STREAM_TABLE_FRAMES; i++)
      follow(xen, marks, xen.ram.indexOf(second + i));
  }
}

function follow(xen: Xen, marks: Uint8Array, pdx: number): void {
  if (pdx < xen.xenHeap.first || pdx >= xen.xenHeap.end || marks[pdx] !== 0) return;
  marks[pdx] = 1;
  const words = xen.ram.wordsOf(pdx);
  for (let word = 0; words >= 0 && word < PAGE_WORDS; word += 2) {
    const lo = xen.store.read(words + word);
    const hi = xen.store.read(words + word + 1);
    if (lo !== 0 || hi !== 0) follow(xen, marks, xen.ram.indexOf((lo >>> 12) + (hi & 0xf_ffff) * 0x10_0000));
  }
}

/** A device of a relaxed hardware domain may write where it likes. */
function contentOfFree(xen: Xen): string | undefined {
  if (isUntranslatedHwdom(xen, 0) && deviceCount(xen, 0) !== 0) return undefined;
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    const words = isFree(xen, pdx) ? xen.ram.wordsOf(pdx) : -1;
    for (let word = 0; words >= 0 && word < PAGE_WORDS; word++)
      if (xen.store.read(words + word) !== 0)
        return `${pageText(xen, pdx)} holds something at byte ${frameText(word * 4)}`;
  }
  return undefined;
}

function glimpsed(xen: Xen): Breach | undefined {
  const glimpse = xen.host.glimpse.get(0);
  if (glimpse === 0) return undefined;
  const what = GLIMPSE_NAMES[glimpse];
  const isGap = what === 'an empty table where a page was mapped';
  return breach(isGap ? 'mapping lost' : 'isolation broken', `hardware could meet ${what}`);
}

export const ATOMIC: Invariant = {
  id: 'INV-ATOMIC',
  title: 'hardware never meets a table that is half written, or that has been given back',
  reason: 'a device walks tables at any time, also between two writes of a hypercall',
  harm: 'isolation broken',
  otherHarms: { 'mapping lost': 'a page is gone while it is split' },
  violation: glimpsed,
};

export const PTSTRUCT: Invariant = {
  id: 'INV-PTSTRUCT',
  title: 'every table that hardware walks is a frame of Xen’s, and of one tree',
  reason: 'a table that is freed or shared is written by somebody else while a device translates through it',
  harm: 'isolation broken',
  dear: true,
  violation: wrongTable,
};

export const HEAP: Invariant = {
  id: 'HEAP',
  states: ['INV-LEAK'],
  title: 'something leads to every frame taken from Xen’s heap',
  reason: 'a frame that nobody can find again is lost until the host is started anew',
  harm: 'leak',
  dear: true,
  violation: lostFrame,
};

export const SCRUB: Invariant = {
  id: 'INV-SCRUB',
  title: 'a free frame holds nothing',
  reason: 'its next owner would read what its last one left',
  harm: 'isolation broken',
  dear: true,
  violation: contentOfFree,
};
