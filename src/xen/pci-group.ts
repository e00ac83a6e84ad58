import { deviceOwner } from './devices.js';
import { Errno } from './errno.js';
import { isKnownDevice } from './pci-hotplug.js';
import type { Xen } from './state.js';

/**
 * get_device_group_id (dossier §6.5): devices of one id are told apart by nobody. VT-d: the requester id of the bridge
 * furthest upstream, as what is behind it may appear under its id; AMD-Vi: that of the device's requests.
 */
function groupOf(xen: Xen, device: number): number {
  let at = device;
  for (let bridge = bridgeOf(xen, at); bridge >= 0 && xen.amdvi === undefined; bridge = bridgeOf(xen, at)) {
    at = bridge;
  }
  return xen.spec.devices[at]!.requester;
}

/** find_upstream_bridge, one step: bus 0 is behind nothing, and PCI Express bridges change no requester ids. */
function bridgeOf(xen: Xen, device: number): number {
  const { requester, bridge } = xen.spec.devices[device]!;
  if (bridge === undefined || requester >>> 8 === 0) return -1;
  const { type } = xen.spec.devices[bridge]!;
  return type === 'pci-bridge' || type === 'pcie-pci-bridge' ? bridge : -1;
}

/**
 * XEN_DOMCTL_get_device_group: the devices of a domain that share a group id with the device, which need not be its own.
 * An errno (-ESRCH, dom_io included), or their indexes. Where there is no driver to ask, none.
 */
export function deviceGroup(xen: Xen, slot: number, device: number): number | number[] {
  if (slot < 0 || !xen.exists(slot)) return -Errno.ESRCH;
  if (device < 0) return [];
  const group = groupOf(xen, device);
  return xen.spec.devices.flatMap((_, other) =>
    other !== device &&
    isKnownDevice(xen, other) &&
    deviceOwner(xen, other) === slot &&
    groupOf(xen, other) === group
      ? [other]
      : [],
  );
}
