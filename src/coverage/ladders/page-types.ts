import { PGT } from '../../formats/x86-page-info.js';
import { isHeldByAllocationOnly } from '../../xen/frames.js';
import { isPageTable } from '../../xen/page-info.js';
import { ladder, type Rung } from '../rule.js';
import type { Situation } from '../situation.js';

const translated = (s: Situation): boolean => s.xen.isTranslated(s.slot);
const exists = (s: Situation): boolean => s.domain !== 'none' && s.domain !== 'dom_io';
const notOwn = (s: Situation): boolean => s.page !== 'own';

const TYPE_OF: Readonly<Record<string, number>> = {
  pin_l1_table: PGT.l1,
  pin_l2_table: PGT.l2,
  pin_l3_table: PGT.l3,
  pin_l4_table: PGT.l4,
};

const PIN: readonly Rung[] = [
  { row: '', what: 'of a translated domain', status: 'ENOSYS', fn: 'pinTable', when: translated },
  {
    row: 'get_page',
    what: 'a page that is not the domain’s',
    status: 'EINVAL',
    fn: 'getPageAndType',
    when: notOwn,
  },
  {
    row: '(3)',
    what: 'mapped writable, or another table, in use',
    status: 'EINVAL',
    fn: 'getPageType',
    when: (s) => s.count > 0 && s.type !== TYPE_OF[s.op],
  },
  { row: 'pinned', what: 'already', status: 'EINVAL', fn: 'pinTable', when: (s) => s.pinned },
  {
    row: '(1)',
    what: 'the type count is full',
    status: 'EINVAL',
    fn: 'getPageType',
    excuse: 'it takes more mappings than a program of the model can make',
  },
  {
    row: '(4)',
    what: 'somebody else is validating it',
    status: 'EINTR',
    fn: 'getPageType',
    excuse: 'validation is one step',
  },
  { row: '(7)', what: 'the IOMMU step fails', status: 'ENOMEM', fn: 'iommuFailed' },
  { row: '(9)', what: 'an entry does not validate', status: 'EINVAL', fn: 'validateTable' },
  { row: '(9)', what: 'an L1 entry does not validate', status: 'EBUSY', fn: 'validateTable' },
  {
    row: '(9)',
    what: 'validation is preempted',
    status: 'ERESTART',
    fn: 'validateTable',
    excuse: 'validation is one step',
  },
  {
    row: '(2)',
    what: 'a writable page becomes a table',
    status: 'ok',
    fn: 'getPageType',
    when: (s) => s.type === PGT.writable,
  },
  {
    row: '(5)',
    what: 'one that is in use as such',
    status: 'ok',
    fn: 'getPageType',
    when: (s) => s.count > 0,
  },
  { row: '(2)', what: 'a page of no type, or that was a table', status: 'ok', fn: 'getPageType' },
];

const UNPIN: readonly Rung[] = [
  { row: '', what: 'of a translated domain', status: 'ENOSYS', fn: 'unpinTable', when: translated },
  {
    row: 'get_page',
    what: 'a page that is not the domain’s',
    status: 'EINVAL',
    fn: 'unpinTable',
    when: notOwn,
  },
  { row: 'pinned', what: 'it is not', status: 'EINVAL', fn: 'unpinTable', when: (s) => !s.pinned },
  { row: 'put_type', what: 'the table is given up', status: 'ok', fn: 'unpinTable' },
];

const isForeign = (s: Situation): boolean => s.said('of') && s.slotOf('of') !== s.slot;

const MAP: readonly Rung[] = [
  { row: '', what: 'by a translated domain', status: 'ENOSYS', fn: 'updateVaMapping', when: translated },
  {
    row: '',
    what: 'another’s page, by a guest',
    status: 'EPERM',
    fn: 'updateVaMapping',
    when: (s) => isForeign(s) && s.domain !== 'dom0',
  },
  {
    row: 'get_page',
    what: 'a page that is not the owner’s that was named',
    status: 'EBUSY',
    fn: 'getFromL1Entry',
  },
  {
    row: '(3)',
    what: 'a table in use, writable',
    status: 'EBUSY',
    fn: 'getFromL1Entry',
    when: (s) =>
      s.page === 'own' && isPageTable(s.type) && s.count > 0 && !s.is('rights', 'ro') && !s.said('of'),
  },
  { row: '', what: 'nothing any more', status: 'ok', fn: 'putFromL1Entry', when: (s) => !s.said('page') },
  { row: '', what: 'read-only', status: 'ok', fn: 'getFromL1Entry', when: (s) => s.is('rights', 'ro') },
  { row: '(2)', what: 'writable', status: 'ok', fn: 'getFromL1Entry' },
];

const EXCHANGE: readonly Rung[] = [
  { row: 'steal_page', what: 'of a translated domain', status: 'EOPNOTSUPP', fn: 'memoryExchange' },
  {
    row: 'steal_page',
    what: 'a page that is not the domain’s',
    status: 'EINVAL',
    fn: 'stealPage',
    when: (s) => !translated(s) && notOwn(s),
  },
  {
    row: 'steal_page',
    what: 'somebody holds it',
    status: 'EINVAL',
    fn: 'stealPage',
    when: (s) => !translated(s) && s.pdx >= 0 && !isHeldByAllocationOnly(s.xen, s.pdx),
  },
  { row: '', what: 'no page in its place', status: 'ENOMEM', fn: 'memoryExchange' },
  { row: '', what: 'a page for a page', status: 'ok', fn: 'memoryExchange' },
];

/** Types of PV pages: dossier §3.2. */
export const PAGE_TYPES = [
  ...ladder('§3.2', Object.keys(TYPE_OF), 'pin', PIN, { applies: exists }),
  ...ladder('§3.2', 'unpin_table', 'unpin', UNPIN, { applies: exists }),
  ...ladder('§3.2', 'update_va_mapping', 'map', MAP, {
    applies: (s) => s.domain === 'dom0' || s.domain === 'guest',
  }),
  ...ladder('§3.2', 'memory_exchange', 'exchange', EXCHANGE, { applies: exists }),
];
