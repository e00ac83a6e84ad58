import { describe, expect, it } from 'vitest';
import { parseProgram } from '../program/parse.js';
import { printStatement } from '../program/print.js';
import { Timeline } from '../program/timeline.js';
import { SourceText } from '../text/source.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { storyOf } from './graph-way.js';

const MACHINE = `
machine x86
ram 0x100..0x107
iommu vtd
dom0 strict
device nic 0000:03:00.0
`;

function tell(steps: string, from: number) {
  const program = parseProgram(new SourceText('test.dommu', MACHINE + steps));
  const timeline = Timeline.record(program, resolveEdition('4.22'));
  const { statements, names } = storyOf(timeline, from, timeline.length);
  const texts = statements.map((one) => (one === undefined ? undefined : printStatement(one)));
  return { texts, names, timeline };
}

describe('what a program does, in words that mean the same wherever they are said', () => {
  it('has the frames that pages were, in pages, addresses and entries, also where a name was given twice', () => {
    const { texts } = tell(
      `createdomain g iommu
populate_physmap g P
assign_device g nic
dma nic write P+0x8
mmu_update g P[3] P ro
decrease_reservation g P
populate_physmap g Q
populate_physmap g P
dma nic read P
`,
      3,
    );
    expect(texts).toEqual([
      'dma nic write 0x100008',
      'mmu_update g 0x100[3] 0x100 ro',
      'decrease_reservation g 0x100',
      'populate_physmap g 0x100',
      'populate_physmap g 0x101',
      'dma nic read 0x101000',
    ]);
  });

  it('says which number a domain got that is made, and calls what had a name by that', () => {
    const { texts, names } = tell(
      `createdomain first
destroydomain first
createdomain second
populate_physmap second P
createdomain third
`,
      1,
    );
    expect(texts).toEqual([
      'destroydomain first',
      'createdomain first domid=1',
      'populate_physmap first 0x100',
      'createdomain third domid=2',
    ]);
    expect(names.domains.get(2)).toBe('third');
  });

  it('calls a handle by the first name that it is given', () => {
    const { texts } = tell(
      `createdomain g
populate_physmap g P
grant g 1 dom0 P
map_grant_ref dom0 a g 1 host
unmap_grant_ref dom0 a
map_grant_ref dom0 b g 1 host
unmap_grant_ref dom0 b
`,
      3,
    );
    expect(texts).toEqual([
      'map_grant_ref dom0 a g 1 host',
      'unmap_grant_ref dom0 a',
      'map_grant_ref dom0 a g 1 host',
      'unmap_grant_ref dom0 a',
    ]);
  });

  it('leaves out what is there for the reader, and leaves the timeline where it stood', () => {
    const { texts, timeline } = tell(`createdomain g\nmark before\nsame_state before\n`, 0);
    expect(texts).toEqual(['createdomain g domid=1', undefined, undefined]);
    expect(timeline.position).toBe(timeline.length);
  });
});
