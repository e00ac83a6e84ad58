import { Errno } from './errno.js';
import { allocUnitFrame, Flush, iommuFlush, iommuRoot, sharesP2m } from './iommu-map.js';
import { quarantineRoot } from './quarantine.js';
import type { Xen } from './state.js';

/** Points the device's context entry at the target's tables; the translations of the tag before are forgotten. */
export function switchVtd(xen: Xen, device: number, source: number, target: number): number {
  const vtd = xen.vtd!;
  const { requester } = xen.spec.devices[device]!;
  const bus = requester >>> 8;
  if (!vtd.hasContextTable(bus)) {
    const table = allocUnitFrame(xen);
    if (table < 0) return -Errno.ENOMEM;
    vtd.setContextTable(bus, table);
  }
  const did = xen.domidOf(target);
  if (xen.isHardwareDomain(target) && xen.spec.hwdomMode === 'passthrough') {
    vtd.setPassThrough(requester, did);
  } else {
    const root = rootFor(xen, target);
    if (root < 0) return -Errno.ENOMEM;
    if (root === 0) vtd.clearContext(requester);
    else vtd.setContext(requester, root, did);
  }
  if (source >= 0) iommuFlush(xen, source, 0, 0, Flush.all);
  return 0;
}

/** The second-level root for a domain's devices; 0 for no translation at all, -1 when memory is short. */
function rootFor(xen: Xen, slot: number): number {
  if (slot === xen.domIo) return xen.profile.quarantine === 'scratch-read-only' ? quarantineRoot(xen) : 0;
  return sharesP2m(xen, slot) ? xen.ram.frameAt(xen.domain.p2mRoot.get(slot) - 1) : iommuRoot(xen, slot);
}
