import { describe, expect, it } from 'vitest';
import { rightsText } from '../formats/address.js';
import { hwdomRights } from './boot.js';
import { deviceOwner } from './devices.js';
import {
  arm,
  broken,
  dma,
  domain,
  mapped,
  mapVa,
  populate,
  RAM,
  reach,
  typeText,
  unmapVa,
  x86,
} from './machine.fixture.js';

/** A strict PV dom0 with three pages, the last of them a page table. */
const strict = (edition: string) => x86(edition, { mode: 'strict', dom0Pages: 3, dom0PageTables: 1 });

/** Dossier §3.6, and the designs of §3.5. Rights of an ordinary page and of a page table, at boot. */
const AT_BOOT: readonly (readonly [edition: string, type: string, page: string, table: string])[] = [
  ['4.11.0', 'none 0', 'rw', 'r-'],
  ['4.11.2', 'none 0', 'rw', 'r-'],
  ['4.12', 'none 0', 'rw', 'r-'],
  ['4.13', 'none 0', '--', '--'],
  ['4.14', 'none 0', '--', '--'],
  ['4.16', 'none 0', '--', '--'],
  ['4.17', 'writable 0', 'rw', '--'],
  ['4.22', 'writable 0', 'rw', '--'],
  ['late-enable', 'none 0', 'rw', 'r-'],
  ['unified-checks', 'none 0', 'rw', '--'],
  ['up-front', 'none 0', '--', '--'],
];

describe('a strict PV dom0 at boot (§3.6)', () => {
  it.each(AT_BOOT)('%s: a page is %s, mapped %s; a page table is mapped %s', (edition, type, page, table) => {
    const xen = strict(edition);
    const first = xen.ram.indexOf(RAM);
    expect([typeText(xen, first), mapped(xen, 0, first)]).toEqual([type, page]);
    expect([typeText(xen, first + 2), mapped(xen, 0, first + 2)]).toEqual(['l4 1 pinned', table]);
  });

  it.each(AT_BOOT)('%s: has nothing of other domains and of Xen in its table', (edition) => {
    const xen = strict(edition);
    const slot = domain(xen);
    const page = populate(xen, slot, 1);
    expect([mapped(xen, 0, page), mapped(xen, 0, xen.xenHeap.first)]).toEqual(['--', '--']);
    expect(dma(xen, 0, 'read', xen.ram.frameAt(page) * 4096)).toMatch(/reason 06/);
  });

  it.each(['4.13', '4.14', '4.16', 'up-front'])(
    '%s: gets a page mapped by mapping it writable',
    (edition) => {
      const xen = strict(edition);
      const page = xen.ram.indexOf(RAM);
      mapVa(xen, 0, 0, page, 'rw');
      unmapVa(xen, 0, 0);
      expect([typeText(xen, page), mapped(xen, 0, page)]).toEqual(['writable 0', 'rw']);
    },
  );

  it('breaks the canonical rule where the third test maps what is not writable (§3.5)', () => {
    const found = AT_BOOT.filter(([edition]) => broken(strict(edition)).includes('I1')).map(
      ([edition]) => edition,
    );
    expect(found).toEqual(['4.11.0', '4.11.2', '4.12', 'late-enable', 'unified-checks']);
    for (const [edition] of AT_BOOT) expect(broken(strict(edition)), edition).not.toContain('REACH');
  });
});

describe('a PV dom0 at boot, otherwise', () => {
  it.each(['4.11.0', '4.12', '4.13', '4.22'])(
    '%s, relaxed: has all RAM but Xen’s, whoever owns it',
    (edition) => {
      const xen = x86(edition, { dom0Pages: 2 });
      const page = populate(xen, domain(xen), 1);
      expect(reach(xen, 0, xen.ram.frameAt(page))).toBe('rw');
      expect(reach(xen, 0, RAM)).toBe('rw');
      expect(reach(xen, 0, xen.ram.frameAt(xen.xenHeap.first))).toBe('--');
      expect(broken(xen)).toEqual([]);
    },
  );

  it.each(['4.11.0', '4.12', '4.13', '4.22'])(
    '%s, passthrough: its devices are not translated, and it has no table',
    (edition) => {
      const xen = x86(edition, { mode: 'passthrough' });
      expect(xen.domain.iommuRoot.get(0)).toBe(0);
      expect(dma(xen, 0, 'write', xen.ram.frameAt(xen.xenHeap.first) * 4096)).toBe('ok');
    },
  );

  it('owns every device that was not withheld', () => {
    const xen = x86('4.22', { withheld: [1] });
    expect([deviceOwner(xen, 0), deviceOwner(xen, 1)]).toEqual([0, -1]);
  });

  it('without an IOMMU has neither table nor context', () => {
    for (const edition of ['4.11.0', '4.12', '4.22']) {
      const xen = x86(edition, { iommu: 'off', mode: 'strict' });
      expect([xen.domain.iommuRoot.get(0), xen.domain.needSync.get(0), xen.unit]).toEqual([0, 0, undefined]);
    }
  });

  it('that the machine has too little memory for is refused', () => {
    expect(() => x86('4.22', { frames: 2, dom0Pages: 3 })).toThrow(/too little memory for dom0's 3 pages/);
    expect(() => arm('4.22', { heap: 1 })).toThrow(/too little memory for Xen/);
  });
});

describe('an Arm dom0 at boot', () => {
  it('is mapped 1:1, and its devices translate through the same table', () => {
    for (const edition of ['4.11.0', '4.12', '4.13', '4.22']) {
      const xen = arm(edition, { dom0Pages: 2 });
      expect([reach(xen, 0, RAM), reach(xen, 0, RAM + 1), reach(xen, 0, RAM + 2)]).toEqual([
        'rw',
        'rw',
        '--',
      ]);
      expect(broken(xen)).toEqual([]);
    }
  });
});

describe('the three tests for "map this page" (§3.5)', () => {
  it('iommu_hwdom_init’s reads all, and writes what is unused or writable', () => {
    const xen = x86('4.12', { dom0Pages: 1 });
    const page = xen.ram.indexOf(RAM);
    const judge = (type: number, count: number) => {
      xen.frame.typeInfo.set(page, (type << 29) | (1 << 26) | count);
      return rightsText(hwdomRights(xen, page));
    };
    expect([judge(0, 0), judge(7, 0), judge(7, 1), judge(1, 0), judge(1, 1)]).toEqual([
      'rw',
      'rw',
      'rw',
      'rw',
      'r-',
    ]);
  });
});
