import { describe, expect, it } from 'vitest';
import { eventsOf } from './events.fixture.js';
import { FOLLOW_LINES, type LineForm, type MoreForm } from './form.js';
import { decimal, hexValue, sbdfOf } from './values.js';

const FORMS: readonly LineForm[] = [
  {
    role: 'event',
    source: 'xen',
    unit: 'vtd',
    kind: 'dma-fault',
    opens: 'fault',
    texts: [
      '[VT-D]DMAR:[DMA {access:word}] Request device [{device:bdf}] fault addr {address:hex}<, iommu reg = {base:hex}>',
    ],
    printedBy: 'a test',
    read({ fields, before }, event) {
      event.device = sbdfOf(fields.device);
      event.address = hexValue(fields.address);
      if (fields.base !== undefined) event.details.base = fields.base;
      if (before !== '') event.details.before = before;
      return undefined;
    },
  },
  {
    role: 'more',
    continues: 'fault',
    alone: { source: 'xen', unit: 'vtd', kind: 'dma-fault' },
    texts: ['[VT-D]DMAR: reason {code:hex}'],
    printedBy: 'a test',
    read({ fields }, event) {
      if (event.reason !== null) return false;
      event.reason = { code: Number(hexValue(fields.code)), name: 'x', meaning: 'x', manual: null };
      return undefined;
    },
  },
  {
    role: 'event',
    source: 'linux',
    unit: 'vtd',
    kind: 'dma-fault',
    texts: ['DMAR:[DMA {access:word}] Request device [{device:bdf}] fault addr {address:hex}'],
    printedBy: 'a test',
    read({ fields }, event) {
      event.device = sbdfOf(fields.device);
      return undefined;
    },
  },
  {
    role: 'fact',
    texts: ['DMAR: version {n:dec}'],
    printedBy: 'a test',
    read({ fields, line }, facts) {
      facts.other.set('version', { value: String(decimal(fields.n)), line });
    },
  },
];

const fault = (fn: number, address = '8c000') =>
  `(XEN) [VT-D]DMAR:[DMA Write] Request device [0000:01:00.${fn}] fault addr ${address}, iommu reg = ff\n`;
const reason = (code: number) => `(XEN) [VT-D]DMAR: reason 0${code} - words\n`;
const told = (text: string) =>
  eventsOf(text, FORMS).events.map(({ device, reason }) => [device, reason?.code ?? null]);

describe('lines put together', () => {
  it('are one event with the lines that belong to it', () => {
    expect(told(fault(0) + reason(5) + fault(1) + reason(6))).toEqual([
      ['0000:01:00.0', 5],
      ['0000:01:00.1', 6],
    ]);
  });

  it('are given to the newest event that takes them', () => {
    expect(told(fault(0) + fault(1) + reason(5) + reason(6))).toEqual([
      ['0000:01:00.0', 6],
      ['0000:01:00.1', 5],
    ]);
  });

  it('are shown by the line that leads, and not by the one before it that began the event', () => {
    const status: MoreForm = {
      role: 'more',
      continues: 'fault',
      alone: { source: 'xen', unit: 'vtd', kind: 'dma-fault' },
      texts: ['status {bits:hex}'],
      printedBy: 'a test',
      read: ({ fields }, event) => void (event.details.status = fields.bits!),
    };
    const said: MoreForm = {
      ...status,
      leads: true,
      texts: ['fault at {address:hex}'],
      read: ({ fields }, event) => void (event.address = hexValue(fields.address)),
    };
    const { events, lines } = eventsOf('status 2\nfault at 1000\nstatus 3', [status, said]);
    expect(lines).toEqual([2]);
    expect(events).toMatchObject([{ address: 0x1000n, details: { status: '3' } }]);
  });

  it('are events by themselves where none is open, or none that is near', () => {
    expect(told(reason(5))).toEqual([[null, 5]]);
    expect(told(`${fault(0)}${'x\n'.repeat(FOLLOW_LINES)}${reason(5)}`)).toEqual([
      ['0000:01:00.0', null],
      [null, 5],
    ]);
  });

  it('tell one thing where a wording stands within another', () => {
    expect(eventsOf(fault(0), FORMS).events.map(({ source }) => source)).toEqual(['xen']);
    expect(
      eventsOf('dmar: DMAR:[DMA Read] Request device [00:02.0] fault addr 1a', FORMS).events,
    ).toMatchObject([{ source: 'linux', device: '0000:00:02.0' }]);
  });

  it('tell all that they hold where line breaks were lost', () => {
    expect(told((fault(0) + reason(5) + fault(1) + reason(6)).replaceAll('\n', ' '))).toEqual([
      ['0000:01:00.0', 5],
      ['0000:01:00.1', 6],
    ]);
  });

  it('are joined where a mail or a terminal has wrapped them', () => {
    const line = fault(0).trimEnd();
    const whole = eventsOf(line, FORMS).events;
    for (let at = line.indexOf('Request'); at < line.indexOf('8c'); at++) {
      expect(eventsOf(`${line.slice(0, at)}\n${line.slice(at)}`, FORMS).events, String(at)).toEqual(whole);
      const quoted = `> ${line.slice(0, at)}\n> ${line.slice(at)}\n> ${reason(5)}`;
      expect(told(quoted), String(at)).toEqual([['0000:01:00.0', 5]]);
    }
    for (const wrapped of line.matchAll(/ /g)) {
      if (wrapped.index < line.indexOf('Request') - 1) continue;
      const text = `${line.slice(0, wrapped.index)}\n${line.slice(wrapped.index + 1)}`;
      expect(eventsOf(text, FORMS).events, String(wrapped.index)).toEqual(whole);
    }
  });

  it('are joined at most three times', () => {
    expect(told('[VT-D]DMAR:[DMA Write]\nRequest\ndevice\n[0000:01:00.0] fault addr 8c000')).toEqual([
      ['0000:01:00.0', null],
    ]);
    expect(told('[VT-D]DMAR:[DMA Write]\nRequest\ndevice\n[0000:01:00.0]\nfault addr 8c000')).toEqual([]);
  });

  it('are lines of their own where the one before is only cut short', () => {
    expect(told(`(XEN) [VT-D]DMAR:[DMA Write] Request\n${fault(0)}${reason(5)}`)).toEqual([
      ['0000:01:00.0', 5],
    ]);
    expect(told(`[VT-D]DMAR:[DMA Write] Request\n${fault(0).slice(6)}${reason(5)}`)).toEqual([
      ['0000:01:00.0', 5],
    ]);
    expect(told(`${fault(0)}[VT-D]DMAR:[DMA Write] Request`)).toEqual([['0000:01:00.0', null]]);
  });

  it('tell what stands before and facts beside events', () => {
    const { events, facts } = eventsOf(
      'Nov 21 19:22:55 h kernel: a driver: [VT-D]DMAR:[DMA Read] Request device [00:01.0] fault addr 1\nDMAR: version 7',
      FORMS,
    );
    expect(events[0]?.details).toEqual({ before: 'a driver: ' });
    expect(facts.other.get('version')).toEqual({ value: '7', line: 2 });
  });
});

describe('the count of a rate limit', () => {
  const linux = 'DMAR:[DMA Read] Request device [00:02.0] fault addr 1a\n';

  it('is added to the event before, and to the one behind where there is none before', () => {
    expect(
      eventsOf(`${linux}kernel: dmar_fault: 12 callbacks suppressed\n${linux}`, FORMS).suppressed,
    ).toEqual([12, 0]);
    expect(eventsOf(`dmar_fault: 812287 callbacks suppressed\n${linux}${linux}`, FORMS).suppressed).toEqual([
      812287, 0,
    ]);
  });

  it('is not added to what another function prints', () => {
    expect(eventsOf(`${linux}other: 12 callbacks suppressed\n${fault(0)}`, FORMS).suppressed).toEqual([0, 0]);
    expect(eventsOf(`${fault(0)}dmar_fault: 12 callbacks suppressed\n`, FORMS).suppressed).toEqual([0]);
  });

  it('of Xen, which is one for all messages, is added to an event that is near', () => {
    const limit = '(XEN) printk: 9 messages suppressed.\n';
    expect(eventsOf(fault(0) + limit + fault(1), FORMS).suppressed).toEqual([9, 0]);
    expect(eventsOf(fault(0) + 'x\n'.repeat(100) + limit + fault(1), FORMS).suppressed).toEqual([0, 9]);
    expect(
      eventsOf(`${fault(0)}${'x\n'.repeat(100)}${limit}${'x\n'.repeat(100)}${fault(1)}`, FORMS).suppressed,
    ).toEqual([0, 0]);
  });
});
