import { expect, it } from 'vitest';
import type { ChangedLine, ChangedThing } from './changed-things.js';
import type { Explorer } from './explorer.js';
import type { Value } from './value.js';
import { entryCalled, explore, exploreExample, fieldWord, frameNamed, stepOf } from './written.fixture.js';

/** Lines of all that a step changed. */
const linesOf = (explorer: Explorer, step: number, lines = 100): readonly ChangedLine[] =>
  explorer.answer(step, 'outcome', { lines }).changes.flatMap(({ lines }) => lines);

/** A thing that a step changed, by its whole name, and what it has for a field. @throws RangeError for none. */
function changed(
  explorer: Explorer,
  step: number,
  what: string,
  field: string,
): { readonly thing: ChangedThing; readonly value: Value } {
  for (const { kind, things, fields } of linesOf(explorer, step)) {
    const thing = things.find(({ name }) => kind + name === what);
    const value = thing?.values[fields.indexOf(field)];
    if (thing !== undefined && value !== undefined) return { thing, value };
  }
  throw new RangeError(`step ${step} did not change ${field} of ${what}`);
}

/** The steps that wrote a value, as the page is told of them when it is clicked. */
const writersOf = (explorer: Explorer, step: number, { words, low, width }: Value): number[] =>
  explorer
    .answer(step, 'writers', {
      words: words!,
      ...(low !== undefined && { low }),
      ...(width !== undefined && { width }),
      count: 1000,
    })
    .rows.map(({ step }) => step);

const PV = `machine x86
ram 0x100..0x10f
dom0 pages=2
createdomain guest max_pages=8
populate_physmap guest P
pin_l1_table guest P
unpin_table guest P
`;

it('a change of a frame’s type is told with the bits that say it, and the frame', () => {
  const explorer = explore(PV);
  const step = stepOf(explorer, 'pin_l1_table');
  const pdx = frameNamed(explorer, 'P');
  const mfn = explorer.timeline.xen.ram.frameAt(pdx);
  const { thing, value } = changed(explorer, step, `frame 0x${mfn.toString(16)}`, 'type');
  expect(thing.mfn).toBe(mfn);
  expect(value).toEqual({
    text: 'l1',
    was: 'none',
    words: [fieldWord(explorer, 'frame', pdx, 'typeInfo')],
    low: 29,
    width: 3,
  });
  expect(writersOf(explorer, step, value)).toContain(step);
  // The pin is another bit of the same word.
  const pin = changed(explorer, step, `frame 0x${mfn.toString(16)}`, 'pinned').value;
  expect([pin.words, pin.width]).toEqual([value.words, 1]);
  expect(pin.low).not.toBe(value.low);
});

const HVM = `ram 0x100..0x10f
xen-heap 0x10..0x3f
dom0 pages=1
device nic 0000:03:00.0
createdomain guest hvm hap iommu iommu_opts=1 max_pages=8
populate_physmap guest 0x105 gfn=9
populate_physmap guest 0x104 gfn=8
assign_device guest nic
dma nic write 0x8010
decrease_reservation guest 0x104 gfn=8
`;

it.each(['d1 p2m GFN 0x8', 'd1 IOMMU table DFN 0x8'])(
  'a change of %s is told with the words of RAM that hold the entry, and leads to the page, and did when it is empty',
  (what) => {
    const explorer = explore(HVM);
    const [set, emptied] = [
      stepOf(explorer, 'populate_physmap guest 0x104'),
      stepOf(explorer, 'decrease_reservation'),
    ];
    const { thing, value } = changed(explorer, set, what, 'entry');
    expect(value.words).toEqual(entryCalled(explorer, set, what));
    expect(value.was).toBe('empty');
    expect(thing.mfn).toBe(0x104);
    const gone = changed(explorer, emptied, what, 'entry');
    expect(gone.value).toEqual({ words: value.words, text: 'empty', was: value.text });
    expect(gone.thing.mfn).toBe(0x104);
    expect(writersOf(explorer, emptied, gone.value)).toEqual([set, emptied]);
  },
);

it('a change of a grant handle is told with its words, and leads to the page that is mapped, and was', () => {
  const explorer = exploreExample('arm-grant-fault.dommu', '4.15');
  const map = stepOf(explorer, 'map_grant_ref');
  const unmap = stepOf(explorer, 'unmap_grant_ref');
  const row = 0;
  for (const step of [map, unmap]) {
    const { thing, value } = changed(explorer, step, 'd0 handle 0', 'granter');
    expect(value.words).toEqual([fieldWord(explorer, 'maptrack', row, 'granter')]);
    expect(writersOf(explorer, step, value)).toEqual([map, unmap]);
    expect(thing.mfn).toBe(0x8424cb);
    expect(changed(explorer, step, 'd1 active grant 8', 'frame').thing.mfn).toBe(0x8424cb);
  }
  // The granter names the page by its guest frame number.
  const grant = stepOf(explorer, 'grant ');
  expect(changed(explorer, grant, 'd1 grant entry 8', 'entry').thing.mfn).toBe(0x8424cb);
});

it('what an IOTLB remembers leads to the frame, and plain memory to the one that it is in', () => {
  const explorer = explore(HVM);
  const step = stepOf(explorer, 'dma');
  expect(changed(explorer, step, 'VT-d IOTLB entry 8', 'rights').thing.mfn).toBe(0x104);
  const { thing, value } = changed(explorer, step, 'memory 0x104+0x10', 'word');
  expect(thing.mfn).toBe(0x104);
  expect(value.words!.map((word) => explorer.timeline.xen.ram.addressOf(word))).toEqual([0x104010]);
  // A device leads to no frame.
  expect(
    changed(explorer, stepOf(explorer, 'assign_device'), 'device nic', 'owner').thing.mfn,
  ).toBeUndefined();
});

it('things that changed in the same way share a line, each with words of its own; the first of many are listed', () => {
  const explorer = explore(`ram 0x100..0x1ff
dom0 pages=1
createdomain guest max_pages=64
populate_physmap guest 0x110 count=64
`);
  const [line] = linesOf(explorer, stepOf(explorer, 'populate_physmap'), 6).filter(({ count }) => count > 1);
  expect(line).toMatchObject({ kind: 'frame ', count: 64 });
  expect(line!.things.map(({ mfn }) => mfn)).toEqual([0x110, 0x111, 0x112, 0x113, 0x114, 0x115]);
  const owners = line!.things.map(({ values }) => values[line!.fields.indexOf('owner')]!.words![0]!);
  expect(new Set(owners).size).toBe(6);
});

it('levels of a table are of one kind, however the architecture counts them', () => {
  const arm = exploreExample('arm-grant-fault.dommu', '4.15');
  const kinds = arm.answer(2, 'outcome', { lines: 6 }).changes.map(({ kind }) => kind);
  expect(kinds).toEqual(['d1', 'frame', 'd1 p2m GFN']);
});
