import { errnoOf } from '../errnos.js';
import type { JudgedEvent } from './cause.js';

/** What an errno of XEN_DOMCTL_assign_device says (dossier §6.1, §6.5). */
const MEANINGS: Readonly<Record<string, string>> = {
  EPERM:
    'the device shares a reserved region (RMRR) with others and the policy is strict, it is a host bridge, or the caller may not',
  ESRCH: 'there is no such domain',
  ENOMEM: 'there was no memory for tables; Xen’s heap is full',
  EBUSY: 'another guest has the device, or a reserved region of it lies where the guest has memory',
  EXDEV: 'the guest uses populate-on-demand, paging, sharing or is being migrated',
  ENODEV: 'Xen does not know the device (`xl debug-keys Q`), or no IOMMU unit covers it',
  EINVAL: 'the domain is dying, or the request makes no sense',
  ENOSPC: 'the unit has no domain id left',
  EILSEQ: 'the device’s entry changed underneath: it is behind a bridge with others',
  EADDRINUSE: 'a region that overlaps is mapped for the guest already',
  EOPNOTSUPP: 'the domain has no IOMMU context, or the device is behind a bridge and has a reserved region',
  ENOSYS: 'the IOMMU is off',
  EBADF: 'the device is marked broken: it did not answer before',
  ERESTART: 'somebody else was moving devices; it is tried again',
  ENXIO: 'the bridge before the device was not found, or no SMMU covers it',
};

/** `EBUSY: another guest has the device, …`, of an event whose code is an errno of an assignment; undefined for others. */
export function assignErrno({ reason }: JudgedEvent): string | undefined {
  if (reason?.code == null) return undefined;
  const name = errnoOf(reason.code)?.name;
  const meaning = name === undefined ? undefined : MEANINGS[name];
  return meaning === undefined ? undefined : `${name}: ${meaning}`;
}
