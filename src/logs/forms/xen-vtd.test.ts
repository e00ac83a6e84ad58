import { describe, expect, it } from 'vitest';
import { VTD_FAULT_REASONS } from '../../formats/vtd-faults.js';
import { faultLines } from '../../xen/fault-lines.js';
import { x86 } from '../../xen/machine.fixture.js';
import { eventsOf } from '../events.fixture.js';
import { ALLOWS, PERHAPS_RESERVED } from '../vtd-walk.js';
import { FORMS } from './all.js';
import { describeSamples, type Sample } from './samples.fixture.js';
import { XEN_VTD_FORMS } from './xen-vtd.js';

const fault = { source: 'xen', unit: 'vtd', kind: 'dma-fault' } as const;

const SAMPLES: readonly Sample[] = [
  {
    // Field: QubesOS/qubes-issues#1491.
    log: `(XEN) [VT-D]DMAR:[DMA Write] Request device [0000:01:00.0] fault addr 8c000, iommu reg = ffff82c000203000
(XEN) [VT-D]DMAR: reason 05 - PTE Write access is not set`,
    events: [
      {
        ...fault,
        device: '0000:01:00.0',
        address: 0x8c000n,
        access: 'write',
        reason: { code: 5, name: 'LGN.2', manual: 'Intel VT-d spec 5.10 §7.1.3, table 30' },
        level: { name: 'second-level entry', entry: null, problem: 'no write permission' },
        details: { unit: 'registers at 0xffff82c000203000' },
      },
    ],
  },
  {
    log: `[VT-D]INTR-REMAP: Request device [0000:f0:1f.0] fault index 1f
[VT-D]INTR-REMAP: reason 25 - Blocked a compatibility format interrupt request on iommu:2`,
    events: [
      {
        ...fault,
        kind: 'interrupt-fault',
        device: '0000:f0:1f.0',
        address: null,
        access: null,
        reason: { code: 0x25, name: 'compatibility-format-blocked' },
        details: { index: '0x1f', unit: '#2' },
      },
    ],
  },
  {
    log: `[VT-D]UNKNOWN: Request device [0000:02:00.0] fault addr fee00000
[VT-D]UNKNOWN: reason 0e - Unknown`,
    events: [
      {
        ...fault,
        device: '0000:02:00.0',
        address: 0xfee00000n,
        access: null,
        reason: { code: 0xe, name: 'LGN.4' },
        level: null,
      },
    ],
  },
  {
    log: `[VT-D]iommu.c:903: DMAR:[DMA Read] Request device [00:02.0] fault addr 1000, iommu reg = ffff82c3fff57000
DMAR:[fault reason 06h] PTE Read access is not set`,
    events: [{ ...fault, device: '0000:00:02.0', access: 'read', reason: { code: 6, name: 'LGN.3' } }],
  },
  {
    log: 'INTR-REMAP:[fault reason 26h] Blocked',
    events: [{ kind: 'interrupt-fault', reason: { code: 0x26 } }],
  },
  {
    log: `(XEN) [VT-D]iommu.c:873: iommu_fault_status: Fault Overflow
(XEN) [VT-D]iommu.c:875: iommu_fault_status: Primary Pending Fault
(XEN) [VT-D]DMAR:[DMA Read] Request device [0000:00:02.0] fault addr 8e43c000
(XEN) [VT-D]DMAR: reason 06 - PTE Read access is not set
(XEN) [VT-D]iommu.c:875: iommu_fault_status: Primary Pending Fault
(XEN) [VT-D]DMAR:[DMA Read] Request device [0000:00:02.0] fault addr 8e43d000
(XEN) [VT-D]DMAR: reason 06 - PTE Read access is not set`,
    events: [
      { ...fault, address: 0x8e43c000n, bits: [{ name: 'PFO' }, { name: 'PPF' }] as never },
      { ...fault, address: 0x8e43d000n, bits: [{ name: 'PPF' }] as never },
    ],
  },
  {
    log: '[VT-D]iommu.c:885: iommu_fault_status: Invalidation Time-out Error',
    events: [{ kind: 'command-error', reason: { name: 'ITE' }, bits: [{ name: 'ITE', value: 1 }] as never }],
  },
  {
    // Lab: Xen 4.17 under QEMU; a page of dom0's that was given away.
    log: `(XEN) [VT-D]DMAR:[DMA Write] Request device [0000:00:04.0] fault addr 13414c000
(XEN) [VT-D]DMAR: reason 05 - PTE Write access is not set
(XEN) print_vtd_entries: iommu #0 dev 0000:00:04.0 gmfn 13414c
(XEN)     root_entry[00] = 1341d2001
(XEN)     context[20] = 101_134154001
(XEN)     l3[004] = 134153003 rw
(XEN)     l2[1a0] = 134152003 rw
(XEN)     l1[14c] = 0 --`,
    events: [
      {
        ...fault,
        address: 0x13414c000n,
        level: { name: 'L1', entry: 0n, problem: 'not present' },
        details: { unit: '#0', 'domain id': '1' },
        more: [
          'iommu #0 dev 0000:00:04.0 gmfn 13414c',
          'root_entry[00] = 1341d2001',
          'context[20] = 101_134154001',
          'l3[004] = 134153003',
          'l2[1a0] = 134152003',
          'l1[14c] = 0',
        ],
      },
    ],
  },
  {
    // Lab: Xen shows the entry that the low bits of the address lead to; what is wrong is the address.
    log: `[VT-D]DMAR:[DMA Write] Request device [0000:00:04.0] fault addr 10000000000
[VT-D]DMAR: reason 04 - Access beyond MGAW
print_vtd_entries: iommu #0 dev 0000:00:04.0 gmfn 10000000
    root_entry[00] = 1341d2001
    context[20] = 101_134154001
    l3[000] = 20000000000000 --`,
    events: [{ address: 0x10000000000n, reason: { name: 'LGN.1' }, level: null }],
  },
  {
    log: `[VT-D]DMAR:[DMA Read] Request device [0000:00:04.0] fault addr 1000
[VT-D]DMAR: reason 02 - Present bit in context entry is clear
print_vtd_entries: iommu #0 dev 0000:00:04.0 gmfn 00001
    root_entry[00] = 1341d2001
    context[20] = 0_0
    ctxt_entry[20] not present`,
    events: [{ level: { name: 'context entry', entry: 0n, problem: 'not present' } }],
  },
  {
    log: `[VT-D]DMAR:[DMA Read] Request device [0000:09:00.0] fault addr 1000
[VT-D]DMAR: reason 01 - Present bit in root entry is clear
print_vtd_entries: iommu ffff830427cfe960 dev 0000:09:00.0 gmfn 1
    root_entry = ffff83000009e000
    root_entry[9] = 0
    root_entry[9] not present`,
    events: [{ level: { name: 'root entry', entry: 0n, problem: 'not present' } }],
  },
  {
    log: `print_vtd_entries: iommu #1 dev 0000:00:04.0 gmfn 00001
    iommu->root_maddr = 0`,
    events: [
      {
        ...fault,
        address: 0x1000n,
        level: { name: 'root table', entry: null, problem: 'not present' },
        details: { unit: '#1' },
      },
    ],
  },
  {
    log: `[VT-D]DMAR:[DMA Write] Request device [0000:00:04.0] fault addr 1000
[VT-D]DMAR: reason 03 - Invalid context entry
print_vtd_entries: iommu #0 dev 0000:00:04.0 gmfn 00001
    root_entry[00] = 1341d2001
    context[20] = 103_134154001
Unsupported VTD page table level (5)!`,
    events: [
      {
        level: {
          name: 'context entry',
          entry: (0x103n << 64n) | 0x134154001n,
          problem: 'its width asks for 5 levels, and Xen reads 3 or 4',
        },
      },
    ],
  },
  {
    // A superpage that may only be read, before 4.16.
    log: `[VT-D]DMAR:[DMA Write] Request device [0000:00:04.0] fault addr 40000000
[VT-D]DMAR: reason 05 - PTE Write access is not set
print_vtd_entries: iommu #0 dev 0000:00:04.0 gmfn 40000
    root_entry[00] = 1341d2001
    context[20] = 102_134154001
    l4[000] = 134155003
    l3[001] = 134153003
    l2[000] = 40000081`,
    events: [{ level: { name: 'L2', entry: 0x40000081n, problem: 'no write permission' } }],
  },
  {
    log: `[VT-D]DMAR:[DMA Write] Request device [0000:00:04.0] fault addr 1000
[VT-D]DMAR: reason 05 - PTE Write access is not set
print_vtd_entries: iommu #0 dev 0000:00:04.0 gmfn 00001
    l5[000] = 0
    l5[000] not present
    l4[000] = 0
    l4[000] not present
    l3[000] not present
    l2[000] not present
    l1[001] not present`,
    events: [{ level: { name: 'L5', entry: 0n, problem: 'not present' } }],
  },
];

describeSamples('Xen’s VT-d faults', XEN_VTD_FORMS, SAMPLES, FORMS);

describe('the tables of a fault', () => {
  const dumped = (reason: string, ...entries: string[]) =>
    eventsOf(
      [
        '[VT-D]DMAR:[DMA Read] Request device [0000:00:04.0] fault addr 1000',
        `[VT-D]DMAR: reason ${reason}`,
        'print_vtd_entries: iommu #0 dev 0000:00:04.0 gmfn 00001',
        ...entries,
      ].join('\n'),
      XEN_VTD_FORMS,
    ).events[0]?.level;

  it('say that the access would pass now where nothing in them refuses it', () => {
    const level = dumped('06 - x', 'root_entry[00] = 1001', 'context[20] = 102_2001', 'l1[001] = 5003 rw');
    expect(level).toEqual({ name: 'L1', entry: 0x5003n, problem: ALLOWS });
  });

  it('are not blamed where the reason is the context entry, which has changed since', () => {
    const level = dumped('02 - x', 'root_entry[00] = 1001', 'context[20] = 102_2001', 'l4[000] = 0 --');
    expect(level).toEqual({ name: 'context entry', entry: (0x102n << 64n) | 0x2001n, problem: ALLOWS });
  });

  it('name the last entry where a bit is reserved on this unit only', () => {
    const level = dumped('0c - x', 'l2[000] = 4003 rw', 'l1[001] = 5803 rw');
    expect(level).toEqual({ name: 'L1', entry: 0x5803n, problem: PERHAPS_RESERVED });
  });

  it('belong to a fault of the same device and page only', () => {
    const { events } = eventsOf(
      `[VT-D]DMAR:[DMA Read] Request device [0000:00:04.0] fault addr 1000
print_vtd_entries: iommu #0 dev 0000:00:05.0 gmfn 00001
print_vtd_entries: iommu #0 dev 0000:00:04.0 gmfn 00002`,
      XEN_VTD_FORMS,
    );
    expect(events.map(({ device, address }) => [device, address])).toEqual([
      ['0000:00:04.0', 0x1000n],
      ['0000:00:05.0', 0x1000n],
      ['0000:00:04.0', 0x2000n],
    ]);
  });
});

describe('what the model says of a fault', () => {
  const codes = VTD_FAULT_REASONS.map(({ code }) => code);
  it.each(['4.11.0', '4.12', '4.13', '4.15', '4.16', '4.22', 'staging'])(
    'comes back as that fault from the lines of Xen %s, with and without its tables',
    (edition) => {
      for (const verbosity of [undefined, 'verbose'] as const) {
        const xen = x86(edition, verbosity === undefined ? {} : { verbosity });
        for (const code of codes) {
          for (const write of [false, true]) {
            const address = code >= 0x20 && code < 0x30 ? 7 * 2 ** 48 : 0x13414c000;
            const fault = { requester: 0x300, address, write, registers: { reason: code } };
            const { events } = eventsOf(faultLines(xen, 0, fault).join('\n'), XEN_VTD_FORMS);
            expect(events, `${edition} ${code}`).toHaveLength(1);
            const [event] = events;
            expect(event).toMatchObject({
              source: 'xen',
              unit: 'vtd',
              device: '0000:03:00.0',
              reason: { code },
            });
            const interrupt = code >= 0x20 && code < 0x30;
            expect(event?.kind).toBe(interrupt ? 'interrupt-fault' : 'dma-fault');
            if (interrupt) expect(event?.details.index).toBe('0x7');
            else expect(event?.address).toBe(0x13414c000n);
            // Xen knows reasons up to 0xd, and calls the others unknown, without a direction.
            if (code <= 0xd) expect(event?.access).toBe(write ? 'write' : 'read');
          }
        }
      }
    },
  );
});
