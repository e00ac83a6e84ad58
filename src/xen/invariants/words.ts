import { R, type Rights, W } from '../../formats/address.js';
import { PGT_NAMES } from '../../formats/x86-page-info.js';
import { ownerOf } from '../frames.js';
import { typeCount, typeOf } from '../page-info.js';
import type { Xen } from '../state.js';

// How the sentences about violations name things. Called only when there is one.

export const frameText = (frame: number): string => `0x${frame.toString(16)}`;

/** `nic (0000:03:00.0)`. */
export function deviceText(xen: Xen, device: number): string {
  const { name, address } = xen.spec.devices[device]!;
  return `${name} (${address})`;
}

/** A frame of RAM with its owner, type and type count. */
export function pageText(xen: Xen, pdx: number): string {
  const info = xen.frame.typeInfo.get(pdx);
  const owner = ownerOf(xen, pdx);
  const whose = owner < 0 ? 'free' : `owned by ${xen.domainName(owner)}`;
  return `frame ${xen.frameName(pdx)} (${whose}, type ${PGT_NAMES[typeOf(info)]}, type count ${typeCount(info)})`;
}

export function verbOf(rights: Rights): string {
  return rights & W ? (rights & R ? 'read and write' : 'write') : 'read';
}
