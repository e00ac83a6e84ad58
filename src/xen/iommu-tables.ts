import type { Rights } from '../formats/address.js';
import { AMDVI_SHAPES, AMDVI_TABLES } from '../formats/amdvi.js';
import {
  ENTRY_SPAN,
  EntryWords,
  FOUR_LEVELS,
  inputLimit,
  type RadixFormat,
  type RootShape,
} from '../formats/radix.js';
import { VTD_SECOND_LEVEL } from '../formats/vtd.js';
import { allocXenFrame } from './frames.js';
import { RadixWriter } from './radix-writer.js';
import type { Xen } from './state.js';

/** Highest level at which an IOMMU maps a page: 1 GiB. */
const LARGEST_LEAF = 3;

/** VT-d's tables by the level up to which they coalesce; 0 for not at all. */
const secondLevel = [0, 1, 2, LARGEST_LEAF].map(
  (upTo) => new RadixWriter(VTD_SECOND_LEVEL, FOUR_LEVELS, upTo),
);
/** AMD-Vi's by their number of levels, without coalescing and with it: never into an entry of the root. */
const plainAmdviTables = AMDVI_SHAPES.map((shape) => shape && new RadixWriter(AMDVI_TABLES, shape));
const amdviTables = AMDVI_SHAPES.map(
  (shape) => shape && new RadixWriter(AMDVI_TABLES, shape, Math.min(shape.topLevel - 1, LARGEST_LEAF)),
);

const entry = new EntryWords();

/** How the tables of a tree are laid out. */
export interface TreeKind {
  readonly format: RadixFormat;
  readonly shape: RootShape;
}

const VTD_TREE: TreeKind = { format: VTD_SECOND_LEVEL, shape: FOUR_LEVELS };
/** By their number of levels. */
const AMDVI_TREES = AMDVI_SHAPES.map((shape) => shape && { format: AMDVI_TABLES, shape });

/** How a domain's own tables are laid out. */
export function ownTree(xen: Xen, slot: number): TreeKind {
  return xen.amdvi === undefined ? VTD_TREE : AMDVI_TREES[amdviLevels(xen, slot)]!;
}

/** What writes a domain's own tables. */
export function tablesOf(xen: Xen, slot: number): RadixWriter {
  const coalesces = xen.profile.iommuSuperpages === 'superpages';
  if (xen.amdvi !== undefined) return (coalesces ? amdviTables : plainAmdviTables)[amdviLevels(xen, slot)]!;
  return secondLevel[coalesces ? largestPage(xen) : 0]!;
}

/**
 * The highest level at which the machine's IOMMU maps pages: of VT-d units what all of them can. `iommu=no-superpages` is
 * heeded by VT-d alone (6fc03330cd).
 */
function largestPage(xen: Xen): number {
  if (xen.vtd === undefined) return LARGEST_LEAF;
  return xen.spec.superpages === false ? 1 : xen.vtdLeafLevel;
}

/**
 * mapping_order: the level of the largest page that may stand at `input` and `frame`, both aligned to it, and covers no
 * more than `count` frames (dossier §4.4, ba3fcb5f52).
 */
export function chunkLevel(xen: Xen, input: number, frame: number, count: number): number {
  if (count < ENTRY_SPAN[2]! || xen.profile.iommuSuperpages !== 'superpages') return 1;
  let level = 1;
  while (level < largestPage(xen)) {
    const span = ENTRY_SPAN[level + 1]!;
    if (count < span || input % span !== 0 || frame % span !== 0) break;
    level++;
  }
  return level;
}

/** Frames that three levels cover: 512 GiB. */
const THREE_LEVEL_FRAMES = 2 ** 27;

/**
 * paging_mode: levels of a domain's AMD-Vi tables (dossier §7.2). PV, dom_io included: enough for all memory, which is
 * three at least on any real machine; translated: four, or two to begin with. Since 4.19 enough for the width of
 * addresses, here 48 bits.
 */
export function amdviLevels(xen: Xen, slot: number): number {
  const grown = xen.domain.iommuLevels.get(slot);
  if (grown !== 0) return grown;
  const { amdLevels } = xen.profile;
  if (amdLevels === 'by-width') return 4;
  if (xen.isTranslated(slot)) return amdLevels === 'growing' ? 2 : 4;
  const { ram, xenHeap, reserved } = xen.spec;
  const ranges = [...ram, xenHeap, ...reserved.map(({ range }) => range)];
  return ranges.some(({ base, count }) => base + count > THREE_LEVEL_FRAMES) ? 4 : 3;
}

/** Whether a domain's tables have a place for `input`. */
export function covers(xen: Xen, slot: number, input: number): boolean {
  return xen.amdvi === undefined || input < inputLimit(AMDVI_SHAPES[amdviLevels(xen, slot)]!);
}

/** The root of a domain's own tables, made when there is none; -1 when the Xen heap is empty. */
export function iommuRoot(xen: Xen, slot: number): number {
  const root = xen.domain.iommuRoot.get(slot);
  if (root !== 0) return xen.ram.frameAt(root - 1);
  const pdx = tablesOf(xen, slot).allocRoot(xen);
  if (pdx < 0) return -1;
  xen.domain.iommuRoot.set(slot, pdx + 1);
  return xen.ram.frameAt(pdx);
}

/**
 * update_paging_mode as it was: the domain gets its new root when all levels are there, so that those made before memory
 * runs out are nobody's (b4f042236ae0, XSA-311). Whether that has happened; otherwise nothing has.
 */
function losesLevels(xen: Xen, slot: number, input: number): boolean {
  const mark = xen.store.mark();
  let levels = amdviLevels(xen, slot);
  for (let below = iommuRoot(xen, slot); input >= inputLimit(AMDVI_SHAPES[levels]!); levels++) {
    const root = allocUnitFrame(xen);
    if (root < 0) return true;
    AMDVI_TABLES.tableEntry(below, levels + 1, entry);
    xen.ram.write32(root * 4096, entry.lo);
    xen.ram.write32(root * 4096 + 4, entry.hi);
    below = root;
  }
  xen.store.rollback(mark);
  return false;
}

/**
 * Up to 4.12 the AMD-Vi tables of a translated domain grow upwards until they have a place for `input`: each new root
 * leads to the one before, and the devices' entries are pointed at it. False when memory is short.
 */
export function growTables(xen: Xen, slot: number, input: number): boolean {
  if (xen.amdvi === undefined || xen.profile.amdLevels !== 'growing' || !xen.isTranslated(slot)) return true;
  if (xen.profile.amdGrowth === 'at-the-end' && losesLevels(xen, slot, input)) return false;
  while (!covers(xen, slot, input)) {
    const root = allocUnitFrame(xen);
    if (root < 0) return false;
    const levels = amdviLevels(xen, slot) + 1;
    AMDVI_TABLES.tableEntry(iommuRoot(xen, slot), levels, entry);
    xen.ram.write32(root * 4096, entry.lo);
    xen.ram.write32(root * 4096 + 4, entry.hi);
    xen.domain.iommuRoot.set(slot, xen.ram.indexOf(root) + 1);
    xen.domain.iommuLevels.set(slot, levels);
    for (let device = 0; device < xen.spec.devices.length; device++) {
      if (xen.device.owner.get(device) - 1 !== slot) continue;
      xen.amdvi.setTables(xen.spec.devices[device]!.requester, root, levels, xen.domidOf(slot));
    }
    for (const unit of xen.amdvis) unit.iotlb.invalidateDomain(xen.domidOf(slot));
  }
  return true;
}

/** Rights of the entry for `input` in a domain's own tables; 0 when absent. Its frame is then in `entryFrame`. */
export function tableRights(xen: Xen, slot: number, input: number): Rights {
  const root = xen.domain.iommuRoot.get(slot);
  if (root === 0 || !covers(xen, slot, input)) return 0;
  const tables = tablesOf(xen, slot);
  return tables.read(xen, xen.ram.frameAt(root - 1), input) ? tables.rights : 0;
}

/** The frame that `input` leads to in a domain's own tables, or -1. */
export function tableFrame(xen: Xen, slot: number, input: number): number {
  return tableRights(xen, slot, input) === 0 ? -1 : tablesOf(xen, slot).frame;
}

/** A frame for a context table or another structure of the unit. */
export function allocUnitFrame(xen: Xen): number {
  const pdx = allocXenFrame(xen);
  return pdx < 0 ? -1 : xen.ram.frameAt(pdx);
}
