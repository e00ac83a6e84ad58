import { deviceOwner } from './devices.js';
import { Errno } from './errno.js';
import { hasIommu } from './iommu-map.js';
import { streamsOf } from './machine.js';
import { smmuAssign, smmuDeassign } from './smmu-context.js';
import { smmuV3Add, smmuV3Assign, smmuV3Deassign } from './smmuv3-context.js';
import type { Xen } from './state.js';

/**
 * dt_device_is_protected: the driver knows the device as one behind its IOMMU. SMMUv1 and v2 know theirs from probing, an
 * SMMUv3 those that were added.
 */
export function isProtected(xen: Xen, device: number): boolean {
  if (xen.smmuv3 !== undefined) return xen.device.addedToSmmu.get(device) !== 0;
  return xen.smmu !== undefined && streamsOf(xen.spec.devices[device]!).length > 0;
}

/**
 * iommu_add_dt_device, for a device that is not known yet: no error for one without an IOMMU, or where there is none. An
 * SMMUv3 makes stream table entries now: -ERANGE, -ENOMEM.
 */
export function addDtDevice(xen: Xen, device: number): number {
  const behind = streamsOf(xen.spec.devices[device]!).length > 0;
  if (xen.smmuv3 === undefined || !behind || isProtected(xen, device)) return 0;
  const status = smmuV3Add(xen, xen.smmuv3, device);
  if (status === 0) xen.device.addedToSmmu.set(device, 1);
  return status;
}

/**
 * iommu_assign_dt_device, at boot and from the domctl (dossier §6.7): -EINVAL without a context or for a device that is
 * not behind an IOMMU, -EBUSY when somebody has it, or what the driver says. The device is the domain's afterwards.
 */
export function assignDtDevice(xen: Xen, slot: number, device: number): number {
  if (!hasIommu(xen, slot) || !isProtected(xen, device)) return -Errno.EINVAL;
  if (deviceOwner(xen, device) >= 0) return -Errno.EBUSY;
  const status =
    xen.smmuv3 === undefined
      ? smmuAssign(xen, xen.smmu!, slot, device)
      : smmuV3Assign(xen, xen.smmuv3, slot, device);
  if (status === 0) xen.device.owner.set(device, slot + 1);
  return status;
}

/**
 * iommu_deassign_dt_device: the device is nobody's afterwards (reassign to no domain, dossier §6.7). -EINVAL without a
 * context, where contexts are declared, or for a device that is not behind an IOMMU; or what the driver says of one that
 * the domain does not have.
 */
export function deassignDtDevice(xen: Xen, slot: number, device: number): number {
  const late = xen.profile.iommuContext === 'at-first-assignment';
  if (!(late || hasIommu(xen, slot)) || !isProtected(xen, device)) return -Errno.EINVAL;
  const status =
    xen.smmuv3 === undefined
      ? smmuDeassign(xen, xen.smmu!, slot, device)
      : smmuV3Deassign(xen, xen.smmuv3, slot, device);
  if (status === 0) xen.device.owner.set(device, 0);
  return status;
}

/** iommu_release_dt_devices: a dying domain's devices leave. The first that does not stops it (dossier §6.6). */
export function releaseDtDevices(xen: Xen, slot: number): number {
  for (let device = 0; device < xen.spec.devices.length; device++) {
    const status = deviceOwner(xen, device) === slot ? deassignDtDevice(xen, slot, device) : 0;
    if (status !== 0) return status;
  }
  return 0;
}
