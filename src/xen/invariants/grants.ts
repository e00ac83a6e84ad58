import { R, type Rights, rightsText, W } from '../../formats/address.js';
import { GrantType, GTF_TYPE_MASK, grantDomid, grantFlags } from '../../formats/grant-v1.js';
import { grantEntryFrame, grantEntryWord } from '../grant-entry.js';
import { grantEntryCount } from '../grant-frames.js';
import { gnttabNeedsIommu, handleRights } from '../grant-iommu.js';
import { hasIommu } from '../iommu-map.js';
import { tableRights } from '../iommu-tables.js';
import { grantRefOf } from '../maptrack.js';
import { p2mLookup, p2mRights } from '../p2m.js';
import { isBoundByTypes } from '../rule.js';
import type { Xen } from '../state.js';
import { Kind } from '../tables/domain.js';
import { type Breach, breach, graverOf } from './harm.js';
import type { Invariant } from './invariant.js';
import { isBoundByType, mappedRights, mismatchText, typedRights } from './types.js';
import { pageText } from './words.js';

/**
 * What only a grant to oneself can have done: a page that one offers to oneself has less than its type asks for, or a
 * page that one has mapped through one's own grant has more.
 */
function selfGrantChange(xen: Xen): Breach | undefined {
  let lost: Breach | undefined;
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (!isBoundByTypes(xen, slot)) continue;
    const more = mappedWithMore(xen, slot);
    if (more >= 0) return breach('isolation broken', mismatchText(xen, slot, more));
    const less = lost === undefined ? offeredWithLess(xen, slot) : -1;
    if (less >= 0) lost = breach('mapping lost', mismatchText(xen, slot, less));
  }
  return lost;
}

/** A page that a domain has mapped through its own grant, with more rights than its type asks for; -1 for none. */
function mappedWithMore(xen: Xen, slot: number): number {
  const { grants, handles } = xen.spec.limits;
  for (let row = slot * handles; row < (slot + 1) * handles; row++) {
    if (xen.maptrack.flags.get(row) === 0 || xen.maptrack.granter.get(row) - 1 !== slot) continue;
    const pdx = xen.grant.frame.get(slot * grants + grantRefOf(xen, row)) - 1;
    if (pdx < 0 || !isBoundByType(xen, slot, pdx)) continue;
    if ((mappedRights(xen, slot, pdx) & ~typedRights(xen, pdx)) !== 0) return pdx;
  }
  return -1;
}

/** A page that a domain offers to itself, with less rights than its type asks for; -1 for none. */
function offeredWithLess(xen: Xen, slot: number): number {
  const entries = grantEntryCount(xen, slot);
  for (let ref = 0; ref < entries; ref++) {
    const pdx = offeredToItself(xen, slot, ref);
    if (pdx < 0 || !isBoundByType(xen, slot, pdx)) continue;
    if ((typedRights(xen, pdx) & ~mappedRights(xen, slot, pdx)) !== 0) return pdx;
  }
  return -1;
}

/** Index of the frame that a grant entry of a PV domain offers to that domain itself, or -1. */
function offeredToItself(xen: Xen, slot: number, ref: number): number {
  const word = grantEntryWord(xen, slot, ref);
  const offered = (grantFlags(word) & GTF_TYPE_MASK) === GrantType.PERMIT_ACCESS;
  return offered && grantDomid(word) === slot ? xen.ram.indexOf(grantEntryFrame(xen, slot, ref)) : -1;
}

/** Rights that identity entries for a foreign frame give a grantee's devices: own tables, or on Arm the p2m. */
export function identityRights(xen: Xen, slot: number, frame: number): Rights {
  if (xen.domain.kind.get(slot) !== Kind.arm) return tableRights(xen, slot, frame);
  return p2mLookup(xen, slot, frame) === frame ? p2mRights(xen, slot, frame) & (R | W) : 0;
}

function wrongGrantRights(xen: Xen): Breach | undefined {
  return eachForeignGrant(xen, judgeRights);
}

function judgeRights(
  xen: Xen,
  slot: number,
  pdx: number,
  wanted: Rights,
  mapped: Rights,
): Breach | undefined {
  if (mapped === wanted || !gnttabNeedsIommu(xen, slot)) return undefined;
  const harm = (mapped & ~wanted) === 0 ? 'mapping lost' : 'isolation broken';
  const text = `${pageText(xen, pdx)} is mapped ${rightsText(mapped)} for ${xen.domainName(slot)}'s devices, but its live grant handles give ${rightsText(wanted)}`;
  return breach(harm, text);
}

function unreachableGrant(xen: Xen): Breach | undefined {
  return eachForeignGrant(xen, judgePromise);
}

function judgePromise(
  xen: Xen,
  slot: number,
  pdx: number,
  wanted: Rights,
  mapped: Rights,
): Breach | undefined {
  if (!promisesIdentity(xen, slot) || (wanted & ~mapped) === 0) return undefined;
  const text = `${pageText(xen, pdx)}, which ${xen.domainName(slot)} has mapped through a grant (${rightsText(wanted)}), is ${rightsText(mapped)} at DFN = MFN ${xen.frameName(pdx)}: its devices fault on the dev_bus_addr they were given`;
  return breach('mapping lost', text);
}

/** Whether a domain is told that its devices reach a granted page at its machine address: dev_bus_addr, on Arm. */
function promisesIdentity(xen: Xen, slot: number): boolean {
  const told = xen.domain.kind.get(slot) === Kind.arm && xen.domain.directMapped.get(slot) !== 0;
  return told && hasIommu(xen, slot);
}

/** Whether a page that a domain has mapped through a grant is to be in the tables of its devices at DFN = MFN. */
export const owesIdentity = (xen: Xen, slot: number): boolean =>
  gnttabNeedsIommu(xen, slot) || promisesIdentity(xen, slot);

function eachForeignGrant(
  xen: Xen,
  judge: (xen: Xen, slot: number, pdx: number, wanted: Rights, mapped: Rights) => Breach | undefined,
): Breach | undefined {
  const { handles } = xen.spec.limits;
  let found: Breach | undefined;
  for (let row = 0; row < xen.domIo * handles; row++) {
    const slot = Math.floor(row / handles);
    const pdx = foreignFrame(xen, slot, row);
    if (pdx < 0) continue;
    const wanted = handleRights(xen, slot, -1, pdx);
    found = graverOf(found, judge(xen, slot, pdx, wanted, identityRights(xen, slot, xen.ram.frameAt(pdx))));
    if (found?.harm === 'isolation broken') return found;
  }
  return found;
}

/** Index of another's frame that a domain has mapped through the grant of a handle, by its row; -1 for none. */
export function foreignFrame(xen: Xen, slot: number, row: number): number {
  if (xen.maptrack.flags.get(row) === 0) return -1;
  const granter = xen.maptrack.granter.get(row) - 1;
  return granter === slot
    ? -1
    : xen.grant.frame.get(granter * xen.spec.limits.grants + grantRefOf(xen, row)) - 1;
}

export const I12: Invariant = {
  id: 'I12',
  states: ['INV-IOMMU-COMPLETE', 'INV-DMA-PERM'],
  title: 'a granted page has the rights of its live handles',
  reason: 'least privilege: read-write only while a read-write handle lives',
  harm: 'mapping lost',
  otherHarms: { 'isolation broken': 'it is mapped with more than they give' },
  violation: wrongGrantRights,
};

export const I13: Invariant = {
  id: 'I13',
  title: 'a self-grant never changes the domain’s own mapping',
  reason: 'unmapping a grant of one’s own page must not take the page from one’s devices',
  harm: 'mapping lost',
  otherHarms: { 'isolation broken': 'it leaves a page mapped that its type does not permit' },
  violation: selfGrantChange,
};

export const I19: Invariant = {
  id: 'I19',
  states: ['INV-IOMMU-COMPLETE'],
  title: 'every foreign granted frame is reachable at DFN = MFN by a direct-mapped Arm domain’s devices',
  reason: 'the domain hands dev_bus_addr to its devices',
  harm: 'mapping lost',
  violation: unreachableGrant,
};
