import { deviceOwner } from './devices.js';
import { p2mLookup } from './p2m.js';
import type { Xen } from './state.js';

/**
 * What a device meets between two writes of one hypercall. Firmware uses reserved regions at any time, so a device that
 * loses one for a moment has lost it: whoever changes its context or these mappings looks here each time (gallery,
 * INV-RMRR at every step; XSA-400).
 */

/**
 * An entry of a reserved region was taken from a device of `target`, or the context of `moving` was changed on its way
 * there.
 */
export function noteReservedSeen(xen: Xen, target: number, moving = -1): void {
  const { reserved } = xen.spec;
  if (reserved.length === 0 || xen.spec.arch === 'arm' || !hasRegions(xen, target)) return;
  for (let index = 0; index < reserved.length; index++) {
    const { range, devices } = reserved[index]!;
    for (let i = 0; i < devices.length; i++) {
      for (let frame = range.base; frame < range.base + range.count; frame++)
        if (isMissing(xen, devices[i]!, target, devices[i] === moving, frame, reserved[index]!.rights))
          xen.host.reservedGap.set(0, devices[i]! + 1);
    }
  }
}

/**
 * Whether devices of the domain have their regions: in quarantine VT-d's do, unless the host has none; AMD-Vi's quarantine
 * never has them (dossier §11 item 2).
 */
function hasRegions(xen: Xen, slot: number): boolean {
  return slot >= 0 && (slot !== xen.domIo || (xen.spec.quarantine && xen.amdvi === undefined));
}

/** A page of a translated domain's that stands there is what a relaxed assignment leaves (dossier §6.4). */
function isMissing(
  xen: Xen,
  device: number,
  target: number,
  moves: boolean,
  frame: number,
  wanted: number,
): boolean {
  const unit = xen.unitOf(device);
  const owner = deviceOwner(xen, device);
  if (unit === undefined || owner < 0 || owner === xen.domXen || (!moves && !hasRegions(xen, owner)))
    return false;
  const rights = unit.tableRights(xen.spec.devices[device]!.requester, frame);
  if ((wanted & ~rights) === 0 && unit.frame === frame) return false;
  return !hasMemoryThere(xen, target, frame) && !hasMemoryThere(xen, owner, frame);
}

function hasMemoryThere(xen: Xen, slot: number, frame: number): boolean {
  return slot < xen.domIo && xen.isTranslated(slot) && xen.ram.indexOf(p2mLookup(xen, slot, frame)) >= 0;
}
