import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SourceText } from '../../text/source.js';
import { resolveEdition } from '../../xen/editions/edition.js';
import { loadProgram } from '../load.js';
import { parseProgram } from '../parse.js';
import { printStatement } from '../print.js';
import type { Program } from '../program.js';
import { Timeline } from '../timeline.js';
import { alignment, firstDifference } from './alignment.js';
import { ReachDigests, reachOf } from './reach.js';

const example = (name: string): Program =>
  loadProgram(fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url)));
const on = (program: Program, edition: string) => Timeline.record(program, resolveEdition(edition));
const parse = (text: string): Program => parseProgram(new SourceText('t.dommu', text));

const opOf = (timeline: Timeline, step: number) => printStatement(timeline.statement(step));

describe('two runs beside each other', () => {
  it('are the same where the editions do the same', () => {
    for (const name of ['arm-grant-fault.dommu', 'late-enable.dommu', 'smmuv3-vmid-reuse.dommu']) {
      const [mine, theirs] = [on(example(name), '4.22'), on(example(name), '4.22')];
      expect(firstDifference(mine, theirs), name).toBeUndefined();
      expect([...alignment(mine, theirs)].map(({ mine, theirs }) => [mine, theirs])).toEqual(
        Array.from({ length: mine.length }, (_, i) => [i + 1, i + 1]),
      );
    }
  });

  it('part where the bug is: what is mapped differs first, then what a device gets', () => {
    const program = example('arm-grant-fault.dommu');
    const [broken, sound] = [on(program, '4.12'), on(program, '4.15')];
    broken.seek(1);
    const first = firstDifference(broken, sound, ['status', 'faults', 'reach'])!;
    expect(opOf(broken, first.mine)).toMatch(/^map_grant_ref dom0 tx/);
    expect(first.differs).toEqual(['words', 'reach']);
    // The older release keeps a list of the domain's pages.
    const records = firstDifference(broken, sound)!;
    expect(opOf(broken, records.mine)).toMatch(/^populate_physmap/);
    expect(records.differs).toEqual(['words']);
    const differing = [...alignment(broken, sound)].filter(({ differs }) => differs.includes('status'));
    expect(differing.map(({ mine }) => opOf(broken, mine))).toEqual(['dma eth0 read 0x8424cb148']);
    expect(differing[0]!.differs).toContain('faults');
    expect(broken.position).toBe(1);
    const reached = sound.lookAt(first.theirs, (xen) => reachOf(xen, 0));
    expect(reached[0]!.frames).toContainEqual({ input: 0x8424cb, frame: 0x8424cb, rights: 1 });
    expect(broken.lookAt(first.mine, (xen) => reachOf(xen, 0))[0]!.frames).not.toContainEqual(
      expect.objectContaining({ input: 0x8424cb }),
    );
  });

  it('stand together again behind a loop that one goes round more often', () => {
    const program = example('late-enable.dommu');
    const [late, upFront] = [on(program, 'late-enable'), on(program, 'up-front')];
    const aligned = [...alignment(late, upFront)];
    expect(aligned.at(-1)).toMatchObject({ mine: late.length, theirs: upFront.length });
    expect(aligned.at(-1)!.differs).toContain('status');
    const alone = aligned.filter(({ mine, theirs }) => mine < 0 || theirs < 0).length;
    expect(alone).toBe(Math.abs(late.length - upFront.length));
  });

  it('stand together around a step that was put in', () => {
    const head = 'createdomain a\npopulate_physmap a P\n';
    const tail = 'createdomain b\npopulate_physmap b Q\n';
    const [before, after] = [
      on(parse(head + tail), '4.22'),
      on(parse(`${head}pin_l1_table a P\n${tail}`), '4.22'),
    ];
    expect([...alignment(before, after)].map(({ mine, theirs }) => [mine, theirs])).toEqual([
      [1, 1],
      [2, 2],
      [-1, 3],
      [3, 4],
      [4, 5],
    ]);
    const other = on(parse(`${head}createdomain c\n`), '4.22');
    expect([...alignment(before, other)].at(-1)).toMatchObject({ mine: 4, theirs: -1 });
  });

  it('compares machines whose tables are not the same', () => {
    const program = example('smmuv3-vmid-reuse.dommu');
    const [without, having] = [on(program, '4.12'), on(program, '4.22')];
    expect(without.xen.layout.tables.length).toBeLessThan(having.xen.layout.tables.length);
    // Making a domain is none of the SMMU's business: it changes the same words in both.
    const text = 'machine arm\niommu smmuv3\ncreatedomain a\npopulate_physmap a P gfn=3\n';
    const [a, b] = [on(parse(text), '4.12'), on(parse(text), '4.13')];
    for (const one of alignment(a, b)) expect(one.differs).not.toContain('status');
    expect(firstDifference(without, having)).toBeDefined();
  });
});

describe('what devices reach', () => {
  it('is the same word for the same reach, looked at afresh or on the way', () => {
    const text = `device nic 0000:03:00.0
createdomain guest iommu
populate_physmap guest P
assign_device guest nic
repeat 3
  pin_l1_table guest P
  unpin_table guest P
  update_va_mapping guest va=0 P rw
  update_va_mapping guest va=0
end
`;
    const timeline = on(parse(text), '4.22');
    const digests = new ReachDigests(timeline);
    const words = new Map<string, string>();
    for (let step = 0; step <= timeline.length; step++) {
      const reached = JSON.stringify(timeline.lookAt(step, (xen) => reachOf(xen, 0)));
      const digest = digests.at(step);
      expect(words.get(reached) ?? digest).toBe(digest);
      words.set(reached, digest);
    }
    expect(words.size).toBeGreaterThan(2);
    expect(new Set(words.values()).size).toBe(words.size);
  });

  it('is everything where no IOMMU stands in front', () => {
    const { xen } = on(parse('iommu none\ndevice nic 0000:03:00.0\n'), '4.22');
    expect(reachOf(xen, 0)).toMatchObject([{ frames: 'everything' }]);
  });
});
