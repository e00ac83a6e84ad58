import { deviceCount } from './devices.js';
import { Errno } from './errno.js';
import { allocXenFrame, freeXenFrame } from './frames.js';
import { hasIommu } from './iommu-map.js';
import type { Xen } from './state.js';
import { Kind } from './tables/domain.js';

/**
 * What devices and tricks with a domain's memory do to each other (dossier §6.1 #10 and below): a device's accesses cannot
 * be stopped and tried again, so a domain has one or the other. Each is looked at when the other is asked for.
 */

/** `domain.logDirty`: writes are logged, by shadow paging alone or by the types of the whole p2m. */
export const LogDirty = { off: 0, shadow: 1, global: 2 } as const;

/**
 * arch_iommu_use_permitted: whether a domain may have devices as far as its memory is concerned. dom_io always, and on Arm
 * everybody. 4.11 looks only before the domain has a context.
 */
export function maySeeDevices(xen: Xen, slot: number): boolean {
  if (slot === xen.domIo || xen.spec.arch === 'arm') return true;
  const { assignExclusions, podExclusion } = xen.profile;
  if (assignExclusions === 'before-context' && hasIommu(xen, slot)) return true;
  const { sharingEnabled, pagingEnabled, logDirty, podEntries } = xen.domain;
  if (sharingEnabled.get(slot) !== 0 || pagingEnabled.get(slot) !== 0) return false;
  if (podExclusion === 'yes' && podEntries.get(slot) !== 0) return false;
  if (xen.profile.logDirtyWithDevices === 'allowed') return true;
  return logDirty.get(slot) !== LogDirty.global;
}

/** What keeps populate-on-demand from a domain since 4.17: -ENOTEMPTY when it has devices (ad4312d764e8). */
export function podRefusal(xen: Xen, slot: number): number {
  return xen.profile.podExclusion === 'yes' && deviceCount(xen, slot) > 0 ? -Errno.ENOTEMPTY : 0;
}

/**
 * XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY: -ESRCH, -ENOSYS on Arm, -EINVAL for the caller itself and, since 4.18, for a dying
 * domain, which is ignored before; -EINVAL while devices would not be seen writing, and when it is on already. Only with
 * HAP is it a matter of the whole p2m's types, which later keeps devices away.
 */
export function enableLogDirty(xen: Xen, caller: number, slot: number): number {
  const refused = pagingOpRefusal(xen, caller, slot);
  if (refused !== 0) return Math.min(refused, 0);
  if (xen.profile.logDirtyWithDevices === 'refused' && excludesLogDirty(xen, slot)) return -Errno.EINVAL;
  if (xen.domain.logDirty.get(slot) !== LogDirty.off) return -Errno.EINVAL;
  if (!keepBitmap(xen, slot)) return -Errno.ENOMEM;
  xen.domain.logDirty.set(slot, hasHap(xen, slot) ? LogDirty.global : LogDirty.shadow);
  return 0;
}

/**
 * A frame for the bitmap, which is Xen's own. Up to 4.10 it was noted as the domain's, as pages of the shadow pool were
 * (ff2a793e15, XSA-248). False when there is no memory.
 */
function keepBitmap(xen: Xen, slot: number): boolean {
  const pdx = allocXenFrame(xen);
  if (pdx < 0) return false;
  xen.domain.logDirtyFrame.set(slot, pdx + 1);
  if (xen.profile.internalPages === 'guest') {
    xen.frame.owner.set(pdx, slot + 1);
    xen.frame.countInfo.set(pdx, 1);
  }
  return true;
}

/** The bitmap goes with the mode, or with the domain. */
export function dropBitmap(xen: Xen, slot: number): void {
  const pdx = xen.domain.logDirtyFrame.get(slot) - 1;
  if (pdx < 0) return;
  xen.domain.logDirtyFrame.set(slot, 0);
  freeXenFrame(xen, pdx);
}

/** Whether something in the domain would write pages that log-dirty does not see. */
function excludesLogDirty(xen: Xen, slot: number): boolean {
  return xen.profile.logDirtyExcludedBy === 'mappings' ? hasIommu(xen, slot) : deviceCount(xen, slot) > 0;
}

/** XEN_DOMCTL_SHADOW_OP_OFF: ends it; no error when it is off. */
export function disableLogDirty(xen: Xen, caller: number, slot: number): number {
  const refused = pagingOpRefusal(xen, caller, slot);
  if (refused !== 0) return Math.min(refused, 0);
  xen.domain.logDirty.set(slot, LogDirty.off);
  dropBitmap(xen, slot);
  return 0;
}

/** Nothing is done, and the answer is 0. */
const IGNORED = 1;

/** paging_domctl's checks: an errno, {@link IGNORED}, or 0 to go on. */
function pagingOpRefusal(xen: Xen, caller: number, slot: number): number {
  if (!xen.exists(slot)) return -Errno.ESRCH;
  if (xen.spec.arch === 'arm') return -Errno.ENOSYS;
  if (slot === caller) return -Errno.EINVAL;
  if (!xen.isDying(slot)) return 0;
  return xen.profile.dyingPagingOp === 'EINVAL' ? -Errno.EINVAL : IGNORED;
}

const hasHap = (xen: Xen, slot: number): boolean =>
  xen.domain.kind.get(slot) === Kind.hvm && xen.domain.hap.get(slot) !== 0;

/**
 * XEN_DOMCTL_VM_EVENT_OP_PAGING, enable: -EINVAL for the caller itself, nothing for a dying domain; -ENODEV without HAP;
 * -EMLINK when the domain has a context (from 4.13 on: declared one, devices or not); -EXDEV for one populated on demand;
 * -EBUSY when it is on already. Xen is built with it.
 */
export function enablePaging(xen: Xen, caller: number, slot: number): number {
  const refused = vmEventRefusal(xen, caller, slot);
  if (refused !== 0) return Math.min(refused, 0);
  if (!hasHap(xen, slot)) return -Errno.ENODEV;
  if (hasIommu(xen, slot)) return -Errno.EMLINK;
  if (xen.domain.podEntries.get(slot) !== 0) return -Errno.EXDEV;
  if (xen.domain.pagingEnabled.get(slot) !== 0) return -Errno.EBUSY;
  xen.domain.pagingEnabled.set(slot, 1);
  return 0;
}

/** The same, disable: -EINVAL when it is off. */
export function disablePaging(xen: Xen, caller: number, slot: number): number {
  const refused = vmEventRefusal(xen, caller, slot);
  if (refused !== 0) return Math.min(refused, 0);
  if (xen.domain.pagingEnabled.get(slot) === 0) return -Errno.EINVAL;
  xen.domain.pagingEnabled.set(slot, 0);
  return 0;
}

function vmEventRefusal(xen: Xen, caller: number, slot: number): number {
  if (!xen.exists(slot)) return -Errno.ESRCH;
  if (slot === caller) return -Errno.EINVAL;
  if (xen.isDying(slot)) return IGNORED;
  return xen.spec.arch === 'arm' ? -Errno.ENOSYS : 0;
}

/**
 * XEN_DOMCTL_MEM_SHARING_CONTROL: on is -EXDEV for a domain with a context. Up to 4.13 HAP is asked for in both
 * directions, else -ENODEV; since then a domain that is not HVM, or a processor that is not Intel's, is -EOPNOTSUPP before
 * that, and off is always granted (b66e28226dd9). Nobody asks whether the domain is dying. Xen is built with it.
 */
export function setSharing(xen: Xen, slot: number, enable: boolean): number {
  if (!xen.exists(slot)) return -Errno.ESRCH;
  if (xen.spec.arch === 'arm') return -Errno.ENOSYS;
  const needsVmx = xen.profile.sharingNeeds === 'vmx';
  if (needsVmx && enable && (xen.domain.kind.get(slot) !== Kind.hvm || xen.amdvi !== undefined)) {
    return -Errno.EOPNOTSUPP;
  }
  if ((!needsVmx || enable) && !hasHap(xen, slot)) return -Errno.ENODEV;
  if (enable && hasIommu(xen, slot)) return -Errno.EXDEV;
  xen.domain.sharingEnabled.set(slot, enable ? 1 : 0);
  return 0;
}
