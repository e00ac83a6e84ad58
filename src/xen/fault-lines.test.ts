import { describe, expect, it } from 'vitest';
import { R, W } from '../formats/address.js';
import { GNTMAP } from '../formats/grant-v1.js';
import { PGT } from '../formats/x86-page-info.js';
import { faultLines } from './fault-lines.js';
import { writeGrantEntry } from './grant-entry.js';
import { mapGrantRef } from './grant-map.js';
import { iommuMap } from './iommu-map.js';
import {
  amd,
  arm,
  assign,
  broken,
  dma,
  domain,
  mapped,
  mapVa,
  NIC,
  pvWithContext,
  RAM,
  typeText,
  x86,
} from './machine.fixture.js';
import { populatePhysmap } from './memory.js';
import { pinTable, unpinTable } from './page-table.js';

describe('a VT-d fault in the log (§7.1)', () => {
  const fault = (edition: string) => {
    const xen = x86(edition);
    assign(xen, domain(xen), 0);
    return dma(xen, 0, 'write', 0x8424cb148);
  };
  const first = '[VT-D]DMAR:[DMA Write] Request device [0000:03:00.0] fault addr 8424cb000';
  const second = '[VT-D]DMAR: reason 05 - PTE Write access is not set';

  it.each([
    ['4.11.0', `${first}, iommu reg = ffff82c000203000\n${second}`],
    ['4.12', `${first}, iommu reg = ffff82c000203000\n${second}`],
    ['4.13', `${first}\n${second}`],
    ['4.17', `${first}\n${second}`],
    ['4.22', `${first}\n${second}`],
    ['staging', `${first}\n${second} on iommu:0`],
  ])('%s', (edition, lines) => {
    expect(fault(edition)).toBe(lines);
  });

  it.each([
    [0x00, 'Software'],
    [0x01, 'Present bit in root entry is clear'],
    [0x02, 'Present bit in context entry is clear'],
    [0x03, 'Invalid context entry'],
    [0x04, 'Access beyond MGAW'],
    [0x05, 'PTE Write access is not set'],
    [0x06, 'PTE Read access is not set'],
    [0x07, 'Next page table ptr is invalid'],
    [0x08, 'Root table address invalid'],
    [0x09, 'Context table ptr is invalid'],
    [0x0a, 'non-zero reserved fields in RTP'],
    [0x0b, 'non-zero reserved fields in CTP'],
    [0x0c, 'non-zero reserved fields in PTE'],
    [0x0d, 'Blocked a DMA translation request'],
  ])('with reason %i says %s', (reason, text) => {
    const xen = x86('4.22');
    const lines = faultLines(xen, 0, {
      requester: 0x00f9,
      address: 0x13414c123,
      write: false,
      registers: { reason },
    });
    expect(lines).toEqual([
      '[VT-D]DMAR:[DMA Read] Request device [0000:00:1f.1] fault addr 13414c000',
      `[VT-D]DMAR: reason ${reason.toString(16).padStart(2, '0')} - ${text}`,
    ]);
  });

  it('of a read says read, and an address beyond the width is one', () => {
    const xen = x86('4.22');
    assign(xen, domain(xen), 0);
    expect(dma(xen, 0, 'read', RAM * 4096)).toContain(
      '[DMA Read] Request device [0000:03:00.0] fault addr 100000\n',
    );
    expect(dma(xen, 0, 'read', 2 ** 48)).toContain('reason 04 - Access beyond MGAW');
  });
});

describe('an SMMU fault in the log (§7.3)', () => {
  it.each([
    ['4.11.0', 'smmu: /smmu@fd800000: Unhandled context fault: iova=0x00005148, fsynr=0xb0003, cb=0'],
    [
      '4.12',
      'smmu: /smmu@fd800000: Unhandled context fault: fsr=0x402, iova=0x00005148, fsynr=0xb0003, cb=0',
    ],
    [
      '4.22',
      'smmu: /smmu@fd800000: Unhandled context fault: fsr=0x402, iova=0x00005148, fsynr=0xb0003, cb=0',
    ],
  ])('%s', (edition, line) => {
    const xen = arm(edition, { dom0Pages: 1 });
    populatePhysmap(xen, 0, RAM);
    // The level at which the walk ends depends on what is mapped nearby.
    expect(dma(xen, 0, 'read', 0x5148).replace(/fsynr=0xb000[0-3]/, 'fsynr=0xb0003')).toBe(line);
  });

  it('of an unmatched stream has two lines', () => {
    const xen = arm('4.22', { withheld: [0] });
    expect(dma(xen, 0, 'write', 0x5148)).toBe(
      'smmu: /smmu@fd800000: Unexpected global fault, this could be serious\n' +
        'smmu: /smmu@fd800000: \tGFSR 0x00000002, GFSYNR0 0x00000002, GFSYNR1 0x00000877, GFSYNR2 0x00000000',
    );
  });
});

describe('T1, seed 2: a transmit through a granted page', () => {
  const FRAME = 0x8424cb;
  const ADDRESS = FRAME * 4096 + 0x148;

  function transmit(edition: string) {
    const xen = arm(edition, {
      ram: [
        { base: 0x1000, count: 2 },
        { base: 0x8424c8, count: 8 },
      ],
    });
    const slot = domain(xen);
    populatePhysmap(xen, slot, 0x40010, xen.ram.indexOf(FRAME));
    writeGrantEntry(xen, slot, 8, 0, 0x40010, true);
    expect(mapGrantRef(xen, 0, slot, 8, GNTMAP.host | GNTMAP.readonly, 0x2000)).toBe(0);
    return xen;
  }

  it.each(['4.12', '4.12.4', '4.13', '4.13.2', '4.14', '4.14.1'])(
    'in %s is the fault of the report, and changes nothing',
    (edition) => {
      const xen = transmit(edition);
      const hash = xen.store.hashText();
      expect(dma(xen, 0, 'read', ADDRESS)).toBe(
        'smmu: /smmu@fd800000: Unhandled context fault: fsr=0x402, iova=0x8424cb148, fsynr=0xb0001, cb=0',
      );
      expect([xen.store.hashText(), broken(xen)]).toEqual([hash, ['I19']]);
      expect(dma(xen, 0, 'read', 0x2000148)).toBe('ok');
    },
  );

  it.each(['4.11.0', '4.13.3', '4.14.2', '4.15', '4.22'])(
    'in %s goes out; a write is a permission fault',
    (edition) => {
      const xen = transmit(edition);
      expect(dma(xen, 0, 'read', ADDRESS)).toBe('ok');
      expect(broken(xen)).toEqual([]);
      // FSR bit 3; level 3, a write.
      const fsr = edition === '4.11.0' ? '' : 'fsr=0x408, ';
      expect(dma(xen, 0, 'write', ADDRESS)).toBe(
        `smmu: /smmu@fd800000: Unhandled context fault: ${fsr}iova=0x8424cb148, fsynr=0xb0013, cb=0`,
      );
    },
  );
});

describe('T2, XSA-288: a device writes a page table', () => {
  function pinned(edition: string) {
    const xen = x86(edition);
    const { slot, page } = pvWithContext(xen, 1);
    if (edition.startsWith('4.1') && Number(edition.slice(2, 4)) >= 13) assign(xen, slot);
    expect(pinTable(xen, slot, page, PGT.l1)).toBe(0);
    return { xen, slot, page, address: xen.ram.frameAt(page) * 4096 };
  }

  it('in 4.11.0 passes: a page-table forgery (I2)', () => {
    const { xen, address } = pinned('4.11.0');
    expect(dma(xen, 0, 'write', address)).toBe('ok');
    expect(broken(xen)).toContain('I2');
  });

  it.each(['4.11.2', '4.12', '4.13', '4.17'])(
    'in %s faults with reason 05; unpinned, the page waits for a writable mapping',
    (edition) => {
      const { xen, slot, page, address } = pinned(edition);
      expect(broken(xen)).toEqual([]);
      expect(dma(xen, 0, 'write', address)).toContain('reason 05');
      unpinTable(xen, slot, page);
      expect([typeText(xen, page), mapped(xen, slot, page)]).toEqual(['l1 0', '--']);
      expect(dma(xen, 0, 'read', address)).toContain('reason 06');
      mapVa(xen, slot, 0, page, 'rw');
      expect(dma(xen, 0, 'write', address)).toBe('ok');
    },
  );

  it('is not remembered by the IOTLB either: the unmapping flushes it', () => {
    const xen = x86('4.22');
    const { slot, page } = pvWithContext(xen, 1);
    assign(xen, slot);
    const address = xen.ram.frameAt(page) * 4096;
    expect(dma(xen, 0, 'write', address)).toBe('ok');
    pinTable(xen, slot, page, PGT.l1);
    expect(dma(xen, 0, 'write', address)).toContain('reason 05');
  });
});

describe('a VT-d fault that is no ordinary DMA (§7.1)', () => {
  const lines = (edition: string, reason: number, address = 0x13414c123) =>
    faultLines(x86(edition), 0, { requester: 0x00f9, address, write: false, registers: { reason } });

  it.each([0x0e, 0x1f, 0x27])('with reason %i, which Xen does not know, says so', (reason) => {
    expect(lines('4.22', reason)).toEqual([
      '[VT-D]UNKNOWN: Request device [0000:00:1f.1] fault addr 13414c000',
      `[VT-D]UNKNOWN: reason ${reason.toString(16).padStart(2, '0')} - Unknown`,
    ]);
  });

  it('of an interrupt names its index', () => {
    const address = 0x2a * 2 ** 48;
    expect(lines('4.22', 0x22, address)).toEqual([
      '[VT-D]INTR-REMAP: Request device [0000:00:1f.1] fault index 2a',
      '[VT-D]INTR-REMAP: reason 22 - Present field in the IRTE entry is clear',
    ]);
    expect(lines('4.12', 0x26, address)).toEqual([
      '[VT-D]INTR-REMAP: Request device [0000:00:1f.1] fault index 2a, iommu reg = ffff82c000203000',
      '[VT-D]INTR-REMAP: reason 26 - Blocked an interrupt request due to source-id verification failure',
    ]);
    expect(lines('staging', 0x20, address)[1]).toMatch(
      /^\[VT-D\]INTR-REMAP: reason 20 - Detected.* on iommu:0$/,
    );
  });
});

describe('the walk that iommu=verbose adds (§7.1, §7.2)', () => {
  it.each([
    ['4.15', '    l1[105] = 0', ['    l1[105] not present']],
    ['4.16', '    l1[105] = 0 --', []],
    ['4.22', '    l1[105] = 0 --', []],
  ] as const)('shows VT-d’s tables down to the entry that is absent, Xen %s', (edition, last, more) => {
    const xen = x86(edition, { verbosity: 'verbose', dom0Pages: 0 });
    const slot = domain(xen);
    assign(xen, slot);
    iommuMap(xen, slot, 0x106, 0x106, R | W);
    const shown = dma(xen, 0, 'write', 0x105 * 4096 + 0x148).split('\n');
    const rights = edition === '4.15' ? '' : ' rw';
    const at = (entry: string) => expect.stringMatching(new RegExp(`^    ${entry} = [0-9a-f]+003${rights}$`));
    expect(shown.slice(2)).toEqual([
      'print_vtd_entries: iommu #0 dev 0000:03:00.0 gmfn 00105',
      expect.stringMatching(/^ {4}root_entry\[03\] = [0-9a-f]+001$/),
      expect.stringMatching(/^ {4}context\[00\] = 102_[0-9a-f]+001$/),
      at('l4\\[000\\]'),
      at('l3\\[000\\]'),
      at('l2\\[000\\]'),
      last,
      ...more,
    ]);
  });

  it('ends where VT-d’s root or context entry is not present', () => {
    const xen = x86('4.22', { verbosity: 'debug' });
    xen.vtd!.clearContext(NIC.requester);
    expect(dma(xen, 0, 'read', 0).split('\n').slice(3)).toEqual([
      expect.stringMatching(/^ {4}root_entry\[03\] = /),
      '    context[00] = 0_0',
      '    ctxt_entry[00] not present',
    ]);
    const lines = faultLines(xen, 0, {
      requester: 0x900,
      address: 0,
      write: false,
      registers: { reason: 1 },
    });
    expect(lines.slice(3)).toEqual(['    root_entry[09] = 0', '    root_entry[09] not present']);
  });

  it('shows AMD-Vi’s tables since 4.17', () => {
    for (const edition of ['4.16', '4.17']) {
      const xen = amd(edition, { verbosity: 'verbose', dom0Pages: 0 });
      const slot = domain(xen);
      assign(xen, slot);
      iommuMap(xen, slot, 0x106, 0x106, R | W);
      const shown = dma(xen, 0, 'write', 0x105 * 4096 + 0x148)
        .split('\n')
        .slice(1);
      if (edition === '4.16') {
        expect(shown).toEqual([]);
        continue;
      }
      expect(shown).toEqual([
        expect.stringMatching(/^0000:03:00\.0 root @ [0-9a-f]{5} \(3 levels\) dfn=00105$/),
        expect.stringMatching(/^ {2}L3\[000\] = 60000000000[0-9a-f]{2}[4-5]01 rw$/),
        expect.stringMatching(/^ {2}L2\[000\] = 60000000000[0-9a-f]{2}[2-3]01 rw$/),
        '  L1[105] = 0 np',
      ]);
      xen.amdvi!.abort(NIC.requester);
      expect(dma(xen, 0, 'read', 0).split('\n')[1]).toBe('0000:03:00.0: no root');
    }
  });
});

describe('an event of AMD-Vi other than a page fault (§7.2)', () => {
  it.each([
    [1, 'ILLEGAL_DEV_TABLE_ENTRY'],
    [3, 'DEV_TABLE_HW_ERROR'],
    [4, 'PAGE_TABLE_HW_ERROR'],
    [5, 'ILLEGAL_COMMAND_ERROR'],
    [6, 'COMMAND_HW_ERROR'],
    [7, 'IOTLB_INV_TIMEOUT'],
    [8, 'INVALID_DEV_REQUEST'],
    [9, 'event'],
  ])('of code %i is its name, %s, and its four words', (code, name) => {
    const fault = {
      requester: 0x300,
      address: 0,
      write: false,
      registers: { code, event0: 0x300, event1: code << 28, event2: 0x1000, event3: 0 },
    };
    const line = `${name} 00000300 ${code.toString(16)}0000000 00001000 00000000`;
    expect(faultLines(amd('4.14'), 0, fault)).toEqual([line]);
    expect(faultLines(amd('4.22'), 0, fault)).toEqual([line]);
    expect(faultLines(amd('4.13'), 0, fault)).toEqual([]);
    expect(faultLines(amd('4.13', { verbosity: 'debug' }), 0, fault)).toEqual([`AMD-Vi: ${line}`]);
  });
});
