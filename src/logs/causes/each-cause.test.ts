import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { LogFacts } from '../facts.js';
import { ALLOWS } from '../vtd-walk.js';
import { CAUSES } from './all.js';
import type { JudgedEvent } from './cause.js';
import { amdvi, e820, eventWith, idsOf, type Known, smmu, smmuV3, vtd, worldOf } from './causes.fixture.js';

const NIC = '0000:03:00.0';
const IGD = '0000:00:02.0';
const ADDRESS = 0x8_424c_b000n;
const linux = { source: 'linux' } as const;
const PV = 'name="g"\ntype="pv"\nmemory=512\npci=["03:00.0"]';
const HVM = 'name="g"\ntype="hvm"\nmemory=512\npci=["03:00.0,rdm_policy=relaxed"]';

type Mode = NonNullable<LogFacts['dom0Mode']>['value'];
const dom0 = (value: Mode) => (facts: LogFacts) => void (facts.dom0Mode = { value, line: 7 });
const device =
  (...said: readonly string[]) =>
  (facts: LogFacts) =>
    said.forEach((value, i) => void facts.of(facts.devices, NIC, { value, line: 20 + i }));
const xenLine = (value: string) => (facts: LogFacts) => void (facts.xenCommandLine = { value, line: 4 });
const linuxLine = (value: string) => (facts: LogFacts) => void (facts.linuxCommandLine = { value, line: 4 });
const region = (start: bigint, end: bigint, devices: readonly string[]) => (facts: LogFacts) =>
  void facts.reservedRegions.push({ start, end, what: '', devices, line: 9 });
const all =
  (...each: readonly ((facts: LogFacts) => void)[]) =>
  (facts: LogFacts) =>
    each.forEach((one) => void one(facts));

const memory = (name: string, meaning: string): JudgedEvent =>
  eventWith({ unit: null, kind: 'memory', domain: 1, reason: { code: null, name, meaning, manual: null } });
const interrupt = (reason: number, changed: Partial<JudgedEvent> = {}) =>
  vtd(reason, NIC, 0n, { kind: 'interrupt-fault', address: null, details: { index: '0x2a' }, ...changed });

type Case = readonly [event: JudgedEvent, known?: Known];

/** For each cause: where it comes first, and where the log speaks against it. */
const CASES: Readonly<Record<string, { readonly first: Case; readonly against: Case }>> = {
  'special-page': {
    first: [vtd(5, NIC, ADDRESS), { config: PV, events: [memory('pin-refused', 'a pin of L1 was refused')] }],
    against: [vtd(5, NIC, ADDRESS), { config: HVM }],
  },
  'strict-dom0': {
    first: [
      vtd(6, NIC, ADDRESS),
      { facts: all(dom0('Strict'), e820([1n << 32n, 1n << 36n, 'usable'])), xen: '4.14' },
    ],
    against: [vtd(6, NIC, ADDRESS), { facts: dom0('Passthrough') }],
  },
  'racing-type-change': {
    first: [
      vtd(5, NIC, ADDRESS, { level: { name: 'L1', entry: 0x8424cb003n, problem: ALLOWS } }),
      { xen: '4.16', config: PV },
    ],
    against: [vtd(5, NIC, ADDRESS, { count: 50 }), { xen: '4.16', config: PV }],
  },
  'grant-not-mapped': {
    first: [smmu('TF', 'read'), { xen: '4.12' }],
    against: [smmu('TF', 'read'), { xen: '4.22' }],
  },
  'read-only-written': {
    first: [smmuV3(0x13, { access: 'write' }), { xen: '4.20' }],
    against: [vtd(5, NIC, ADDRESS), { events: [vtd(6, NIC, ADDRESS)] }],
  },
  'grant-unmap-removed': {
    first: [
      amdvi(['RW'], { domain: 1 }),
      { xen: '4.13', events: [memory('granted-pte-unmapped', 'a grant went')] },
    ],
    against: [vtd(5, NIC, ADDRESS), { xen: '4.13', facts: dom0('Relaxed') }],
  },
  'unmapped-too-early': {
    first: [vtd(6, NIC, 0xfff4_2000n, { ...linux, access: 'write', reason: null }), {}],
    against: [vtd(5, NIC, ADDRESS, { ...linux, count: 5000 }), {}],
  },
  'reserved-region-missing': {
    first: [vtd(5, '0000:00:1d.0', 0xd5d4_5000n), { facts: e820([0xd5d4_0000n, 0xd5d5_0000n, 'reserved']) }],
    against: [vtd(5, NIC, ADDRESS), { facts: e820([1n << 32n, 1n << 36n, 'usable']) }],
  },
  'reserved-region-not-mapped': {
    first: [vtd(6, NIC, 0xb_d000n), { config: HVM, facts: region(0xb_d000n, 0xb_e000n, [NIC]) }],
    against: [vtd(6, NIC, 0xb_d000n), { facts: region(0xb_d000n, 0xb_e000n, ['0000:00:1d.0']) }],
  },
  'reserved-region-of-another': {
    first: [vtd(6, NIC, 0xb_d000n), { facts: region(0xb_d000n, 0xb_e000n, ['0000:00:1d.0']) }],
    against: [
      vtd(6, NIC, 0xb_d000n),
      {
        facts: all(region(0xb_d000n, 0xb_e000n, ['0000:00:1d.0']), region(0xb_0000n, 0xc_0000n, [NIC])),
      },
    ],
  },
  'xen-own-memory': {
    // The memory map of QubesOS #1710, the machine of #1491: 64 KiB below the end of low memory is 0x8c000.
    first: [
      vtd(5, '0000:01:00.0', 0x8_c000n),
      {
        facts: e820(
          [0n, 0x9_c800n, 'usable'],
          [0x9_c800n, 0xa_0000n, 'reserved'],
          [0xe_0000n, 0x10_0000n, 'reserved'],
        ),
      },
    ],
    against: [vtd(5, '0000:01:00.0', 0x8_c000n), { facts: e820([0n, 0x8_0000n, 'usable']) }],
  },
  'null-address': {
    first: [vtd(5, NIC, 0n, { ...linux, count: 500 }), {}],
    against: [vtd(2, NIC, 0n, linux), {}],
  },
  'garbage-address': {
    first: [amdvi([], { ...linux, address: 0x6b6b_6b6b_6b6b_6000n }), {}],
    against: [vtd(6, NIC, ADDRESS), {}],
  },
  'wrong-direction': {
    first: [vtd(6, NIC, 0xffc1_2000n, linux), {}],
    against: [vtd(6, NIC, 0xffc1_2000n, linux), { facts: linuxLine('root=/dev/sda1 iommu=pt') }],
  },
  'interrupt-as-dma': {
    first: [vtd(5, NIC, 0xfee0_0000n, linux), {}],
    against: [vtd(5, NIC, 0xfef0_0000n, linux), {}],
  },
  'dma-api-bypassed': {
    first: [
      vtd(1, '0000:01:00.0', 0x4_1a6a_a000n, { ...linux, access: 'read' }),
      { facts: e820([1n << 32n, 1n << 36n, 'usable']) },
    ],
    against: [vtd(2, NIC, 0x4_1a6a_a000n, linux), { facts: device('driver vfio-pci') }],
  },
  'io-apic-as-memory': {
    first: [vtd(5, NIC, 0xfec0_0000n), { facts: dom0('Relaxed') }],
    against: [vtd(5, NIC, 0xfed0_0000n), {}],
  },
  'msi-doorbell-not-mapped': {
    first: [smmuV3(0x10, { access: 'write', address: 0x809_0040n }), { xen: '4.20' }],
    against: [smmuV3(0x10, { access: 'read', address: 0x809_0040n }), { xen: '4.20' }],
  },
  'blocked-request': {
    first: [vtd(0xd, NIC, ADDRESS, { access: 'read' }), { facts: xenLine('ats iommu=verbose') }],
    against: [vtd(6, NIC, ADDRESS), {}],
  },
  'graphics-under-iommu': {
    first: [vtd(6, IGD, 0x8e43_c000n), { xen: '4.12' }],
    against: [vtd(6, IGD, 0x8e43_c000n), { facts: xenLine('dom0_mem=4G iommu=no-igfx') }],
  },
  quarantined: {
    first: [vtd(2, NIC, ADDRESS), { xen: '4.17', facts: device('assigned to d1', 'quarantined') }],
    against: [vtd(2, NIC, ADDRESS), { xen: '4.12' }],
  },
  'between-owners': {
    first: [vtd(2, NIC, 0x1000n, linux), { facts: device('driver vfio-pci') }],
    against: [vtd(2, NIC, 0x1000n, { ...linux, count: 900 }), {}],
  },
  'firmware-tables': {
    first: [
      vtd(2, NIC, ADDRESS),
      {
        xen: '4.12',
        facts: (facts) => void facts.firmwareComplaints.push({ value: 'no DRHD for 03:00.0', line: 11 }),
      },
    ],
    against: [vtd(5, NIC, ADDRESS), {}],
  },
  'phantom-function': {
    first: [
      vtd(2, '0000:03:00.1', 0xfff0_0000n, linux),
      { facts: (facts) => void facts.of(facts.devices, NIC, { value: 'known to Linux', line: 12 }) },
    ],
    against: [vtd(2, NIC, ADDRESS), { facts: device('known to Xen') }],
  },
  'dma-left-running': {
    first: [vtd(1, NIC, 0x7cd8_0000n, { ...linux, access: 'read', first: { time: '0.361089' } }), {}],
    against: [
      vtd(1, NIC, 0x7cd8_0000n, { ...linux, first: { time: '4000.5' } }),
      { facts: device('driver nvme') },
    ],
  },
  'stream-unknown': {
    first: [smmuV3(0x02, { details: { stream: '0x41', unit: '/smmu' }, device: '/smmu' }), { xen: '4.20' }],
    against: [smmuV3(0x10), { xen: '4.20' }],
  },
  'stream-conflict': {
    first: [smmu('SMCF', 'write', { details: { stream: '0x0' } }), {}],
    against: [smmu('USF', 'write'), {}],
  },
  'stream-mapping-lost': {
    first: [smmu('USF', 'read', { device: NIC }), { xen: '4.16', facts: device('deassigned from d1') }],
    against: [smmu('USF', 'read'), { xen: '4.22' }],
  },
  'set-way': {
    first: [
      smmu('TF', 'write', { device: NIC }),
      {
        xen: '4.13',
        facts: device('assigned to d1'),
        events: [0x1000n, 0x5000n, 0x9000n].map((address) => smmu('TF', 'write', { device: NIC, address })),
      },
    ],
    against: [smmu('TF', 'write'), { xen: '4.22' }],
  },
  'unusable-entry': {
    first: [vtd(0xc, NIC, ADDRESS, { access: 'read' }), {}],
    against: [vtd(6, NIC, ADDRESS), {}],
  },
  'tables-unreadable': {
    first: [vtd(7, NIC, ADDRESS, linux), { facts: linuxLine('elfcorehdr=0x1000') }],
    against: [vtd(6, NIC, ADDRESS), {}],
  },
  'changed-since': {
    first: [
      vtd(5, NIC, ADDRESS, { ...linux, level: { name: 'L1', entry: 0x8424cb003n, problem: ALLOWS } }),
      {},
    ],
    against: [
      vtd(5, NIC, ADDRESS, { count: 500, level: { name: 'L1', entry: 0x8424cb003n, problem: ALLOWS } }),
      {},
    ],
  },
  'address-width': {
    first: [vtd(4, NIC, 1n << 48n, { access: 'read' }), {}],
    against: [vtd(6, NIC, 0x1000n), {}],
  },
  'never-mapped': {
    first: [smmuV3(0x10, { ...linux, address: null, access: null }), {}],
    against: [vtd(5, NIC, ADDRESS), { facts: all(dom0('Relaxed'), e820([1n << 32n, 1n << 36n, 'usable'])) }],
  },
  'interrupt-source': { first: [interrupt(0x26)], against: [interrupt(0x22)] },
  'stale-interrupt': { first: [interrupt(0x22)], against: [interrupt(0x26)] },
  'compatibility-interrupt': { first: [interrupt(0x25)], against: [interrupt(0x22)] },
  'interrupt-table': { first: [interrupt(0x23)], against: [interrupt(0x22)] },
};

const ruleOf = (id: string) => CAUSES.find((one) => one.id === id)!;

describe('each cause of faults', () => {
  it('is told by its own id and has a check for every event it applies to', () => {
    const ids = CAUSES.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [id, { first }] of Object.entries(CASES)) {
      const [event, known] = first;
      const world = worldOf({ ...known, events: [event, ...(known?.events ?? [])] });
      expect(ruleOf(id).check(event, world), id).toMatch(/\w{3,}/);
      expect(ruleOf(id).title, id).not.toMatch(/\.$/);
    }
    expect(ids).toEqual(expect.arrayContaining(Object.keys(CASES)));
  });

  it('is in the table of docs/explain.md', () => {
    const page = readFileSync(new URL('../../../docs/explain.md', import.meta.url), 'utf8');
    expect(Object.keys(CASES).filter((id) => !page.includes(`\`${id}\``))).toEqual([]);
  });

  it.each(Object.keys(CASES))('%s comes first where the log speaks for it', (id) => {
    const [event, known] = CASES[id]!.first;
    expect(idsOf(event, known)[0]).toBe(id);
  });

  it.each(Object.keys(CASES))('%s is argued against, or not told, where the log speaks against it', (id) => {
    const [event, known] = CASES[id]!.against;
    const world = worldOf({ ...known, events: [event, ...(known?.events ?? [])] });
    const rule = ruleOf(id);
    const against =
      rule.applies(event, world) && rule.evidence(event, world).some(({ weight }) => weight < 0);
    const isTold = idsOf(event, known).includes(id);
    expect(against || !isTold).toBe(true);
    expect(idsOf(event, known)[0]).not.toBe(id);
  });
});
