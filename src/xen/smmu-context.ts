import { Errno } from './errno.js';
import { Kind, type Xen } from './state.js';

/**
 * Leads the device's stream to its new domain's context bank. The last device to leave a bank switches it off, which
 * forgets what was translated through it.
 */
export function switchSmmu(xen: Xen, device: number, target: number): number {
  const smmu = xen.smmu;
  if (smmu === undefined) return -Errno.ENODEV;
  if (target >= 0 && xen.domain.kind.get(target) !== Kind.arm) return -Errno.EINVAL;
  const bank = target < 0 ? -1 : smmu.bankFor(xen.ram.frameAt(xen.domain.p2mRoot.get(target) - 1));
  if (target >= 0 && bank < 0) return -Errno.ENOSPC;
  const left = smmu.bankOfRow(device);
  smmu.setStream(device, xen.spec.devices[device]!.requester, bank);
  if (left >= 0) smmu.releaseBankIfUnused(left);
  return 0;
}
