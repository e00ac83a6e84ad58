import type { Xen } from './state.js';

/** Owner of a device, or -1. */
export function deviceOwner(xen: Xen, device: number): number {
  return xen.device.owner.get(device) - 1;
}

export function deviceCount(xen: Xen, slot: number): number {
  let count = 0;
  for (let device = 0; device < xen.spec.devices.length; device++) {
    if (deviceOwner(xen, device) === slot) count++;
  }
  return count;
}

/** Whether the machine's devices stand in a device tree, and not on a PCI bus. */
export function isDeviceTree(xen: Xen): boolean {
  return xen.spec.arch === 'arm';
}
