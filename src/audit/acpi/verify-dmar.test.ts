import { describe, expect, it } from 'vitest';
import { DMAR_HEADER, DMAR_STRUCTURES, DmarType, parseDmar, ScopeType } from '../../formats/acpi/dmar.js';
import {
  bytesOf,
  type FieldValues,
  scopeBytes,
  structureBytes,
  tableBytes,
} from '../../formats/acpi/tables.fixture.js';
import { e820Of } from './e820.js';
import { readAcpiFile } from './read-input.js';
import { NOTHING_KNOWN, type Surroundings } from './surroundings.js';
import { verifyAcpiTable } from './verify.js';

const structure = (type: number, values: FieldValues, scopes: readonly Uint8Array[] = []): Uint8Array =>
  structureBytes(DMAR_STRUCTURES[type]!, { type, ...values }, scopes);
const drhd = (base: bigint, scopes: readonly Uint8Array[] = [], values: FieldValues = {}) =>
  structure(DmarType.DRHD, { base, ...values }, scopes);
const rmrr = (base: bigint, limit: bigint, scopes: readonly Uint8Array[], values: FieldValues = {}) =>
  structure(DmarType.RMRR, { base, limit, ...values }, scopes);
const endpoint = (bus: number, device: number, fn = 0) => scopeBytes(ScopeType.ENDPOINT, bus, [[device, fn]]);
const ioApic = (id: number) => scopeBytes(ScopeType.IOAPIC, 0xf0, [[0x1f, 0]], id);

const igd = drhd(0xfed90000n, [endpoint(0, 2)]);
const all = drhd(0xfed91000n, [ioApic(2)], { flags: 1 });

const table = (structures: readonly Uint8Array[], values: FieldValues = {}): Uint8Array =>
  tableBytes('DMAR', DMAR_HEADER, { hostAddressWidth: 38, flags: 1, ...values }, structures);

const found = (structures: readonly Uint8Array[], values: FieldValues = {}, around = NOTHING_KNOWN) =>
  verifyAcpiTable(parseDmar(table(structures, values)), around);
const codes = (...given: Parameters<typeof found>) =>
  found(...given).map(({ severity, code, offset }) => `${severity} ${code} ${offset}`);

describe('a DMAR table', () => {
  it('of a real machine has nothing wrong', () => {
    const path = new URL('../../../test/fixtures/acpi/dmar-quoted-mail.txt', import.meta.url).pathname;
    expect(verifyAcpiTable(readAcpiFile(path).tables[0]!.table)).toEqual([]);
    expect(codes([igd, all, rmrr(0x7b80_0000n, 0x7fff_ffffn, [endpoint(0, 2)])])).toEqual([]);
  });

  it('with a wrong checksum is told the right one', () => {
    const bytes = table([all]);
    bytes[9]! ^= 0x40;
    const right = table([all])[9]!.toString(16);
    const [finding] = verifyAcpiTable(parseDmar(bytes));
    expect(finding).toMatchObject({ severity: 'error', code: 'checksum-wrong', table: 'DMAR', offset: 9 });
    expect(finding!.message).toContain(`would have to be 0x${right}`);
  });

  it.each([
    [0, 'error address-width 36'],
    [10, 'error address-width 36'],
    [63, 'warning address-width 36'],
  ])('with a host address width of %i is told so', (hostAddressWidth, code) => {
    expect(codes([all], { hostAddressWidth })).toEqual([code]);
  });

  it.each([
    [0n, 'there is no unit at address 0'],
    [0xffff_ffff_ffff_ffffn, 'all ones'],
    [0xfed9_0100n, 'not 4 KiB aligned'],
    [0x80_0000_0000n, 'beyond the host address width of 39 bits'],
  ])('with a unit at %s is told what is wrong with that', (base, problem) => {
    const [finding] = found([drhd(base, [ioApic(2)], { flags: 1 })]);
    expect(finding).toMatchObject({ severity: 'error', code: 'unit-address', offset: 56 });
    expect(finding!.message).toContain(problem);
    expect(finding!.xen).toContain('Disabling VT-d');
  });

  it('with two units at one address is told so', () => {
    expect(codes([igd, drhd(0xfed90000n, [ioApic(2)], { flags: 1 })])).toEqual(['error unit-duplicate 80']);
  });

  it('without a unit is told so', () => {
    expect(codes([])).toEqual(['error no-unit 48']);
  });

  it('with INCLUDE_PCI_ALL twice, not last, with devices, or not at all is told so', () => {
    const other = drhd(0xfed92000n, [], { flags: 1 });
    expect(codes([all, other])).toEqual(['warning include-all-not-last 52', 'error include-all-twice 76']);
    expect(codes([drhd(0xfed92000n, [], { flags: 1, segment: 1 }), all])).toEqual([]);
    expect(codes([all, igd])).toEqual(['warning include-all-not-last 52']);
    expect(codes([drhd(0xfed92000n, [ioApic(2), endpoint(0, 2)], { flags: 1 })])).toEqual([
      'warning include-all-scope 72',
    ]);
    expect(codes([drhd(0xfed90000n, [endpoint(0, 2), ioApic(2)])])).toEqual(['info include-all-missing 48']);
  });

  it('with a device in two units, or twice in one, is told so', () => {
    expect(found([igd, drhd(0xfed92000n, [endpoint(0, 2)]), all])).toMatchObject([
      { severity: 'error', code: 'scope-duplicate', sbdf: '0000:00:02.0', offset: 88 },
    ]);
    expect(codes([drhd(0xfed90000n, [endpoint(0, 2), endpoint(0, 2)]), all])).toEqual([
      'warning scope-repeated 72',
    ]);
    // An I/O APIC goes by its id: several have one PCI address.
    expect(codes([drhd(0xfed90000n, [endpoint(0, 2), ioApic(2)]), all])).toEqual([
      'error scope-duplicate 96',
    ]);
  });

  it('with a device behind another unit’s bridge is told so', () => {
    const bridge = scopeBytes(ScopeType.BRIDGE, 0, [[0x1c, 0]]);
    const behind = scopeBytes(ScopeType.ENDPOINT, 0, [
      [0x1c, 0],
      [0, 0],
      [1, 0],
    ]);
    expect(codes([drhd(0xfed90000n, [bridge]), drhd(0xfed92000n, [behind]), all])).toEqual([
      'warning scope-within 88',
    ]);
    expect(codes([drhd(0xfed90000n, [bridge, behind]), all])).toEqual([]);
  });

  it('with paths that lead nowhere is told so', () => {
    const wrong = [
      bytesOf(1, 6, 0, 0, 0, 0),
      bytesOf(1, 9, 0, 0, 0, 0, 2, 0, 1),
      bytesOf(1, 8, 0, 0, 0, 0, 32, 0),
      bytesOf(2, 8, 0, 0, 0, 0, 1, 8),
    ];
    expect(codes([drhd(0xfed90000n, wrong), all]).filter((code) => code.includes('scope-path'))).toEqual([
      'error scope-path 64',
      'error scope-path 70',
      'error scope-path 79',
      'error scope-path 87',
    ]);
  });

  it('tells what Xen and Linux do at a device scope of length 0', () => {
    const [finding] = found([drhd(0xfed90000n, [bytesOf(1, 0, 0, 0, 0, 0, 2, 0)]), all]);
    expect(finding).toMatchObject({ severity: 'error', code: 'length-too-small' });
    expect(finding!.xen).toContain('Invalid device scope');
    expect(finding!.linux).toContain('never got past');
  });

  it('with structures in the wrong order is told so', () => {
    expect(codes([rmrr(0x1000n, 0x1fffn, [endpoint(0, 2)]), all])).toEqual(['warning structure-order 80']);
  });

  it('with reserved bits set is told so', () => {
    expect(codes([drhd(0xfed91000n, [ioApic(2)], { flags: 0x81 })])).toEqual(['info reserved-bits 52']);
  });

  it('of which I/O APICs of the MADT are missing is told so', () => {
    const around: Surroundings = { ...NOTHING_KNOWN, ioApicIds: [2, 0x82] };
    const [finding] = found([igd, all], {}, around);
    expect(finding).toMatchObject({ severity: 'error', code: 'ioapic-missing' });
    expect(finding!.message).toContain('0x82');
    expect(codes([igd, drhd(0xfed91000n, [], { flags: 1 })])).toEqual(['warning ioapic-missing 48']);
  });

  it('with name-space devices and declarations that do not agree is told so', () => {
    const name = (text: string) => Uint8Array.from(Buffer.from(text));
    const scope = scopeBytes(ScopeType.NAMESPACE, 0, [[0x17, 0]], 2);
    const withScope = drhd(0xfed91000n, [ioApic(2), scope], { flags: 1 });
    const andd = (deviceNumber: number, text: string) =>
      structure(DmarType.ANDD, { deviceNumber }, [name(text)]);
    expect(codes([withScope, andd(2, '\\_SB.SDHC\0')])).toEqual([]);
    expect(codes([withScope, andd(3, '\\_SB.SDHC\0')])).toEqual([
      'warning name-space-device 72',
      'warning name-space-device 80',
    ]);
    expect(codes([withScope, andd(2, '\\_SB.SDHC')])).toEqual(['error name-space-device 88']);
  });

  it('with root ports, affinities and segments that no unit has is told so', () => {
    const atsr = (flags: number, scopes: readonly Uint8Array[], segment = 0) =>
      structure(DmarType.ATSR, { flags, segment }, scopes);
    const port = scopeBytes(ScopeType.BRIDGE, 0, [[1, 0]]);
    expect(codes([all, atsr(1, []), atsr(1, [])])).toEqual(['error all-ports 80']);
    expect(codes([all, atsr(1, [port])])).toEqual(['warning all-ports 72']);
    expect(codes([all, atsr(0, [endpoint(0, 1)])])).toEqual(['warning scope-type 80']);
    expect(codes([all, atsr(0, [port], 3)])).toEqual(['error segment-without-unit 78']);
    expect(codes([all, structure(DmarType.RHSA, { base: 0x1000n })])).toEqual([
      'warning affinity-without-unit 80',
    ]);
  });
});

describe('a reserved memory region', () => {
  const igdScope = [endpoint(0, 2)];

  it.each([
    [0x2000n, 0xfffn, 'region-reversed', 'RMRR […] is incorrect!'],
    [0n, 0n, 'region-one-byte', 'can’t be converted'],
    [0x1100n, 0x1fffn, 'region-unaligned', 'pages that it touches'],
    [0x1000n, 0x1ffen, 'region-unaligned', 'pages that it touches'],
    [0x7f_0000_0000n, 0x80_0000_0fffn, 'region-beyond-width', undefined],
  ])('from %s to %s is an error', (base, limit, code, xen) => {
    const findings = found([igd, all, rmrr(base, limit, igdScope)]);
    expect(findings).toMatchObject([{ severity: 'error', code, sbdf: '0000:00:02.0' }]);
    if (xen !== undefined) expect(findings[0]!.xen).toContain(xen);
  });

  it('that overlaps another is an error, for Xen refuses the table then', () => {
    const findings = found([
      igd,
      all,
      rmrr(0x1000n, 0x4fffn, igdScope),
      rmrr(0x8000n, 0x8fffn, igdScope),
      rmrr(0x4000n, 0x6fffn, [endpoint(0, 0x14)]),
    ]);
    expect(findings).toMatchObject([{ severity: 'error', code: 'region-overlap' }]);
    expect(findings[0]!.message).toBe('reserved regions 0x1000-0x4fff and 0x4000-0x6fff overlap');
    expect(findings[0]!.xen).toContain('Overlapping RMRRs');
  });

  it('for several devices, or none, or no PCI device is told so', () => {
    const shared = found([igd, all, rmrr(0x1000n, 0x1fffn, [endpoint(0, 0x1a), endpoint(0, 0x1d)])]);
    expect(shared).toMatchObject([{ severity: 'warning', code: 'region-shared', sbdf: '0000:00:1a.0' }]);
    expect(shared[0]!.xen).toContain('rdm_policy=relaxed');
    expect(codes([igd, all, rmrr(0x1000n, 0x1fffn, [])])).toEqual(['warning region-without-devices 96']);
    expect(codes([igd, all, rmrr(0x1000n, 0x1fffn, [ioApic(2)])])).toEqual(['warning scope-type 120']);
  });

  it('in RAM of the memory map is an error', () => {
    const log = `(XEN) [VT-D]…
(XEN)  [0000000000000000, 000000000009ebff] (usable)
(XEN)  [000000007b800000, 000000007fffffff] (reserved)`;
    const around: Surroundings = { ...NOTHING_KNOWN, e820: e820Of(log) };
    const regions = [rmrr(0x9_e000n, 0x9_efffn, igdScope), rmrr(0x7b80_0000n, 0x7fff_ffffn, igdScope)];
    const findings = found([igd, all, ...regions], {}, around);
    expect(findings).toMatchObject([{ severity: 'error', code: 'region-in-ram', offset: 104 }]);
    expect(findings[0]!.message).toContain('usable RAM at 0x0-0x9ebff');
  });
});

describe('a memory map', () => {
  it('is read as Xen of all releases and Linux print it', () => {
    const lines = [
      '(XEN)  0000000000000000 - 000000000009fc00 (usable)',
      '(XEN)  [0000000000100000, 000000007ffdffff] (usable)',
      '[    0.000000] BIOS-e820: [mem 0x00000000fffc0000-0x00000000ffffffff] ACPI NVS',
      'nothing',
    ];
    expect(e820Of(lines.join('\n'))).toEqual([
      { start: 0n, end: 0x9fc00n, what: 'usable', devices: [], line: 1 },
      { start: 0x100000n, end: 0x7ffe0000n, what: 'usable', devices: [], line: 2 },
      { start: 0xfffc0000n, end: 0x1_0000_0000n, what: 'ACPI NVS', devices: [], line: 3 },
    ]);
  });
});
