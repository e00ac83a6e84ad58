import { activeRow } from '../../xen/grant-active.js';
import { grantEntryCount, isVersion2 } from '../../xen/grant-frames.js';
import { maxGrantVersion, RESERVED_ENTRIES } from '../../xen/grant-version.js';
import { ladder, type Rung } from '../rule.js';
import type { Situation } from '../situation.js';
import { isAlive, NO_POLICY } from './grants.js';

const isVersion = (s: Situation): boolean => [1, 2].includes(s.number('version', 0));
const wantsTwo = (s: Situation): boolean => s.number('version', 0) === 2;
const isAlready = (s: Situation): boolean => isVersion2(s.xen, s.slot) === wantsTwo(s);

const pinnedBeyondReserved = (s: Situation): boolean => {
  for (let ref = RESERVED_ENTRIES; ref < grantEntryCount(s.xen, s.slot); ref++) {
    if (s.xen.grant.pin.get(activeRow(s.xen, s.slot, ref)) !== 0) return true;
  }
  return false;
};

const SET_VERSION: readonly Rung[] = [
  { row: '', what: 'no version', status: 'EINVAL', fn: 'setGrantVersion', when: (s) => !isVersion(s) },
  {
    row: '',
    what: 'version 2 where it is not to be had',
    status: 'ENOSYS',
    fn: 'setGrantVersion',
    when: (s) => wantsTwo(s) && maxGrantVersion(s.xen, s.slot) === 1,
  },
  {
    row: '',
    what: 'an entry is in use',
    status: 'EBUSY',
    fn: 'setGrantVersion',
    when: (s) => !isAlready(s) && pinnedBeyondReserved(s),
  },
  { row: '', what: 'no memory for statuses', status: 'ENOMEM', fn: 'populateStatusFrames' },
  {
    row: '',
    what: 'operations of version 2 are under way',
    status: 'EAGAIN',
    fn: 'setGrantVersion',
    excuse: 'a copy ends before anything else begins',
  },
  { row: '', what: 'an entry without a form in version 1', status: 'ERANGE', fn: 'toVersion1' },
  { row: '', what: 'the version is set', status: 'ok', fn: 'setGrantVersion' },
];

const bySwitch = (s: Situation): boolean => s.xen.spec.gnttab?.noTransfer ?? false;

const TRANSFER: readonly Rung[] = [
  {
    row: '',
    what: 'switched off',
    status: 'EOPNOTSUPP',
    fn: 'grantTransfer',
    by: { transferOption: 'known' },
    when: (s) => s.profile.transferOption === 'known' && (bySwitch(s) || s.xen.spec.arch === 'arm'),
  },
  { row: '', what: 'no page of the giver’s alone', status: 'bad_page', fn: 'grantTransfer' },
  { row: '', what: 'nobody takes it', status: 'bad_domain', fn: 'grantTransfer' },
  {
    row: '',
    what: 'the policy forbids it',
    status: 'permission_denied',
    fn: 'grantTransfer',
    excuse: NO_POLICY,
  },
  { row: '', what: 'beyond version 1', status: 'address_too_big', fn: 'belowClamp' },
  { row: '', what: 'no room, or nobody accepts it', status: 'general_error', fn: 'grantTransfer' },
  { row: '', what: 'the page is given', status: 'ok', fn: 'complete' },
];

const COPY: readonly Rung[] = [
  {
    row: '',
    what: 'a frame of a domain that is named',
    status: 'permission_denied',
    fn: 'nameDomain',
    when: (s) =>
      !(s.profile.emptyCopy === 'ignored' && s.number('length', 4) === 0) &&
      !s.said('from_ref') &&
      s.said('from_domain'),
  },
  { row: '', what: 'a grant of nobody’s, or of the dying', status: 'bad_domain', fn: 'nameDomain' },
  { row: '', what: 'a reference beyond the table', status: 'bad_gntref', fn: 'acquireForCopy' },
  { row: '', what: 'no page', status: 'bad_page', fn: 'claim' },
  { row: '', what: 'paged out', status: 'eagain', fn: 'claim', excuse: 'there is no paging' },
  { row: '', what: 'beyond a page', status: 'bad_copy_arg', fn: 'copyBytes' },
  { row: '', what: 'what is not offered, or a page table', status: 'general_error', fn: 'acquireForCopy' },
  { row: '', what: 'the bytes are copied', status: 'ok', fn: 'copyBytes' },
];

const SWAP: readonly Rung[] = [
  { row: '', what: 'beyond the table', status: 'bad_gntref', fn: 'swapGrantRefs' },
  { row: '', what: 'in use', status: 'eagain', fn: 'swapGrantRefs' },
  { row: '', what: 'two entries', status: 'ok', fn: 'swapGrantRefs' },
];

const CACHE_FLUSH: readonly Rung[] = [
  {
    row: '',
    what: 'on x86',
    status: 'ENOSYS',
    fn: 'grantCacheFlush',
    by: { x86CacheFlush: 'ENOSYS' },
    when: (s) => s.xen.spec.arch === 'x86' && s.profile.x86CacheFlush === 'ENOSYS',
  },
  { row: '', what: 'a part that is none, or another’s page', status: 'EINVAL', fn: 'grantCacheFlush' },
  { row: '', what: 'a page of nobody’s', status: 'EPERM', fn: 'grantCacheFlush' },
  { row: '', what: 'one’s own, or mapped', status: 'ok', fn: 'grantCacheFlush' },
];

/** Copies, transfers, and the tables themselves: dossier §5.6. */
export const GRANT_TABLES = [
  ...ladder('§5.6', 'grant_transfer', 'transfer', TRANSFER, { applies: isAlive }),
  ...ladder('§5.6', 'grant_copy', 'copy', COPY, { applies: isAlive }),
  ...ladder('§5.6', 'swap_grant_ref', 'swap', SWAP, { applies: isAlive }),
  ...ladder('§5.6', 'grant_set_version', 'set_version', SET_VERSION, { applies: isAlive }),
  ...ladder('§5.6', 'grant_cache_flush', 'cache_flush', CACHE_FLUSH, { applies: isAlive }),
];
