import { describe, expect, it } from 'vitest';
import { VTD_CONTEXT_ENTRY } from '../formats/vtd.js';
import { entryCalled, explore, exploreExample, fieldWord, frameNamed, stepOf } from './written.fixture.js';

/** Bits of the frame table's type word. */
const TYPE_COUNT = { low: 0, width: 20 };

describe('who set a value', () => {
  it('is nobody for the entry that eth0 misses under 4.12, and the map of the grant under 4.15', () => {
    const mended = exploreExample('arm-grant-fault.dommu', '4.15');
    const map = stepOf(mended, 'map_grant_ref');
    const words = entryCalled(mended, map, 'd0 p2m GFN 0x8424cb');
    const dma = stepOf(mended, 'dma eth0 read');
    expect(mended.answer(dma, 'writers', { words, count: 9 })).toMatchObject({
      what: 'd0 p2m GFN 0x8424cb',
      now: expect.stringContaining('read-only'),
      boot: 'empty',
      total: 2,
      current: 0,
      setBy: { step: map, text: expect.stringContaining('map_grant_ref dom0 tx guest 8') },
      rows: [
        { step: map, before: 'empty', after: expect.stringContaining('access read-only') },
        { step: stepOf(mended, 'unmap_grant_ref'), after: 'empty' },
      ],
    });

    // The first level has the place under 4.12 as well; nothing was ever written there.
    const [first] = entryCalled(mended, map, 'd0 p2m GFN 0x840000 (level 1)');
    const pa = mended.timeline.xen.ram.addressOf(first!);
    const faulty = exploreExample('arm-grant-fault.dommu', '4.12');
    const { ram } = faulty.timeline.xen;
    const word = ram.wordsOf(ram.indexOf(Math.floor(pa / 4096))) + (pa % 4096) / 4;
    expect(faulty.answer(dma, 'writers', { words: [word, word + 1], count: 9 })).toMatchObject({
      what: 'd0 p2m GFN 0x840000 (level 1)',
      now: 'empty',
      boot: 'empty',
      total: 0,
      current: -1,
      setBy: undefined,
      rows: [],
    });
  });

  it('is Xen and the guest by turns where enabling late goes round for ever, also while the table is not there', () => {
    const explorer = exploreExample('late-enable.dommu', 'late-enable');
    const maps = stepOf(explorer, 'step until=recheck');
    const unmaps = stepOf(explorer, 'pin_l1_table');
    const words = entryCalled(explorer, maps, 'd1 IOMMU table DFN 0x101');
    const answer = (step: number) => explorer.answer(step, 'writers', { words, count: 4 });
    const mapped = 'read, write, address 0x101';
    expect(answer(maps)).toMatchObject({
      what: 'd1 IOMMU table DFN 0x101',
      now: mapped,
      setBy: { step: maps },
    });
    // The table is gone with its last entry; what was in it is still told in its terms.
    expect(answer(unmaps)).toMatchObject({
      what: 'd1 IOMMU table DFN 0x101',
      now: 'empty',
      setBy: { step: unmaps, text: 'pin_l1_table guest 0x101' },
      rows: [
        { step: maps, before: 'empty', after: mapped },
        { step: unmaps, before: mapped, after: 'empty' },
        { step: stepOf(explorer, 'update_va_mapping guest va=0 0x101 rw', unmaps), before: 'empty' },
        { before: mapped },
      ],
    });
  });

  it('leaves out steps that wrote other bits of the word, and counts them', () => {
    const explorer = exploreExample('late-enable.dommu', 'late-enable');
    const { xen } = explorer.timeline;
    const word = fieldWord(explorer, 'frame', xen.ram.indexOf(0x101), 'typeInfo');
    const length = explorer.opened.length;
    const whole = explorer.answer(length, 'writers', { words: [word], count: 99 });
    const count = explorer.answer(length, 'writers', { words: [word], ...TYPE_COUNT, count: 99 });
    expect(whole.what).toBe('frame 0x101: typeInfo');
    expect(whole.otherBits).toBe(0);
    expect(count.what).toBe('frame 0x101: type count');
    expect(count.rows[0]).toMatchObject({ before: '0', after: '1' });
    expect(count.otherBits + count.total).toBe(whole.total);
    const pinned = xen.layout
      .locate(word)!
      .table.fields.typeInfo!.parts!.find(({ name }) => name === 'pinned')!;
    const { low, width } = pinned;
    const pins = explorer.answer(length, 'writers', { words: [word], low, width, count: 99 });
    expect(pins.otherBits).toBeGreaterThan(0);
    expect(new Set(pins.rows.map(({ text }) => text.split(' ')[0]))).toEqual(
      new Set(['pin_l1_table', 'unpin_table']),
    );
    expect(pins.rows.slice(0, 2)).toMatchObject([
      { before: 'no', after: 'yes' },
      { before: 'yes', after: 'no' },
    ]);
  });

  it('knows bits of an entry by the name of their field', () => {
    const explorer = explore(
      'device nic 0000:03:00.0\ncreatedomain a iommu\npopulate_physmap a P\nassign_device a nic\ndeassign_device a nic\n',
    );
    const assign = stepOf(explorer, 'assign_device');
    const entry = entryCalled(explorer, assign, 'VT-d context entry of 0000:03:00.0');
    const { lo, hi } = VTD_CONTEXT_ENTRY.fields.find(({ name }) => name === 'did')!;
    const did = { words: entry, low: lo, width: hi - lo + 1, count: 9 };
    const answer = explorer.answer(assign, 'writers', did);
    expect(answer.what).toBe(`VT-d context entry of 0000:03:00.0: bits ${lo}-${hi} did`);
    expect(answer.rows[answer.current]).toMatchObject({ step: assign, after: answer.now });
    expect(answer.now).toMatch(/^[1-9][0-9]*$/);
    const whole = explorer.answer(assign, 'writers', { words: entry, count: 9 });
    expect(whole.now).toContain(`did ${answer.now}`);
  });

  it('tells several words together, whichever of them a step wrote', () => {
    const explorer = explore('createdomain a iommu\npopulate_physmap a P\nupdate_va_mapping a va=0 P rw\n');
    const { xen } = explorer.timeline;
    const pdx = frameNamed(explorer, 'P');
    const words = ['owner', 'typeInfo'].map((field) => fieldWord(explorer, 'frame', pdx, field));
    const answer = explorer.answer(3, 'writers', { words, count: 9 });
    expect(answer.what).toBe(`frame ${xen.frameName(pdx)}: owner, typeInfo`);
    expect(answer.rows.map(({ step }) => step)).toEqual([2, 3]);
    expect(answer.rows[0]!.after).toContain('owner d1');
    expect(answer.now).toContain('type writable');
    expect(answer.boot).toContain('owner none');
  });

  it('is told in windows, around what is seen, before and after it', () => {
    const rounds = 400;
    const explorer = explore(
      `createdomain a iommu\npopulate_physmap a P\nrepeat ${rounds}\n  update_va_mapping a va=0 P rw\n  update_va_mapping a va=0\nend\n`,
    );
    const pdx = frameNamed(explorer, 'P');
    const words = [fieldWord(explorer, 'frame', pdx, 'typeInfo')];
    const middle = explorer.answer(401, 'writers', { words, ...TYPE_COUNT, count: 10 });
    expect(middle).toMatchObject({ total: 2 * rounds + 1, current: 399, from: 394, setBy: { step: 401 } });
    expect(middle.rows.map(({ step }) => step)).toEqual(Array.from({ length: 10 }, (_, i) => 396 + i));
    const end = explorer.answer(401, 'writers', { words, ...TYPE_COUNT, from: 9999, count: 10 });
    expect(end.rows.at(-1)!.step).toBe(explorer.opened.length);
    // Populating takes the page as writable for a moment, so that it is mapped for devices.
    const first = explorer.answer(401, 'writers', { words, ...TYPE_COUNT, from: 0, count: 2 });
    expect(first.rows[0]).toMatchObject({ step: 2, before: '0', after: '0' });
    const before = explorer.answer(1, 'writers', { words, ...TYPE_COUNT, count: 10 });
    expect(before).toMatchObject({ current: -1, setBy: undefined, from: 0, now: '0', boot: '0' });
  });

  it('tells memory that is nothing else as numbers, and leaves the machine where it stands', () => {
    const explorer = exploreExample('late-enable.dommu', 'late-enable');
    const words = entryCalled(explorer, stepOf(explorer, 'step until=recheck'), 'd1 IOMMU table DFN 0x101');
    const before = explorer.answer(3, 'writers', { words, count: 2 });
    expect(explorer.timeline.position).toBe(3);
    expect(before).toMatchObject({ current: -1, now: 'empty' });
    const later = [words[0]! + 9];
    expect(explorer.answer(3, 'writers', { words: later, count: 2 }).what).toMatch(/^memory 0x1b\+0x/);
  });
});
