import { Errno } from '../xen/errno.js';

/** Errnos as C libraries spell them, by which tools in dom0 print what the hypervisor returned (strerror(3)). */
const SPELLINGS: Readonly<Record<string, keyof typeof Errno>> = {
  'Operation not permitted': 'EPERM',
  'No such file or directory': 'ENOENT',
  'No such process': 'ESRCH',
  'Interrupted system call': 'EINTR',
  'No such device or address': 'ENXIO',
  'Argument list too long': 'E2BIG',
  'Bad file descriptor': 'EBADF',
  'Resource temporarily unavailable': 'EAGAIN',
  'Cannot allocate memory': 'ENOMEM',
  'Permission denied': 'EACCES',
  'Bad address': 'EFAULT',
  'Device or resource busy': 'EBUSY',
  'File exists': 'EEXIST',
  'Invalid cross-device link': 'EXDEV',
  'No such device': 'ENODEV',
  'Invalid argument': 'EINVAL',
  'No space left on device': 'ENOSPC',
  'Too many links': 'EMLINK',
  'Numerical result out of range': 'ERANGE',
  'Function not implemented': 'ENOSYS',
  'Directory not empty': 'ENOTEMPTY',
  'No data available': 'ENODATA',
  'Invalid or incomplete multibyte or wide character': 'EILSEQ',
  'Interrupted system call should be restarted': 'ERESTART',
  'Operation not supported': 'EOPNOTSUPP',
  'Address already in use': 'EADDRINUSE',
  'Connection timed out': 'ETIMEDOUT',
  // musl's words where they differ (Alpine's dom0).
  'Resource busy': 'EBUSY',
  'Out of memory': 'ENOMEM',
  'Cross-device link': 'EXDEV',
  'Result not representable': 'ERANGE',
  'Not supported': 'EOPNOTSUPP',
  'Address in use': 'EADDRINUSE',
  'Operation timed out': 'ETIMEDOUT',
};

/** What hypercalls of assignment and mapping mean by an errno (dossier §0, §6); in our words. */
const MEANINGS: Readonly<Partial<Record<keyof typeof Errno, string>>> = {
  EPERM: 'not allowed for this caller',
  ESRCH: 'no such domain',
  E2BIG: 'more than the limit',
  ENOMEM: 'no memory left for it',
  EBUSY: 'in use by somebody else',
  EEXIST: 'there already',
  EXDEV: 'mappings or reserved regions stand in the way',
  ENODEV: 'no such device, or none that the IOMMU covers',
  EINVAL: 'the request makes no sense as things are',
  ENOSYS: 'not built in, or switched off: usually the IOMMU',
  EOPNOTSUPP: 'not supported here: the IOMMU is off, or the domain has no context of it',
};

export interface ErrnoName {
  /** Negative, as hypercalls return it. */
  readonly status: number;
  readonly name: string;
  /** In our words; empty where the name says it all. */
  readonly meaning: string;
}

const BY_STATUS = new Map(
  Object.entries(Errno).map(([name, value]): [number, ErrnoName] => [
    -value,
    { status: -value, name, meaning: MEANINGS[name as keyof typeof Errno] ?? '' },
  ]),
);

/** An errno by its number, of either sign; undefined where Xen has no such errno. */
export function errnoOf(status: number): ErrnoName | undefined {
  return BY_STATUS.get(-Math.abs(status));
}

/** An errno by strerror's text, perhaps behind a colon: `: Operation not supported`; undefined where it is none. */
export function errnoSpelled(text: string): ErrnoName | undefined {
  const spelled = text.replace(/^[\s:]{0,8}/, '').replace(/[\s.]{0,8}$/, '');
  const name = Object.hasOwn(SPELLINGS, spelled) ? SPELLINGS[spelled] : undefined;
  return name === undefined ? undefined : BY_STATUS.get(-Errno[name]);
}

/** `EINVAL (-22): the request makes no sense …` */
export function errnoInWords(status: number): string {
  const known = errnoOf(status);
  if (known === undefined) return `errno ${status}`;
  return known.meaning === ''
    ? `${known.name} (${known.status})`
    : `${known.name} (${known.status}): ${known.meaning}`;
}
