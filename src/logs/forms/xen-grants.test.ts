import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';
import { describeSamples, type Sample } from './samples.fixture.js';
import { XEN_GRANT_FORMS } from './xen-grants.js';

/** A line of a debug build, in which domain 0 speaks. */
const said = (text: string, name: string, rest: object = {}): Sample => ({
  log: `(XEN) grant_table.c:912:d0v1 ${text}`,
  events: [{ source: 'xen', unit: null, kind: 'memory', domain: 0, reason: { name }, ...rest }],
});

describeSamples('messages about grants', XEN_GRANT_FORMS, [
  said('Bad grant reference 0x3fff for transfer to d1', 'grant-reference-invalid', {
    details: { other: '1' },
  }),
  said('Bad grant reference (16383) for transfer to domain(1).', 'grant-reference-invalid'),
  said('Bad grant reference 0x3fff', 'grant-reference-invalid', { more: ['reference 0x3fff'] }),
  said('Bad ref 0x3fff for d1', 'grant-reference-invalid', { details: { granter: '1' } }),
  said('Bad ref 0x3fff', 'grant-reference-invalid'),
  said('Bad ref (16383).', 'grant-reference-invalid'),
  said('Bad ref-a 0x3fff', 'grant-reference-invalid'),
  said('Bad ref-b 0x3fff', 'grant-reference-invalid'),
  said('Bad flags (0) or dom (0); expected d3', 'grant-not-given', {
    details: { expected: 'd3', flags: '0x0' },
  }),
  said('Bad flags (0) or dom (0); expected d3, flags 4', 'grant-not-given'),
  said('Bad flags (0) or dom (0). (expected dom 3)', 'grant-not-given', { details: { expected: 'd3' } }),
  said('Bad flags (0) or dom (0). (NB. expected dom 3)', 'grant-not-given'),
  said('Unstable flags (9) or dom (0); expected d3 (r/w: 1)', 'grant-unstable'),
  said('Unstable flags (9) or dom (0). (expected dom 3) (r/w: 1)', 'grant-unstable'),
  said('Shared grant entry is unstable', 'grant-unstable'),
  said('Unstable grant readonly flag', 'grant-unstable'),
  said('Attempt to write-pin a r/o grant entry', 'grant-read-only'),
  said('Bad domain (2 != 3), or risk of counter overflow 00000101', 'grant-in-use'),
  said('ref a 0x8 busy', 'grant-in-use'),
  said('ref b 0x8 busy', 'grant-in-use'),
  said('transitive grant referenced bad domain 9', 'grant-transitive-refused'),
  said('transitive grant when transitivity not allowed', 'grant-transitive-refused'),
  said('transitive grants cannot be self-referential', 'grant-transitive-refused'),
  said('Could not pin grant frame 0x134168', 'grant-frame-refused', { address: 0x1_3416_8000n }),
  said('Could not get writable frame 134168', 'grant-frame-refused', { address: 0x1_3416_8000n }),
  said('Iomem mapping not permitted 0xfe000 (domain 3)', 'grant-iomem-refused', { details: { other: 'd3' } }),
  said("HVM guests can't grant map iomem", 'grant-iomem-refused'),
  said('No device mapping in HVM domain', 'grant-iomem-refused'),
  said('Bad flags in grant map op: 8', 'grant-map-flags'),
  said('Bad flags in grant map op (8).', 'grant-map-flags'),
  said('Bad d3 handle 0x12', 'grant-handle-invalid', { details: { granter: '3' } }),
  said('Bad handle 0x12', 'grant-handle-invalid'),
  said('Bad handle (18).', 'grant-handle-invalid'),
  said('Unstable d3 handle 0x12', 'grant-handle-invalid'),
  said('Unstable handle 0x12', 'grant-handle-invalid'),
  said('Zero flags for d3 handle 0x12', 'grant-handle-invalid'),
  said('Zero flags for handle 0x12', 'grant-handle-invalid'),
  said('Zero flags for handle (18).', 'grant-handle-invalid'),
  said("PTE flags 25 for ffff880012345000 don't match grant (27)", 'grant-unmap-refused', {
    address: 0xffff_8800_1234_5000n,
  }),
  said(
    "PTE 8010000134168027 for ffff880012345000 doesn't match grant (8010000134169027)",
    'grant-unmap-refused',
  ),
  said("PTE entry 134168027 for address ffff880012345000 doesn't match frame 134169", 'grant-unmap-refused'),
  said('Could not find L1 PTE for linear address ffff880012345000', 'grant-unmap-refused', {
    address: 0xffff_8800_1234_5000n,
  }),
  said('Could not find L1 PTE for address ffff880012345000', 'grant-unmap-refused'),
  said('Misaligned PTE address 12345003', 'grant-unmap-refused'),
  said('old mapping invalid (type 0, mfn 134168, frame 134169)', 'grant-unmap-refused'),
  said('Grant release 0x12 ref 0x8 flags 0x2 d3', 'grant-released', { details: { granter: '3' } }),
  said('Grant release 0x12 ref 0x8 flags 0x2 dom 3', 'grant-released'),
  said('Grant release (18) ref:(8) flags:(2) dom:(3)', 'grant-released'),
  {
    ...said('', 'grant-still-mapped', { domain: 3, address: 0x1_3416_8000n }),
    log: '(XEN) d3 has active grant 8 (GFN 1abc, MFN: 0x134168)',
  },
  {
    ...said('', 'grant-still-mapped', { domain: 3 }),
    log: '(XEN) Dom3 has an active grant: GFN: 1abc (MFN: 134168)',
  },
  {
    ...said('', 'grant-still-mapped', { domain: 3 }),
    log: '(XEN) d3 has too many (1024) active grants to report',
  },
  said('Expand grant table of d3 to 65 failed. Current: 64 Max: 64', 'grant-table-full', { domain: 3 }),
  said('Expand grant table to 33 failed. Current: 32 Max: 32', 'grant-table-full'),
  said('Failed to obtain maptrack handle', 'grant-mappings-full'),
  said('Allocation failure when expanding d3 grant table', 'allocation-failed', { domain: 3 }),
  said('Allocation failure when expanding grant table.', 'allocation-failed'),
  said(
    'tried to change grant table version from 1 to 2, but some grant entries still in use',
    'grant-version-refused',
  ),
  said('tried to change grant table version to 1 with non-representable entries', 'grant-version-refused'),
  said('bad flags 0x3 in grant 0x8 when switching version', 'grant-version-refused'),
  said('tried to change to grant table v1, but 3 v2 operations still in progress', 'grant-version-refused'),
  said('copy source out of bounds: 8 < 0 || 4096 > 512', 'grant-copy-refused'),
  said('copy dest out of bounds: 8 < 0 || 4096 > 512', 'grant-copy-refused'),
  said('copy beyond page area', 'grant-copy-refused'),
  said('source frame 1abc invalid', 'grant-copy-refused'),
  said('only allow copy-by-mfn for DOMID_SELF.', 'grant-copy-refused'),
  said('Transferee d3 has no headroom (tot 65536, max 65536, ex 0)', 'grant-transfer-refused'),
  said('Transferee d3 is dying', 'grant-transfer-refused'),
  said('Transferee d3 is now dying', 'grant-transfer-refused'),
  said("can't remove GFN 1abc (MFN 0x134168)", 'grant-transfer-refused'),
  said('gnttab_transfer: out-of-range 1abc', 'grant-transfer-refused'),
]);

describe('words of grants that others may say, too', () => {
  it('are nothing without Xen’s file before them', () => {
    const others = 'usb 1-1: Bad handle 0x12\nfoo: copy beyond page area\ndb: Bad ref 0x3';
    expect(eventsOf(others, XEN_GRANT_FORMS).events).toEqual([]);
  });
});
