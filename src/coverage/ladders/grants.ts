import {
  GNTMAP,
  GrantType,
  GTF_READONLY,
  GTF_SUB_PAGE,
  GTF_TYPE_MASK,
  grantDomid,
  grantFlags,
} from '../../formats/grant-v1.js';
import { grantMapFlags } from '../../program/handlers/grants.js';
import { activeRow, pinIsFull, pinsOf } from '../../xen/grant-active.js';
import { grantEntryWord } from '../../xen/grant-entry.js';
import { grantEntryCount, isVersion2 } from '../../xen/grant-frames.js';
import { grantRefOf } from '../../xen/maptrack.js';
import { ladder, type Rung } from '../rule.js';
import type { Situation } from '../situation.js';

const refOf = (s: Situation): number => s.number('ref', 0);
const granterOf = (s: Situation): number => s.slotOf('granter');
const refIsIn = (s: Situation): boolean => refOf(s) >= 0 && refOf(s) < grantEntryCount(s.xen, granterOf(s));
const row = (s: Situation): number => activeRow(s.xen, granterOf(s), refOf(s));
const pinOf = (s: Situation): number => s.xen.grant.pin.get(row(s));
const isExternal = (s: Situation): boolean => s.xen.isTranslated(s.slot);
export const isAlive = (s: Situation): boolean => s.domain === 'dom0' || s.domain === 'guest';
const writes = (s: Situation): boolean => !s.has('readonly');

const NOT_FOR_TRANSLATED = GNTMAP.device | GNTMAP.application | GNTMAP.containsPte;

const noHandle = (s: Situation): boolean => {
  const { handles } = s.xen.spec.limits;
  for (let i = 0; i < handles; i++) if (s.xen.maptrack.flags.get(s.slot * handles + i) === 0) return false;
  return true;
};

const word = (s: Situation): number => grantEntryWord(s.xen, granterOf(s), refOf(s));
/** A mapping wants a whole page; up to 4.14 a transitive entry, which names none, passed for one (b339e3a976). */
const isOffered = (s: Situation): boolean => {
  const asked = grantFlags(word(s)) & (GTF_TYPE_MASK | GTF_SUB_PAGE);
  if (asked === GrantType.PERMIT_ACCESS) return true;
  const asFullPage = s.profile.transitiveMap === 'as-full-page' && isVersion2(s.xen, granterOf(s));
  return asked === GrantType.TRANSITIVE && asFullPage;
};
const isPart = (s: Situation): boolean => isNotOffered(s) && (grantFlags(word(s)) & GTF_SUB_PAGE) !== 0;

const isNotOffered = (s: Situation): boolean => pinOf(s) === 0 && !isOffered(s);
const isForAnother = (s: Situation): boolean =>
  pinOf(s) === 0 && grantDomid(word(s)) !== s.xen.domidOf(s.slot);
const isReadOnly = (s: Situation): boolean => writes(s) && (grantFlags(word(s)) & GTF_READONLY) !== 0;

export const NO_POLICY = 'there is no policy (XSM)';

const MAP: readonly Rung[] = [
  {
    row: '#1',
    what: 'neither host nor device mapping',
    status: 'bad_gntref',
    fn: 'mapGrantRef',
    excuse: 'a statement that names neither asks for a host mapping',
  },
  {
    row: '#2',
    what: 'a device, application or page-table-entry mapping by a translated domain',
    status: 'general_error',
    fn: 'mapGrantRef',
    when: (s) => isExternal(s) && (grantMapFlags(s.args) & NOT_FOR_TRANSLATED) !== 0,
  },
  {
    row: '#3',
    what: 'unknown granter',
    status: 'bad_domain',
    fn: 'mapGrantRef',
    when: (s) => !s.xen.exists(granterOf(s)),
  },
  {
    row: '#4',
    what: 'the policy forbids it',
    status: 'permission_denied',
    fn: 'mapGrantRef',
    excuse: NO_POLICY,
  },
  {
    row: '#5',
    what: 'maptrack is full (up to 4.15)',
    status: 'no_device_space',
    fn: 'mapGrantRef',
    by: { noHandleStatus: 'no_device_space' },
    when: noHandle,
  },
  {
    row: '#5',
    what: 'maptrack is full',
    status: 'no_space',
    fn: 'mapGrantRef',
    by: { noHandleStatus: 'no_space' },
    when: noHandle,
  },
  {
    row: '#6',
    what: 'reference beyond the table',
    status: 'bad_gntref',
    fn: 'mapGrantRef',
    when: (s) => !refIsIn(s),
  },
  {
    row: '#7',
    what: 'pinned by another domain',
    status: 'general_error',
    fn: 'mapGrantRef',
    when: (s) => pinOf(s) !== 0 && s.xen.grant.grantee.get(row(s)) !== s.slot + 1,
  },
  {
    row: '#7',
    what: 'a pin count would overflow',
    status: 'general_error',
    fn: 'isTaken',
    when: (s) => pinOf(s) !== 0 && pinIsFull(s.xen, pinOf(s), pinsOf(grantMapFlags(s.args))),
  },
  {
    row: '#7',
    what: 'pinned by a copy as a part of a page',
    status: 'general_error',
    fn: 'isTaken',
    excuse: 'a copy’s pins are gone when it ends',
  },
  {
    row: '#8',
    what: 'the entry does not offer it (XSA-316)',
    status: 'status 1',
    fn: 'pinEntry',
    by: { refusedMapStatus: 'one' },
    when: (s) => isNotOffered(s) || isForAnother(s) || isReadOnly(s),
  },
  { row: '#8', what: 'a part of a page is offered', status: 'general_error', fn: 'claimEntry', when: isPart },
  { row: '#8', what: 'nothing is offered', status: 'general_error', fn: 'claimEntry', when: isNotOffered },
  {
    row: '#8',
    what: 'offered to another domain',
    status: 'general_error',
    fn: 'claimEntry',
    when: isForAnother,
  },
  {
    row: '#8',
    what: 'a write mapping of a read-only offer',
    status: 'general_error',
    fn: 'claimEntry',
    when: isReadOnly,
  },
  {
    row: '#8',
    what: 'the granter’s kernel changes the entry five times meanwhile',
    status: 'general_error',
    fn: 'claimEntry',
    excuse: 'no other vCPU runs within a step',
  },
  {
    row: '#8',
    what: 'the page is paged out',
    status: 'eagain',
    fn: 'claimEntry',
    excuse: 'there is no paging',
  },
  { row: '#8', what: 'the page is not the granter’s', status: 'bad_page', fn: 'claimEntry' },
  {
    row: '#10',
    what: 'device memory without the right to it',
    status: 'general_error',
    fn: 'mapPinned',
    excuse: 'a frame of a device is bad_page before (docs/disagreements.md)',
  },
  {
    row: '#11',
    what: 'a reference on the page cannot be had',
    status: 'general_error',
    fn: 'takeReferences',
  },
  {
    row: '#11',
    what: 'there is no such place in the mapper’s page tables',
    status: 'general_error',
    fn: 'addHostMapping',
  },
  { row: '#12', what: 'the IOMMU step fails', status: 'general_error', fn: 'grantIommuMap' },
  { row: '#13', what: 'read-only', status: 'ok', fn: 'mapGrantRef', when: (s) => !writes(s) },
  { row: '#13', what: 'read-write', status: 'ok', fn: 'mapGrantRef', when: writes },
];

const UNMAP: readonly Rung[] = [
  {
    row: '',
    what: 'a handle that there is not',
    status: 'bad_handle',
    fn: 'unmapPass',
    when: (s) => !hasHandle(s),
  },
  {
    row: '',
    what: 'the granter is gone: the caller is crashed',
    status: 'general_error',
    fn: 'crashFor',
    when: (s) => !s.xen.exists(handleGranter(s)),
  },
  {
    row: '',
    what: 'the policy forbids it',
    status: 'permission_denied',
    fn: 'unmapPass',
    excuse: NO_POLICY,
  },
  {
    row: '',
    what: 'another bus address (up to 4.15)',
    status: 'general_error',
    fn: 'unmapPass',
    by: { badDevBusAddr: 'general_error' },
    when: otherAddress,
  },
  {
    row: '',
    what: 'another bus address of a device mapping',
    status: 'bad_dev_addr',
    fn: 'unmapPass',
    by: { badDevBusAddr: 'bad_dev_addr' },
    when: (s) => otherAddress(s) && (handleFlags(s) & GNTMAP.device) !== 0,
  },
  {
    row: '',
    what: 'it is not mapped where the caller says',
    status: 'general_error',
    fn: 'replaceHostMapping',
  },
  {
    row: '',
    what: 'the IOMMU step fails, the host mapping being gone',
    status: 'general_error',
    fn: 'grantIommuUnmap',
  },
  {
    row: '',
    what: 'one of two mappings',
    status: 'ok',
    fn: 'unmapPass',
    when: (s) => (handleFlags(s) & 3) === 3 && s.has('host') !== s.has('device'),
  },
  { row: '', what: 'the handle is released', status: 'ok', fn: 'unmapPass' },
];

function handleRow(s: Situation): number {
  const handle = s.args.handle();
  const { handles } = s.xen.spec.limits;
  return handle < 0 || handle >= handles ? -1 : s.slot * handles + handle;
}

function handleGranter(s: Situation): number {
  const at = handleRow(s);
  return at < 0 ? -1 : s.xen.maptrack.granter.get(at) - 1;
}

function handleFlags(s: Situation): number {
  const at = handleRow(s);
  return at < 0 ? 0 : s.xen.maptrack.flags.get(at);
}

const hasHandle = (s: Situation): boolean => handleFlags(s) !== 0;

function otherAddress(s: Situation): boolean {
  if (!s.said('dev_bus_addr')) return false;
  const at = handleRow(s);
  const { maptrack, grant, ram } = s.xen;
  const active = activeRow(s.xen, maptrack.granter.get(at) - 1, grantRefOf(s.xen, at));
  return s.args.frame('dev_bus_addr') !== ram.frameAt(grant.frame.get(active) - 1);
}

const REPLACE: readonly Rung[] = [
  {
    row: '',
    what: 'a handle that there is not',
    status: 'bad_handle',
    fn: 'unmapPass',
    when: (s) => !hasHandle(s),
  },
  {
    row: '',
    what: 'a translated mapper, or another place',
    status: 'general_error',
    fn: 'replaceHostMapping',
  },
  { row: '', what: 'the mapping is replaced', status: 'ok', fn: 'replaceHostMapping' },
];

/** Grants: dossier §5.2 and §5.5. */
export const GRANTS = [
  ...ladder('§5.2', 'map_grant_ref', 'map', MAP, { applies: (s) => isAlive(s) && granterOf(s) !== -1 }),
  ...ladder('§5.5', 'unmap_grant_ref', 'unmap', UNMAP, { applies: isAlive }),
  ...ladder('§5.5', 'unmap_and_replace', 'replace', REPLACE, { applies: isAlive }),
];
