import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SourceText } from '../../text/source.js';
import { resolveEdition } from '../../xen/editions/edition.js';
import { loadProgram } from '../load.js';
import { parseProgram } from '../parse.js';
import { type Checked, Run } from '../runner.js';
import { Timeline } from '../timeline.js';
import { Verdicts } from './verdicts.js';

const example = (name: string) =>
  loadProgram(fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url)));

describe('what is wrong after each step', () => {
  it.each<[string, string, Checked]>([
    ['death-window.dommu', '4.22', 'searched'],
    ['death-window.dommu', '4.17', 'all'],
    ['grant-overwritten.dommu', '4.22', 'searched'],
    ['smmuv3-vmid-reuse.dommu', '4.22', 'searched'],
    ['smmuv3-vmid-reuse.dommu', '4.22', 'none'],
    ['late-enable.dommu', 'late-enable', 'searched'],
    ['arm-grant-fault.dommu', '4.12', 'searched'],
  ])('is what a run says: %s on %s, %s invariants', (name, editionName, check) => {
    const [program, edition] = [example(name), resolveEdition(editionName)];
    const run = new Run(program, edition, { check });
    run.execute();
    const steps = run.results.filter(({ op }) => op !== 'boot');
    const timeline = Timeline.record(program, edition);
    const verdicts = new Verdicts(timeline, check);
    timeline.seek(1);
    const numbers = steps.map((_, index) => index + 1);
    expect(numbers.map((step) => verdicts.newAt(step))).toEqual(steps.map(({ violations }) => violations));
    expect(numbers.map((step) => verdicts.unexpectedAt(step))).toEqual(
      steps.map(({ unexpected }) => unexpected),
    );
    expect(verdicts.brokenAt).toEqual(numbers.filter((step) => steps[step - 1]!.violations.length > 0));
    expect(timeline.position).toBe(1);
  });

  it('is told with what it leads to, and as broken again where that is worse', () => {
    const text = `machine x86
ram 0x100..0x103
dom0 pages=1
createdomain g iommu max_pages=3
populate_physmap g 0x101
update_va_mapping g va=0 0x101 rw
grant g 0 g 0x101
map_grant_ref g h g 0 host readonly
populate_physmap g 0x102
update_va_mapping g va=1 0x102 rw
`;
    const edition = resolveEdition('4.13+pvPageAdded=mapped-untyped');
    const program = parseProgram(new SourceText('t', text));
    const verdicts = new Verdicts(Timeline.record(program, edition));
    const harms = [2, 3, 5, 6, 7].map((step) => verdicts.after(step).get('I1')?.harm);
    expect(harms).toEqual([
      'isolation broken',
      undefined,
      'mapping lost',
      'isolation broken',
      'mapping lost',
    ]);
    expect(verdicts.breaksOf('I1')).toEqual([2, 5, 6]);
    const run = new Run(program, edition);
    run.execute();
    expect(run.results.map((_, index) => verdicts.newAt(index + 1))).toEqual(
      run.results.map(({ violations }) => violations),
    );
  });

  it('is known of every step, however one asks, and what is mended holds again', () => {
    const timeline = Timeline.record(example('death-window.dommu'), resolveEdition('4.17'));
    const verdicts = new Verdicts(timeline);
    const last = verdicts.after(timeline.length);
    const found = verdicts.brokenAt.map((step) => [...verdicts.after(step).keys()]);
    expect(found.length).toBeGreaterThan(0);
    for (const [index, step] of verdicts.brokenAt.entries()) {
      expect(found[index]).toEqual(
        expect.arrayContaining(verdicts.newAt(step).map(({ invariant }) => invariant)),
      );
    }
    expect([...new Verdicts(timeline).after(timeline.length)]).toEqual([...last]);
    expect(verdicts.after(0).size).toBe(0);
  });

  it('costs a loop one round, and is judged bit by bit', () => {
    const loop =
      'createdomain guest\npopulate_physmap guest P\nrepeat 4000\npin_l1_table guest P\nunpin_table guest P\nend\n';
    const timeline = Timeline.record(parseProgram(new SourceText('t', loop)), resolveEdition('4.22'));
    const verdicts = new Verdicts(timeline);
    expect(verdicts.judgeFor(0)).toBe(false);
    expect(verdicts.judged).toBe(0);
    const { seek } = timeline;
    let seeks = 0;
    timeline.seek = (step) => {
      seeks++;
      seek.call(timeline, step);
    };
    verdicts.judgeTo(10);
    const early = seeks;
    verdicts.judgeTo(timeline.length);
    expect(verdicts.done).toBe(true);
    expect(verdicts.judgeFor(0)).toBe(true);
    expect(seeks).toBeLessThanOrEqual(early + 2);
  });
});
