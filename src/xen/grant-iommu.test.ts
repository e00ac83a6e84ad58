import { describe, expect, it } from 'vitest';
import { rightsText } from '../formats/address.js';
import { GNTMAP } from '../formats/grant-v1.js';
import { PGT } from '../formats/x86-page-info.js';
import { CDF } from './domain.js';
import { FAILURES, type Failure, failNth } from './failures.js';
import { writeGrantEntry } from './grant-entry.js';
import { gnttabNeedsIommu } from './grant-iommu.js';
import { mapGrantRef } from './grant-map.js';
import { unmapGrantRef } from './grant-unmap.js';
import {
  arm,
  broken,
  domain,
  type MachineOptions,
  mapped,
  populate,
  pvWithContext,
  touch,
  typeText,
  x86,
} from './machine.fixture.js';
import { p2mLookup, p2mRights } from './p2m.js';
import { pinTable, unpinTable } from './page-table.js';
import type { Xen } from './state.js';

const HOST = GNTMAP.host;
const DEVICE = GNTMAP.device;
const RO = GNTMAP.readonly;

/** One release of each era of dossier §5.4. */
const ERAS = ['4.11.0', '4.12', '4.13', '4.14', '4.15', '4.16.1', '4.17', '4.22'];
const PINS = ['4.11.0', '4.12', '4.13'];
const HANDLES = ['4.13.1', '4.14', '4.15'];
const COUNTERS = ['4.13.5', '4.14.4', '4.15.2', '4.16', '4.16.1', '4.17', '4.22'];

describe('the need predicate (§5.3)', () => {
  const pv = (edition: string, options: MachineOptions = {}) => {
    const xen = x86(edition, options);
    return gnttabNeedsIommu(xen, pvWithContext(xen, 1).slot);
  };

  it('on x86 is "untranslated, and its table is kept in sync", in every release', () => {
    for (const edition of ERAS) {
      expect(pv(edition), edition).toBe(true);
      for (const [mode, needs] of [
        ['strict', true],
        ['relaxed', false],
        ['passthrough', false],
      ] as const) {
        expect(gnttabNeedsIommu(x86(edition, { mode }), 0), `${edition} dom0 ${mode}`).toBe(needs);
      }
      const xen = x86(edition);
      expect(gnttabNeedsIommu(xen, domain(xen, { iommu: false })), edition).toBe(false);
      expect(gnttabNeedsIommu(xen, domain(xen, { flags: CDF.hvm | CDF.hap })), edition).toBe(false);
    }
  });

  it.each([
    ['4.11.0', true],
    ['4.11.4', true],
    ['4.12', false],
    ['4.12.4', false],
    ['4.13', false],
    ['4.13.2', false],
    ['4.13.3', true],
    ['4.14', false],
    ['4.14.1', false],
    ['4.14.2', true],
    ['4.15', true],
    ['4.22', true],
  ])('on Arm in %s holds for a direct-mapped dom0: %s; never for another domain', (edition, needs) => {
    const xen = arm(edition);
    expect(gnttabNeedsIommu(xen, 0)).toBe(needs);
    expect(gnttabNeedsIommu(xen, domain(xen))).toBe(false);
    expect(gnttabNeedsIommu(arm(edition, { iommu: 'off' }), 0)).toBe(false);
  });
});

/** A strict dom0, and a page that a guest offers it through entries 0 and 1. */
function backend(
  edition: string,
  behaviours: MachineOptions['behaviours'] = {},
): { xen: Xen; slot: number; page: number } {
  const xen = x86(edition, { mode: 'strict', behaviours });
  const slot = domain(xen);
  const page = populate(xen, slot, 1);
  for (const ref of [0, 1]) writeGrantEntry(xen, slot, ref, 0, xen.ram.frameAt(page), false);
  return { xen, slot, page };
}

/**
 * Plays `+ro`, `+rw` (each with its reference, A or B) and `-N`, N the how-manieth mapping; says what dom0's table gives
 * after each.
 */
function play(edition: string, script: string): string {
  const { xen, slot, page } = backend(edition);
  const handles: number[] = [];
  return script
    .split(' ')
    .map((step) => {
      if (step.startsWith('-')) {
        if (unmapGrantRef(xen, 0, handles[Number(step.slice(1))]!, HOST | DEVICE, -1) !== 0)
          throw new Error(step);
      } else {
        const flags = HOST | (step.includes('ro') ? RO : 0);
        handles.push(mapGrantRef(xen, 0, slot, step.endsWith('B') ? 1 : 0, flags, 0));
      }
      expect(
        broken(xen).filter((id) => id !== 'I1'),
        `${edition} ${step}`,
      ).toEqual([]);
      return mapped(xen, 0, page);
    })
    .join(' ');
}

describe('the IOMMU mapping of a grant (§5.4)', () => {
  /** Script, and what must be mapped after each step: in every era the same. */
  it.each([
    ['+ro +rw +ro -1 -0 -2', 'r- rw rw r- r- --'],
    ['+rw +rw -0 -1', 'rw rw rw --'],
    ['+rw +ro -1', 'rw rw rw'],
    ['+rw +ro -0 -1', 'rw rw r- --'],
    ['+ro +ro -0 -1', 'r- r- r- --'],
    // T10: two references to one frame.
    ['+roA +rwB -1 -0', 'r- rw r- --'],
    ['+rwA +roB -0 -1', 'rw rw r- --'],
  ])('%s gives %s', (script, expected) => {
    for (const edition of new Set([...ERAS, ...PINS, ...HANDLES, ...COUNTERS])) {
      expect(play(edition, script), edition).toBe(expected);
    }
  });

  it('does no more than it must: a second mapping that gives nothing new touches no table', () => {
    for (const edition of [...PINS, ...HANDLES, ...COUNTERS]) {
      const { xen, slot } = backend(edition);
      mapGrantRef(xen, 0, slot, 0, HOST, 0);
      const before = xen.store.mark();
      for (const readonly of [0, RO]) mapGrantRef(xen, 0, slot, 0, HOST | readonly, 0);
      const grantFrame = xen.ram.frameAt(xen.domain.grantFrame.get(slot) - 1);
      const elsewhere: number[] = [];
      xen.store.forEachWrite(before, xen.store.mark(), (word) => {
        const pa = xen.ram.addressOf(word);
        if (pa >= 0 && Math.floor(pa / 4096) !== grantFrame) elsewhere.push(pa);
      });
      expect(elsewhere, edition).toEqual([]);
    }
  });

  it('counts over all granters, since there are counters', () => {
    for (const edition of COUNTERS) {
      const { xen, slot, page } = backend(edition);
      mapGrantRef(xen, 0, slot, 0, HOST, 0);
      mapGrantRef(xen, 0, slot, 1, HOST | RO, 0);
      expect([xen.grantCounter.writers.get(0), xen.grantCounter.readers.get(0)]).toEqual([1, 1]);
      expect(xen.grantCounter.frame.get(0)).toBe(page + 1);
      unmapGrantRef(xen, 0, 0, HOST, -1);
      unmapGrantRef(xen, 0, 1, HOST, -1);
      expect([
        xen.grantCounter.writers.get(0),
        xen.grantCounter.readers.get(0),
        xen.grantCounter.frame.get(0),
      ]).toEqual([0, 0, 0]);
    }
  });

  it('leaves no more than the handles give after a partial unmap, but in releases with XSA-394', () => {
    for (const [edition, afterPart, bug] of [
      ['4.13', 'rw', undefined],
      ['4.15', 'rw', undefined],
      ['4.13.4', '--', 'grant counter underflow'],
      ['4.14.3', '--', 'grant counter underflow'],
      ['4.15.1', '--', 'grant counter underflow'],
      ['4.16', '--', 'grant counter underflow'],
      ['4.13.5', 'rw', undefined],
      ['4.16.1', 'rw', undefined],
      ['4.17', 'rw', undefined],
    ] as const) {
      const { xen, slot, page } = backend(edition);
      mapGrantRef(xen, 0, slot, 0, HOST | DEVICE, 0);
      unmapGrantRef(xen, 0, 0, HOST, -1);
      expect(mapped(xen, 0, page), edition).toBe(afterPart);
      expect(broken(xen).includes('I12'), edition).toBe(afterPart === '--');
      unmapGrantRef(xen, 0, 0, DEVICE, -1);
      expect([mapped(xen, 0, page), xen.hostBug], edition).toEqual(['--', bug]);
    }
  });

  it('in 4.16.0 is lost, and the host with it, even by unmaps that clear nothing (XSA-394)', () => {
    const { xen, slot, page } = backend('4.16');
    mapGrantRef(xen, 0, slot, 0, HOST, 0);
    unmapGrantRef(xen, 0, 0, 0, -1);
    expect([mapped(xen, 0, page), xen.hostBug]).toEqual(['--', undefined]);
    unmapGrantRef(xen, 0, 0, 0, -1);
    expect(xen.hostBug).toBe('grant counter underflow');
    expect(broken(xen)).toContain('BUG');
  });

  it('is none for a relaxed dom0, whose devices reach the page anyway', () => {
    const xen = x86('4.22');
    const slot = domain(xen);
    const page = populate(xen, slot, 1);
    writeGrantEntry(xen, slot, 0, 0, xen.ram.frameAt(page), true);
    mapGrantRef(xen, 0, slot, 0, HOST | RO, 0);
    expect([mapped(xen, 0, page), xen.grantCounter.frame.get(0)]).toEqual(['rw', 0]);
  });
});

describe('a grant to oneself (§5.3)', () => {
  it.each([
    ['4.11.0', '--'],
    ['4.12.4', '--'],
    ['4.13.2', '--'],
    ['4.14.1', '--'],
    ['4.13.3', 'rw'],
    ['4.14.2', 'rw'],
    ['4.15', 'rw'],
    ['4.22', 'rw'],
  ])('mapped and unmapped in %s leaves one’s own page mapped %s', (edition, after) => {
    const xen = x86(edition);
    const { slot, page } = pvWithContext(xen, 1);
    touch(xen, slot, page);
    writeGrantEntry(xen, slot, 0, slot, xen.ram.frameAt(page), false);
    expect(broken(xen)).toEqual([]);
    const handle = mapGrantRef(xen, slot, slot, 0, HOST, 0);
    expect([handle, mapped(xen, slot, page)]).toEqual([0, 'rw']);
    unmapGrantRef(xen, slot, handle, HOST, -1);
    expect(mapped(xen, slot, page)).toBe(after);
    expect(broken(xen)).toEqual(after === 'rw' ? [] : ['I13', 'I1']);
  });

  it('read-only of a page table, where it reaches the IOMMU, maps what the type forbids', () => {
    for (const [edition, rights] of [
      ['4.12', 'r-'],
      ['4.14', 'r-'],
      ['4.15', '--'],
    ] as const) {
      const xen = x86(edition);
      const { slot, page } = pvWithContext(xen, 1);
      pinTable(xen, slot, page, PGT.l1);
      writeGrantEntry(xen, slot, 0, slot, xen.ram.frameAt(page), true);
      mapGrantRef(xen, slot, slot, 0, HOST | RO, 0);
      expect([mapped(xen, slot, page), typeText(xen, page)], edition).toEqual([rights, 'l1 1 pinned']);
      expect(broken(xen).includes('I13'), edition).toBe(rights !== '--');
    }
  });

  it('takes the type reference of a writable mapping', () => {
    const xen = x86('4.22');
    const { slot, page } = pvWithContext(xen, 1);
    pinTable(xen, slot, page, PGT.l1);
    unpinTable(xen, slot, page);
    writeGrantEntry(xen, slot, 0, slot, xen.ram.frameAt(page), false);
    mapGrantRef(xen, slot, slot, 0, HOST, 0);
    expect([typeText(xen, page), mapped(xen, slot, page)]).toEqual(['writable 1', 'rw']);
  });
});

describe('on Arm (§5.6)', () => {
  const GFN = 0x2000;

  function transmit(edition: string, readonly: boolean): { xen: Xen; page: number; frame: number } {
    const xen = arm(edition);
    const slot = domain(xen);
    const page = populate(xen, slot, 1, 5);
    writeGrantEntry(xen, slot, 0, 0, 5, readonly);
    mapGrantRef(xen, 0, slot, 0, HOST | (readonly ? RO : 0), GFN);
    return { xen, page, frame: xen.ram.frameAt(page) };
  }
  const at = (xen: Xen, gfn: number) =>
    `${p2mLookup(xen, 0, gfn).toString(16)} ${rightsText(p2mRights(xen, 0, gfn))}`;

  it.each(['4.11.0', '4.13.3', '4.14.2', '4.15', '4.22'])(
    '%s: dom0’s p2m has the page at its GFN and at the MFN',
    (edition) => {
      for (const [readonly, rights] of [
        [true, 'r-'],
        [false, 'rw'],
      ] as const) {
        const { xen, frame } = transmit(edition, readonly);
        expect([at(xen, GFN), at(xen, frame)]).toEqual([
          `${frame.toString(16)} ${rights}`,
          `${frame.toString(16)} ${rights}`,
        ]);
        unmapGrantRef(xen, 0, 0, HOST, -1);
        expect([p2mLookup(xen, 0, GFN), p2mLookup(xen, 0, frame)]).toEqual([-1, -1]);
        expect(broken(xen)).toEqual([]);
      }
    },
  );

  it.each(['4.12', '4.12.4', '4.13', '4.13.2', '4.14', '4.14.1'])(
    '%s: only at its GFN (I19 broken)',
    (edition) => {
      const { xen, frame } = transmit(edition, true);
      expect([at(xen, GFN), p2mLookup(xen, 0, frame)]).toEqual([`${frame.toString(16)} r-`, -1]);
      expect(broken(xen)).toEqual(['I19']);
    },
  );
});

/** How often the driver was asked to map (M) and unmap (U) in each step; `-` for never. */
function asked(edition: string, script: string): string {
  const { xen, slot, page } = backend(edition);
  // Its owner's table has the page already: what is asked is for the mapper.
  touch(xen, slot, page);
  const row = (kind: Failure) => FAILURES.indexOf(kind);
  const handles: number[] = [];
  const step = (word: string): string => {
    for (const kind of ['map', 'unmap'] as const) failNth(xen, kind, 100);
    if (word.startsWith('-')) unmapGrantRef(xen, 0, handles[Number(word.slice(1))]!, HOST | DEVICE, -1);
    else {
      const flags = HOST | (word.includes('ro') ? RO : 0);
      handles.push(mapGrantRef(xen, 0, slot, word.endsWith('B') ? 1 : 0, flags, 0));
    }
    const [maps, unmaps] = (['map', 'unmap'] as const).map(
      (kind) => 100 - xen.failure.countdown.get(row(kind)),
    );
    return 'M'.repeat(maps!) + 'U'.repeat(unmaps!) || '-';
  };
  return script.split(' ').map(step).join(' ');
}

describe('how often the driver is asked (§5.4, the dossier’s vectors)', () => {
  it.each([
    // Counters of readers and writers: only what changes the rights.
    ['counters', '+ro +rw +ro -1 -0 -2', 'M M - M - U'],
    ['counters', '+rw +rw -0 -1', 'M - - U'],
    ['counters', '+rw +ro -1 -0', 'M - - U'],
    ['counters', '+roA +roB -1 -0', 'M - - U'],
    // Handles that are left: what remains readable is mapped so again.
    ['handles', '+ro +rw +ro -1 -0 -2', 'M M - M M U'],
    ['handles', '+rw +rw -0 -1', 'M - - U'],
    ['handles', '+rw +ro -1 -0', 'M - - U'],
    ['handles', '+roA +roB -1 -0', 'M - M U'],
    // The granter's pins: as handles, but for what a reference that is pinned already asks.
    ['granter-pins', '+ro +rw +ro -1 -0 -2', 'M M - M M U'],
    ['granter-pins', '+rwA +roB -0 -1', 'M - M U'],
    ['granter-pins', '+roA +roB -1 -0', 'M - M U'],
  ])('by %s: %s asks %s', (era, script, ops) => {
    const editions = { counters: COUNTERS, handles: HANDLES, 'granter-pins': PINS }[era]!;
    for (const edition of editions) expect(asked(edition, script), edition).toBe(ops);
  });
});
