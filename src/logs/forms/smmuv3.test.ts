import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encode } from '../../formats/layout.js';
import { SMMUV3_EVENT_KINDS } from '../../formats/smmuv3-event-kinds.js';
import { armV3, dma } from '../../xen/machine.fixture.js';
import { eventsOf } from '../events.fixture.js';
import type { LineForm } from '../form.js';
import { SMMUV3_FORMS } from './smmuv3.js';

const events = (text: string, forms?: readonly LineForm[]) => eventsOf(text, forms).events;
const only = (text: string) => {
  const found = events(text);
  expect(found).toHaveLength(1);
  return found[0]!;
};

const XEN = '(XEN) SMMUv3: /smmuv3@9050000: ';
const LINUX = 'arm-smmu-v3 70c00000.iommu: ';

/** An event as it is printed: its type, and its doublewords. */
function record(prefix: string, words: ArrayLike<number>, doublewords = 4): string {
  const hex = (word: number) => (word >>> 0).toString(16).padStart(8, '0');
  const lines = [`event 0x${hex(words[0]! & 0xff).slice(6)} received:`];
  for (let i = 0; i < doublewords; i++) lines.push(`\t0x${hex(words[2 * i + 1]!)}${hex(words[2 * i]!)}`);
  return lines.map((line) => `${prefix}${line}\n`).join('');
}

const layoutOf = (name: string) => SMMUV3_EVENT_KINDS.find((kind) => kind.name === name)!;

describe('an event of an SMMUv3 in Xen’s log', () => {
  // The lab's Xen under QEMU: a device of a domain reads an address that is not mapped.
  const FAULT = [
    'event 0x10 received:',
    '\t0x0000002000000010',
    '\t0x0000028000000000',
    '\t0x0000000040050000',
    '\t0x0000000040050000',
  ];
  const lines = (texts: readonly string[]) => texts.map((text) => `${XEN}${text}\n`).join('');

  it('has everything that its words say', () => {
    const event = only(lines(FAULT));
    expect(event).toMatchObject({
      source: 'xen',
      unit: 'smmuv3',
      kind: 'dma-fault',
      device: '/smmuv3@9050000',
      address: 0x4005_0000n,
      access: 'write',
      reason: { code: 0x10, name: 'F_TRANSLATION' },
      details: { unit: '/smmuv3@9050000', stream: '0x20', stage: '2' },
    });
    expect(event.reason?.manual).toContain('§7.3.13');
    expect(event.bits.map(({ name, value }) => [name, value])).toEqual([
      ['RnW', 0],
      ['S2', 1],
      ['CLASS', 2],
      ['IPA', 0x4005_0000],
    ]);
  });

  it('tells as much as was printed where it is cut short', () => {
    expect(only(lines(FAULT.slice(0, 2)))).toMatchObject({
      address: null,
      access: null,
      details: { stream: '0x20' },
    });
    expect(only(lines(FAULT.slice(0, 3)))).toMatchObject({ address: null, access: 'write' });
    expect(only(lines(FAULT.slice(1)))).toMatchObject({ reason: { name: 'F_TRANSLATION' }, access: 'write' });
    expect(only(lines(FAULT.slice(0, 1)))).toMatchObject({
      reason: { code: 0x10, name: 'F_TRANSLATION' },
      address: null,
    });
  });

  it('is told apart from others, of whichever unit', () => {
    expect(events(lines([...FAULT, ...FAULT]))).toHaveLength(2);
    const other = lines(FAULT).replaceAll('9050000', '9060000').split('\n');
    const interleaved = lines(FAULT)
      .split('\n')
      .flatMap((line, i) => [line, other[i]!]);
    expect(events(interleaved.join('\n')).map(({ details, address }) => [details.unit, address])).toEqual([
      ['/smmuv3@9050000', 0x4005_0000n],
      ['/smmuv3@9060000', 0x4005_0000n],
    ]);
  });

  it('of a stream beyond the table has no address', () => {
    const words = ['0x0000002000000002', '0x0', '0x0', '0x0'].map(
      (word) => `\t0x${word.slice(2).padStart(16, '0')}`,
    );
    expect(only(lines(['event 0x02 received:', ...words]))).toMatchObject({
      address: null,
      access: null,
      reason: { code: 2, name: 'C_BAD_STREAMID' },
      level: { name: 'stream table' },
    });
  });
});

describe('each type of event', () => {
  it.each(SMMUV3_EVENT_KINDS)('$name is decoded from its words', ({ code, name, layout }) => {
    const has = (field: string) => layout.fields.some((one) => one.name === field);
    const values: Record<string, number> = { type: code, stream: 0x874, substreamValid: 1, substream: 5 };
    const some: Record<string, number> = {
      read: 1,
      inputLow: 0x5678_9000,
      inputHigh: 0x1234,
      inputPage: 0x1_2345_6789,
      fetch: 0x10_0000,
      reason: 7,
    };
    for (const [field, value] of Object.entries(some)) if (has(field)) values[field] = value;
    const event = only(record(LINUX, encode(layout, values)));
    expect(event).toMatchObject({
      reason: { code, name },
      device: '70c00000.iommu',
      details: { stream: '0x874', substream: '0x5' },
      access: has('read') ? 'read' : null,
      address: has('inputLow') || has('inputPage') ? 0x1234_5678_9000n : null,
    });
    const bits = Object.fromEntries(event.bits.map((bit) => [bit.name, bit.value]));
    expect(bits.FetchAddr).toBe(has('fetch') ? 0x80_0000 : undefined);
    expect(bits.Reason).toBe(has('reason') ? 7 : undefined);
  });

  it('of the implementation, or of none, is named by its number', () => {
    expect(only(record(XEN, [0xe1, 1, 0, 0, 0, 0, 0, 0])).reason).toMatchObject({ name: 'IMPDEF_EVENT1' });
    expect(only(record(XEN, [0x3f, 1, 0, 0, 0, 0, 0, 0])).reason).toMatchObject({
      code: 0x3f,
      name: 'event 0x3f',
    });
  });

  it('never throws, whatever the words', () => {
    const words = fc.array(fc.nat(0xffff_ffff), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(words, fc.integer({ min: 0, max: 4 }), (random, doublewords) => {
        expect(events(record(XEN, random, doublewords), SMMUV3_FORMS)).toHaveLength(1);
      }),
      { numRuns: 200 },
    );
  });
});

describe('the model’s lines', () => {
  it.each(['read', 'write'] as const)('of a refused %s come back', (access) => {
    const xen = armV3('4.17', { dom0Pages: 0 });
    expect(only(dma(xen, 0, access, 0x8424cb148))).toMatchObject({
      device: '/soc/smmu@2b400000',
      address: 0x8424cb148n,
      access,
      reason: { code: 0x10, name: 'F_TRANSLATION' },
      details: { stream: '0x877', stage: '2' },
    });
  });

  it('of a stream that the tables do not reach come back', () => {
    const xen = armV3('4.17', { withheld: [0] });
    const lines = dma(xen, 0, 'read', 0x1000);
    expect(only(lines)).toMatchObject({ address: null, details: { stream: '0x877' } });
    expect(only(lines).reason?.name).toMatch(/^C_BAD_STE$|^C_BAD_STREAMID$|^F_STREAM_DISABLED$/);
  });
});

describe('an event of an SMMUv3 in Linux’s log', () => {
  it('of which only the first line is there has the right name (DeepComputing #49)', () => {
    expect(only('arm-smmu-v3 70c00000.iommu: event 0x10 received:')).toMatchObject({
      source: 'linux',
      device: '70c00000.iommu',
      address: null,
      access: null,
      reason: { code: 0x10, name: 'F_TRANSLATION' },
      details: { unit: '70c00000.iommu' },
    });
  });

  const words = record(
    LINUX,
    encode(layoutOf('F_TRANSLATION').layout, { type: 0x10, stream: 8, inputLow: 0xffff0000 }),
  );
  const said = `${LINUX}event: F_TRANSLATION client: 0000:01:00.0 sid: 0x8 ssid: 0x0 iova: 0xffff0000 ipa: 0x0\n`;
  const access = `${LINUX}unpriv data write s1 "Input address caused fault" stag: 0x0\n`;
  const expected = {
    device: '0000:01:00.0',
    address: 0xffff_0000n,
    access: 'write',
    reason: { code: 0x10, name: 'F_TRANSLATION' },
    details: { unit: '70c00000.iommu', stream: '0x8', stage: '1' },
  };

  it('is one event with the words that decode it, and names the device', () => {
    expect(only(words + said + access)).toMatchObject(expected);
    expect(events((words + said + access).repeat(2))).toHaveLength(2);
  });

  it('is told by those words alone', () => {
    expect(only(said + access)).toMatchObject(expected);
    expect(events((said + access).repeat(2))).toMatchObject([expected, expected]);
  });

  it('of a stream without driver, or of a fetch, says so', () => {
    const fetch = `${LINUX}event: F_STE_FETCH client: (unassigned sid) sid: 0x8 ssid: 0x1 fetch_addr: 0x80001000\n`;
    const event = only(fetch);
    expect(event).toMatchObject({
      device: '70c00000.iommu',
      reason: { code: 3, name: 'F_STE_FETCH' },
      details: { stream: '0x8', substream: '0x1' },
    });
    expect(event.bits).toMatchObject([{ name: 'FetchAddr', value: 0x8000_1000 }]);
  });
});

describe('errors of an SMMUv3’s queues', () => {
  it('name the command that failed', () => {
    const lines = [
      'CMDQ error (cons 0x0100012a): Illegal command',
      'skipping command in error state:',
      '\t0x0000000800000003',
      '\t0x0000000000000001',
    ];
    expect(only(lines.map((line) => `${LINUX}${line}\n`).join(''))).toMatchObject({
      kind: 'command-error',
      reason: { code: 1, name: 'CERROR_ILL' },
      details: { command: 'CFGI_STE', stream: '0x8', operands: 'opcode CFGI_STE, stream 0x8, leaf' },
    });
    expect(only(`${XEN}CMDQ error (cons 0x02000001): Abort on command fetch`).reason?.name).toBe(
      'CERROR_ABT',
    );
    expect(only(`${XEN}CMDQ error (cons 0x03000001): ATC invalidate timeout`).reason?.name).toBe(
      'CERROR_ATC_INV_SYNC',
    );
  });

  it('decode the global error register, once with the lines behind it', () => {
    const lines = [
      'unexpected global error reported (0x00000104), this could be serious',
      'device has entered Service Failure Mode!',
      'EVTQ write aborted -- events may have been lost',
    ];
    const event = only(lines.map((line) => `${XEN}${line}\n`).join(''));
    expect(event).toMatchObject({
      kind: 'command-error',
      reason: { code: 0x104, name: 'EVENTQ_ABT_ERR+SFM_ERR' },
    });
    expect(event.bits.map(({ name }) => name)).toEqual(['EVENTQ_ABT_ERR', 'SFM_ERR']);
    expect(only(`${XEN}PRIQ MSI write aborted`).reason).toMatchObject({
      code: 0x40,
      name: 'MSI_PRIQ_ABT_ERR',
    });
  });

  it('tell of page requests', () => {
    const lines = [
      'unexpected PRI request received:',
      '\tsid 0x00000008.0x00001: [3L] unprivileged RW access at iova 0x00000000ffff0000',
    ];
    const expected = {
      kind: 'dma-fault',
      address: 0xffff_0000n,
      access: 'write',
      reason: { name: 'page-request' },
      details: { stream: '0x8', substream: '0x1', request: 'unprivileged RW' },
    };
    expect(only(lines.map((line) => `${XEN}${line}\n`).join(''))).toMatchObject(expected);
    expect(only(`${LINUX}${lines[1]!.replace(' RW ', '  ')}`)).toMatchObject({
      ...expected,
      access: null,
      details: {},
    });
  });

  it('tell of lost events and of commands that never end', () => {
    expect(only(`${XEN}EVTQ overflow detected -- events lost`).reason?.name).toBe('event-queue-overflow');
    expect(only(`${XEN}CMD_SYNC timeout`).reason?.name).toBe('command-sync-timeout');
    expect(only(`${LINUX}CMD_SYNC timeout at 0x12 [hwprod 0x13, hwcons 0x10]`)).toMatchObject({
      reason: { name: 'command-sync-timeout' },
      details: { hwcons: '0x10' },
    });
  });
});

describe('what an SMMUv3 says of itself', () => {
  it('has its features decoded', () => {
    const text = `${XEN}ias 44-bit, oas 44-bit (features 0x00000505)`;
    const { events: found, facts } = eventsOf(text);
    expect(found).toMatchObject([
      { reason: { name: 'capabilities' }, details: { ias: '44 bits', oas: '44 bits' } },
    ]);
    expect(found[0]!.bits.map(({ name }) => name)).toEqual([
      '2_LVL_STRTAB',
      'TT_LE',
      'COHERENCY',
      'TRANS_S2',
    ]);
    expect(facts.features.get('stage-2')?.value).toBe(true);
    expect(facts.features.get('stage-1')?.value).toBe(false);
    expect(facts.features.has('nested')).toBe(false);
  });

  it('tells which unit a device has', () => {
    const text = '(XEN) SMMUv3: /edu-dma@a100000: Added master device (SMMUv3 /smmuv3@9050000 StreamIds 1)';
    expect(only(text)).toMatchObject({
      device: '/edu-dma@a100000',
      reason: { name: 'device-added' },
      details: { unit: '/smmuv3@9050000' },
    });
    expect(eventsOf(text).facts.devices.get('/edu-dma@a100000')).toMatchObject([
      { value: 'behind /smmuv3@9050000' },
    ]);
    expect(
      only('(XEN) SMMUv3: d2: vmid 0x1 vtcr 0x0000000000043594 p2maddr 0x00000000ffde9000'),
    ).toMatchObject({
      domain: 2,
      details: { vmid: '0x1' },
    });
  });

  it('names the only master of a unit beside its faults, not several and not for a stream without tables', () => {
    const added = (device: string) =>
      `${XEN.replace('/smmuv3@9050000', device)}Added master device (SMMUv3 /smmuv3@9050000 StreamIds 1)\n`;
    const fault = `${XEN}event 0x10 received:\n`;
    const last = (text: string) => eventsOf(text).events.at(-1);
    const one = last(added('/edu@1') + added('/edu@1') + fault);
    expect(one).toMatchObject({ device: '/smmuv3@9050000', details: { 'only master': '/edu@1' } });
    expect(last(added('/edu@1') + added('/edu@2') + fault)?.details).toEqual({ unit: '/smmuv3@9050000' });
    expect(last(`${added('/edu@1')}${XEN}event 0x02 received:\n`)?.details).toEqual({
      unit: '/smmuv3@9050000',
    });
  });

  it('that it has no stage 2 is why there is no IOMMU', () => {
    const { events: found, facts } = eventsOf(`${XEN}no stage-2 translation support!`);
    expect(found).toMatchObject([{ kind: 'init', reason: { name: 'unit-failed' } }]);
    expect(facts.iommuOffBecause?.value).toContain('no stage-2 translation support!');
  });
});
