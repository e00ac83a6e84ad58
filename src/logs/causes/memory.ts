import { hex } from '../../text/hex.js';
import { errnoOf } from '../errnos.js';
import type { CauseRule, JudgedEvent, World } from './cause.js';
import { belowMaxmem } from './config-check.js';
import { atSamePage, rangeAt, rangeText, where } from './log-world.js';
import { ofLog } from './of-log.js';
import { cause, hints, opposes, settles, shows, suggests, supports } from './weigh.js';

const named = (event: JudgedEvent, ...names: readonly string[]): boolean =>
  event.kind === 'memory' && names.includes(event.reason?.name ?? '');

const DOMID_IO = /DOMID_IO/;

/** What is known of the end of the event's domain. */
function* itsEnd({ domain }: JudgedEvent, { facts }: World) {
  const told = typeof domain === 'number' ? facts.domains.get(domain) : undefined;
  const end = told?.find(({ value }) => /crashed|destroyed/.test(value));
  if (end !== undefined) yield supports(`d${domain} ${end.value} (${where(end)})`);
}

export const PAGE_GONE = cause({
  id: 'page-given-back',
  title:
    'the guest gave the page back (balloon, driver reload, its end) while somebody still used its number',
  prior: 3,
  applies: (event) =>
    named(event, 'page-not-owned', 'grant-frame-refused', 'free-refused', 'page-transfer-refused'),
  *weigh(event, world) {
    if (/^nobody/.test(event.details.owner ?? '')) yield shows('nobody owns the page any more');
    yield* itsEnd(event, world);
    const dma = atSamePage(event, world).find(({ kind }) => kind === 'dma-fault');
    if (dma !== undefined) yield supports(`a device was refused the same page (line ${dma.firstLine})`);
  },
  check: () =>
    'look what the guest’s kernel did then (its console; balloon in `xl list -l`); `xl debug-keys q` lists domains that are dying and keep pages',
});

export const OTHERS_PAGE = cause({
  id: 'page-of-another',
  title:
    'the page belongs to another domain, and was used as if it were one’s own instead of through a grant',
  prior: 2,
  applies: (event) => named(event, 'page-not-owned', 'l1e-refused', 'page-transfer-refused'),
  *weigh(event) {
    const owner = event.details.owner ?? event.details['page owner'];
    if (owner === undefined) return;
    if (DOMID_IO.test(owner) || /^nobody/.test(owner)) yield opposes(`the owner is ${owner}`);
    else if (owner !== `d${event.domain}`) yield shows(`the page’s owner is ${owner}`);
  },
  check: () =>
    'which program maps foreign pages in that domain (xenconsoled, QEMU, a back end)? it must use grants, or foreign mappings with the right domain',
});

export const DEVICE_MEMORY = cause({
  id: 'device-memory-mapped',
  title: 'a kernel maps memory of devices or firmware to which its domain has no right',
  prior: 3,
  applies: (event) => named(event, 'l1e-refused', 'mmio-refused', 'mmio-read-only'),
  *weigh(event, world) {
    const { facts } = world;
    const owner = event.details['page owner'];
    if (owner !== undefined && owner === `d${event.domain}`)
      yield opposes('the page is the domain’s own memory');
    if (owner !== undefined && DOMID_IO.test(owner))
      yield shows('the page’s owner is DOMID_IO, which has all memory of devices');
    if (event.details['pfn is'] !== undefined) yield supports('the page is no memory of a guest');
    const range = rangeAt(world, facts.e820, event.address);
    if (range !== undefined && range.what !== 'usable')
      yield supports(`${hex(event.address!)} is ${range.what}, ${rangeText(range)} (${where(range)})`);
    if (event.domain === 0) yield hints('dom0 probes such ranges at its start, which is harmless');
  },
  check: ({ address }) =>
    `\`grep -i ${address === null ? 'ADDRESS' : (address >> 12n).toString(16)} /proc/iomem\` in dom0 and \`lspci -vv\` say what it is; a guest that may have it needs pci= or iomem= in its config, and a PV guest e820_host=1`,
});

export const STILL_IN_USE = cause({
  id: 'page-in-other-use',
  title:
    'the guest’s kernel makes a page a page table, or a page table memory, while it is mapped in the old way',
  prior: 3,
  applies: (event) =>
    named(
      event,
      'page-type-conflict',
      'page-validation-failed',
      'pin-refused',
      'base-pointer-refused',
      'linear-table-refused',
      'type-count-overflow',
      'l1e-refused',
    ),
  *weigh(event, world) {
    const { 'page is': is, 'wanted as': wanted } = event.details;
    if (is !== undefined && wanted !== undefined)
      yield shows(`the page is ${is}, and was wanted as ${wanted}`);
    const owner = event.details['page owner'];
    if (owner !== undefined && owner !== `d${event.domain}`) yield opposes(`the page’s owner is ${owner}`);
    const others = atSamePage(event, world).filter(({ kind }) => kind === 'memory');
    if (others.length > 0) yield suggests(`line ${others[0]!.firstLine} is about the same page`);
  },
  check: () =>
    'it is the guest kernel’s bug, or a module’s that keeps a writable mapping of page tables (debuggers, live patching, out-of-tree drivers): try another kernel; the frame’s number and `xl debug-keys m`/`h` tell whose it is',
});

export const DMA_TO_TABLE = cause({
  id: 'device-maps-the-page',
  title: 'a device or a grant holds the page writable, so that it cannot become a page table',
  prior: 1,
  applies: (event) => named(event, 'page-type-conflict', 'pin-refused', 'page-validation-failed'),
  *weigh(event, world) {
    const grant = atSamePage(event, world).find(({ reason }) => reason?.name.startsWith('grant'));
    if (grant !== undefined)
      yield supports(`a message about grants names the same page (line ${grant.firstLine})`);
    const dma = atSamePage(event, world).find(({ kind }) => kind === 'dma-fault');
    if (dma !== undefined)
      yield shows(
        `a device was refused this very page (line ${dma.firstLine}): pages of page tables are taken from devices`,
      );
    if (event.details['page is'] === 'writable')
      yield hints('it is writable for somebody, whom the line does not name');
  },
  check: () => '`xl debug-keys g`, then `xl dmesg`: is the frame granted, with a pin count',
});

export const GRANT_DROPPED = cause({
  id: 'grant-mapping-dropped',
  title:
    'a program unmapped, overwrote or forked memory in which it had mapped a grant, and the kernel dropped the entry without unmapping the grant',
  prior: 4,
  applies: (event) => named(event, 'granted-pte-unmapped'),
  *weigh(event, world) {
    yield* itsEnd(event, world);
    const crash = world.facts.other.get('domain-crash');
    if (crash !== undefined)
      yield supports(`Xen crashed the domain for it, as debug builds do (${where(crash)})`);
    if (event.details.owner !== undefined) yield hints(`the grant is ${event.details.owner}’s`);
  },
  check: () =>
    'find who maps grants in this domain through /dev/xen/gntdev (GUI daemon, qemu, blktap, vchan): it must unmap by the same device (munmap of the whole mapping), and not map over it with MAP_FIXED; `xl debug-keys g` lists what stays pinned',
});

export const BALLOON = cause({
  id: 'above-maxmem',
  title:
    'the balloon driver or the toolstack asked for a page more than maxmem allows; seen now and then, and harmless',
  prior: 4,
  applies: (event) => named(event, 'over-allocation'),
  *weigh(event, { config }) {
    if (event.count > 100) yield hints(`${event.count} times: something asks again and again`);
    if (config?.maxmemKib !== undefined) yield hints(`the config’s maxmem is ${config.maxmemKib} KiB`);
    if (event.domain === 0) yield suggests('it is dom0: its limit is dom0_mem=max:');
  },
  check: ({ domain }) =>
    `\`xl list -l ${domain ?? 'DOMAIN'} | grep -i mem\`, \`xl mem-max\`; dom0: \`dom0_mem=SIZE,max:SIZE\` and no autoballoon`,
});

export const NO_MEMORY = cause({
  id: 'out-of-memory',
  title: 'there was no memory left for it',
  prior: 2,
  applies: (event) =>
    named(event, 'allocation-failed', 'map-failed', 'p2m-failed', 'identity-map-refused', 'mmio-map-failed'),
  *weigh(event) {
    if (event.reason?.code === -12) yield settles('the errno is ENOMEM');
    else if (event.reason?.code != null)
      yield opposes(`the errno is ${errnoOf(event.reason.code)?.name ?? event.reason.code}`);
    if (named(event, 'allocation-failed')) yield shows('the line says so');
  },
  check: () =>
    '`xl info | grep free_memory`; IOMMU tables come from the domain’s own reserve since 4.13 (`shadow_memory=` and libxl’s iommu_memkb), and large extents need contiguous memory',
});

export const PLACE_TAKEN = cause({
  id: 'place-taken',
  title: 'something else is mapped there: memory of the guest, a BAR that moved, or a region that overlaps',
  prior: 3,
  applies: (event) =>
    named(event, 'identity-map-refused', 'p2m-move-refused', 'mmio-map-failed', 'p2m-failed', 'map-failed'),
  *weigh(event, world) {
    const { facts } = world;
    const name = event.reason?.code == null ? undefined : errnoOf(event.reason.code)?.name;
    if (name === 'ENOMEM') yield opposes('the errno is ENOMEM');
    if (name === 'EBUSY' || name === 'EEXIST' || name === 'EADDRINUSE' || name === 'EPERM')
      yield shows(`the errno is ${name}`);
    const region = rangeAt(world, facts.reservedRegions, event.address);
    if (region !== undefined)
      yield supports(`${rangeText(region)} is a reserved region of the firmware (${where(region)})`);
    if (named(event, 'identity-map-refused')) yield shows('the line names what is mapped there');
  },
  check: () =>
    'reserved regions: `rdm = "strategy=host,policy=strict"` moves the guest’s memory; BARs: `lspci -vv` in the guest and dom0; `xl debug-keys o` prints what devices reach',
});

const commandErrors = (events: readonly JudgedEvent[]): readonly JudgedEvent[] =>
  events.filter(({ kind }) => kind === 'command-error');

export const UNIT_SILENT = cause({
  id: 'iommu-did-not-answer',
  title: 'the IOMMU or a device with an own TLB (ATS) did not confirm in time',
  prior: 3,
  applies: (event) => named(event, 'flush-failed', 'unmap-failed'),
  *weigh(event, world) {
    const { facts } = world;
    if (event.reason?.code === -110) yield shows('the errno is ETIMEDOUT');
    const [timeout] = ofLog(world, commandErrors);
    if (timeout !== undefined) yield shows(`the unit complains in line ${timeout.firstLine}`);
    if (/(?:^|\s)ats\b/.test(facts.xenCommandLine?.value ?? ''))
      yield supports('ATS is switched on on Xen’s command line');
  },
  check: () =>
    'boot without `ats`; is the device still on the bus (`lspci`); update the firmware; domains that it happens to are crashed, as devices may go on reaching their memory',
});

export const SIDES_DISAGREE = cause({
  id: 'front-and-back-disagree',
  title:
    'front end and back end disagree about a grant: one side took it back, reused it, or read a stale number from the ring',
  prior: 3,
  applies: (event) =>
    named(
      event,
      'grant-reference-invalid',
      'grant-not-given',
      'grant-unstable',
      'grant-handle-invalid',
      'grant-in-use',
      'grant-unmap-refused',
      'grant-map-flags',
      'grant-transitive-refused',
      'grant-copy-refused',
    ),
  *weigh(event, world) {
    yield* itsEnd(event, world);
    if (event.details.flags === '0x0')
      yield supports('the entry is empty: it was never given, or taken back');
    if (event.count > 32) yield hints(`${event.count} times: the connection is broken for good`);
  },
  check: () =>
    'which back end speaks (its vCPU’s domain is in the line) and for whom (the expected domain)? look at both consoles for reconnects, suspend and resume, and at the drivers’ versions; `xl debug-keys g` prints the tables',
});

export const WRITTEN_READ_ONLY = cause({
  id: 'read-only-grant-written',
  title: 'a back end wants to write a page that was granted for reading: the direction of a request is wrong',
  prior: 4,
  applies: (event) => named(event, 'grant-read-only'),
  *weigh() {},
  check: () =>
    'a disk opened read-only that is written, or a driver’s wrong direction: look at the request’s kind in the back end’s log',
});

export const TABLE_LIMIT = cause({
  id: 'grant-limits',
  title: 'the limit of grant frames or of mapped grants is too low for so many devices and queues',
  prior: 4,
  applies: (event) => named(event, 'grant-table-full', 'grant-mappings-full'),
  *weigh(event) {
    const { limit } = event.details;
    if (limit !== undefined) yield shows(`the limit is ${limit} frames`);
  },
  check: (event) =>
    named(event, 'grant-mappings-full')
      ? 'raise `max_maptrack_frames` of the domain that maps (config; for dom0 `gnttab_max_maptrack_frames=` of Xen’s command line)'
      : 'raise `max_grant_frames` in the guest’s config, or `gnttab_max_frames=` on Xen’s command line; fewer queues (`max_queues`) need fewer',
});

export const BACK_END_HOLDS = cause({
  id: 'back-end-holds-pages',
  title:
    'a back end keeps pages of a guest mapped that is gone; the guest stays as a zombie until it lets go',
  prior: 4,
  applies: (event) => named(event, 'grant-still-mapped', 'grant-released', 'domain-dying'),
  *weigh(event, world) {
    yield* itsEnd(event, world);
  },
  check: () =>
    '`xl list` (a domain without a name, state --ps-d); `xl debug-keys g`, then `xl dmesg`: who maps them; end or restart that back end (QEMU, blktap, xenconsoled)',
});

export const GRANT_OF_DEVICE = cause({
  id: 'grant-of-device-memory',
  title: 'memory of a device was granted, which HVM guests and domains without the right cannot map',
  prior: 4,
  applies: (event) => named(event, 'grant-iomem-refused'),
  *weigh() {},
  check: () =>
    'the granter must have the range (iomem= or pci=), and the mapper be PV; else copy through memory',
});

export const POD = cause({
  id: 'balloon-too-late',
  title: 'the guest started with less memory than maxmem and touched more before its balloon driver ran',
  prior: 4,
  applies: (event) => named(event, 'pod-exhausted'),
  weigh: (_, world) => belowMaxmem(world),
  check: () =>
    'set memory and maxmem to the same amount, or give the guest’s kernel its balloon driver at start (xen-balloon built in)',
});

export const KERNEL_BITS = cause({
  id: 'guest-kernel-entries',
  title: 'the guest’s kernel sets bits or slots of page tables that are Xen’s or unknown to it',
  prior: 3,
  applies: (event) => named(event, 'entry-flags-refused', 'xen-area-refused', 'cache-attributes-refused'),
  *weigh(event) {
    const { flags } = event.details;
    if (flags !== undefined) yield hints(`the bits are ${flags}`);
  },
  check: () =>
    'try another kernel, and without out-of-tree modules; debug builds say this where others stay silent',
});

export const TRANSFER_FULL = cause({
  id: 'transfer-refused',
  title: 'the domain that was to get the page is full or dying, or the page is in use',
  prior: 3,
  applies: (event) => named(event, 'grant-transfer-refused', 'grant-version-refused'),
  *weigh(event, world) {
    yield* itsEnd(event, world);
  },
  check: () =>
    '`xl list -l` for maxmem of the receiving domain; only very old front ends (netback’s flipping) transfer pages at all',
});

export const BUFFERS_SMALL = cause({
  id: 'bounce-buffers-too-small',
  title: 'the bounce buffers are too small or too fragmented for the device’s requests',
  prior: 4,
  applies: (event) => named(event, 'bounce-buffers-full'),
  *weigh(event, { facts }) {
    if (event.count > 16) yield hints(`${event.count} times: it is no peak`);
    if (facts.xen !== null)
      yield hints('in a PV dom0 all memory that is not contiguous for the machine goes through them');
  },
  check: () =>
    '`swiotlb=131072` on the kernel’s command line (slots of 2 KiB); one request above 256 KiB never fits: a driver must split it',
});

export const NO_CONTIGUOUS_MEMORY = cause({
  id: 'no-contiguous-memory',
  title:
    'Xen’s memory below 4 GiB is used up or fragmented, or the (stub) domain has too little memory to exchange',
  prior: 4,
  applies: (event) => named(event, 'bounce-buffers-missing'),
  *weigh() {},
  check: () =>
    'start the domain early after boot; give it or its stub domain more memory; `swiotlb=` with a smaller number of slots; `xl debug-keys H` prints what is free where',
});

/** What can be behind messages about pages, the p2m, balloons and grants. */
export const MEMORY_CAUSES: readonly CauseRule[] = [
  PAGE_GONE,
  OTHERS_PAGE,
  DEVICE_MEMORY,
  STILL_IN_USE,
  DMA_TO_TABLE,
  GRANT_DROPPED,
  BALLOON,
  NO_MEMORY,
  PLACE_TAKEN,
  UNIT_SILENT,
  SIDES_DISAGREE,
  WRITTEN_READ_ONLY,
  TABLE_LIMIT,
  BACK_END_HOLDS,
  GRANT_OF_DEVICE,
  POD,
  KERNEL_BITS,
  TRANSFER_FULL,
  BUFFERS_SMALL,
  NO_CONTIGUOUS_MEMORY,
];
