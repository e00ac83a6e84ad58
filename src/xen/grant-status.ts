/** Grant table statuses (dossier §5.1; Xen public/grant_table.h). Negative, like errnos, but numbers of their own. */
export const GNTST = {
  okay: 0,
  general_error: -1,
  bad_domain: -2,
  bad_gntref: -3,
  bad_handle: -4,
  bad_virt_addr: -5,
  bad_dev_addr: -6,
  no_device_space: -7,
  permission_denied: -8,
  bad_page: -9,
  bad_copy_arg: -10,
  address_too_big: -11,
  eagain: -12,
  no_space: -13,
} as const;

/** A hypercall that finds what makes it start over, as often as it starts over: it never answers. */
export const NEVER_ENDS = -1000;

/** A copy that is to start over and says 0: its request has no status of Xen's, and nothing was copied (XSA-318). */
export const DONE_WITHOUT_STATUS = -1002;

/** A map that failed and says 1: no error to a caller that looks for a negative status, and no mapping (XSA-316). */
export const REFUSED_WITH_ONE = -1001;

const STATUS_NAMES = new Map<number, string>([
  ...Object.entries(GNTST).map(([name, value]) => [value, name] as const),
  [NEVER_ENDS, 'never ends'],
  [REFUSED_WITH_ONE, 'status 1'],
  [DONE_WITHOUT_STATUS, 'no status'],
]);

/** `ok` for 0 and positive results, otherwise the status's name. */
export function grantStatusName(status: number): string {
  return status >= 0 ? 'ok' : (STATUS_NAMES.get(status) ?? `grant status ${status}`);
}
