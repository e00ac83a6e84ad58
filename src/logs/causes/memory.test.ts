import { describe, expect, it } from 'vitest';
import { explainText } from '../explain.js';
import { causesOf, e820, eventWith } from './causes.fixture.js';

const causes = (log: string) => explainText(log, 'a log').events.at(-1)?.causes ?? [];
const of = (name: string, changed: Partial<Parameters<typeof eventWith>[0]> = {}) =>
  eventWith({
    unit: null,
    kind: 'memory',
    reason: { code: null, name, meaning: name, manual: null },
    ...changed,
  });

/** Names of reasons, and the cause that is told first when nothing else is known. */
const FIRST: Readonly<Record<string, string>> = {
  'page-not-owned': 'page-given-back',
  'l1e-refused': 'page-of-another',
  'page-type-conflict': 'page-in-other-use',
  'page-validation-failed': 'page-in-other-use',
  'pin-refused': 'page-in-other-use',
  'base-pointer-refused': 'page-in-other-use',
  'linear-table-refused': 'page-in-other-use',
  'type-count-overflow': 'page-in-other-use',
  'granted-pte-unmapped': 'grant-mapping-dropped',
  'entry-flags-refused': 'guest-kernel-entries',
  'xen-area-refused': 'guest-kernel-entries',
  'cache-attributes-refused': 'guest-kernel-entries',
  'mmio-refused': 'device-memory-mapped',
  'page-transfer-refused': 'page-given-back',
  'over-allocation': 'above-maxmem',
  'allocation-failed': 'out-of-memory',
  'domain-dying': 'back-end-holds-pages',
  'free-refused': 'page-given-back',
  'pod-exhausted': 'balloon-too-late',
  'map-failed': 'place-taken',
  'unmap-failed': 'iommu-did-not-answer',
  'flush-failed': 'iommu-did-not-answer',
  'identity-map-refused': 'place-taken',
  'p2m-failed': 'place-taken',
  'p2m-move-refused': 'place-taken',
  'mmio-map-failed': 'place-taken',
  'grant-reference-invalid': 'front-and-back-disagree',
  'grant-not-given': 'front-and-back-disagree',
  'grant-unstable': 'front-and-back-disagree',
  'grant-in-use': 'front-and-back-disagree',
  'grant-handle-invalid': 'front-and-back-disagree',
  'grant-unmap-refused': 'front-and-back-disagree',
  'grant-map-flags': 'front-and-back-disagree',
  'grant-transitive-refused': 'front-and-back-disagree',
  'grant-copy-refused': 'front-and-back-disagree',
  'grant-read-only': 'read-only-grant-written',
  'grant-frame-refused': 'page-given-back',
  'grant-iomem-refused': 'grant-of-device-memory',
  'grant-still-mapped': 'back-end-holds-pages',
  'grant-table-full': 'grant-limits',
  'grant-mappings-full': 'grant-limits',
  'grant-version-refused': 'transfer-refused',
  'grant-transfer-refused': 'transfer-refused',
  'bounce-buffers-full': 'bounce-buffers-too-small',
  'bounce-buffers-missing': 'no-contiguous-memory',
};

describe('messages about pages and grants', () => {
  it.each(Object.entries(FIRST))('%s has a cause with something to do: %s', (name, first) => {
    const event =
      name === 'l1e-refused' ? of(name, { domain: 1, details: { 'page owner': 'd2' } }) : of(name);
    const found = causesOf(event);
    expect(found[0]?.id).toBe(first);
    expect(found[0]?.check).toMatch(/\S{3}/);
  });

  it('tell a page that nobody owns from one of another domain', () => {
    const gone = causes(
      '(XEN) d0v0 Error mfn 134168: rd=d1 od=NULL caf=c00000000000000 taf=000000010007ffff',
    );
    expect(gone.map(({ id }) => id)).toEqual(['page-given-back']);
    expect(gone[0]?.for).toContain('nobody owns the page any more');
    const others = causes(
      '(XEN) d0v0 Error mfn 134168: rd=d1 od=d2 caf=8000000000000002 taf=e400000000000001',
    );
    expect(others[0]).toMatchObject({ id: 'page-of-another', for: ['the page’s owner is d2'] });
  });

  it('tell an entry for one’s own page from one for a device’s: the page serves as something else', () => {
    const log = `(XEN) mm.c:2713:d157v0 Bad type (saw 8c00000000000001 != exp e000000000000000) for mfn 36f40 (pfn 02f40)
(XEN) mm.c:1096:d157v0 Error getting mfn 36f40 (pfn 02f40) from L1 entry 8010000036f40067 for l1e_owner d157, pg_owner d157`;
    expect(causes(log)[0]).toMatchObject({ id: 'page-in-other-use', for: ['line 1 is about the same page'] });
  });

  it('tell memory of devices by its owner and by the memory map', () => {
    const event = of('l1e-refused', {
      domain: 1,
      address: 0xfe00_0000n,
      details: { 'page owner': 'd[IO] (DOMID_IO, 32753): the owner of device memory', 'pfn is': 'none' },
    });
    const [first] = causesOf(event, { facts: e820([0xfe00_0000n, 0xff00_0000n, 'reserved']) });
    expect(first).toMatchObject({
      id: 'device-memory-mapped',
      for: [expect.any(String), expect.any(String), expect.stringContaining('reserved')],
    });
  });

  it('name the programs behind a grant that was dropped, and the crash (qubes-gui-daemon #106)', () => {
    expect(causes('Attempt to implicitly unmap a granted PTE %PRIpte')[0]?.check).toContain('gntdev');
    const crashed = causes(`(XEN) Domain 1 (vcpu#0) crashed on cpu#3:
(XEN) domain_crash called from arch/x86/mm.c:1195
(XEN) mm.c:1195:d1v0 Attempt to implicitly unmap a granted PTE 80100001284fa025`);
    expect(crashed[0]?.for).toEqual(['d1 crashed (line 1)', expect.stringContaining('line 2')]);
  });

  it('tell a lack of memory by its errno', () => {
    expect(
      causes('(XEN) d1: IOMMU mapping dfn 0xf0000 to mfn 0xfe000 failed: -12').map(({ id }) => id),
    ).toEqual(['out-of-memory', 'place-taken']);
    expect(causes('(XEN) d1: IOMMU mapping dfn 0xf0000 to mfn 0xfe000 failed: -17')[0]?.id).toBe(
      'place-taken',
    );
  });

  it('name a device that was refused the page of a type conflict', () => {
    const log = `(XEN) [VT-D]DMAR:[DMA Write] Request device [0000:01:00.0] fault addr 134168000, iommu reg = ffff82c000203000
(XEN) [VT-D]DMAR: reason 05 - PTE Write access is not set
(XEN) mm.c:2938:d1v0 Bad type (saw e400000000000001 != exp 2000000000000000) for mfn 134168 (pfn 1abc)`;
    expect(causes(log).find(({ id }) => id === 'device-maps-the-page')?.for[0]).toContain('line 1');
  });
});
