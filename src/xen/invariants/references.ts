import { GNTMAP } from '../../formats/grant-v1.js';
import { PGC_ALLOCATED, PGT, PGT_PARTIAL, PGT_PINNED, PGT_VALIDATED } from '../../formats/x86-page-info.js';
import { callerOf } from '../calls/call.js';
import { Step } from '../calls/steps.js';
import { isSpecialPage, ownerOf } from '../frames.js';
import { holdsFrameToAdd } from '../grant-frame-steps.js';
import { typeReferences } from '../grant-map.js';
import { SOMEWHERE } from '../host-entry.js';
import { grantRefOf } from '../maptrack.js';
import { p2mLookup, p2mType } from '../p2m.js';
import { isForeignType } from '../p2m-types.js';
import { COUNT_MASK, isPageTable, typeCount, typeOf } from '../page-info.js';
import { isXenL4Slot, PTE_PRESENT, PTE_RW, tableEntryFrame } from '../page-table.js';
import type { Xen } from '../state.js';
import { HELD_PAGES } from '../tables/calls.js';
import { type Breach, breach } from './harm.js';
import type { Invariant } from './invariant.js';
import type { Notes } from './notes.js';
import { pageText } from './words.js';

/**
 * Reference counts, counted anew from everybody who holds a reference. General references: the allocation, a pin, a
 * virtual page that maps the frame, a vCPU that runs on it, an entry of a page table in use, a grant mapping. Type
 * references: a pin, a vCPU, a writable mapping, an entry of a higher table, a writable grant mapping, and the one that Xen
 * gives the pages it shares.
 */

function wrongCounts(xen: Xen, inputs: readonly number[], notes: Notes): Breach | undefined {
  const { references, types } = notes;
  references.fill(0);
  types.fill(0);
  countPages(xen, notes);
  countVirtualPages(xen, notes);
  countVcpus(xen, notes);
  countCalls(xen, notes);
  countGrants(xen, notes);
  countForeignEntries(xen, inputs, notes);
  countGrantCalls(xen, notes);
  countHeld(xen, notes);
  let leaked: Breach | undefined;
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    const info = xen.frame.typeInfo.get(pdx);
    const count = xen.frame.countInfo.get(pdx) & COUNT_MASK;
    // Of a frame that is Xen's alone the word counts entries (radix-writer.ts).
    const typed = ownerOf(xen, pdx) === xen.domXen ? types[pdx]! : typeCount(info);
    if (count < references[pdx]! || typed < types[pdx]!)
      return breach('isolation broken', tooFewText(xen, pdx, notes, count, typed));
    if (count > references[pdx]! || typed > types[pdx]!)
      leaked ??= breach('leak', tooManyText(xen, pdx, notes, count, typed));
  }
  return leaked;
}

const tooFewText = (xen: Xen, pdx: number, held: Notes, count: number, typed: number): string =>
  count < held.references[pdx]!
    ? `${pageText(xen, pdx)} counts fewer references than are held, ${count} instead of ${held.references[pdx]}: it can be freed while it is in use`
    : `${pageText(xen, pdx)} counts fewer type references than are held, ${typed} instead of ${held.types[pdx]}: its type can change while it is relied on`;

const tooManyText = (xen: Xen, pdx: number, held: Notes, count: number, typed: number): string =>
  count > held.references[pdx]!
    ? `${pageText(xen, pdx)} counts more references than are held, ${count} instead of ${held.references[pdx]}: it is never freed`
    : `${pageText(xen, pdx)} counts more type references than are held, ${typed} instead of ${held.types[pdx]}: its type can never change`;

/** What hypercalls under way hold. */
function countHeld(xen: Xen, { references }: Notes): void {
  const rows = xen.spec.limits.domains * xen.spec.limits.calls * HELD_PAGES;
  for (let row = 0; row < rows; row++) {
    const pdx = xen.held.frame.get(row) - 1;
    if (pdx >= 0) references[pdx]!++;
  }
}

/** What p2m entries for another domain's pages hold (Arm). */
function countForeignEntries(xen: Xen, inputs: readonly number[], { references }: Notes): void {
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (xen.domain.foreignMaps.get(slot) === 0) continue;
    for (let i = 0; i < inputs.length; i++) {
      if (!isForeignType(p2mType(xen, slot, inputs[i]!))) continue;
      const pdx = xen.ram.indexOf(p2mLookup(xen, slot, inputs[i]!));
      if (pdx >= 0) references[pdx]!++;
    }
  }
}

/** What pages hold of themselves and, as page tables, of others. */
function countPages(xen: Xen, notes: Notes): void {
  const { references, types } = notes;
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    const info = xen.frame.typeInfo.get(pdx);
    if ((xen.frame.countInfo.get(pdx) & PGC_ALLOCATED) !== 0) references[pdx]!++;
    if ((info & PGT_PINNED) !== 0) {
      references[pdx]!++;
      types[pdx]!++;
    }
    const type = typeOf(info);
    if (type === PGT.writable && isSpecialPage(xen, pdx)) types[pdx]!++;
    if ((info & PGT_PARTIAL) !== 0) {
      references[pdx]!++;
      types[pdx]!++;
    }
    const validated = (info & PGT_VALIDATED) !== 0 ? 512 : xen.frame.validatedEntries.get(pdx);
    if (isPageTable(type)) countEntries(xen, notes, pdx, type, validated);
    if (xen.frame.partialEntry.get(pdx) !== 0) countPartialEntry(xen, notes, pdx);
  }
}

/** An entry that was left half-way holds a general reference of its table. */
function countPartialEntry(xen: Xen, { references }: Notes, table: number): void {
  const at = xen.ram.wordsOf(table) + xen.frame.validatedEntries.get(table) * 2;
  const pdx = tableEntryFrame(xen, xen.store.read(at), xen.store.read(at + 1));
  if (pdx >= 0) references[pdx]!++;
}

function countEntries(xen: Xen, notes: Notes, table: number, type: number, end: number): void {
  const words = xen.ram.wordsOf(table);
  if (words < 0) return;
  for (let index = 0; index < end; index++) {
    const lo = xen.store.read(words + index * 2);
    if ((lo & PTE_PRESENT) === 0 || (type === PGT.l4 && isXenL4Slot(index))) continue;
    const pdx = xen.ram.indexOf((lo >>> 12) + (xen.store.read(words + index * 2 + 1) & 0xf_ffff) * 0x10_0000);
    if (type === PGT.l1) countMapping(xen, notes, ownerOf(xen, table), pdx, (lo & PTE_RW) !== 0);
    else if (pdx >= 0 && pdx !== table) {
      notes.references[pdx]!++;
      notes.types[pdx]!++;
    }
  }
}

/** What an L1 entry of `slot` holds; of no RAM, nothing. */
function countMapping(
  xen: Xen,
  notes: Pick<Notes, 'references' | 'types'>,
  slot: number,
  pdx: number,
  writable: boolean,
): void {
  if (pdx < 0) return;
  notes.references[pdx]!++;
  const owner = ownerOf(xen, pdx);
  if (writable && (owner === slot || !xen.isTranslated(owner))) notes.types[pdx]!++;
}

function countVirtualPages(xen: Xen, notes: Notes): void {
  const { vaSlots } = xen.spec.limits;
  for (let row = 0; row < xen.domIo * vaSlots; row++) {
    const slot = Math.floor(row / vaSlots);
    countMapping(xen, notes, slot, xen.va.frame.get(row) - 1, xen.va.writable.get(row) !== 0);
  }
}

/** What hypercalls hold that are half-way through a page's type or an entry. */
function countCalls(xen: Xen, { references, types }: Notes): void {
  const { step, page, flags, was } = xen.call;
  const rows = xen.spec.limits.domains * xen.spec.limits.calls;
  for (let call = 0; call < rows; call++) {
    const pdx = page.get(call) - 1;
    if (pdx < 0) continue;
    switch (step.get(call)) {
      case Step.type_commit:
        references[pdx]!++;
        break;
      case Step.type_validate:
        // Whoever goes on where another left off has the partial page's reference besides its own.
        references[pdx]! += (was.get(call) & PGT_PARTIAL) !== 0 ? 2 : 1;
        types[pdx]!++;
        break;
      case Step.type_flush:
      case Step.type_iommu:
      case Step.entry_write:
        references[pdx]!++;
        types[pdx]!++;
        break;
      case Step.entry_put: {
        const slot = xen.call.domain.get(call) - 1;
        countMapping(xen, { references, types }, slot, pdx, (flags.get(call) & 1) !== 0);
        break;
      }
    }
  }
}

/** What domains' vCPUs run on: page tables and descriptors. */
function countVcpus(xen: Xen, { references, types }: Notes): void {
  const { baseptr, userBaseptr, gdt } = xen.domain;
  for (let slot = 0; slot < xen.domIo; slot++) {
    for (let which = 0; which < 3; which++) {
      const pdx = (which === 0 ? baseptr : which === 1 ? userBaseptr : gdt).get(slot) - 1;
      if (pdx < 0) continue;
      references[pdx]!++;
      types[pdx]!++;
    }
  }
}

/** Grant mappings, as in dossier §5.2's table of references. */
function countGrants(xen: Xen, notes: Notes): void {
  const { handles, grants } = xen.spec.limits;
  for (let row = 0; row < xen.domIo * handles; row++) {
    const flags = xen.maptrack.flags.get(row);
    if (flags === 0) continue;
    const slot = Math.floor(row / handles);
    const granter = xen.maptrack.granter.get(row) - 1;
    const pdx = xen.grant.frame.get(granter * grants + grantRefOf(xen, row)) - 1;
    if (pdx < 0) continue;
    const device = (flags & GNTMAP.device) !== 0 ? 1 : 0;
    // A mapping in an L1 entry is the entry's, which the mapper may overwrite: then it holds nothing more.
    const inEntry = xen.maptrack.hostEntry.get(row) !== SOMEWHERE;
    const host = (flags & GNTMAP.host) !== 0 && !inEntry ? 1 : 0;
    notes.references[pdx]! += device + host;
    if ((flags & GNTMAP.readonly) !== 0 || xen.spec.arch === 'arm') continue;
    notes.types[pdx]! += device + (granter === slot || !xen.isTranslated(granter) ? host : 0);
  }
}

/** What hypercalls about grants hold from one step to the next: copies their pages, unmaps what they are to give back. */
function countGrantCalls(xen: Xen, { references, types }: Notes): void {
  const { domains, calls } = xen.spec.limits;
  for (let call = 0; call < domains * calls; call++) {
    const step = xen.call.step.get(call);
    if (step === Step.none) continue;
    const [from, to] = [xen.grantCall.fromPage.get(call) - 1, xen.grantCall.toPage.get(call) - 1];
    if (from >= 0) references[from]!++;
    if (to >= 0) {
      references[to]!++;
      types[to]!++;
    }
    const pdx = xen.call.page.get(call) - 1;
    if (step === Step.physmap_place && holdsFrameToAdd(xen)) references[pdx]!++;
    const unmapping = step === Step.unmap_flush || step === Step.unmap_complete;
    if (!unmapping || pdx < 0 || xen.profile.unmapReferences === 'before-flush') continue;
    const flags = xen.call.flags.get(call);
    const halves = ((flags & GNTMAP.device) !== 0 ? 1 : 0) + ((flags & GNTMAP.host) !== 0 ? 1 : 0);
    references[pdx]! += halves;
    types[pdx]! += typeReferences(xen, callerOf(xen, call), xen.call.domain.get(call) - 1, flags);
  }
}

export const REF: Invariant = {
  id: 'INV-REF',
  title: 'a page’s references and type references are those that somebody holds',
  reason: 'one too few frees a page that is in use, one too many keeps it for ever',
  harm: 'isolation broken',
  otherHarms: { leak: 'it counts more than are held' },
  dear: true,
  violation: wrongCounts,
};
