/** Domids that Xen keeps for domains of its own. */
export const DOMID_IO = 0x7ff1;
export const DOMID_XEN = 0x7ff2;
/** The domid that no domain has; test_assign_device takes it to ask for no domain in particular. */
export const DOMID_INVALID = 0x7ff4;
/** What stands for a slot where {@link DOMID_INVALID} is named. */
export const NOBODY = -2;
