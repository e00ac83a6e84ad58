import { GNTMAP } from '../formats/grant-v1.js';
import { PGT, PGT_VALIDATED } from '../formats/x86-page-info.js';
import { setGfns } from './extents.js';
import { gfnOf, ownerOf } from './frames.js';
import { isTableEntry, SOMEWHERE } from './host-entry.js';
import { p2mLookup, p2mRemove, p2mType } from './p2m.js';
import { P2mType } from './p2m-types.js';
import { typeCount, typeOf } from './page-info.js';
import { entryHigh, entryLow, PTE_PRESENT, PTE_RW, putFromL1Entry } from './page-table.js';
import { setOverPod } from './pod.js';
import type { Xen } from './state.js';

/** create_grant_host_mapping. False (general_error) when the place cannot take it; then nothing has changed. */
export function addHostMapping(
  xen: Xen,
  caller: number,
  pdx: number,
  flags: number,
  gfn: number,
  entry: number,
): boolean {
  if (xen.isTranslated(caller)) {
    if ((flags & ~GNTMAP.readonly) !== GNTMAP.host) return false;
    return addToP2m(xen, caller, pdx, flags, gfn);
  }
  if (entry === SOMEWHERE) return (flags & GNTMAP.containsPte) === 0;
  if (isTableEntry(entry) !== ((flags & GNTMAP.containsPte) !== 0)) return false;
  if (!isL1Entry(xen, caller, entry)) return false;
  const old = readEntry(xen, caller, entry);
  writeEntry(xen, caller, entry, pdx, (flags & GNTMAP.readonly) === 0);
  dropEntry(xen, caller, old);
  return true;
}

function addToP2m(xen: Xen, caller: number, pdx: number, flags: number, gfn: number): boolean {
  const old = xen.ram.indexOf(p2mLookup(xen, caller, gfn));
  const type = (flags & GNTMAP.readonly) !== 0 ? P2mType.grantMapRo : P2mType.grantMapRw;
  if (setOverPod(xen, caller, gfn, xen.ram.frameAt(pdx), type) !== 0) return false;
  if (old >= 0 && ownerOf(xen, old) === caller && gfnOf(xen, old) === gfn) setGfns(xen, old, -1);
  return true;
}

/** Takes a mapping away again that could not be completed. */
export function removeHostMapping(
  xen: Xen,
  caller: number,
  pdx: number,
  flags: number,
  gfn: number,
  entry: number,
): void {
  replaceHostMapping(xen, caller, pdx, flags, gfn, entry, SOMEWHERE);
}

/**
 * replace_grant_host_mapping: the mapping at `gfn` or `entry` goes, and what stands in the entry `replacement` comes in its
 * place, unless that is {@link SOMEWHERE} for none. False (general_error) when the page is not mapped there with these rights,
 * or a replacement is asked for where there is none: for translated mappers, and for entries named by machine address.
 */
export function replaceHostMapping(
  xen: Xen,
  caller: number,
  pdx: number,
  flags: number,
  gfn: number,
  entry: number,
  replacement: number,
): boolean {
  if (xen.isTranslated(caller)) {
    if (replacement !== SOMEWHERE || (flags & GNTMAP.containsPte) !== 0) return false;
    return removeFromP2m(xen, caller, pdx, gfn);
  }
  if (isTableEntry(entry) !== ((flags & GNTMAP.containsPte) !== 0)) return false;
  if (isTableEntry(entry) && replacement !== SOMEWHERE) return false;
  if (replacement !== SOMEWHERE && !isL1Entry(xen, caller, replacement)) return false;
  // steal_linear_address: what the other entry holds, it holds no more, whatever comes of it.
  const stolen = replacement === SOMEWHERE ? NO_ENTRY : readEntry(xen, caller, replacement);
  if (replacement !== SOMEWHERE) clearEntry(xen, caller, replacement);
  if (isMappedAt(xen, caller, pdx, flags, entry)) {
    if (entry !== SOMEWHERE) restoreEntry(xen, caller, entry, stolen);
    return true;
  }
  dropEntry(xen, caller, stolen);
  return false;
}

/** x86 looks whether the grant is mapped there; Arm did not look up to 4.16, and since looks at RAM only (5a4a2cef08). */
function removeFromP2m(xen: Xen, caller: number, pdx: number, gfn: number): boolean {
  const type = p2mType(xen, caller, gfn);
  const grant = type === P2mType.grantMapRw || type === P2mType.grantMapRo;
  const same = p2mLookup(xen, caller, gfn) === xen.ram.frameAt(pdx);
  if (xen.spec.arch === 'arm') {
    const ram = grant || type === P2mType.ramRw || type === P2mType.ramRo;
    if (xen.profile.armUnmapCheck === 'looks' && ram && !same) return false;
  } else if (!grant || !same) {
    return false;
  }
  p2mRemove(xen, caller, gfn);
  return true;
}

// L1 entries, in a guest's page table or behind a virtual page of its kernel. An entry's contents are handled as its low
// word with the index of its frame: what grants put there is RAM.

/** The index of an entry's frame and its present and writable bits, in one number; 0 when it is not present. */
type EntryValue = number;
const NO_ENTRY: EntryValue = 0;
const entryValue = (pdx: number, writable: boolean): EntryValue => (pdx + 1) * 2 + (writable ? 1 : 0);
const valueFrame = (value: EntryValue): number => (value >>> 1) - 1;
const valueIsWritable = (value: EntryValue): boolean => (value & 1) !== 0;

const tableOf = (entry: number): number => Math.floor((-entry - 1) / 512) - 1;
const indexOf = (entry: number): number => (-entry - 1) % 512;

/** Whether the entry is in a validated L1 table of the caller. */
function isL1Entry(xen: Xen, caller: number, entry: number): boolean {
  if (!isTableEntry(entry)) return entry <= xen.spec.limits.vaSlots;
  const table = tableOf(entry);
  if (table < 0 || ownerOf(xen, table) !== caller) return false;
  const info = xen.frame.typeInfo.get(table);
  return typeOf(info) === PGT.l1 && typeCount(info) !== 0 && (info & PGT_VALIDATED) !== 0;
}

function vaRow(xen: Xen, caller: number, entry: number): number {
  return caller * xen.spec.limits.vaSlots + entry - 1;
}

function entryPa(xen: Xen, entry: number): number {
  return xen.ram.frameAt(tableOf(entry)) * 4096 + indexOf(entry) * 8;
}

function readEntry(xen: Xen, caller: number, entry: number): EntryValue {
  if (!isTableEntry(entry)) {
    const row = vaRow(xen, caller, entry);
    const pdx = xen.va.frame.get(row) - 1;
    return pdx < 0 ? NO_ENTRY : entryValue(pdx, xen.va.writable.get(row) !== 0);
  }
  const lo = xen.ram.read32(entryPa(xen, entry));
  if ((lo & PTE_PRESENT) === 0) return NO_ENTRY;
  const hi = xen.ram.read32(entryPa(xen, entry) + 4);
  const pdx = xen.ram.indexOf((lo >>> 12) + (hi & 0xf_ffff) * 0x10_0000);
  return pdx < 0 ? NO_ENTRY : entryValue(pdx, (lo & PTE_RW) !== 0);
}

function writeEntry(xen: Xen, caller: number, entry: number, pdx: number, writable: boolean): void {
  if (!isTableEntry(entry)) {
    const row = vaRow(xen, caller, entry);
    xen.va.frame.set(row, pdx + 1);
    xen.va.writable.set(row, writable ? 1 : 0);
    return;
  }
  xen.ram.write32(entryPa(xen, entry), entryLow(xen, pdx, writable));
  xen.ram.write32(entryPa(xen, entry) + 4, entryHigh(xen, pdx));
}

function clearEntry(xen: Xen, caller: number, entry: number): void {
  if (!isTableEntry(entry)) {
    const row = vaRow(xen, caller, entry);
    xen.va.frame.set(row, 0);
    xen.va.writable.set(row, 0);
    return;
  }
  xen.ram.write32(entryPa(xen, entry), 0);
  xen.ram.write32(entryPa(xen, entry) + 4, 0);
}

function restoreEntry(xen: Xen, caller: number, entry: number, value: EntryValue): void {
  if (value === NO_ENTRY) clearEntry(xen, caller, entry);
  else writeEntry(xen, caller, entry, valueFrame(value), valueIsWritable(value));
}

/** Gives back what an entry held. */
function dropEntry(xen: Xen, caller: number, value: EntryValue): void {
  if (value === NO_ENTRY) return;
  const pdx = valueFrame(value);
  putFromL1Entry(xen, entryLow(xen, pdx, valueIsWritable(value)), entryHigh(xen, pdx), caller);
}

/** Whether the entry maps the frame, with the rights that the grant was mapped with. */
function isMappedAt(xen: Xen, caller: number, pdx: number, flags: number, entry: number): boolean {
  if (entry === SOMEWHERE) return true;
  if (!isL1Entry(xen, caller, entry)) return false;
  return readEntry(xen, caller, entry) === entryValue(pdx, (flags & GNTMAP.readonly) === 0);
}
