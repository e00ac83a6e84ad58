import { describe, expect, it } from 'vitest';
import { CDF, type CreateDomain, createDomain, IOMMU_NO_SHAREPT, sanitiseDomainConfig } from './domain.js';
import { DOMID_IO } from './domid.js';
import { errnoName } from './errno.js';
import { hasIommu, mirrors, sharesP2m } from './iommu-map.js';
import { arm, domain, type MachineOptions, mapped, populate, reach, x86 } from './machine.fixture.js';
import type { Xen } from './state.js';
import { Life } from './tables/domain.js';

const CONFIG: CreateDomain = { flags: 0, iommuOpts: 0, maxVcpus: 1, maxPages: 4, directMapped: false };
const HVM_HAP = CDF.hvm | CDF.hap;

const sanitise = (xen: Xen, config: Partial<CreateDomain>) =>
  errnoName(sanitiseDomainConfig(xen, { ...CONFIG, ...config }));

/** Dossier §2.2: what is refused (all by EINVAL) on x86, and from which to which release it was let through. */
const X86_LADDER: readonly (readonly [
  what: string,
  config: Partial<CreateDomain>,
  byRelease: Readonly<Record<string, 'ok' | 'EINVAL'>>,
])[] = [
  ['nothing', {}, { '4.11.0': 'ok', '4.12': 'ok', '4.13': 'ok', '4.14': 'ok', '4.15': 'ok', '4.22': 'ok' }],
  ['xs_domain and oos_off', { flags: CDF.xs_domain | CDF.oos_off }, { '4.11.0': 'ok', '4.22': 'ok' }],
  ['iommu', { flags: CDF.iommu }, { '4.11.0': 'EINVAL', '4.12': 'EINVAL', '4.13': 'ok', '4.22': 'ok' }],
  ['flag 9', { flags: 1 << 9 }, { '4.11.0': 'EINVAL', '4.13': 'EINVAL', '4.22': 'EINVAL' }],
  [
    'nested_virt with HAP',
    { flags: HVM_HAP | CDF.nested_virt },
    { '4.14': 'EINVAL', '4.15': 'ok', '4.22': 'ok' },
  ],
  [
    'nested_virt without HAP',
    { flags: CDF.hvm | CDF.nested_virt },
    { '4.14': 'EINVAL', '4.15': 'EINVAL', '4.22': 'EINVAL' },
  ],
  ['vpmu, which is for Arm', { flags: CDF.vpmu }, { '4.15': 'EINVAL', '4.16': 'EINVAL', '4.22': 'EINVAL' }],
  [
    'trap_unmapped_accesses, which is for Arm',
    { flags: CDF.trap_unmapped_accesses },
    { '4.20': 'EINVAL', '4.22': 'EINVAL' },
  ],
  [
    'iommu_opts without iommu',
    { iommuOpts: IOMMU_NO_SHAREPT },
    { '4.13': 'EINVAL', '4.15': 'EINVAL', '4.22': 'EINVAL' },
  ],
  [
    'no_sharept with iommu, without effect for PV',
    { flags: CDF.iommu, iommuOpts: IOMMU_NO_SHAREPT },
    { '4.13': 'ok', '4.22': 'ok' },
  ],
  [
    'unknown iommu_opts with iommu',
    { flags: CDF.iommu, iommuOpts: 2 },
    {
      '4.13': 'ok',
      '4.13.1': 'ok',
      '4.13.2': 'EINVAL',
      '4.14': 'ok',
      '4.14.1': 'EINVAL',
      '4.15': 'EINVAL',
      '4.22': 'EINVAL',
    },
  ],
  ['no vCPUs', { maxVcpus: 0 }, { '4.12': 'EINVAL', '4.13': 'EINVAL', '4.22': 'EINVAL' }],
  ['8192 vCPUs for PV', { maxVcpus: 8192 }, { '4.13': 'ok', '4.22': 'ok' }],
  ['8193 vCPUs for PV', { maxVcpus: 8193 }, { '4.13': 'EINVAL', '4.22': 'EINVAL' }],
  ['129 vCPUs for HVM', { flags: HVM_HAP, maxVcpus: 129 }, { '4.13': 'EINVAL', '4.22': 'EINVAL' }],
  [
    'hap without hvm',
    { flags: CDF.hap },
    { '4.12': 'ok', '4.12.4': 'ok', '4.13': 'EINVAL', '4.22': 'EINVAL' },
  ],
  ['hvm without hap (shadow)', { flags: CDF.hvm }, { '4.12': 'ok', '4.13': 'ok', '4.22': 'ok' }],
  [
    's3_integrity without TBOOT',
    { flags: HVM_HAP | CDF.s3_integrity },
    { '4.13': 'EINVAL', '4.22': 'EINVAL' },
  ],
];

/** The same on Arm. */
const ARM_LADDER: typeof X86_LADDER = [
  ['hvm and hap', { flags: HVM_HAP }, { '4.13': 'ok', '4.22': 'ok' }],
  ['hvm, hap and iommu', { flags: HVM_HAP | CDF.iommu }, { '4.12': 'EINVAL', '4.13': 'ok', '4.22': 'ok' }],
  ['no hap', { flags: CDF.hvm }, { '4.13': 'EINVAL', '4.22': 'EINVAL' }],
  ['no hvm', { flags: 0 }, { '4.13': 'EINVAL', '4.22': 'EINVAL' }],
  [
    'no_sharept',
    { flags: HVM_HAP | CDF.iommu, iommuOpts: IOMMU_NO_SHAREPT },
    { '4.13': 'EINVAL', '4.22': 'EINVAL' },
  ],
  ['vpmu', { flags: HVM_HAP | CDF.vpmu }, { '4.15': 'EINVAL', '4.16': 'ok', '4.22': 'ok' }],
  ['xs_domain', { flags: HVM_HAP | CDF.xs_domain }, { '4.13': 'EINVAL', '4.20': 'EINVAL', '4.21': 'ok' }],
  [
    'trap_unmapped_accesses',
    { flags: HVM_HAP | CDF.trap_unmapped_accesses },
    { '4.20': 'EINVAL', '4.21': 'ok' },
  ],
];

const cases = (ladder: typeof X86_LADDER) =>
  ladder.flatMap(([what, config, byRelease]) =>
    Object.entries(byRelease).map(([release, status]) => [what, release, status, config] as const),
  );

describe('createdomain on x86', () => {
  it.each(cases(X86_LADDER))('with %s answers in %s: %s', (_, release, status, config) => {
    expect(sanitise(x86(release), config)).toBe(status);
  });

  it.each(['4.13', '4.14', '4.15', '4.22'])('in %s refuses CDF_iommu when the IOMMU is off', (release) => {
    expect(sanitise(x86(release, { iommu: 'off' }), { flags: CDF.iommu })).toBe('EINVAL');
    expect(sanitise(x86(release, { iommu: 'off' }), {})).toBe('ok');
  });

  it.each([
    ['4.13.5', 'EINVAL'],
    ['4.14', 'EEXIST'],
    ['4.22', 'EEXIST'],
  ])('in %s answers a domid in use by %s', (release, status) => {
    const xen = x86(release);
    expect(createDomain(xen, 2, CONFIG)).toBe(2);
    expect(errnoName(createDomain(xen, 2, CONFIG))).toBe(status);
  });

  it.each([-1, 0, 0x7ff0, DOMID_IO])('asked for domid %i takes the lowest free one from 1', (domid) => {
    const xen = x86('4.22');
    expect([createDomain(xen, domid, CONFIG), createDomain(xen, domid, CONFIG)]).toEqual([1, 2]);
    expect(createDomain(xen, 3, CONFIG)).toBe(3);
    expect(errnoName(createDomain(xen, domid, CONFIG))).toBe('ENOMEM');
  });

  it('looks at the domid before it looks at the flags', () => {
    const xen = x86('4.22');
    createDomain(xen, 1, CONFIG);
    expect(errnoName(createDomain(xen, 1, { ...CONFIG, flags: 1 << 9 }))).toBe('EEXIST');
  });

  it.each([CDF.hvm | CDF.hap, 0])('for which memory is short leaves nothing behind (flags %i)', (flags) => {
    for (let heap = 5; heap < 96; heap++) {
      let xen: Xen;
      try {
        xen = x86('4.22', { heap, frames: 2 });
      } catch {
        continue;
      }
      const [hash, mark] = [xen.store.hashText(), xen.store.mark()];
      const slot = createDomain(xen, 1, { ...CONFIG, flags });
      if (slot === 1) return;
      expect(errnoName(slot)).toBe('ENOMEM');
      expect(xen.store.hashText()).toBe(hash);
      expect(xen.store.mark()).toBe(mark);
    }
    throw new Error('no heap was large enough');
  });
});

describe('createdomain on Arm', () => {
  it.each(cases(ARM_LADDER))('with %s answers in %s: %s', (_, release, status, config) => {
    expect(sanitise(arm(release), config)).toBe(status);
  });

  it('for which memory is short leaves nothing behind', () => {
    const xen = arm('4.22', { heap: 12 });
    const free = () => xen.store.hashText();
    for (let n = 0; n < 8; n++) {
      const before = free();
      if (domain(xen) >= 0) continue;
      expect(free()).toBe(before);
      return;
    }
    throw new Error('the heap never got short');
  });
});

interface Mode {
  readonly share: boolean;
  readonly sync: boolean;
}

const modeOf = (xen: Xen, slot: number): Mode & { context: boolean } => ({
  context: hasIommu(xen, slot),
  share: sharesP2m(xen, slot),
  sync: mirrors(xen, slot),
});

/** Dossier §2.4, the kinds that the model has; `iommu` false is a domain without CDF_iommu. */
const MODES: readonly (readonly [
  kind: string,
  request: { flags?: number; iommuOpts?: number; iommu?: boolean },
  host: MachineOptions,
  mode: Mode & { context: boolean },
])[] = [
  ['no CDF_iommu, PV', { iommu: false }, {}, { context: false, share: false, sync: false }],
  ['no CDF_iommu, HVM', { flags: HVM_HAP, iommu: false }, {}, { context: false, share: false, sync: false }],
  ['PV domU', {}, {}, { context: true, share: false, sync: true }],
  ['PV domU, no_sharept', { iommuOpts: IOMMU_NO_SHAREPT }, {}, { context: true, share: false, sync: true }],
  ['HVM HAP, Intel, global share', { flags: HVM_HAP }, {}, { context: true, share: true, sync: false }],
  [
    'the same + no_sharept',
    { flags: HVM_HAP, iommuOpts: IOMMU_NO_SHAREPT },
    {},
    { context: true, share: false, sync: true },
  ],
  [
    'the same with iommu=no-sharept',
    { flags: HVM_HAP },
    { sharept: false },
    { context: true, share: false, sync: true },
  ],
  ['HVM shadow', { flags: CDF.hvm }, {}, { context: true, share: false, sync: true }],
];

describe('the context decided at creation', () => {
  const releases = ['4.13', '4.14', '4.15', '4.16', '4.17', '4.22'];

  it.each(MODES)('of %s', (_kind, request, host, mode) => {
    for (const release of releases) {
      const xen = x86(release, host);
      expect(modeOf(xen, domain(xen, request)), release).toEqual(mode);
    }
  });

  it.each([
    ['relaxed', { context: true, share: false, sync: false }],
    ['strict', { context: true, share: false, sync: true }],
    ['passthrough', { context: true, share: false, sync: false }],
  ] as const)('of a PV dom0, %s', (mode, expected) => {
    for (const release of releases) expect(modeOf(x86(release, { mode }), 0), release).toEqual(expected);
  });

  it('of Arm domains is the p2m itself, for dom0 and domU', () => {
    for (const release of releases) {
      const xen = arm(release);
      const shared = { context: true, share: true, sync: false };
      expect([modeOf(xen, 0), modeOf(xen, domain(xen))]).toEqual([shared, shared]);
      expect(modeOf(xen, domain(xen, { iommu: false }))).toEqual({
        context: false,
        share: false,
        sync: false,
      });
    }
  });

  it('never shares and mirrors at once (I5)', () => {
    for (const release of ['4.11.0', '4.12', ...releases]) {
      for (const [, request, host] of MODES) {
        const { share, sync } = modeOf(...made(x86(release, host), request));
        expect(share && sync).toBe(false);
      }
    }
  });

  it('is none for any domU where contexts are built late, whatever the domain is', () => {
    for (const release of ['4.11.0', '4.12.4']) {
      for (const flags of [0, CDF.hvm, HVM_HAP]) {
        expect(modeOf(...made(x86(release), { flags }))).toEqual({
          context: false,
          share: false,
          sync: false,
        });
      }
    }
  });

  it.each([
    ['4.11.0', 'relaxed', { context: false, share: false, sync: false }],
    ['4.11.0', 'strict', { context: true, share: false, sync: true }],
    ['4.12', 'relaxed', { context: true, share: false, sync: false }],
    ['4.12', 'strict', { context: true, share: false, sync: true }],
  ] as const)('of a late release’s dom0: %s, %s (§1.2 item 2)', (release, mode, expected) => {
    expect(modeOf(x86(release, { mode }), 0)).toEqual(expected);
  });

  it('makes the tables: MFN to MFN for PV, the p2m for shared, a mirror of it for synced', () => {
    const xen = x86('4.22');
    const pv = domain(xen);
    const page = populate(xen, pv, 1);
    expect(mapped(xen, pv, page)).toBe('rw');

    const mirrored = domain(xen, { flags: HVM_HAP, iommuOpts: IOMMU_NO_SHAREPT });
    populate(xen, mirrored, 1, 5);
    const shared = domain(xen, { flags: HVM_HAP });
    expect(xen.domain.iommuRoot.get(mirrored)).not.toBe(0);
    expect(xen.domain.iommuRoot.get(shared)).toBe(0);
  });

  it('is unchanged by everything that comes after (I7)', () => {
    const xen = x86('4.22');
    const slot = domain(xen);
    const before = modeOf(xen, slot);
    populate(xen, slot, 2);
    expect(modeOf(xen, slot)).toEqual(before);
    expect(xen.domain.life.get(slot)).toBe(Life.alive);
    expect(reach(xen, 0, 0x105)).toBe('rw');
  });
});

function made(xen: Xen, request: { flags?: number; iommuOpts?: number; iommu?: boolean }): [Xen, number] {
  const late = xen.profile.iommuContext === 'at-first-assignment';
  return [xen, domain(xen, late ? { ...request, iommuOpts: 0 } : request)];
}
