import { R, W } from '../formats/address.js';
import { AMDVI_SHAPES, AMDVI_TABLES } from '../formats/amdvi.js';
import { EntryWords, FOUR_LEVELS, type RadixFormat } from '../formats/radix.js';
import { VTD_SECOND_LEVEL } from '../formats/vtd.js';
import { DOMID_IO } from './domid.js';
import { Errno } from './errno.js';
import { freeXenFrame } from './frames.js';
import { regionsOf } from './identity-map.js';
import { allocUnitFrame, amdviLevels } from './iommu-tables.js';
import { RadixWriter } from './radix-writer.js';
import type { Xen } from './state.js';
import { quarantineHolder, releaseDid, takeDid } from './vtd-domain-ids.js';

/**
 * What devices in quarantine reach (dossier §6.3). Up to 4.16.0 all of them the same: nothing, or dom_io's table, through
 * which they read one page of zeros. Since then (14dd241aad8a, XSA-400) each has a table of its own where it needs one:
 * for a scratch page to read and write, and with VT-d for its reserved regions.
 */

/** Whether `iommu=quarantine` asks for a scratch page; where it is only yes or no, yes does. */
function wantsScratchPage(xen: Xen): boolean {
  if (xen.profile.quarantineModes === 'boolean') return xen.profile.quarantine === 'scratch-read-only';
  return xen.spec.quarantine && xen.spec.scratchPage === true;
}

/** QUARANTINE_SKIP: whether a device of `slot` has no translation at all, as it is in quarantine without a table. */
export function isBlocked(xen: Xen, device: number, slot: number): boolean {
  if (slot !== xen.domIo) return false;
  if (xen.profile.quarantineTable === 'shared') return !wantsScratchPage(xen);
  return xen.device.quarantineTable.get(device) === 0;
}

/** DEVICE_PGTABLE: the root of a quarantined device's table, -1 when memory is short. */
export function quarantineRoot(xen: Xen, device: number): number {
  if (xen.profile.quarantineTable === 'shared') return sharedRoot(xen);
  return xen.ram.frameAt(xen.device.quarantineTable.get(device) - 1);
}

/** DEVICE_DOMID: the domain id under which a device of a domain is known to its unit. */
export function deviceDomid(xen: Xen, device: number, slot: number): number {
  if (slot !== xen.domIo || xen.profile.quarantineTable === 'shared') return xen.domidOf(slot);
  return pseudoDomid(xen, device) ?? DOMID_IO;
}

/** Whether quarantined devices have domain ids of their own (97af062b89d5). */
const hasPseudoDomids = (xen: Xen): boolean =>
  xen.profile.quarantineTable === 'per-device' && xen.spec.quarantine;

function pseudoDomid(xen: Xen, device: number): number | undefined {
  const id = xen.device.pseudoDomid.get(device);
  return id === 0 ? undefined : id;
}

const FIRST_PSEUDO_DOMID = 0x8000;
const LAST_PSEUDO_DOMID = 0xffff;

/**
 * iommu_alloc_domid: 15 bits with bit 15 set, the next after the last that was given out, in any unit, that is free in the
 * device's unit. A VT-d unit in caching mode does not have 0xffff, which would be domain id 0 there. -ENOSPC when all are
 * in use. Nothing for a device that has one already.
 */
export function takePseudoDomid(xen: Xen, device: number): number {
  if (!hasPseudoDomids(xen) || pseudoDomid(xen, device) !== undefined) return 0;
  const unit = xen.unitIndex(device);
  const used = new Set<number>();
  for (let other = 0; other < xen.spec.devices.length; other++) {
    if (xen.unitIndex(other) === unit) used.add(xen.device.pseudoDomid.get(other));
  }
  if (xen.vtds[unit]?.capabilities.cachingMode) used.add(LAST_PSEUDO_DOMID);
  const count = LAST_PSEUDO_DOMID - FIRST_PSEUDO_DOMID + 1;
  for (let i = 0; i < count; i++) {
    const index = (xen.nextPseudoDomid + i) % count;
    if (used.has(FIRST_PSEUDO_DOMID + index)) continue;
    xen.device.pseudoDomid.set(device, FIRST_PSEUDO_DOMID + index);
    xen.nextPseudoDomid = index + 1;
    return 0;
  }
  return -Errno.ENOSPC;
}

/** iommu_free_domid. */
export function dropPseudoDomid(xen: Xen, device: number): void {
  xen.device.pseudoDomid.set(device, 0);
}

const words = new EntryWords();
const vtdTables = new RadixWriter(VTD_SECOND_LEVEL, FOUR_LEVELS);

/**
 * iommu_quarantine_dev_init: before a device leaves a domain for the first time, and whenever it goes to quarantine, its
 * table is made, unless it has one: then only what it wrote to the scratch page is cleared. Without a scratch page, VT-d's
 * table has the device's reserved regions; AMD's, made for a device with unity maps, is empty (dossier §11 item 2).
 * -ENODEV for a device behind no unit, -ENOMEM.
 */
export function initQuarantine(xen: Xen, device: number): number {
  if (!hasPseudoDomids(xen)) return 0;
  const regions = regionsOf(xen, device);
  const scratchPage = wantsScratchPage(xen);
  if (xen.amdvi !== undefined && !scratchPage && regions.length === 0) return 0;
  if (xen.device.quarantineTable.get(device) !== 0) {
    clearScratchPage(xen, device);
    return 0;
  }
  if (xen.unitIndex(device) < 0) return -Errno.ENODEV;
  if (xen.amdvi === undefined && !scratchPage && regions.length === 0) return makeNothing(xen);
  const status = makeTable(xen, device, scratchPage);
  if (status !== 0) freeQuarantine(xen, device);
  return status;
}

/** VT-d's table of a device that needs none is made and found to be empty: all that can come of it is -ENOMEM. */
function makeNothing(xen: Xen): number {
  const root = allocUnitFrame(xen);
  if (root < 0) return -Errno.ENOMEM;
  freeXenFrame(xen, xen.ram.indexOf(root));
  return 0;
}

/** What is cleared is the frame noted as the scratch page, which without one is the host's first (VT-d, reserved regions). */
function clearScratchPage(xen: Xen, device: number): void {
  const leaf = xen.device.scratchPage.get(device);
  if (leaf !== 0) xen.ram.clear(xen.ram.frameAt(leaf - 1));
  else if (xen.ram.indexOf(0) >= 0) xen.ram.clear(0);
}

function makeTable(xen: Xen, device: number, scratchPage: boolean): number {
  const root = allocUnitFrame(xen);
  if (root < 0) return -Errno.ENOMEM;
  xen.device.quarantineTable.set(device, xen.ram.indexOf(root) + 1);
  if (xen.amdvi === undefined) {
    const did = takeDid(
      xen,
      xen.unitIndex(device),
      quarantineHolder(xen, device),
      deviceDomid(xen, device, xen.domIo),
    );
    if (did < 0) return did;
    for (const { range, rights } of regionsOf(xen, device)) {
      for (let i = 0; i < range.count; i++) {
        if (!vtdTables.map(xen, root, range.base + i, range.base + i, rights)) return -Errno.ENOMEM;
      }
    }
  }
  if (!scratchPage) return 0;
  const tables: number[] = [];
  const filled = fillTable(xen, root, topLevelOf(xen), tables);
  if (tables[0] !== undefined) xen.device.scratchPage.set(device, xen.ram.indexOf(tables[0]) + 1);
  return filled ? 0 : -Errno.ENOMEM;
}

const topLevelOf = (xen: Xen): number =>
  xen.amdvi === undefined ? FOUR_LEVELS.topLevel : AMDVI_SHAPES[amdviLevels(xen, xen.domIo)]!.topLevel;

const formatOf = (xen: Xen): RadixFormat => (xen.amdvi === undefined ? VTD_SECOND_LEVEL : AMDVI_TABLES);

/**
 * fill_qpt: leads every absent entry of a table on, to one table a level and at last to the scratch page, which can be read
 * and written. `tables[n]` is what entries of level n + 1 lead to. False when memory is short.
 */
function fillTable(xen: Xen, table: number, level: number, tables: number[]): boolean {
  const format = formatOf(xen);
  for (let at = table * 4096; at < (table + 1) * 4096; at += 8) {
    const lo = xen.ram.read32(at);
    const hi = xen.ram.read32(at + 4);
    if (format.present(lo, hi, level)) {
      if (level > 1 && !fillTable(xen, format.frame(lo, hi), level - 1, tables)) return false;
      continue;
    }
    if (tables[level - 1] === undefined) {
      const below = allocUnitFrame(xen);
      if (below < 0) return false;
      tables[level - 1] = below;
      if (level > 1 && !fillTable(xen, below, level - 1, tables)) return false;
    }
    if (level > 1) format.tableEntry(tables[level - 1]!, level, words);
    else format.leafEntry(tables[0]!, R | W, 1, words);
    xen.ram.write32(at, words.lo);
    xen.ram.write32(at + 4, words.hi);
  }
  return true;
}

/** quarantine_teardown: a device's table is given back, with the scratch page. Subtrees are shared within it. */
export function freeQuarantine(xen: Xen, device: number): void {
  const root = xen.device.quarantineTable.get(device);
  if (root === 0) return;
  const frames = new Set<number>();
  collectTables(xen, xen.ram.frameAt(root - 1), topLevelOf(xen), frames);
  const leaf = xen.device.scratchPage.get(device);
  if (leaf !== 0) frames.add(xen.ram.frameAt(leaf - 1));
  for (const frame of frames) freeXenFrame(xen, xen.ram.indexOf(frame));
  xen.device.quarantineTable.set(device, 0);
  xen.device.scratchPage.set(device, 0);
  if (xen.amdvi === undefined) releaseDid(xen, xen.unitIndex(device), quarantineHolder(xen, device));
}

function collectTables(xen: Xen, table: number, level: number, into: Set<number>): void {
  if (into.has(table)) return;
  into.add(table);
  const format = formatOf(xen);
  for (let at = table * 4096; level > 1 && at < (table + 1) * 4096; at += 8) {
    const lo = xen.ram.read32(at);
    const hi = xen.ram.read32(at + 4);
    if (format.present(lo, hi, level)) collectTables(xen, format.frame(lo, hi), level - 1, into);
  }
}

/** iommu_quarantine_init: at boot, where all quarantined devices share a table and a scratch page, they are made. */
export function initSharedQuarantine(xen: Xen): void {
  const shared = xen.profile.quarantineTable === 'shared' && xen.spec.quarantine && wantsScratchPage(xen);
  if (shared && xen.spec.arch === 'x86' && xen.iommuOn) sharedRoot(xen);
}

/**
 * The root of dom_io's table in the releases that let quarantined devices read: one table a level, every entry leading
 * on, down to one page of zeros that can be read only. AMD-Vi's let nothing be written at any level; they are four,
 * whatever the number that the device table entry says for dom_io. Made once; -1 when memory is short.
 */
function sharedRoot(xen: Xen): number {
  const root = xen.domain.iommuRoot.get(xen.domIo);
  if (root !== 0) return xen.ram.frameAt(root - 1);
  const format = formatOf(xen);
  let below = allocUnitFrame(xen);
  if (below >= 0) xen.quarantinePage = xen.ram.indexOf(below);
  for (let level = 1; level <= 4; level++) {
    const table = allocUnitFrame(xen);
    if (table < 0 || below < 0) return -1;
    if (level === 1) format.leafEntry(below, R, 1, words);
    else format.tableEntry(below, level, words);
    if (xen.amdvi !== undefined) words.hi &= ~(W << 29);
    for (let index = 0; index < 512; index++) {
      xen.ram.write32(table * 4096 + index * 8, words.lo);
      xen.ram.write32(table * 4096 + index * 8 + 4, words.hi);
    }
    below = table;
  }
  xen.domain.iommuRoot.set(xen.domIo, xen.ram.indexOf(below) + 1);
  return below;
}

/** What a quarantined device may do with a frame: read the shared page, write a scratch page too. */
export function scratchRights(xen: Xen, frame: number): number {
  const pdx = xen.ram.indexOf(frame);
  if (pdx < 0) return 0;
  if (pdx === xen.quarantinePage) return R;
  for (let device = 0; device < xen.spec.devices.length; device++) {
    if (xen.device.scratchPage.get(device) - 1 === pdx) return R | W;
  }
  return 0;
}
