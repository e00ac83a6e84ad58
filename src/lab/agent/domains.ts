import {
  CDF_HAP,
  CDF_HVM,
  DOMAININFO,
  DOMCTL,
  DOMINF_DYING,
  EMULATE_LAPIC,
  GNTTAB_LIMITS,
  MAX_VCPUS,
  PAGING_MEMPOOL,
  SHADOW_OP,
  SHADOW_OP_SET_ALLOCATION,
} from './abi/domctl.js';
import { MMUEXT } from './abi/mmu.js';
import { readField } from './abi/structure.js';
import { GETDOMAININFOLIST, SYSCTL } from './abi/sysctl.js';
import type { Dom0 } from './dom0.js';
import { grantFrameMfn } from './grant-entries.js';
import { GUEST_PAGES, Guest } from './guest.js';
import type { Holdings, MadeDomain } from './holdings.js';
import { mmuextOp } from './page-tables.js';
import type { CreateResult } from './protocol.js';
import { populate, setMaxMem } from './reservations.js';

/** Limits of what a domain of the agent may have; a program uses far less. */
const LIMITS = { max_evtchn_port: 1023, max_maptrack_frames: 16 } as const;
const MAX_GRANT_FRAMES = 4;
const MAX_GRANT_VERSION = 2;
const PAGING_POOL_BYTES = 0x10_0000;
/** Frame numbers for the agent's pages, beyond what programs name. */
const HIDDEN_GFN = 0x800_0000;
const DOMAINS_AT_A_TIME = 64;

export interface CreateOptions {
  readonly flags: number;
  readonly iommuOpts: number;
  readonly maxVcpus: number;
  readonly maxPages: number;
  readonly domid: number;
  readonly guest: boolean;
  readonly maxGrantVersion?: number;
  readonly maxGrantFrames?: number;
}

/** Makes a domain and what the agent needs in it; `rc` is what the first refused hypercall said. */
export function createDomain(holdings: Holdings, options: CreateOptions): CreateResult {
  const { dom0 } = holdings;
  const { flags, maxVcpus, maxPages, guest } = options;
  const translated = (flags & CDF_HVM) !== 0;
  const grantFrames = options.maxGrantFrames ?? MAX_GRANT_FRAMES;
  const created = dom0.domctl(DOMCTL.createdomain, options.domid, dom0.abi.createdomain, {
    ...LIMITS,
    max_grant_frames: grantFrames,
    handle_lo: randomWord(),
    handle_hi: randomWord(),
    flags,
    iommu_opts: options.iommuOpts,
    max_vcpus: maxVcpus,
    emulation_flags: translated ? EMULATE_LAPIC : 0,
    grant_opts: options.maxGrantVersion ?? MAX_GRANT_VERSION,
  });
  if (created.rc < 0) return { rc: created.rc, domid: -1, slotTable: -1, ownPages: [] };
  const domid = created.header.get('domain');
  const hiddenPages = translated ? 0 : guest ? GUEST_PAGES : 1;
  const rc =
    negative(maxVcpus === 0 ? 0 : dom0.domctl(DOMCTL.max_vcpus, domid, MAX_VCPUS, { max: maxVcpus }).rc) ||
    negative(setMaxMem(dom0, domid, maxPages + hiddenPages)) ||
    negative(dom0.abi.limitsGrantsLater ? setGrantLimits(dom0, domid, grantFrames) : 0) ||
    negative((flags & CDF_HAP) === 0 ? 0 : setPagingPool(dom0, domid));
  if (rc < 0) {
    dom0.domctl(DOMCTL.destroydomain, domid);
    return { rc, domid: -1, slotTable: -1, ownPages: [] };
  }
  const made = { domid, translated, grantSlots: new Set<number>() };
  let domain: MadeDomain;
  try {
    domain = { ...made, ...hiddenPart(holdings, domid, hiddenPages, guest) };
  } catch (error) {
    dom0.domctl(DOMCTL.destroydomain, domid);
    throw error;
  }
  holdings.domains.set(domid, domain);
  const ownPages = [...domain.ownPages, ...(translated ? [] : framesOfXen(dom0, domid))];
  return { rc: 0, domid, slotTable: domain.slotTable, ownPages };
}

/** Frames that Xen shares with a PV domain from the start: shared_info, and the first of its grant table. */
function framesOfXen(dom0: Dom0, domid: number): number[] {
  const sharedInfo = dom0.reservation(domid)?.sharedInfo;
  const grants = grantFrameMfn(dom0, domid, 0);
  return [...(sharedInfo === undefined ? [] : [sharedInfo]), ...(grants < 0 ? [] : [grants])];
}

/** The agent's pages in a PV domain: the table of its slots, or a whole kernel. @throws Error when Xen refuses. */
function hiddenPart(
  { dom0, windows }: Holdings,
  domid: number,
  count: number,
  asGuest: boolean,
): Pick<MadeDomain, 'slotTable' | 'ownPages' | 'guest'> {
  if (count === 0) return { slotTable: -1, ownPages: [], guest: undefined };
  const { frames } = populate(
    dom0,
    domid,
    Array.from({ length: count }, (_, i) => HIDDEN_GFN + i),
  );
  if (frames.length < count) throw new Error(`Xen has no memory for the agent’s pages in domain ${domid}`);
  if (asGuest) {
    const guest = new Guest(dom0, windows, domid, frames);
    return { slotTable: guest.slotTable, ownPages: frames, guest };
  }
  const rc = mmuextOp(
    dom0,
    [MMUEXT.clear_page, MMUEXT.pin_l1_table].map((cmd) => ({ cmd, mfn: frames[0]! })),
    domid,
  );
  if (rc < 0) throw new Error(`Xen makes no page table in domain ${domid} (errno ${-rc})`);
  return { slotTable: frames[0]!, ownPages: frames, guest: undefined };
}

function setGrantLimits(dom0: Dom0, domid: number, frames: number): number {
  return dom0.domctl(DOMCTL.set_gnttab_limits, domid, GNTTAB_LIMITS, {
    grant_frames: frames,
    maptrack_frames: LIMITS.max_maptrack_frames,
  }).rc;
}

function setPagingPool(dom0: Dom0, domid: number): number {
  return dom0.abi.hasPagingMempool
    ? dom0.domctl(DOMCTL.set_paging_mempool_size, domid, PAGING_MEMPOOL, { size: PAGING_POOL_BYTES }).rc
    : dom0.domctl(DOMCTL.shadow_op, domid, SHADOW_OP, {
        op: SHADOW_OP_SET_ALLOCATION,
        mb: PAGING_POOL_BYTES >>> 20,
      }).rc;
}

/** Takes a domain apart; what the agent maps of it would keep it half alive. */
export function destroyDomain(
  holdings: Holdings,
  domid: number,
): { readonly rc: number; readonly steps: number } {
  holdings.dropMaps(domid);
  const { rc, steps } = holdings.dom0.domctl(DOMCTL.destroydomain, domid);
  return { rc, steps };
}

/** A domain that Xen has. */
export interface ListedDomain {
  readonly domid: number;
  readonly dying: boolean;
  readonly pages: number;
}

/** All domains but dom0. @throws Error when Xen does not list them. */
export function listDomains(dom0: Dom0): ListedDomain[] {
  const bytes = dom0.abi.domainInfoBytes;
  const at = dom0.area.reserve(DOMAINS_AT_A_TIME * bytes);
  const found: ListedDomain[] = [];
  for (let first = 1; ; ) {
    const { rc, body } = dom0.sysctl(SYSCTL.getdomaininfolist, GETDOMAININFOLIST, {
      first_domain: first,
      max_domains: DOMAINS_AT_A_TIME,
      buffer: dom0.area.address + at,
    });
    if (rc < 0) throw new Error(`Xen does not list its domains (errno ${-rc})`);
    const count = body.get('num_domains');
    for (let i = 0; i < count; i++) {
      const info = (field: 'domain' | 'flags' | 'tot_pages') =>
        readField(dom0.area.view, at + i * bytes, DOMAININFO, field);
      found.push({
        domid: info('domain'),
        dying: (info('flags') & DOMINF_DYING) !== 0,
        pages: info('tot_pages'),
      });
    }
    if (count < DOMAINS_AT_A_TIME) return found;
    first = found[found.length - 1]!.domid + 1;
  }
}

const negative = (rc: number): number => Math.min(rc, 0);

const randomWord = (): bigint => BigInt(Math.floor(Math.random() * 2 ** 53));
