/** Numbers of hypercalls. (Xen public/xen.h, __HYPERVISOR_*) */
export const HYPERCALL = {
  mmu_update: 1,
  memory_op: 12,
  update_va_mapping: 14,
  xen_version: 17,
  grant_table_op: 20,
  update_va_mapping_otherdomain: 22,
  mmuext_op: 26,
  sched_op: 29,
  sysctl: 35,
  domctl: 36,
} as const;

/** (Xen public/xen.h, DOMID_*) */
export const DOMID = { self: 0x7ff0, io: 0x7ff1 } as const;

/** (Xen public/version.h, XENVER_*) */
export const XENVER = { version: 0, extraversion: 1 } as const;
export const EXTRAVERSION_BYTES = 16;

/** (Xen public/sched.h, SCHEDOP_*) */
export const SCHEDOP = { yield: 0 } as const;

/** A preempted hypercall that Xen leaves to its caller to repeat; it has no other way out. (Xen public/errno.h) */
export const ERESTART = 85;
