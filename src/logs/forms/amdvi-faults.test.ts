import { describe, expect, it } from 'vitest';
import type { EventDraft } from '../event.js';
import { eventsOf } from '../events.fixture.js';
import { ALLOWS } from '../vtd-walk.js';
import { LINUX_AMDVI } from './linux-amdvi.js';
import { wordingsWithoutLine } from './samples.fixture.js';
import { XEN_AMDVI } from './xen-amdvi.js';

const FORMS = [...XEN_AMDVI, ...LINUX_AMDVI];

const OF_PAGE_FAULTS = /IO_PAGE_FAULT|^levels|no root|^L\d/;

const XEN_FAULT = '(XEN) AMD-Vi: IO_PAGE_FAULT: 0000:03:00.0 d1 addr 00000008424cb148 flags 0x20 RW';
const OLD_XEN_FAULT =
  '(XEN) AMD-Vi: IO_PAGE_FAULT: domain = 1, device id = 0x300, fault address = 0x8424cb148, flags = 0';
const LINUX_FAULT =
  '[   57.392307] ath10k_pci 0000:01:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000d address=0xcfd51ad0 flags=0x0070]';

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
    expect(event.level).toEqual({ name: 'L3', entry: 0x6000_0001_3415_3001n, problem: ALLOWS });
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

  it('has no part in an interrupt that is refused', () => {
    // Field: xen-devel, “AMD-Vi: IO_PAGE_FAULT … flags 0x8 I”.
    const event = one(
      [
        '(XEN) AMD-Vi: IO_PAGE_FAULT: 0000:25:00.0 d0 addr fffffffdf8000000 flags 0x8 I',
        '(XEN) 0000:25:00.0 root @ 83b5f5 (3 levels) dfn=fffffffdf8000',
        '(XEN)   L3[1f7] = 0 np',
      ].join('\n'),
    );
    expect(event.level).toEqual({
      name: 'interrupt table entry',
      entry: null,
      problem: 'not switched on',
    });
    expect(event.more).toHaveLength(2);
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

it('Every wording of page faults and walks has a line in these tests', () => {
  const logs = [
    XEN_FAULT,
    OLD_XEN_FAULT,
    LINUX_FAULT,
    '(XEN) 0000:03:00.0 root @ 134154 (3 levels) dfn=000eb',
    '(XEN) 0000:03:00.0: no root',
    ...LEVELS,
    ...LINUX_PAGE_FAULTS,
  ];
  const mine = FORMS.filter(({ texts }) => OF_PAGE_FAULTS.test(texts[0]!));
  expect(mine).toHaveLength(18);
  expect(wordingsWithoutLine(mine, logs)).toEqual([]);
});
