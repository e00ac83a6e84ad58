/** Xen's own errno values (dossier §0). Hypercalls return 0 or a negative errno. */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  ENXIO: 6,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  EINVAL: 22,
  ENOSPC: 28,
  EMLINK: 31,
  ERANGE: 34,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ENODATA: 61,
  EILSEQ: 84,
  ERESTART: 85,
  EOPNOTSUPP: 95,
  EADDRINUSE: 98,
  ETIMEDOUT: 110,
} as const;

const NAMES = new Map<number, string>(Object.entries(Errno).map(([name, value]) => [-value, name]));

/** `ok` for 0 and positive results, otherwise the errno's name. */
export function errnoName(status: number): string {
  return status >= 0 ? 'ok' : (NAMES.get(status) ?? `errno ${-status}`);
}
