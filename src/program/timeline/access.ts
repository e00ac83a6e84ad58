import type { IommuFault } from '../../hardware/iommu.js';
import type { Xen } from '../../xen/state.js';
import { Arguments, Nameless } from '../arguments.js';
import type { Names } from '../names.js';
import type { Statement } from '../program.js';

/** What the registers of the machine say of a device's access, once it has been made. */
export interface DeviceAccess {
  /** The device, by its number in the machine, and the IOMMU unit that it is behind, or -1. */
  readonly device: number;
  readonly unit: number;
  /** Requester id or stream id; -1 for a device that no IOMMU stands in front of. */
  readonly requester: number;
  /** The bus address. */
  readonly address: number;
  readonly write: boolean;
  /** The frame that it led to; -1 where it was refused. */
  readonly frame: number;
  /** The fault registers, where it was refused. */
  readonly fault?: IommuFault;
}

/** The access that a statement has just made; undefined for one that makes none. */
export function accessOf(
  xen: Xen,
  names: Names,
  { op, args }: Statement,
  status: string,
): DeviceAccess | undefined {
  if (op !== 'dma' || (status !== 'ok' && status !== 'fault')) return undefined;
  const read = new Arguments(args, names, xen);
  try {
    const device = read.device();
    const requester = read.number('stream', xen.spec.devices[device]!.requester);
    const address = read.address();
    const behind = requester < 0 ? undefined : xen.unitOf(device);
    const unit = behind === undefined ? -1 : xen.unitIndex(device);
    const access = { device, unit, requester, address, write: read.text('access') === 'write' };
    if (status === 'fault') return { ...access, frame: -1, ...(behind && { fault: behind.lastFault() }) };
    return { ...access, frame: behind === undefined ? Math.floor(address / 4096) : behind.frame };
  } catch (error) {
    if (error instanceof Nameless) return undefined;
    throw error;
  }
}
