import { type Rights, W } from '../../formats/address.js';
import { PGT, PGT_PARTIAL, PGT_VALIDATED } from '../../formats/x86-page-info.js';
import type { IommuUnit } from '../../hardware/iommu.js';
import { deviceOwner } from '../devices.js';
import { ownerOf } from '../frames.js';
import { typeCount, typeOf } from '../page-info.js';
import { isUntranslatedHwdom, permittedRights } from '../rule.js';
import type { Xen } from '../state.js';
import type { Invariant } from './invariant.js';
import { deviceText, frameText, pageText, verbOf } from './words.js';

/** What a device can reach: through its tables and through what its IOMMU remembers. A stale entry is reach. */

const REMEMBERED_CONTEXT = 'through a context entry that the unit remembers';

type JudgeReach = (
  xen: Xen,
  device: number,
  slot: number,
  input: number,
  frame: number,
  rights: Rights,
  how: string,
) => string | undefined;

/**
 * Calls `judge` for every access a device has now, under any of its requester ids, by tables or by what its unit remembers,
 * until one answers.
 */
function eachReach(xen: Xen, inputs: readonly number[], judge: JudgeReach): string | undefined {
  for (let device = 0; device < xen.spec.devices.length; device++) {
    const unit = xen.unitOf(device);
    const slot = deviceOwner(xen, device);
    if (unit === undefined || slot < 0 || isUntranslatedHwdom(xen, slot)) continue;
    const requesters = xen.requesters[device]!;
    for (let id = 0; id < requesters.length; id++) {
      const requester = requesters[id]!;
      let end = unit.select(requester) ? inputs.length : 0;
      for (let i = 0; i < end; i++) {
        const input = inputs[i]!;
        const rights = unit.selectedRights(input);
        const found =
          rights === 0
            ? undefined
            : judge(xen, device, slot, input, unit.frame, rights, 'through its tables');
        if (found !== undefined) return found;
      }
      end = unit.selectRemembered(requester) ? inputs.length : 0;
      for (let i = 0; i < end; i++) {
        const input = inputs[i]!;
        const rights = unit.selectedRights(input);
        const found =
          rights === 0 ? undefined : judge(xen, device, slot, input, unit.frame, rights, REMEMBERED_CONTEXT);
        if (found !== undefined) return found;
      }
      const found = rememberedReach(xen, unit, device, slot, requester, judge);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** What the IOTLB has under the domain id of a requester's entry, and under that of the entry as the unit remembers it. */
function rememberedReach(
  xen: Xen,
  unit: IommuUnit,
  device: number,
  slot: number,
  requester: number,
  judge: JudgeReach,
): string | undefined {
  const tag = unit.tagOf(requester);
  const remembered = unit.rememberedTagOf(requester);
  for (let row = 0; (tag >= 0 || remembered >= 0) && row < unit.iotlb.rows; row++) {
    const did = unit.iotlb.did(row);
    if (did < 0 || (did !== tag && did !== remembered)) continue;
    const first = unit.iotlb.frame(row);
    const rights = unit.iotlb.rights(row);
    // Of a large page every frame that exists, and its first, whether it does or not; of what is absent, nothing.
    const order = unit.iotlb.order(row);
    const span = rights === 0 ? 0 : order === 0 ? 1 : 2 ** order;
    for (
      let offset = 0;
      offset < span;
      offset = span === 1 ? 1 : xen.ram.nextFrame(first + offset + 1) - first
    ) {
      const input = unit.iotlb.input(row) + offset;
      const found = judge(xen, device, slot, input, first + offset, rights, 'through the IOTLB');
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function judgeExcess(
  xen: Xen,
  device: number,
  slot: number,
  input: number,
  frame: number,
  rights: Rights,
  how: string,
): string | undefined {
  const excess = rights & ~permittedRights(xen, slot, input, frame);
  if (excess === 0) return undefined;
  const pdx = xen.ram.indexOf(frame);
  const what = pdx < 0 ? `frame ${frameText(frame)}, which is no RAM` : pageText(xen, pdx);
  return `${deviceText(xen, device)} of ${xen.domainName(slot)} can ${verbOf(excess)} ${what} ${how}`;
}

function excessReach(xen: Xen, inputs: readonly number[]): string | undefined {
  return eachReach(xen, inputs, judgeExcess);
}

function judgeTable(
  xen: Xen,
  device: number,
  slot: number,
  _input: number,
  frame: number,
  rights: Rights,
  how: string,
): string | undefined {
  const pdx = xen.ram.indexOf(frame);
  if ((rights & W) === 0 || pdx < 0 || !isTableInUse(xen, pdx)) return undefined;
  return `${deviceText(xen, device)} of ${xen.domainName(slot)} can write ${pageText(xen, pdx)} ${how}`;
}

function writablePageTable(xen: Xen, inputs: readonly number[]): string | undefined {
  return hasTableInUse(xen) ? eachReach(xen, inputs, judgeTable) : undefined;
}

function hasTableInUse(xen: Xen): boolean {
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) if (isTableInUse(xen, pdx)) return true;
  return false;
}

/** A page whose content the hypervisor trusts: a page table or descriptor page of a PV domain, looked into and in use. */
export function isTableInUse(xen: Xen, pdx: number): boolean {
  const info = xen.frame.typeInfo.get(pdx);
  const type = typeOf(info);
  const trusted = (info & (PGT_VALIDATED | PGT_PARTIAL)) !== 0 && typeCount(info) !== 0;
  return type >= PGT.l1 && type <= PGT.segDesc && trusted && xen.isPv(ownerOf(xen, pdx));
}

export const I2: Invariant = {
  id: 'I2',
  states: ['INV-DMA-TYPE'],
  title: 'no device writes a page table or descriptor page of a PV domain',
  reason: 'a device that writes a page table forges mappings of any memory (XSA-288)',
  harm: 'isolation broken',
  violation: writablePageTable,
};

export const REACH: Invariant = {
  id: 'REACH',
  states: ['INV-DMA-OWN', 'INV-DMA-PERM', 'INV-QUAR', 'I6'],
  title: 'no device reaches a frame its domain may not',
  reason: 'the one rule: writable-typed pages or the p2m, live grants, reserved regions',
  harm: 'isolation broken',
  violation: excessReach,
};
