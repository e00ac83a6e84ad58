import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';
import { ALLOWS } from '../vtd-walk.js';
import { FORMS } from './all.js';
import { LINUX_VTD_FORMS } from './linux-vtd.js';
import { LINUX_VTD_QUEUE_FORMS } from './linux-vtd-queue.js';
import { describeSamples, type Sample } from './samples.fixture.js';

const fault = { source: 'linux', unit: 'vtd', kind: 'dma-fault' } as const;
const bits = (...names: string[]) => names.map((name) => ({ name })) as never;

const SAMPLES: readonly Sample[] = [
  {
    // Field: patmagauran/i915ovmfPkg#16.
    log: `[  228.845953] DMAR: DRHD: handling fault status reg 2
[  228.845965] DMAR: [DMA Write] Request device [00:02.0] PASID ffffffff fault addr 0 [fault reason 02] Present bit in context entry is clear
[  228.857085] DMAR: DRHD: handling fault status reg 3
[  228.857105] DMAR: [DMA Read] Request device [00:02.0] PASID ffffffff fault addr b4000000 [fault reason 06] PTE Read access is not set`,
    events: [
      {
        ...fault,
        device: '0000:00:02.0',
        address: 0n,
        access: 'write',
        reason: { code: 2, name: 'LCT.2' },
        level: { name: 'context entry', entry: null, problem: 'not present' },
        bits: bits('PPF'),
        details: {},
      },
      {
        ...fault,
        device: '0000:00:02.0',
        address: 0xb4000000n,
        access: 'read',
        reason: { code: 6, name: 'LGN.3' },
        bits: bits('PFO', 'PPF'),
      },
    ],
  },
  {
    // Field: linux-kernel, February 2013. The reason is decimal; the status at the end is of a fault that was left out.
    log: `[ 1692.021403] dmar: DMAR:[DMA Read] Request device [00:02.0] fault addr 1a45aa9000
[ 1692.021403] DMAR:[fault reason 12] non-zero reserved fields in PTE
[ 1692.021416] dmar: DRHD: handling fault status reg 2`,
    events: [{ ...fault, address: 0x1a45aa9000n, reason: { code: 0xc, name: 'LSS.2' } }],
  },
  {
    // Field: Avnu/igb_avb#11, the address made unreadable.
    log: 'DMAR: [DMA Read] Request device [06:00.0] fault addr ffxxxxxx [fault reason 06] PTE Read access is not set',
    events: [{ ...fault, device: '0000:06:00.0', address: null, reason: { code: 6 } }],
  },
  {
    log: `DMAR: [INTR-REMAP] Request device [0xe2:0x00.0] fault index 0xa00 [fault reason 0x25] Blocked a compatibility format interrupt request`,
    events: [
      {
        ...fault,
        kind: 'interrupt-fault',
        device: '0000:e2:00.0',
        address: null,
        reason: { code: 0x25, name: 'compatibility-format-blocked' },
        details: { index: '0xa00' },
      },
    ],
  },
  {
    log: `[    0.057770] DMAR: INTR-REMAP: Request device [[f0:1f.0] fault index 0
               INTR-REMAP:[fault reason 37] Blocked a compatibility format interrupt request`,
    events: [
      {
        ...fault,
        kind: 'interrupt-fault',
        device: '0000:f0:1f.0',
        reason: { code: 37 },
        details: { index: '0x0' },
      },
    ],
  },
  {
    // linux-iommu, February 2023: the PASID directory was not flushed to memory, where the unit saw none.
    log: ` DMAR: DRHD: handling fault status reg 3
 DMAR: [DMA Read NO_PASID] Request device [00:0d.2] fault addr 0x1026a4000
       [fault reason 0x51] SM: Present bit in Directory Entry is clear
 DMAR: Dump dmar1 table entries for IOVA 0x1026a4000
 DMAR: scalable mode root entry: hi 0x0000000102448001, low 0x0000000101b3e001
 DMAR: context entry: hi 0x0000000000000000, low 0x0000000101b4d401
 DMAR: pasid dir entry: 0x0000000101b4e001
 DMAR: pasid table entry[0]: 0x0000000000000109
 DMAR: pasid table entry[1]: 0x0000000000000001
 DMAR: PTE not present at level 4`,
    events: [
      {
        ...fault,
        device: '0000:00:0d.2',
        address: 0x1026a4000n,
        reason: { code: 0x51, name: 'SPD.2' },
        level: { name: 'PASID directory entry', entry: 0x101b4e001n, problem: ALLOWS },
        details: { unit: 'dmar1', translation: 'pass-through' },
      },
    ],
  },
  {
    log: `DMAR: [DMA Write PASID 0x1] Request device [6a:01.0] fault addr 0xffffd000 [fault reason 0x80] SM: Address in first-level translation is not canonical`,
    events: [{ ...fault, details: { PASID: '0x1' }, reason: { code: 0x80, name: 'SGN.1' }, level: null }],
  },
  {
    log: `DMAR: [DMA Write NO_PASID] Request device [03:00.0] fault addr 0xffffd000 [fault reason 0x05] PTE Write access is not set
DMAR: Dump dmar0 table entries for IOVA 0xffffd000
DMAR: root entry: 0x0000000101b3e001
DMAR: context entry: hi 0x0000000000000102, low 0x0000000101b4d001
DMAR: pte level: 4, pte value: 0x0000000101b4e003
DMAR: pte level: 3, pte value: 0x0000000000000000
DMAR: page table not present at level 2`,
    events: [
      {
        level: { name: 'L3', entry: 0n, problem: 'not present' },
        details: { unit: 'dmar0', 'domain id': '1' },
        more: [
          'Dump dmar0 table entries for IOVA 0xffffd000',
          'root entry: 0x0000000101b3e001',
          'context entry: hi 0x0000000000000102, low 0x0000000101b4d001',
          'pte level: 4, pte value: 0x0000000101b4e003',
          'pte level: 3, pte value: 0x0000000000000000',
          'page table not present at level 2',
        ],
      },
    ],
  },
  {
    log: `DMAR: Dump dmar0 table entries for IOVA 0x1000
DMAR: root table is not present`,
    events: [
      { ...fault, address: 0x1000n, level: { name: 'root table', entry: null, problem: 'not present' } },
    ],
  },
  {
    // Linux, 2026: the half of the root entry for devices 16 to 31 was not copied.
    log: `DMAR: [DMA Write NO_PASID] Request device [80:1f.6] fault addr 0x1aba8d000 [fault reason 0x39] SM: Present bit in Root Entry is clear
DMAR: Dump dmar1 table entries for IOVA 0x1aba8d000
DMAR: scalable mode root entry: hi 0x0000000000000000, low 0x0000000e89cda001
DMAR: context table is not present`,
    events: [{ reason: { name: 'SRT.2' }, level: { name: 'root entry', entry: 0n, problem: 'not present' } }],
  },
  ...[
    'legacy mode page table is not present',
    'pasid directory table is not present',
    'pasid table is not present',
    'scalable mode page table is not present',
  ].map((words, i) => ({
    log: `DMAR: Dump dmar0 table entries for IOVA 0x1000\nDMAR: ${words}`,
    events: [
      {
        level: {
          name: ['context entry', 'context entry', 'PASID directory entry', 'PASID table entry'][i]!,
          entry: null,
          problem: 'not present',
        },
      },
    ],
  })),
];

describeSamples('Linux’s VT-d faults', LINUX_VTD_FORMS, SAMPLES, FORMS);

describe('a status without its fault', () => {
  const found = (log: string) => eventsOf(log, LINUX_VTD_FORMS);

  it('is an event that says what is pending', () => {
    expect(found('DMAR: DRHD: handling fault status reg 2').events).toMatchObject([
      { ...fault, device: null, reason: { name: 'PPF' }, bits: [{ name: 'PPF' }] },
    ]);
  });

  it('gives way to the fault behind it, which is the line that is shown', () => {
    const { events, lines } = found(
      `DMAR: DRHD: handling fault status reg 2
DMAR: DRHD: handling fault status reg 402
DMAR: [DMA Write] Request device [99:00.0] fault addr 0 [fault reason 05] PTE Write access is not set`,
    );
    expect(events).toMatchObject([
      { device: null, reason: { name: 'PPF' } },
      {
        device: '0000:99:00.0',
        reason: { name: 'LGN.2' },
        bits: [{ name: 'PPF' }, { name: 'FRI', value: 4 }],
      },
    ]);
    expect(lines).toEqual([1, 3]);
  });

  it('is an event of its own where the invalidation queue has failed', () => {
    const log = `DMAR: [DMA Write] Request device [99:00.0] fault addr 0 [fault reason 05] PTE Write access is not set
DMAR: DRHD: handling fault status reg 40`;
    expect(found(log).events).toMatchObject([
      { kind: 'dma-fault' },
      { kind: 'command-error', reason: { name: 'ITE' }, bits: [{ name: 'ITE' }] },
    ]);
  });

  it('is counted with the fault before it, not apart, where a rate limit kept the fault back (OpenNetworkLinux #897)', () => {
    const { events, suppressed } =
      found(`DMAR: [DMA Write] Request device [00:12.0] fault addr 0 [fault reason 05] PTE Write access is not set
DMAR: DRHD: handling fault status reg 2
dmar_fault: 2474 callbacks suppressed`);
    expect(events).toHaveLength(1);
    expect(suppressed).toEqual([2474]);
  });
});

describe('the tables that Linux dumps', () => {
  const level = (reason: string, ...lines: string[]) =>
    eventsOf(
      [
        `DMAR: [DMA Write NO_PASID] Request device [03:00.0] fault addr 0x1000 [fault reason ${reason}] x`,
        'DMAR: Dump dmar0 table entries for IOVA 0x1000',
        ...lines,
      ].join('\n'),
      LINUX_VTD_FORMS,
    ).events[0]?.level;

  it('are read as first-stage tables where the PASID table entry says so', () => {
    const scalable = [
      'scalable mode root entry: hi 0x0, low 0x1001',
      'context entry: hi 0x0, low 0x2001',
      'pasid dir entry: 0x3001',
    ];
    // Bit 0 is present in one, read in the other: 0x…1 refuses writes in both, 0x…2 is absent in the first stage only.
    const entry = 'pte level: 1, pte value: 0x0000000000005002';
    expect(level('0x71', ...scalable, 'pasid table entry[0]: 0x41', entry)?.problem).toBe('not present');
    expect(level('0x79', ...scalable, 'pasid table entry[0]: 0x81', entry)?.problem).toBe(ALLOWS);
    expect(
      level('0x85', ...scalable, 'pasid table entry[0]: 0x41', 'pte level: 2, pte value: 0x5001')?.problem,
    ).toBe('no write permission');
  });

  it('do not tell a superpage from an absent entry in the first kernels that dump them', () => {
    expect(level('0x05', 'PTE not present at level 2')?.problem).toContain('superpage');
    expect(level('0x05', 'PTE not present at level 4')).toEqual({
      name: 'L4',
      entry: null,
      problem: 'not present',
    });
  });
});

const QUEUE_SAMPLES: readonly Sample[] = [
  {
    // A graphics card whose ATS stopped with a reset by vfio-pci.
    log: `01:46:35 DMAR: VT-d detected Invalidation Time-out Error: SID 0
01:46:35 DMAR: QI HEAD: Invalidation Wait qw0 = 0x200000025, qw1 = 0x1000bd02c
01:46:35 DMAR: QI PRIOR: Device-TLB Invalidation qw0 = 0x5300530000000003, qw1 = 0x7ffffffffffff001
01:46:35 DMAR: Invalidation Time-out Error (ITE) cleared`,
    events: [
      {
        source: 'linux',
        unit: 'vtd',
        kind: 'command-error',
        device: '0000:53:00.0',
        reason: { name: 'ITE', manual: 'Intel VT-d spec 5.10 §11.4.9.9 (IQERCD_REG)' },
        bits: bits('ITE'),
        more: [
          'QI HEAD: invalidation wait: qw0 = 0x200000025, qw1 = 0x1000bd02c',
          'QI PRIOR: device-TLB invalidation of 0000:53:00.0: qw0 = 0x5300530000000003, qw1 = 0x7ffffffffffff001',
          'DMAR: Invalidation Time-out Error (ITE) cleared',
        ],
      },
    ],
  },
  {
    // linux-pci, 2023: all registers of the unit read as ones.
    log: `DMAR: VT-d detected Invalidation Queue Error: Reason f
DMAR: VT-d detected Invalidation Time-out Error: SID ffff
DMAR: VT-d detected Invalidation Completion Error: SID ffff
DMAR: QI HEAD: UNKNOWN qw0 = 0x0, qw1 = 0x0
DMAR: Invalidation Queue Error (IQE) cleared
DMAR: Invalidation Completion Error (ICE) cleared`,
    events: ['IQE', 'ITE', 'ICE'].map((name) => ({
      reason: { name },
      device: null,
      details: {
        registers: 'all ones: the unit does not answer, as where the chip behind it is switched off',
      },
    })),
  },
  {
    log: 'DMAR: VT-d detected Invalidation Completion Error: SID 3a00',
    events: [{ reason: { name: 'ICE' }, device: '0000:3a:00.0' }],
  },
  {
    log: 'DMAR: VT-d detected invalid descriptor: qw0 = 10032, qw1 = 1000',
    events: [{ reason: { name: 'IQE' }, details: { descriptor: 'IOTLB invalidation', qw0: '0x10032' } }],
  },
  {
    log: 'DMAR: VT-d detected invalid descriptor: low=c001c00000003, high=0',
    events: [{ reason: { name: 'IQE' }, details: { descriptor: 'device-TLB invalidation' } }],
  },
  ...(
    [
      ['DMAR: Flush IOTLB failed', 'invalidation-failed'],
      ['DMAR: dmar0: Unexpected iotlb invalidation type 0x7', 'invalidation-failed'],
      ['DMAR: dmar0: Unexpected context-cache invalidation type 0x7', 'invalidation-failed'],
      ['IOMMU: dmar3: Page request without PASID', 'page-request-refused'],
      ['IOMMU: dmar3: Address is not canonical', 'page-request-refused'],
      ['IOMMU: dmar3: Page request in Privilege Mode', 'page-request-refused'],
      ['IOMMU: dmar3: Execution request not supported', 'page-request-refused'],
      ['dmar3: Invalid page request: 0000000000000001 00000000', 'page-request-refused'],
      ['IOMMU: dmar3: PRQ overflow detected', 'page-request-overflow'],
    ] as const
  ).map(([log, name]) => ({ log, events: [{ kind: 'command-error' as const, reason: { name } }] })),
];

describeSamples('Linux’s words on invalidations', LINUX_VTD_QUEUE_FORMS, QUEUE_SAMPLES, FORMS);
