import type { Xen } from './state.js';

/**
 * maptrack: what each domain has mapped, by handle. Xen makes its frames as they are needed and takes handles from the head
 * of a list to whose end they return; the model has them all from the start and takes the lowest, so that equal histories
 * of unmaps give equal states. Xen keeps one handle of the list back; here `limits.handles` is what can be had.
 */

/** The lowest free handle, or -1. */
export function freeHandle(xen: Xen, slot: number): number {
  const { handles } = xen.spec.limits;
  for (let handle = 0; handle < handles; handle++) {
    const row = slot * handles + handle;
    if (xen.maptrack.flags.get(row) === 0 && !isTaken(xen, slot, row)) return handle;
  }
  return -1;
}

/** Whether a map under way has taken the handle. */
function isTaken(xen: Xen, slot: number, row: number): boolean {
  const { calls } = xen.spec.limits;
  for (let call = slot * calls; call < (slot + 1) * calls; call++) {
    if (xen.grantCall.handle.get(call) === row + 1) return xen.profile.takingHandle === 'locked';
  }
  return false;
}

/** The grant reference that a handle's row is of. */
export const grantRefOf = (xen: Xen, row: number): number => xen.maptrack.ref.get(row) - 1;

/** Takes everything out of a handle's row, which frees it. */
export function forgetHandle(xen: Xen, row: number): void {
  xen.maptrack.flags.set(row, 0);
  xen.maptrack.granter.set(row, 0);
  xen.maptrack.ref.set(row, 0);
  xen.maptrack.hostGfn.set(row, 0);
  xen.maptrack.hostEntry.set(row, 0);
}
