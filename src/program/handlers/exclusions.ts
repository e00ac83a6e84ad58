import { TOOLSTACK } from '../../xen/calls/steps.js';
import {
  disableLogDirty,
  disablePaging,
  enableLogDirty,
  enablePaging,
  setSharing,
} from '../../xen/exclusions.js';
import { errno, type Handlers } from './handler.js';

/** What excludes devices. */
export const EXCLUSION_HANDLERS: Handlers = {
  enable_log_dirty: (xen, args) => errno(enableLogDirty(xen, TOOLSTACK, args.domain())),
  disable_log_dirty: (xen, args) => errno(disableLogDirty(xen, TOOLSTACK, args.domain())),
  mem_paging_enable: (xen, args) => errno(enablePaging(xen, TOOLSTACK, args.domain())),
  mem_paging_disable: (xen, args) => errno(disablePaging(xen, TOOLSTACK, args.domain())),
  mem_sharing_enable: (xen, args) => errno(setSharing(xen, args.domain(), true)),
  mem_sharing_disable: (xen, args) => errno(setSharing(xen, args.domain(), false)),
};
