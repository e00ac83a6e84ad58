import { describe, expect, it } from 'vitest';
import { EventDraft } from './event.js';
import { GROUPS_AT_MOST, Grouper, PAGES_AT_MOST } from './group.js';

function found(line: number, fields: Partial<EventDraft> = {}, suppressed = 0) {
  const event = Object.assign(new EventDraft('xen', 'vtd', 'dma-fault'), {
    device: '0000:01:00.0',
    ...fields,
  });
  return { event, line, text: `line ${line}`, time: `${line}.0`, suppressed };
}

function grouped(...all: readonly ReturnType<typeof found>[]) {
  const grouper = new Grouper();
  grouper.begin('a.log');
  for (const one of all) grouper.add(one);
  return grouper.events();
}

describe('events that repeat each other', () => {
  it('are one with the number of times, the suppressed ones included, and the first and the last place', () => {
    expect(grouped(found(3), found(5, {}, 10), found(9))).toMatchObject([
      {
        count: 13,
        suppressed: 10,
        firstLine: 3,
        first: { file: 'a.log', line: 3, text: 'line 3', time: '3.0' },
        last: { line: 9, time: '9.0' },
        addresses: null,
      },
    ]);
  });

  it('are those of one page, of which the first address is told', () => {
    const events = grouped(
      found(1, { address: 0x1080n }),
      found(2, { address: 0x2000n }),
      found(3, { address: 0x1000n }),
      found(4, { address: 0x1ff8n }),
    );
    expect(events).toMatchObject([
      { address: 0x1080n, count: 3, addresses: { lowest: 0x1000n, highest: 0x1ff8n } },
      { address: 0x2000n, count: 1, addresses: null },
    ]);
  });

  it('differ in everything that tells who did what and why', () => {
    const reason = { name: 'x', meaning: 'x', manual: null };
    const different: Partial<EventDraft>[] = [
      {},
      { device: '0000:02:00.0' },
      { device: null },
      { domain: 1 },
      { domain: '1' },
      { access: 'read' },
      { access: 'write' },
      { kind: 'init' },
      { reason: { ...reason, code: 1 } },
      { reason: { ...reason, code: 2 } },
      { details: { stream: '1' } },
      { details: { stream: '2' } },
    ];
    const all = different.map((fields, i) => found(i + 1, fields));
    expect(grouped(...all, ...all).map(({ count }) => count)).toEqual(different.map(() => 2));
  });

  it('are in the order of their first lines, even where one is complete before the one above it', () => {
    const b = { device: '0000:02:00.0' };
    expect(grouped(found(4), found(2, b), found(1)).map(({ firstLine }) => firstLine)).toEqual([1, 2]);
  });

  it('of several files are in the order of the files', () => {
    const grouper = new Grouper();
    grouper.begin('a.log');
    grouper.add(found(7));
    grouper.begin('b.log');
    grouper.add(found(2, { device: null }));
    grouper.add(found(1));
    expect(grouper.events()).toMatchObject([
      { count: 2, first: { file: 'a.log', line: 7 }, last: { file: 'b.log', line: 1 } },
      { count: 1, first: { file: 'b.log', line: 2 } },
    ]);
  });

  it('are told apart up to a number of pages, and the others share one event with their lowest and highest', () => {
    const many = Array.from({ length: 1000 }, (_, i) => found(i + 1, { address: BigInt(i) << 12n }));
    const events = grouped(...many);
    expect(events).toHaveLength(PAGES_AT_MOST + 1);
    expect(events.at(-1)).toMatchObject({
      count: 1000 - PAGES_AT_MOST,
      address: BigInt(PAGES_AT_MOST) << 12n,
      addresses: { lowest: BigInt(PAGES_AT_MOST) << 12n, highest: 999n << 12n },
    });
  });

  it('stay bounded in number whatever the log says, and are all counted', () => {
    const grouper = new Grouper();
    grouper.begin('a.log');
    const most = 3 * GROUPS_AT_MOST;
    for (let i = 0; i < most; i++) {
      const reason = { code: i, name: `r${i}`, meaning: 'x', manual: null };
      grouper.add(found(i + 1, { device: `dev${i}`, reason }));
    }
    expect(grouper.overflowed).toBe(true);
    const events = grouper.events();
    expect(events.length).toBeLessThanOrEqual(2 * GROUPS_AT_MOST + 1);
    expect(events.reduce((sum, { count }) => sum + count, 0)).toBe(most);
  });
});
