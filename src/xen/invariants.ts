import { R, type Rights, rightsText, W } from '../formats/address.js';
import { GrantType, GTF_TYPE_MASK, grantDomid, grantFlags } from '../formats/grant-v1.js';
import { PGT, PGT_NAMES } from '../formats/x86-page-info.js';
import { deviceCount, deviceOwner } from './devices.js';
import { isFree, isSpecialPage, ownerOf } from './frames.js';
import { gnttabNeedsIommu, handleRights } from './grant-iommu.js';
import { grantEntryWord } from './grant-table.js';
import { reservesFrame } from './identity-map.js';
import { hasIommu, tableRights } from './iommu-map.js';
import { p2mLookup, p2mRights } from './p2m.js';
import { typeCount, typeOf } from './page-info.js';
import { isBoundByTypes, isUntranslatedHwdom, permittedRights } from './rule.js';
import { Kind, type Xen } from './state.js';

/** The worst a violation leads to, in the words of dommu's users. Ordered from the gravest. */
export type Harm = 'isolation broken' | 'crash' | 'livelock' | 'mapping lost' | 'leak';

/** A property of every state. */
export interface Invariant {
  /** Its number in dossier §10, or `REACH`. */
  readonly id: string;
  readonly title: string;
  /** Why it must hold. */
  readonly reason: string;
  readonly harm: Harm;
  /** undefined while it holds; otherwise the facts that break it. Allocates nothing while it holds. */
  readonly violation: (xen: Xen, inputs: readonly number[]) => string | undefined;
}

const frameName = (frame: number) => `0x${frame.toString(16)}`;

function deviceName(xen: Xen, device: number): string {
  const { name, address } = xen.spec.devices[device]!;
  return `${name} (${address})`;
}

function pageText(xen: Xen, pdx: number): string {
  const info = xen.frame.typeInfo.get(pdx);
  const owner = xen.frame.owner.get(pdx);
  const whose = owner === 0 ? 'free' : `owned by ${xen.domainName(owner - 1)}`;
  return `frame ${xen.frameName(pdx)} (${whose}, type ${PGT_NAMES[typeOf(info)]}, type count ${typeCount(info)})`;
}

function verb(rights: Rights): string {
  return rights & W ? (rights & R ? 'read and write' : 'write') : 'read';
}

/** Calls `judge` for every access a device has now, by tables or by IOTLB, until one answers. */
function eachReach(
  xen: Xen,
  inputs: readonly number[],
  judge: (
    device: number,
    slot: number,
    input: number,
    frame: number,
    rights: Rights,
    how: string,
  ) => string | undefined,
): string | undefined {
  const unit = xen.unit;
  if (unit === undefined) return undefined;
  for (let device = 0; device < xen.spec.devices.length; device++) {
    const slot = deviceOwner(xen, device);
    if (slot < 0 || isUntranslatedHwdom(xen, slot)) continue;
    const { requester } = xen.spec.devices[device]!;
    const end = unit.select(requester) ? inputs.length : 0;
    for (let i = 0; i < end; i++) {
      const input = inputs[i]!;
      const rights = unit.selectedRights(input);
      const found =
        rights === 0 ? undefined : judge(device, slot, input, unit.frame, rights, 'through its tables');
      if (found !== undefined) return found;
    }
    const tag = unit.tagOf(requester);
    for (let row = 0; tag >= 0 && row < unit.iotlb.rows; row++) {
      if (unit.iotlb.did(row) !== tag) continue;
      const first = unit.iotlb.frame(row);
      const rights = unit.iotlb.rights(row);
      // Of a large page every frame that exists, and its first, whether it does or not.
      const span = 2 ** unit.iotlb.order(row);
      for (let offset = 0; offset < span; offset = xen.ram.nextFrame(first + offset + 1) - first) {
        const input = unit.iotlb.input(row) + offset;
        const found = judge(device, slot, input, first + offset, rights, 'through the IOTLB');
        if (found !== undefined) return found;
      }
    }
  }
  return undefined;
}

function excessReach(xen: Xen, inputs: readonly number[]): string | undefined {
  return eachReach(xen, inputs, (device, slot, input, frame, rights, how) => {
    const excess = rights & ~permittedRights(xen, slot, input, frame);
    if (excess === 0) return undefined;
    const pdx = xen.ram.indexOf(frame);
    const what = pdx < 0 ? `frame ${frameName(frame)}, which is no RAM` : pageText(xen, pdx);
    return `${deviceName(xen, device)} of ${xen.domainName(slot)} can ${verb(excess)} ${what} ${how}`;
  });
}

function writablePageTable(xen: Xen, inputs: readonly number[]): string | undefined {
  if (!hasTableInUse(xen)) return undefined;
  return eachReach(xen, inputs, (device, slot, _input, frame, rights, how) => {
    const pdx = xen.ram.indexOf(frame);
    if ((rights & W) === 0 || pdx < 0 || !isTableInUse(xen, pdx)) return undefined;
    return `${deviceName(xen, device)} of ${xen.domainName(slot)} can write ${pageText(xen, pdx)} ${how}`;
  });
}

function hasTableInUse(xen: Xen): boolean {
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) if (isTableInUse(xen, pdx)) return true;
  return false;
}

/** A page whose content the hypervisor trusts: a page table or descriptor page of a PV domain, in use. */
function isTableInUse(xen: Xen, pdx: number): boolean {
  const info = xen.frame.typeInfo.get(pdx);
  const type = typeOf(info);
  return type >= PGT.l1 && type <= PGT.segDesc && typeCount(info) !== 0 && xen.isPv(ownerOf(xen, pdx));
}

/** PV domain by PV domain: what its tables say of its own pages against what their types say. */
function typeMismatch(xen: Xen): string | undefined {
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (!isBoundByTypes(xen, slot)) continue;
    for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
      if (isBoundByType(xen, slot, pdx) && mappedRights(xen, slot, pdx) !== typedRights(xen, pdx)) {
        return mismatchText(xen, slot, pdx);
      }
    }
  }
  return undefined;
}

/** A domain's own page that neither Xen shares with it nor a device's firmware needs. */
function isBoundByType(xen: Xen, slot: number, pdx: number): boolean {
  return (
    ownerOf(xen, pdx) === slot && !isSpecialPage(xen, pdx) && !reservesFrame(xen, slot, xen.ram.frameAt(pdx))
  );
}

function mappedRights(xen: Xen, slot: number, pdx: number): Rights {
  return tableRights(xen, slot, xen.ram.frameAt(pdx));
}

function typedRights(xen: Xen, pdx: number): Rights {
  return typeOf(xen.frame.typeInfo.get(pdx)) === PGT.writable ? R | W : 0;
}

function mismatchText(xen: Xen, slot: number, pdx: number): string {
  const [mapped, typed] = [mappedRights(xen, slot, pdx), typedRights(xen, pdx)].map(rightsText);
  return `${pageText(xen, pdx)} is mapped ${mapped} for ${xen.domainName(slot)}'s devices, but its type asks for ${typed}`;
}

/**
 * What only a grant to oneself can have done: a page that one offers to oneself has less than its type asks for, or a
 * page that one has mapped through one's own grant has more.
 */
function selfGrantChange(xen: Xen): string | undefined {
  const { grants, handles } = xen.spec.limits;
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (!isBoundByTypes(xen, slot)) continue;
    for (let ref = 0; ref < grants; ref++) {
      const pdx = offeredToItself(xen, slot, ref);
      if (pdx < 0 || !isBoundByType(xen, slot, pdx)) continue;
      if ((typedRights(xen, pdx) & ~mappedRights(xen, slot, pdx)) !== 0) return mismatchText(xen, slot, pdx);
    }
    for (let row = slot * handles; row < (slot + 1) * handles; row++) {
      if (xen.maptrack.flags.get(row) === 0 || xen.maptrack.granter.get(row) - 1 !== slot) continue;
      const pdx = xen.grant.frame.get(slot * grants + xen.maptrack.ref.get(row)) - 1;
      if (pdx < 0 || !isBoundByType(xen, slot, pdx)) continue;
      if ((mappedRights(xen, slot, pdx) & ~typedRights(xen, pdx)) !== 0) return mismatchText(xen, slot, pdx);
    }
  }
  return undefined;
}

/** Index of the frame that a grant entry of a PV domain offers to that domain itself, or -1. */
function offeredToItself(xen: Xen, slot: number, ref: number): number {
  const word = grantEntryWord(xen, slot, ref);
  const offered = (grantFlags(word) & GTF_TYPE_MASK) === GrantType.PERMIT_ACCESS;
  return offered && grantDomid(word) === slot ? xen.ram.indexOf(entryFrame(xen, slot, ref)) : -1;
}

function entryFrame(xen: Xen, slot: number, ref: number): number {
  const grantFrame = xen.ram.frameAt(xen.domain.grantFrame.get(slot) - 1);
  return xen.ram.read32(grantFrame * 4096 + ref * 8 + 4) >>> 0;
}

function mappedFreeFrame(xen: Xen): string | undefined {
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (xen.domain.iommuRoot.get(slot) === 0 || isUntranslatedHwdom(xen, slot)) continue;
    // Tables that no device uses, nor will: those of a zombie, in releases that keep them until it vanishes.
    if (xen.isDying(slot) && deviceCount(xen, slot) === 0) continue;
    for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
      const frame = xen.ram.frameAt(pdx);
      if (!isFree(xen, pdx) || tableRights(xen, slot, frame) === 0 || reservesFrame(xen, slot, frame))
        continue;
      return `free frame ${frameName(frame)} is mapped ${rightsText(tableRights(xen, slot, frame))} in ${xen.domainName(slot)}'s IOMMU tables`;
    }
  }
  return undefined;
}

/** Rights that identity entries for a foreign frame give a grantee's devices: own tables, or on Arm the p2m. */
function identityRights(xen: Xen, slot: number, frame: number): Rights {
  if (xen.domain.kind.get(slot) !== Kind.arm) return tableRights(xen, slot, frame);
  return p2mLookup(xen, slot, frame) === frame ? p2mRights(xen, slot, frame) & (R | W) : 0;
}

function wrongGrantRights(xen: Xen): string | undefined {
  return eachForeignGrant(xen, (slot, pdx, wanted, mapped) => {
    if (mapped === wanted || !gnttabNeedsIommu(xen, slot)) return undefined;
    return `${pageText(xen, pdx)} is mapped ${rightsText(mapped)} for ${xen.domainName(slot)}'s devices, but its live grant handles give ${rightsText(wanted)}`;
  });
}

function unreachableGrant(xen: Xen): string | undefined {
  return eachForeignGrant(xen, (slot, pdx, wanted, mapped) => {
    const promised =
      xen.domain.kind.get(slot) === Kind.arm && xen.domain.directMapped.get(slot) && hasIommu(xen, slot);
    if (!promised || (wanted & ~mapped) === 0) return undefined;
    return `${pageText(xen, pdx)}, which ${xen.domainName(slot)} has mapped through a grant (${rightsText(wanted)}), is ${rightsText(mapped)} at DFN = MFN ${xen.frameName(pdx)}: its devices fault on the dev_bus_addr they were given`;
  });
}

function eachForeignGrant(
  xen: Xen,
  judge: (slot: number, pdx: number, wanted: Rights, mapped: Rights) => string | undefined,
): string | undefined {
  const { handles, grants } = xen.spec.limits;
  for (let row = 0; row < xen.domIo * handles; row++) {
    if (xen.maptrack.flags.get(row) === 0) continue;
    const slot = Math.floor(row / handles);
    const granter = xen.maptrack.granter.get(row) - 1;
    if (granter === slot) continue;
    const pdx = xen.grant.frame.get(granter * grants + xen.maptrack.ref.get(row)) - 1;
    if (pdx < 0) continue;
    const wanted = handleRights(xen, slot, -1, pdx);
    const found = judge(slot, pdx, wanted, identityRights(xen, slot, xen.ram.frameAt(pdx)));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The invariants of dossier §10 that this model can state, gravest harm first. */
export const INVARIANTS: readonly Invariant[] = [
  {
    id: 'I2',
    title: 'no device writes a page table or descriptor page of a PV domain',
    reason: 'a device that writes a page table forges mappings of any memory (XSA-288)',
    harm: 'isolation broken',
    violation: writablePageTable,
  },
  {
    id: 'I3',
    title: 'a freed page is in no IOMMU table',
    reason: 'its next owner would share it with the old owner’s devices',
    harm: 'isolation broken',
    violation: mappedFreeFrame,
  },
  {
    id: 'REACH',
    title: 'no device reaches a frame its domain may not',
    reason: 'the one rule: writable-typed pages or the p2m, live grants, reserved regions',
    harm: 'isolation broken',
    violation: excessReach,
  },
  {
    id: 'BUG',
    title: 'no guest brings the host down',
    reason: 'a reachable BUG is a denial of service to everybody',
    harm: 'crash',
    violation: (xen) => (xen.hostBug === undefined ? undefined : `Xen hits a BUG: ${xen.hostBug}`),
  },
  {
    id: 'I12',
    title: 'a granted page has the rights of its live handles',
    reason: 'least privilege: read-write only while a read-write handle lives',
    harm: 'mapping lost',
    violation: wrongGrantRights,
  },
  {
    id: 'I13',
    title: 'a self-grant never changes the domain’s own mapping',
    reason: 'unmapping a grant of one’s own page must not take the page from one’s devices',
    harm: 'mapping lost',
    violation: selfGrantChange,
  },
  {
    id: 'I19',
    title: 'every foreign granted frame is reachable at DFN = MFN by a direct-mapped Arm domain’s devices',
    reason: 'the domain hands dev_bus_addr to its devices',
    harm: 'mapping lost',
    violation: unreachableGrant,
  },
  {
    id: 'I1',
    title: 'a PV domain’s page is mapped for its devices exactly while its type is writable',
    reason: 'the canonical rule: device writes must not forge page tables or descriptors',
    harm: 'mapping lost',
    violation: typeMismatch,
  },
];
