import { describe, expect, it } from 'vitest';
import type { EventDraft } from '../event.js';
import { eventsOf } from '../events.fixture.js';
import { LINUX_AMDVI } from './linux-amdvi.js';
import { wordingsWithoutLine } from './samples.fixture.js';
import { XEN_AMDVI } from './xen-amdvi.js';

const FORMS = [...XEN_AMDVI, ...LINUX_AMDVI];

const XEN_FAULT = '(XEN) AMD-Vi: IO_PAGE_FAULT: 0000:03:00.0 d1 addr 00000008424cb148 flags 0x20 RW';
const OLD_XEN_FAULT =
  '(XEN) AMD-Vi: IO_PAGE_FAULT: domain = 1, device id = 0x300, fault address = 0x8424cb148, flags = 0';
const LINUX_FAULT =
  '[   57.392307] ath10k_pci 0000:01:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000d address=0xcfd51ad0 flags=0x0070]';

const ILLEGAL_ENTRY = [
  'iommu ivhd0: AMD-Vi: Event logged [ILLEGAL_DEV_TABLE_ENTRY device=0000:06:00.0 pasid=0x00000 address=0x135300000 flags=0x0080]',
  'iommu ivhd0: AMD-Vi: Control Reg : 0x2f',
  'AMD-Vi: DTE[0]: 7d90000000000003',
  'AMD-Vi: DTE[1]: 0000100103fc0009',
  'AMD-Vi: DTE[2]: 2000000117840013',
  'AMD-Vi: DTE[3]: 0000000000000000',
].join('\n');
const ILLEGAL_COMMAND = [
  'AMD-Vi: Event logged [ILLEGAL_COMMAND_ERROR address=0x42b5b01a0]',
  'AMD-Vi: CMD[0]: 00000300',
  'AMD-Vi: CMD[1]: 40000000',
  'AMD-Vi: CMD[2]: 7fffffff',
  'AMD-Vi: CMD[3]: 7fffffff',
].join('\n');
const UNATTACHED =
  'AMD-Vi: Event logged [Device not attached to domain properly]\nAMD-Vi:   device=0000:03:00.0 domain=0x0007\n';

/** A line for each level that a walk may show, and for each that may lead nowhere. */
const LEVELS = [6, 5, 4, 3, 2, 1].flatMap((level) => [
  `(XEN)   L${level}[000] = 6000000134153401 rw`,
  `(XEN)   L${level}[000]: next: 7`,
]);

const LINUX_PAGE_FAULTS = [
  'AMD-Vi: Event logged [IO_PAGE_FAULT device=01:00.0 domain=0x000d address=0x00000000cfd51ad0 flags=0x0050]',
  'AMD IOMMU: Event logged [IO_PAGE_FAULT device=01:00.0 domain=0x000d address=0x00000000cfd51ad0 flags=0x0050]',
  '[ 1.0] AMD-Vi: Event logged [\n[ 1.1] IO_PAGE_FAULT device=01:00.0 domain=0x000d address=0xcfd51ad0 flags=0x0050]',
  'AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:01:00.0\n domain=0x000d address=0xcfd51ad0 flags=0x0050]',
  'AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:01:00.0 domain=0x000d address=0xcfd51ad0 flags=0x0050]\r',
];

const XEN_WORDS = [
  [
    'ILLEGAL_DEV_TABLE_ENTRY 00000300 10a00000 424cb148 00000008',
    { name: 'ILLEGAL_DEV_TABLE_ENTRY', kind: 'dma-fault', device: '0000:03:00.0', access: 'write' },
    'RW=1 RZ=1',
  ],
  [
    'ILLEGAL_DEV_TABLE_ENTRY 00000008 424cb148 10a00000 00000300',
    { name: 'ILLEGAL_DEV_TABLE_ENTRY', kind: 'dma-fault', device: '0000:03:00.0', access: 'write' },
    'RW=1 RZ=1',
  ],
  [
    'DEV_TABLE_HW_ERROR 00000300 34000000 424cb140 00000008',
    { name: 'DEV_TAB_HARDWARE_ERROR', kind: 'dma-fault', device: '0000:03:00.0', access: 'read' },
    'Type=2',
  ],
  [
    'PAGE_TABLE_HW_ERROR 00000300 42200007 424cb148 00000008',
    { name: 'PAGE_TAB_HARDWARE_ERROR', kind: 'dma-fault', device: '0000:03:00.0', domain: 7 },
    'RW=1 Type=1',
  ],
  [
    'ILLEGAL_COMMAND_ERROR 00000000 50000000 424cb140 00000008',
    { name: 'ILLEGAL_COMMAND_ERROR', kind: 'command-error', device: null },
    '',
  ],
  [
    'COMMAND_HW_ERROR 00000000 66000000 424cb140 00000008',
    { name: 'COMMAND_HARDWARE_ERROR', kind: 'command-error', device: null },
    'Type=3',
  ],
  [
    'IOTLB_INV_TIMEOUT 00000300 70000000 424cb140 00000008',
    { name: 'IOTLB_INV_TIMEOUT', kind: 'command-error', device: '0000:03:00.0' },
    '',
  ],
  [
    'AMD-Vi: INVALID_DEV_REQUEST 00000300 8a000000 f8000000 fffffffd',
    { name: 'INVALID_DEVICE_REQUEST', kind: 'interrupt-fault', device: '0000:03:00.0' },
    'Type=5',
  ],
  [
    'AMD-Vi: event 00120300 90010005 424cb000 00000008',
    { name: 'INVALID_PPR_REQUEST', kind: 'dma-fault', device: '0000:03:00.0' },
    'RX=1',
  ],
  ['event 00000000 a0000000 00000001 00000002', { name: 'EVENT_COUNTER_ZERO', kind: 'command-error' }, ''],
  ['event 00000000 b0000000 00000001 00000002', { name: 'GUEST_EVENT_FAULT', kind: 'command-error' }, ''],
  [
    'event 00040300 d0200007 424cb148 00000008',
    { name: 'RMP_PAGE_FAULT', device: '0000:03:00.0', address: 0x8_424c_b148n },
    '',
  ],
  ['event 00000300 f0200007 424cb148 00000008', { name: 'EVENT_UNKNOWN', kind: 'dma-fault' }, ''],
] as const;

const LINUX_EVENTS = [
  ['AMD-Vi: Event logged [INVALID_DEVICE_REQUEST device=00:14.0 address=0x000000fdf8000000 flags=0x0a00]', 8],
  ['AMD-Vi: Event logged [DEV_TAB_HARDWARE_ERROR device=03:00.0 address=0x8424cb140 flags=0x0400]', 3],
  [
    'AMD-Vi: Event logged [PAGE_TAB_HARDWARE_ERROR device=03:00.0 domain=0x0007 address=0x1000 flags=0x0220]',
    4,
  ],
  [
    'AMD-Vi: Event logged [PAGE_TAB_HARDWARE_ERROR device=0000:03:00.0 pasid=0x0007 address=0x1000 flags=0x0220]',
    4,
  ],
  ['AMD-Vi: Event logged [COMMAND_HARDWARE_ERROR address=0x1000 flags=0x0600]', 6],
  ['iommu ivhd0: AMD-Vi: Event logged [IOTLB_INV_TIMEOUT device=63:00.0 address=0x42b5b01a0]', 7],
  [
    'AMD-Vi: Event logged [INVALID_PPR_REQUEST device=0000:03:00.0 pasid=0x00001 address=0x1000 flags=0x0001 tag=0x003]',
    9,
  ],
  [
    'x 0000:03:00.0: AMD-Vi: Event logged [RMP_PAGE_FAULT vmg_tag=0x0000, gpa=0x1000, flags_rmp=0x0002, flags=0x0020]',
    13,
  ],
  [
    'AMD-Vi: Event logged [RMP_PAGE_FAULT device=0000:03:00.0, vmg_tag=0x0000, gpa=0x1000, flags_rmp=0x0002, flags=0x0020]',
    13,
  ],
  ['x 0000:03:00.0: AMD-Vi: Event logged [RMP_HW_ERROR vmg_tag=0x0000, spa=0x1000, flags=0x0000]', 14],
  ['AMD-Vi: Event logged [RMP_HW_ERROR device=0000:03:00.0, vmg_tag=0x0000, spa=0x1000, flags=0x0000]', 14],
  [
    'AMD-Vi: Event logged [UNKNOWN event[0]=0x00000300 event[1]=0xc0000000 event[2]=0x00000000 event[3]=0x00000000',
    12,
  ],
  ['AMD-Vi: Event logged [\nUNKNOWN type=0x0a]', 10],
  ['AMD-Vi: Event logged [UNKNOWN type=0x0f]', 15],
] as const;

const TROUBLES = [
  ['AMD-Vi: Completion-Wait loop timed out', 'completion-wait-timeout', null],
  ['AMD-Vi: IOMMU 0000:00:00.2: Completion-Wait loop timed out', 'completion-wait-timeout', '0000:00:00.2'],
  ['Kernel panic - not syncing: AMD IOMMU: Completion wait loop failed', 'completion-wait-timeout', null],
  ['AMD-Vi: Command buffer timeout', 'command-buffer-full', null],
  ['AMD-Vi: IOMMU Event log restarting', 'log-overflow', null],
  ['AMD-Vi: IOMMU event log overflow', 'log-overflow', null],
  ['AMD-Vi: IOMMU GA Log restarting', 'log-overflow', null],
  ['AMD-Vi: IOMMU GA Log overflow', 'log-overflow', null],
  ['AMD-Vi: No event written to event log', 'no-event-written', null],
  ['AMD-Vi: Unknown PPR request received', 'unknown-page-request', null],
  [
    'iommu ivhd0: AMD-Vi: PPR logged [Request ignored due to GN=0 (device=0000:03:00.0 pasid=0x00000 address=0x1000 flags=0x0020 tag=0x001]',
    'page-request-without-pasid',
    '0000:03:00.0',
  ],
  [
    'iommu ivhd0: AMD-Vi: PPR logged [Invalid request format (device=0000:03:00.0 pasid=0x00000 address=0x1000 flags=0x00a0 tag=0x001]',
    'page-request-malformed',
    '0000:03:00.0',
  ],
  ['AMD-Vi: Invalid PASID : 0x9, device : 0x300', 'page-request-bad-pasid', '0000:03:00.0'],
  ['AMD-Vi: GA log notifier failed.', 'guest-interrupt-lost', null],
  ['AMD-Vi: AMD-Vi: IOMMU pte changed since we read it', 'table-entry-changed', null],
  ['AMD-Vi: IOMMU pte changed since we read it', 'table-entry-changed', null],
] as const;

const one = (text: string): EventDraft => {
  const { events } = eventsOf(text, FORMS);
  expect(events).toHaveLength(1);
  return events[0]!;
};

const bits = (event: EventDraft): string => event.bits.map(({ name, value }) => `${name}=${value}`).join(' ');

const MANUAL = 'AMD I/O Virtualization Technology (IOMMU) spec 3.08';

describe('a page fault of AMD-Vi', () => {
  it('is read as Xen since 4.14 prints it', () => {
    const event = one(XEN_FAULT);
    expect(event).toMatchObject({
      source: 'xen',
      unit: 'amdvi',
      kind: 'dma-fault',
      device: '0000:03:00.0',
      domain: 1,
      address: 0x8_424c_b148n,
      access: 'write',
      reason: {
        code: 2,
        name: 'IO_PAGE_FAULT',
        meaning: 'a write of an address that is not mapped',
        manual: `${MANUAL} §2.5.3`,
      },
      level: { name: 'page table entry', entry: null, problem: 'not present' },
    });
    expect(bits(event)).toBe('PR=0 RW=1');
  });

  it('is read as Xen up to 4.13 prints it', () => {
    const event = one(OLD_XEN_FAULT);
    expect(event).toMatchObject({
      device: '0000:03:00.0',
      domain: 1,
      address: 0x8_424c_b148n,
      access: 'read',
    });
    expect(bits(event)).toBe('PR=0');
  });

  it('without flags, as Xen 4.2 prints it, tells no access', () => {
    const event = one(
      '(XEN) AMD-Vi: IO_PAGE_FAULT: domain = 0, device id = 0x0090, fault address = 0xcfd51ad0\n',
    );
    expect(event).toMatchObject({ device: '0000:00:12.0', domain: 0, access: null, level: null, bits: [] });
    expect(event.reason?.meaning).toBe('the page tables do not permit the access');
  });

  it('names the device of a field report by what its driver prints before', () => {
    const event = one(LINUX_FAULT);
    expect(event).toMatchObject({
      source: 'linux',
      device: '0000:01:00.0',
      domain: 13,
      address: 0xcfd5_1ad0n,
      access: 'write',
      level: { name: 'page table entry', entry: null, problem: 'gives no write permission' },
    });
    expect(bits(event)).toBe('PR=1 RW=1 PE=1');
    const { facts } = eventsOf(LINUX_FAULT, FORMS);
    expect(facts.devices.get('0000:01:00.0')).toEqual([{ value: 'driver ath10k_pci', line: 1 }]);
    expect(event.reason?.meaning).toBe('a write without permission: the address is mapped, but not for that');
  });

  it.each(LINUX_PAGE_FAULTS)('is one event in every form that Linux gave it: %j', (text) => {
    expect(one(text)).toMatchObject({
      device: '0000:01:00.0',
      domain: 13,
      address: 0xcfd5_1ad0n,
      access: 'read',
      reason: { code: 2, name: 'IO_PAGE_FAULT' },
    });
  });

  it.each([
    [0x000, 'read', 'a read of an address that is not mapped', 'PR=0'],
    [0x020, 'write', 'a write of an address that is not mapped', 'PR=0 RW=1'],
    [0x050, 'read', 'a read without permission: the address is mapped, but not for that', 'PR=1 PE=1'],
    [0x052, 'read', 'a read without permission: the address is mapped, but not for that', 'NX=1 PR=1 PE=1'],
    [0x090, 'read', 'a read of an address whose table entry has a reserved bit set', 'PR=1 RZ=1'],
    [0x030, 'write', 'a write of an address whose table entry has an illegal level', 'PR=1 RW=1'],
    [0x100, null, 'a translation request (ATS) of an address that is not mapped', 'PR=0 TR=1'],
    [0x008, null, 'an interrupt that the interrupt table does not let through', 'I=1 PR=0'],
    [0x058, null, 'an interrupt that the device may not send', 'I=1 PR=1 PE=1'],
    [0x098, null, 'an interrupt whose entry in the interrupt table makes no sense', 'I=1 PR=1 RZ=1'],
    [0xe20, 'write', 'a write of an address that is not mapped', 'PR=0 RW=1 ??=7'],
  ])('with flags %s has access %s and means: %s', (flags, access, meaning, told) => {
    const event = one(
      `AMD-Vi: IO_PAGE_FAULT: 0000:03:00.0 d1 addr 0000000000001000 flags 0x${flags.toString(16)}`,
    );
    expect(event.access).toBe(access);
    expect(event.reason?.meaning).toBe(meaning);
    expect(bits(event)).toBe(told);
    expect(event.kind).toBe(flags & 8 ? 'interrupt-fault' : 'dma-fault');
  });

  it('with GN has a PASID and no domain', () => {
    const event = one(
      'AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:01:00.0 domain=0x10002 address=0x0 flags=0x0001]',
    );
    expect(event).toMatchObject({ domain: null, details: { PASID: '0x10002' } });
  });

  it('of a quarantined device has an id of its own, and says so', () => {
    const event = one('AMD-Vi: IO_PAGE_FAULT: 0000:03:00.0 d32769 addr 0000000000001000 flags 0x20 RW');
    expect(event.domain).toBe(0x8001);
    expect(event.details['domain is']).toContain('quarantined');
  });

  it('in the range of interrupts says what the address is', () => {
    const event = one('AMD-Vi: IO_PAGE_FAULT: 0000:03:00.0 d0 addr fffffffdf8000000 flags 0x8 I');
    expect(event).toMatchObject({
      kind: 'interrupt-fault',
      details: { 'address is': 'interrupt and EOI range' },
    });
  });

  it('takes what a rate limit kept back', () => {
    const line =
      'nvme 0000:01:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000f address=0x0 flags=0x0000]\n';
    const { suppressed } = eventsOf(
      `${line}amd_iommu_report_page_fault: 11 callbacks suppressed\n${line}`,
      FORMS,
    );
    expect(suppressed).toEqual([11, 0]);
  });
});

describe('a walk that Xen prints behind a fault', () => {
  const fault = (flags: string) =>
    `(XEN) AMD-Vi: IO_PAGE_FAULT: 0000:03:00.0 d1 addr 00000000000eb380 flags ${flags}\n`;
  const root = '(XEN) 0000:03:00.0 root @ 134154 (3 levels) dfn=000eb\n';

  it('ends at the entry that is not present', () => {
    const event = one(
      `${fault('0x20 RW')}${root}(XEN)   L3[000] = 6000000134153401 rw\n(XEN)   L2[000] = 0 np\n`,
    );
    expect(event.level).toEqual({ name: 'L2', entry: 0n, problem: 'not present' });
    expect(event.more).toEqual([
      'root @ 134154 (3 levels) dfn=000eb',
      'L3[000] = 6000000134153401 rw',
      'L2[000] = 0 np',
    ]);
  });

  it('ends at the entry that lacks the permission', () => {
    const event = one(
      `${fault('0x70 PE RW PR')}${root}(XEN)   L3[000] = 6000000134153401 rw\n(XEN)   L2[000] = 2000000134152201 r-\n(XEN)   L1[0eb] = 60000000000eb001 rw\n`,
    );
    expect(event.level).toEqual({
      name: 'L2',
      entry: 0x2000_0001_3415_2201n,
      problem: 'gives no write permission',
    });
  });

  it('that refuses nothing any more says so', () => {
    const event = one(`${fault('0x20 RW')}${root}(XEN)   L3[000] = 6000000134153001 rw\n`);
    expect(event.details['tables now']).toBe('every entry is present and permits the access');
  });

  it('may find no tables, or an entry that leads nowhere', () => {
    expect(one(`${fault('0')}(XEN) 0000:03:00.0: no root\n`).level).toMatchObject({
      name: 'device table entry',
    });
    expect(one(`${fault('0x10')}${root}(XEN)   L3[000]: next: 5\n`).level).toEqual({
      name: 'L3',
      entry: null,
      problem: 'names level 5 as the next',
    });
  });

  it('belongs to the fault of its device', () => {
    const other = fault('0').replace('0000:03', '0000:04');
    const { events } = eventsOf(`${fault('0')}${other}${root}`, FORMS);
    expect(events.map(({ more }) => more.length)).toEqual([1, 0]);
  });

  it('is not taken from the hypervisor’s own page tables', () => {
    const event = one(`${fault('0')}(XEN)  L4[0x000] = 000000012891b063 ffffffffffffffff\n`);
    expect(event.more).toEqual([]);
  });
});

describe('other events of AMD-Vi', () => {
  it.each(XEN_WORDS)('are decoded from the words that Xen prints: %s', (text, { name, ...rest }, told) => {
    const event = one(`(XEN) ${text}`);
    expect(event.reason?.name).toBe(name);
    expect(event).toMatchObject(rest);
    expect(bits(event)).toBe(told);
  });

  it.each([
    'ILLEGAL_DEV_TABLE_ENTRY 00000300 20000000 00000000 00000000',
    'event 00000000 00000000 00000000 00000000',
    'some event 00000300 90000000 00000000 00000000',
    'IOTLB_INV_TIMEOUT 00000300 70000000 424cb140 123456789',
  ])('are not taken from words that do not fit the name: %s', (text) => {
    expect(eventsOf(`(XEN) ${text}`, FORMS).events).toEqual([]);
  });

  it('tell an interrupt where none may be sent', () => {
    const event = one(
      'iommu ivhd1: AMD-Vi: Event logged [INVALID_DEVICE_REQUEST device=0000:00:00.0 pasid=0x00000 address=0xfffffffdf8000000 flags=0x0a00]',
    );
    expect(event).toMatchObject({
      kind: 'interrupt-fault',
      device: '0000:00:00.0',
      reason: { code: 8, meaning: 'an interrupt from a device that may send none (IntCtl 00b in its entry)' },
      details: { 'address is': 'interrupt and EOI range' },
    });
    expect(event.details.PASID).toBeUndefined();
  });

  it('come with the device table entry that Linux prints', () => {
    const event = one(ILLEGAL_ENTRY);
    expect(event).toMatchObject({
      device: '0000:06:00.0',
      domain: 9,
      access: 'read',
      level: { name: 'device table entry', entry: 0x7d90_0000_0000_0003n, problem: 'a reserved bit is set' },
    });
    expect(event.details['device table entry']).toBe('V TV GV I IR IW IV, mode 0, root 0x0, domain 9');
    expect(event.more).toHaveLength(5);
  });

  it('come with the command that Linux prints', () => {
    const event = one(ILLEGAL_COMMAND);
    expect(event.details).toEqual({
      'address is': 'physical, of the command',
      command: 'INVALIDATE_IOTLB_PAGES',
    });
  });

  it.each(LINUX_EVENTS)('are read as Linux prints them: %s', (text, code) => {
    expect(one(text).reason?.code).toBe(code);
  });

  it('of a device in no domain have its name on the next line', () => {
    const event = one(UNATTACHED);
    expect(event).toMatchObject({ device: '0000:03:00.0', domain: 7, reason: { code: 2 } });
  });
});

describe('AMD-Vi’s commands and logs', () => {
  it.each(TROUBLES)('%s', (text, name, device) => {
    const event = one(text);
    expect(event).toMatchObject({ kind: 'command-error', unit: 'amdvi', device, reason: { name } });
  });
});

it('Every wording of AMD-Vi’s events has a line in these tests', () => {
  const logs = [
    XEN_FAULT,
    OLD_XEN_FAULT,
    LINUX_FAULT,
    ILLEGAL_ENTRY,
    ILLEGAL_COMMAND,
    UNATTACHED,
    '(XEN) 0000:03:00.0 root @ 134154 (3 levels) dfn=000eb',
    '(XEN) 0000:03:00.0: no root',
    ...LEVELS,
    ...LINUX_PAGE_FAULTS,
    ...[...XEN_WORDS, ...LINUX_EVENTS, ...TROUBLES].map(([log]) => log),
  ];
  expect(wordingsWithoutLine(FORMS, logs)).toEqual([]);
});
