import type { Xen } from '../../xen/state.js';
import type { Here } from '../here.js';
import { requesterText } from '../path/access-path.js';

/** How an id of a device comes to be its. */
export type RequesterRole = 'own' | 'alias' | 'phantom' | 'stream';

/** An id under which a device's accesses arrive at its IOMMU. */
export interface Requester {
  readonly id: number;
  readonly text: string;
  readonly role: RequesterRole;
}

/** A device, and the ids that its accesses may carry. */
export interface DeviceName {
  readonly name: string;
  readonly requesters: readonly Requester[];
}

/** The ids of a device; none where no IOMMU is in front of it. */
export function requestersOf(xen: Xen, device: number): readonly Requester[] {
  const arm = xen.spec.arch === 'arm';
  const { aliased = false } = xen.spec.devices[device]!;
  return xen.requesters[device]!.filter((id) => id >= 0).map((id, place) => ({
    id,
    text: requesterText(xen, id),
    role: arm ? 'stream' : place > 0 ? 'phantom' : aliased ? 'alias' : 'own',
  }));
}

/** All devices of the machine, by their numbers. */
export function deviceNames({ xen }: Here): readonly DeviceName[] {
  return xen.spec.devices.map(({ name }, device) => ({ name, requesters: requestersOf(xen, device) }));
}
