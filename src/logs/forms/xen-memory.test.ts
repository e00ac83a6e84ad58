import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';
import { describeSamples, type Sample } from './samples.fixture.js';
import { XEN_BOOT_FACTS } from './xen-boot-facts.js';
import { XEN_MAPPING_FORMS } from './xen-mappings.js';
import { XEN_MEMORY_FORMS } from './xen-memory.js';

const said = (log: string, name: string, rest: object = {}): Sample => ({
  log: `(XEN) ${log}`,
  events: [{ source: 'xen', unit: null, kind: 'memory', reason: { name }, ...rest }],
});
const coded = (log: string, name: string, code: number, rest: object = {}): Sample =>
  said(log, name, { reason: { name, code }, ...rest });

const PTE = '80100001284fa025';

describeSamples('messages about pages of PV guests', XEN_MEMORY_FORMS, [
  said('d0v0 Error mfn 134168: rd=d1 od=NULL caf=c00000000000000 taf=000000010007ffff', 'page-not-owned', {
    domain: 1,
    address: 0x1_3416_8000n,
    details: { owner: expect.stringContaining('nobody') },
  }),
  said(
    'mm.c:2071:d0v0 Error pfn 134168: rd=1 od=32756 caf=8000000000000002 taf=7400000000000001',
    'page-not-owned',
    { domain: 1, details: { owner: expect.stringContaining('nobody') } },
  ),
  said(
    `arch/x86/mm.c:1040:d1v0 Error getting mfn fe000 (pfn ffffffffffffffff) from L1 entry ${PTE} for l1e_owner d1, pg_owner d32753`,
    'l1e-refused',
    {
      domain: 1,
      address: 0xfe00_0000n,
      details: { 'page owner': expect.stringContaining('DOMID_IO'), 'pfn is': expect.any(String) },
    },
  ),
  said(
    `mm.c:938:d1v0 Error getting mfn fe000 (pfn 5) from L1 entry ${PTE} for l1e_owner=1, pg_owner=1`,
    'l1e-refused',
    { domain: 1 },
  ),
  said(
    'mm.c:2938:d1v0 Bad type (saw e400000000000001 != exp 2000000000000000) for mfn 134168 (pfn 1abc)',
    'page-type-conflict',
    {
      domain: 1,
      details: { 'page is': 'writable', 'wanted as': 'l1' },
    },
  ),
  said(
    'mm.c:2647:d1v0 Error while validating mfn 134168 (pfn 1abc) for type 2000000000000000: caf=8000000000000003 taf=2100000000000001',
    'page-validation-failed',
    { details: { 'wanted as': 'l1' } },
  ),
  said(`d1v0 Attempt to implicitly unmap d3's grant PTE ${PTE}`, 'granted-pte-unmapped', {
    domain: 1,
    details: { owner: 'd3' },
  }),
  said(`mm.c:1195:d1v0 Attempt to implicitly unmap a granted PTE ${PTE}`, 'granted-pte-unmapped', {
    domain: 1,
  }),
  coded('mm.c:3500:d1v0 Error -22 while pinning mfn 134168', 'pin-refused', -22, { address: 0x1_3416_8000n }),
  said('mm.c:3500:d1v0 Error while pinning mfn 134168', 'pin-refused'),
  coded('mm.c:3600:d1v0 Error -22 installing new mfn 134168', 'base-pointer-refused', -22),
  coded('mm.c:3600:d1v0 Error -22 while installing new mfn 134168', 'base-pointer-refused', -22),
  said('mm.c:3600:d1v0 Error while installing new baseptr 134168', 'base-pointer-refused'),
  said('mm.c:3600:d1v0 Error while installing new compat baseptr 134168', 'base-pointer-refused'),
  said('mm.c:3600:d1v0 Error while installing new mfn 134168', 'base-pointer-refused'),
  said('mm.c:700:d1v0 Attempt to create linear p.t. with write perms', 'linear-table-refused', { domain: 1 }),
  said('mm.c:700:d1v0 Attempt to create linear p.t. (feature disabled)', 'linear-table-refused'),
  said('mm.c:2500:d1v0 Type count overflow on mfn 134168', 'type-count-overflow'),
  said('mm.c:2500:d1v0 Type count overflow on pfn 134168', 'type-count-overflow'),
  ...['1', '2', '3', '4'].map((level) =>
    said(`mm.c:900:d1v0 Bad L${level} flags 800000`, 'entry-flags-refused', {
      details: { flags: '0x800000' },
    }),
  ),
  coded('mm.c:1300:d1v0 Failure -22 in promote_l1_table: slot 0x3', 'page-validation-failed', -22, {
    details: { level: '1' },
  }),
  said('mm.c:1300:d1v0 Failure in alloc_l2_table: slot 0x3', 'page-validation-failed'),
  said('mm.c:1300:d1v0 Failure in alloc_l3_table: entry 3', 'page-validation-failed'),
  said('mm.c:1300:d1v0 L4 update in Xen-private area, slot 0x100', 'xen-area-refused', { domain: 1 }),
  said('mm.c:1300:d1v0 Illegal L4 update attempt in Xen-private area ffff830123456800', 'xen-area-refused'),
  said('mm.c:950:d1v0 d1 attempted to map MMIO space fe000 in d0 to d2', 'mmio-refused', {
    domain: 2,
    address: 0xfe00_0000n,
  }),
  said('mm.c:820:d1v0 Dom1 attempted to map I/O space 000fe000 in dom0 to dom2', 'mmio-refused', {
    domain: 2,
  }),
  said('mm.c:940:d1v0 d1 non-privileged attempt to map MMIO space fe000', 'mmio-refused', { domain: 1 }),
  said('mm.c:810:d1v0 Non-privileged (1) attempt to map I/O space 000fe000', 'mmio-refused'),
  said('mm.c:980:d0v0 pg_owner d3 l1e_owner d0, but real_pg_owner d2', 'page-not-owned', {
    domain: 0,
    details: { owner: 'd2', 'taken for': 'd3' },
  }),
  said('mm.c:980:d0v0 pg_owner 3 l1e_owner 0, but real_pg_owner 32754', 'page-not-owned', {
    details: { owner: expect.stringContaining('DOMID_XEN') },
  }),
  said(
    'mm.c:4438:d1v0 Bad steal mfn 134168 from d1 (owner d3) caf=8000000000000002 taf=e400000000000001',
    'page-transfer-refused',
    { domain: 1 },
  ),
  said('mm.c:3800:d1v0 Could not get page type PGT_writable_page', 'page-type-conflict'),
  said('mm.c:3400:d1v0 mfn 134168 bad, or bad owner d2', 'pin-refused'),
  said('mm.c:3400:d1v0 mfn 134168 already pinned', 'pin-refused'),
  said('mm.c:3400:d1v0 mfn 134168 not pinned', 'pin-refused'),
  said('mm.c:3400:d1v0 Mfn 134168 already pinned', 'pin-refused'),
  said('mm.c:3400:d1v0 Mfn 134168 not pinned', 'pin-refused'),
  said('mm.c:3400:d1v0 Mfn 134168 bad domain', 'pin-refused'),
  said('mm.c:800:d1v0 Attempt to change cache attributes of Xen heap page', 'cache-attributes-refused'),
  said('d1: Forcing read-only access to MFN fed90', 'mmio-read-only', { domain: 1, address: 0xfed9_0000n }),
  said('d0v0 Over-allocation for d1: 17 > 16', 'over-allocation', { domain: 1, details: { limit: '16' } }),
  said('d0v0 Over-allocation for domain 1: 17 > 16', 'over-allocation', { domain: 1 }),
  said(
    'memory.c:135:d0v0 Could not allocate order=9 extent: id=1 memflags=0x80 (3 of 512)',
    'allocation-failed',
    { domain: 1 },
  ),
  said('page_alloc.c:2267:d0v0 Cannot assign page to domain1 -- dying.', 'domain-dying', { domain: 1 }),
  said('memory.c:400:d1v0 Bad page free for Dom1 GFN 1abc', 'free-refused', { domain: 1 }),
  said('memory.c:400:d1v0 Bad page free for domain 1', 'free-refused', { domain: 1 }),
  said('p2m_pod_demand_populate: Dom5 out of PoD memory! (tot=262144 ents=512 dom5)', 'pod-exhausted', {
    domain: 5,
  }),
  said('memory.c:340:d1v0 Domain 1 page number 1abc invalid', 'free-refused', { domain: 1 }),
]);

describeSamples('messages about the p2m and what devices map', XEN_MAPPING_FORMS, [
  coded('d1: IOMMU mapping dfn 0xf0000 to mfn 0xfe000 failed: -12', 'map-failed', -12, {
    domain: 1,
    address: 0xf000_0000n,
  }),
  coded('d1: IOMMU mapping gfn 0xf0000 to mfn 0xfe000 failed: -12', 'map-failed', -12, { domain: 1 }),
  coded('d[IO]: IOMMU unmapping dfn 0xf0000 failed: -22', 'unmap-failed', -22, { domain: 32753 }),
  coded('d1: IOMMU unmapping gfn 0xf0000 failed: -22', 'unmap-failed', -22),
  coded('d1: IOMMU mapping failed: -12', 'map-failed', -12, { domain: 1 }),
  coded('d1: IOMMU IOTLB flush failed: -110, dfn 0xf0000, page count 1 flags 3', 'flush-failed', -110, {
    domain: 1,
  }),
  coded('d1: IOMMU IOTLB flush failed: -110, gfn 0xf0000, page count 1', 'flush-failed', -110),
  coded('d1: IOMMU IOTLB flush all failed: -110', 'flush-failed', -110),
  said('Cannot setup identity map d1:ab800, gfn already mapped to 1234.', 'identity-map-refused', {
    domain: 1,
  }),
  said('Cannot setup identity map d[IO]:ab800, gfn already mapped to 1234.', 'identity-map-refused', {
    domain: 32753,
  }),
  said('non-identity map d1:ab800 not cleared (mapped to 1234)', 'identity-map-refused', { domain: 1 }),
  coded('p2m.c:500:d1v0 p2m_set_entry: 0x1abc:0 -> -12 (0x134168)', 'p2m-failed', -12, { domain: 1 }),
  coded('p2m.c:500:d1v0 p2m_set_entry failed! mfn=00134168 rc:-12', 'p2m-failed', -12),
  said('p2m.c:500:d0v0 set_foreign_p2m_entry failed. gpfn:1abc mfn:134168 fgfn:3 td:1 fd:2', 'p2m-failed'),
  said('d1: GFN 0xf2000 (0xfe000,5,7) -> (0xfe100,5,7) not permitted', 'p2m-move-refused', { domain: 1 }),
  said('p2m.c:500:d1v0 Adding bad mfn to p2m map (0x1abc -> 0x134168)', 'p2m-failed'),
  said('p2m.c:500:d0v0 Adding shared mfn 134168 directly to dom1 physmap not allowed.', 'p2m-failed', {
    domain: 1,
  }),
  coded('memory_map:fail: dom1 gfn=f2000 mfn=fe000 nr=10 ret:-22', 'mmio-map-failed', -22, { domain: 1 }),
  coded('memory_map:fail: d1 gfn=f2000 mfn=fe000 nr=10 ret:-22', 'mmio-map-failed', -22, { domain: 1 }),
  coded('memory_map: error -22 removing dom1 access to [fe000,fe00f]', 'mmio-map-failed', -22, { domain: 1 }),
  coded('memory_map: error -22 removing d1 access to [fe000,fe00f]', 'mmio-map-failed', -22, { domain: 1 }),
  said('Unable to remove mapping gfn=0x1abc order=0 from the p2m of domain 1', 'p2m-failed', { domain: 1 }),
  said('Unable to map MFN 0x134168 in d1', 'p2m-failed', { domain: 1 }),
  said('Unable to map MFNs [0x134168 - 0x134169 in Dom1', 'p2m-failed', { domain: 1 }),
]);

describe('the words that Xen keeps of a page', () => {
  const bits = (log: string) => eventsOf(log, [...XEN_MEMORY_FORMS, ...XEN_BOOT_FACTS]).events.at(-1)?.bits;
  const line = (saw: string) =>
    `(XEN) mm.c:2938:d1v0 Bad type (saw ${saw} != exp 2000000000000000) for mfn 1 (pfn 2)`;

  it('are decoded, names and counts', () => {
    expect(bits(line('e400000000000001'))).toMatchObject([
      { name: 'count', value: 1 },
      { name: 'validated', value: 1 },
      { name: 'type writable', value: 7 },
    ]);
  });

  it('are decoded as the release of the log has them: types had four bits before 4.10', () => {
    const old = (release: string) =>
      bits(`(XEN) Xen version ${release} (user@host)\n${line('7400000000000001')}`);
    expect(old('4.8.5')).toMatchObject([
      { name: 'count' },
      { name: 'validated' },
      { name: 'type writable', value: 7 },
    ]);
    expect(old('4.10.4')).toMatchObject([
      { name: 'count' },
      { name: 'validated' },
      { name: 'locked' },
      { name: 'type l3' },
    ]);
    expect(old('4.17.0')).toMatchObject([
      { name: 'count' },
      { name: 'validated' },
      { name: 'locked' },
      { name: 'type l3' },
    ]);
  });

  it('are told to be old ones by what was asked for, where the log names no release', () => {
    const old =
      '(XEN) mm.c:2389:d80 Bad type (saw 7400000000000010 != exp 1000000000000000) for mfn 1d2e04 (pfn 1d1fb)';
    const { events } = eventsOf(old, XEN_MEMORY_FORMS);
    expect(events).toMatchObject([{ domain: 80, details: { 'page is': 'writable', 'wanted as': 'l1' } }]);
  });

  it('may be anything', () => {
    expect(bits(line('zzz'))).toBeUndefined();
    expect(bits(`(XEN) Xen version 4.999\n${line('0')}`)).toMatchObject([{ name: 'type none' }]);
    expect(bits(`(XEN) Xen version 5.1\n${line('0')}`)).toMatchObject([{ name: 'type none' }]);
  });
});
