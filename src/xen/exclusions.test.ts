import { describe, expect, it } from 'vitest';
import { CDF } from './domain.js';
import { errnoName } from './errno.js';
import {
  disableLogDirty,
  disablePaging,
  enableLogDirty,
  enablePaging,
  LogDirty,
  podRefusal,
  setSharing,
} from './exclusions.js';
import { amd, arm, assign, domain, x86 } from './machine.fixture.js';
import type { Xen } from './state.js';
import { Life } from './tables/domain.js';

const HVM = CDF.hvm | CDF.hap;
const SHADOW = CDF.hvm;
const log = (xen: Xen, slot: number) => errnoName(enableLogDirty(xen, 0, slot));
const unlog = (xen: Xen, slot: number) => errnoName(disableLogDirty(xen, 0, slot));
const paging = (xen: Xen, slot: number) => errnoName(enablePaging(xen, 0, slot));
const sharing = (xen: Xen, slot: number, on = true) => errnoName(setSharing(xen, slot, on));

describe('what keeps devices from a domain (§6.1 #10)', () => {
  it.each(['4.12', '4.13', '4.15', '4.17', '4.22'])('%s: each of them is EXDEV', (release) => {
    for (const field of ['sharingEnabled', 'pagingEnabled'] as const) {
      const xen = x86(release);
      const slot = domain(xen, { flags: HVM });
      xen.domain[field].set(slot, 1);
      expect(assign(xen, slot)).toBe('EXDEV');
      xen.domain[field].set(slot, 0);
      expect(assign(xen, slot)).toBe('ok');
    }
    const xen = x86(release);
    const slot = domain(xen, { flags: HVM });
    xen.domain.logDirty.set(slot, LogDirty.global);
    expect(assign(xen, slot)).toBe('EXDEV');
    expect([unlog(xen, slot), assign(xen, slot)]).toEqual(['ok', 'ok']);
  });

  it('4.11 looks only at domains that have no context yet', () => {
    const xen = x86('4.11.0');
    const slot = domain(xen, { flags: HVM });
    xen.domain.sharingEnabled.set(slot, 1);
    expect(assign(xen, slot)).toBe('EXDEV');
    xen.domain.sharingEnabled.set(slot, 0);
    expect(assign(xen, slot, 0)).toBe('ok');
    xen.domain.sharingEnabled.set(slot, 1);
    expect(assign(xen, slot, 1)).toBe('ok');
  });

  it.each([
    ['4.15.2', 'ok', 'ok'],
    ['4.15.3', 'EXDEV', 'ENOTEMPTY'],
    ['4.16.1', 'ok', 'ok'],
    ['4.16.2', 'EXDEV', 'ENOTEMPTY'],
    ['4.17', 'EXDEV', 'ENOTEMPTY'],
  ])('%s: populate-on-demand is %s, and with devices it is %s', (release, assigned, populated) => {
    const xen = x86(release);
    const slot = domain(xen, { flags: HVM });
    xen.domain.podEntries.set(slot, 1);
    expect(assign(xen, slot)).toBe(assigned);
    xen.domain.podEntries.set(slot, 0);
    assign(xen, slot);
    expect(errnoName(podRefusal(xen, slot))).toBe(populated);
  });

  it('log-dirty mode of shadow paging does not', () => {
    const xen = x86('4.22');
    for (const flags of [SHADOW, 0]) {
      const slot = domain(xen, { flags });
      expect([log(xen, slot), assign(xen, slot, flags === 0 ? 0 : 1)]).toEqual(['ok', 'ok']);
    }
  });

  it('nothing keeps them from dom_io', () => {
    const xen = x86('4.22');
    xen.domain.sharingEnabled.set(xen.domIo, 1);
    expect(assign(xen, xen.domIo)).toBe('ok');
  });
});

describe('what devices keep from a domain (§6.1)', () => {
  it('T8: log-dirty mode, with a device; up to 4.12 with a context', () => {
    for (const release of ['4.11.0', '4.12', '4.13', '4.17', '4.22']) {
      for (const iommuOpts of release < '4.13' ? [0] : [0, 1]) {
        const xen = x86(release);
        const slot = domain(xen, { flags: HVM, iommuOpts });
        assign(xen, slot);
        expect(log(xen, slot)).toBe('EINVAL');
      }
    }
    const declared = x86('4.13');
    expect(log(declared, domain(declared, { flags: HVM }))).toBe('ok');
  });

  it('is on once, and off whenever one likes', () => {
    const xen = x86('4.22');
    const slot = domain(xen, { flags: HVM });
    expect([log(xen, slot), log(xen, slot), unlog(xen, slot), unlog(xen, slot), log(xen, slot)]).toEqual([
      'ok',
      'EINVAL',
      'ok',
      'ok',
      'ok',
    ]);
  });

  it.each([
    ['4.12', 'ok'],
    ['4.17', 'ok'],
    ['4.18', 'EINVAL'],
    ['4.22', 'EINVAL'],
  ])('%s: a dying domain answers %s', (release, status) => {
    const xen = x86(release);
    const slot = domain(xen, { flags: HVM });
    xen.domain.life.set(slot, Life.dying);
    expect([log(xen, slot), unlog(xen, slot), paging(xen, slot)]).toEqual([status, status, 'ok']);
    expect([xen.domain.logDirty.get(slot), xen.domain.pagingEnabled.get(slot)]).toEqual([0, 0]);
  });

  it('nobody, itself, Arm', () => {
    const xen = x86('4.22');
    expect([log(xen, 3), paging(xen, 3), sharing(xen, 3)]).toEqual(['ESRCH', 'ESRCH', 'ESRCH']);
    expect([log(xen, 0), paging(xen, 0)]).toEqual(['EINVAL', 'EINVAL']);
    const other = arm('4.22');
    const slot = domain(other);
    expect([log(other, slot), paging(other, slot), sharing(other, slot)]).toEqual(Array(3).fill('ENOSYS'));
  });

  it('paging: EMLINK with a context, EXDEV with populate-on-demand, ENODEV without HAP', () => {
    for (const release of ['4.12', '4.13', '4.22']) {
      const xen = x86(release);
      const [with_, without] = [domain(xen, { flags: HVM }), domain(xen, { flags: HVM, iommu: false })];
      if (release === '4.12') assign(xen, with_);
      expect([paging(xen, with_), paging(xen, without), paging(xen, without)]).toEqual([
        'EMLINK',
        'ok',
        'EBUSY',
      ]);
      expect([disablePaging(xen, 0, without), disablePaging(xen, 0, without)].map(errnoName)).toEqual([
        'ok',
        'EINVAL',
      ]);
      xen.domain.podEntries.set(without, 1);
      expect(paging(xen, without)).toBe('EXDEV');
    }
    const xen = x86('4.22');
    expect([paging(xen, domain(xen)), paging(xen, domain(xen, { flags: SHADOW }))]).toEqual([
      'ENODEV',
      'ENODEV',
    ]);
  });

  it.each([
    ['4.12', 'ENODEV', 'ENODEV', 'ENODEV', 'ok'],
    ['4.13', 'ENODEV', 'ENODEV', 'ENODEV', 'ok'],
    ['4.14', 'EOPNOTSUPP', 'ENODEV', 'ok', 'EOPNOTSUPP'],
    ['4.22', 'EOPNOTSUPP', 'ENODEV', 'ok', 'EOPNOTSUPP'],
  ])(
    '%s, sharing: PV %s, shadow %s, PV off %s, on AMD %s, with a context EXDEV',
    (release, pv, shadow, off, onAmd) => {
      const xen = x86(release);
      const slot = domain(xen, { iommu: false });
      expect([sharing(xen, slot), sharing(xen, slot, false)]).toEqual([pv, off]);
      expect(sharing(xen, domain(xen, { flags: SHADOW, iommu: false }))).toBe(shadow);
      const hap = domain(xen, { flags: HVM });
      if (release === '4.12') assign(xen, hap);
      expect(sharing(xen, hap)).toBe('EXDEV');
      const other = amd(release);
      expect(sharing(other, domain(other, { flags: HVM, iommu: false }))).toBe(onAmd);
    },
  );
});
