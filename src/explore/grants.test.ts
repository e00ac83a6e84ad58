import { describe, expect, it } from 'vitest';
import type { Explorer } from './explorer.js';
import type { Value } from './value.js';
import { explore, exploreExample, stepOf } from './written.fixture.js';

const grantsAt = (explorer: Explorer, step: number, most = 24) => explorer.answer(step, 'grants', { most });

/** The text of every value in an answer, in place of it. */
function texts(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(texts);
  if (typeof answer !== 'object' || answer === null) return answer;
  if ('text' in answer && ('words' in answer || Object.keys(answer).length === 1))
    return (answer as Value).text;
  return Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, texts(value)]));
}

describe('grants', () => {
  it('show the transmit of the founding example: entry, pin, handle, counter, and what eth0 reaches', () => {
    const explorer = exploreExample('arm-grant-fault.dommu', '4.16');
    const map = stepOf(explorer, 'map_grant_ref');
    const { domains, idle } = grantsAt(explorer, map);
    expect(idle).toEqual([]);
    const [dom0, guest] = domains;
    expect(texts(guest)).toMatchObject({
      name: 'd1',
      called: 'guest',
      version: 'v1',
      room: 16,
      offers: {
        total: 1,
        rows: [
          {
            ref: 8,
            entry: { offer: 'permit_access, readonly', to: 'd0', of: '0x40010', use: 'reading' },
            active: {
              pins: [
                { name: 'host write', value: '0' },
                { name: 'host read', value: '1' },
                { name: 'device write', value: '0' },
                { name: 'device read', value: '0' },
              ],
              grantee: 'd0',
              frame: '0x8424cb',
              mfn: 0x8424cb,
              spoilt: false,
            },
            handles: [{ domain: 'd0', handle: 0 }],
          },
        ],
      },
    });
    expect(texts(dom0)).toMatchObject({
      name: 'd0',
      handles: {
        rows: [
          {
            handle: 0,
            granter: 'd1',
            ref: '8',
            flags: ['host', 'readonly'],
            host: '0x2000',
            mfn: 0x8424cb,
            reach: [{ devices: ['eth0'], input: '0x8424cb', rights: 'r-' }],
          },
        ],
      },
      counters: { rows: [{ frame: '0x8424cb', readers: '1', writers: '0' }] },
    });
    // Who set the use flag is the map; who set the offer is the guest.
    const { entry } = guest!.offers.rows[0]!;
    expect(entry!.use.was).toBe('no');
    const { setBy } = explorer.answer(map, 'writers', {
      words: entry!.offer.words!,
      low: 0,
      width: 3,
      count: 5,
    });
    expect(setBy!.text).toMatch(/^grant guest 8/);
    const use = { ...entry!.use, words: entry!.use.words!, count: 5 };
    expect(explorer.answer(map, 'writers', use).setBy!.step).toBe(map);
  });

  it('show under 4.12 that eth0 reaches nothing, by an entry that can be asked about', () => {
    const explorer = exploreExample('arm-grant-fault.dommu', '4.12');
    const map = stepOf(explorer, 'map_grant_ref');
    const dom0 = grantsAt(explorer, map).domains[0]!;
    const { rights } = dom0.handles.rows[0]!.reach[0]!;
    expect(rights.text).toBe('--');
    const answer = explorer.answer(map, 'writers', { words: rights.words!, count: 5 });
    expect(answer).toMatchObject({
      what: expect.stringMatching(/^d0 p2m GFN 0x84/),
      now: 'empty',
      setBy: undefined,
    });
    expect(dom0.counters.total).toBe(0);
  });

  it('follow the rights that several mappings of one page give a PV domain’s device', () => {
    const explorer = exploreExample('grant-multiplicity.dommu', '4.16');
    const both = stepOf(explorer, 'map_grant_ref dom0 B');
    const dom0 = grantsAt(explorer, both).domains.find(({ name }) => name === 'd0')!;
    expect(dom0.handles.rows.map(({ flags }) => flags.map(({ text }) => text))).toEqual([
      ['host', 'readonly'],
      ['host'],
    ]);
    for (const { reach } of dom0.handles.rows) {
      expect(reach).toMatchObject([{ devices: ['nic'], rights: { text: 'rw', was: 'r-' } }]);
    }
    expect(texts(dom0.counters.rows)).toMatchObject([{ readers: '1', writers: '1' }]);
    const one = stepOf(explorer, 'unmap_grant_ref dom0 B');
    const left = grantsAt(explorer, one).domains.find(({ name }) => name === 'd0')!;
    expect(left.handles.rows.map(({ reach }) => reach[0]!.rights)).toMatchObject([{ text: 'r-', was: 'rw' }]);
  });

  it('read version 2: use flags in a status frame, parts of pages, and grants that are passed on', () => {
    const explorer = explore(
      `machine x86
ram 0x100..0x11f
dom0 pages=2
createdomain guest max_pages=8
populate_physmap guest P
grant_set_version guest 2
grant guest 1 dom0 P sub_page offset=16 length=32 readonly
grant guest 3 dom0 P
grant_transitive guest 4 dom0 dom0 9
map_grant_ref dom0 A guest 3 host device
`,
      '4.17',
    );
    const guest = grantsAt(explorer, explorer.opened.length).domains.find(({ name }) => name === 'd1')!;
    expect(guest.status).toHaveLength(1);
    expect(texts(guest)).toMatchObject({
      version: 'v2',
      offers: {
        rows: [
          { ref: 1, entry: { offer: 'permit_access, readonly', more: 'sub page', use: 'no' } },
          {
            ref: 3,
            entry: { offer: 'permit_access', to: 'd0', use: 'reading, writing' },
            active: { pins: [{ value: '1' }, { value: '0' }, { value: '1' }, { value: '0' }] },
          },
          { ref: 4, entry: { offer: 'transitive', of: 'd0 grant 9' } },
        ],
      },
    });
    const { use } = guest.offers.rows[1]!.entry!;
    const answer = explorer.answer(explorer.opened.length, 'writers', {
      ...use,
      words: use.words!,
      count: 5,
    });
    expect(answer.what).toMatch(/^d1 status of grants 2 and 3: bits 19-20/);
    expect(answer.setBy!.text).toMatch(/^map_grant_ref/);
  });

  it('are windowed, and leave out what is empty', () => {
    const grants = Array.from({ length: 60 }, (_, i) => `grant guest ${i * 3} dom0 P\n`).join('');
    const explorer = explore(
      `machine x86\nlimits grants=300\nram 0x100..0x11f\ndom0 pages=2\ncreatedomain guest max_pages=8\npopulate_physmap guest P\n${grants}`,
    );
    const { domains, idle } = grantsAt(explorer, explorer.opened.length, 10);
    expect(domains.map(({ name }) => name)).toEqual(['d1']);
    expect(domains[0]!.offers.total).toBe(60);
    expect(domains[0]!.offers.rows.map(({ ref }) => ref)).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24, 27]);
    expect(idle).toEqual(['d0']);
  });
});

describe('hypercalls under way', () => {
  it('are told with where they began, how far they have come, and the locks that they hold', () => {
    const explorer = exploreExample('late-enable.dommu', 'late-enable');
    const begin = stepOf(explorer, 'begin assign_device');
    expect(explorer.answer(begin - 1, 'calls', undefined)).toEqual([]);
    const [call, ...others] = explorer.answer(stepOf(explorer, 'step until=recheck'), 'calls', undefined);
    expect(others).toEqual([]);
    expect(texts(call)).toMatchObject({
      name: 'assign_device of d0',
      aboutGrants: false,
      begun: { step: begin },
      next: 'recheck',
      progress: [
        { name: 'domain', value: 'd1' },
        { name: 'device', value: 'nic' },
        { name: 'page', value: '0x101' },
      ],
      locks: [
        { name: 'page alloc lock of d1', value: 'd0' },
        { name: 'pcidevs', value: 'd0' },
      ],
      held: [],
    });
  });

  it('are shown with grants where they are about them', () => {
    const explorer = explore(
      `machine x86
ram 0x100..0x10f
dom0 pages=2
createdomain guest max_pages=8
populate_physmap guest P
grant guest 1 dom0 P
map_grant_ref dom0 A guest 1 host
begin unmap_grant_ref dom0 A
`,
    );
    const end = explorer.opened.length;
    const [call] = grantsAt(explorer, end).calls;
    expect(call).toMatchObject({ name: 'unmap_grant_ref of d0', aboutGrants: true, begun: { step: end } });
    expect(call!.progress.map(({ name }) => name)).toContain('ref');
  });
});
