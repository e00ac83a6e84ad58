import { describe, expect, it } from 'vitest';
import { AMDVI_EVENT_KINDS } from '../../formats/amdvi-event-kinds.js';
import { AmdviEvent, eventWord1 } from '../../formats/amdvi-events.js';
import { amdviFaultLines } from '../../xen/amdvi-fault-lines.js';
import { amd } from '../../xen/machine.fixture.js';
import type { EventDraft } from '../event.js';
import { eventsOf } from '../events.fixture.js';
import { LINUX_AMDVI } from './linux-amdvi.js';
import { wordingsWithoutLine } from './samples.fixture.js';
import { XEN_AMDVI } from './xen-amdvi.js';

const FORMS = [...XEN_AMDVI, ...LINUX_AMDVI];

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

describe('what the model prints', () => {
  const DEVICE = 0x0300;
  const ADDRESS = 0x8_424c_b148;

  it.each(
    ['4.11', '4.13', '4.14', '4.17', '4.22'].flatMap((edition) =>
      AMDVI_EVENT_KINDS.map(({ code, name }) => [edition, name, code] as const),
    ),
  )('comes back as the same event: %s, %s', (edition, name, code) => {
    const xen = amd(edition, { verbosity: 'debug' });
    const flags = code === AmdviEvent.IO_PAGE_FAULT ? 0x070 : 0;
    const event1 = eventWord1(code, flags, 7);
    const registers = { code, flags, did: 7, event0: DEVICE, event1, event2: ADDRESS | 0, event3: 8 };
    const lines = amdviFaultLines(xen, { requester: DEVICE, address: ADDRESS, write: true, registers });
    const event = one(lines.join('\n'));
    expect(event.reason).toMatchObject({ code, name });
    expect(event.source).toBe('xen');
    if (event.device !== null) expect(event.device).toBe('0000:03:00.0');
    expect(event.address).toBe(BigInt(ADDRESS));
    if (code !== AmdviEvent.IO_PAGE_FAULT) return;
    expect(event).toMatchObject({ device: '0000:03:00.0', domain: 7, access: 'write' });
    expect(bits(event)).toBe('PR=1 RW=1 PE=1');
  });
});

it('Every wording of other events has a line in these tests', () => {
  const logs = [
    ILLEGAL_ENTRY,
    ILLEGAL_COMMAND,
    UNATTACHED,
    ...[...XEN_WORDS, ...LINUX_EVENTS, ...TROUBLES].map(([log]) => log),
  ];
  const others = FORMS.filter(({ texts }) => !/IO_PAGE_FAULT|^levels|no root|^L\d/.test(texts[0]!));
  expect(wordingsWithoutLine(others, logs)).toEqual([]);
});
