import { describe, expect, it } from 'vitest';
import { parseProgramText } from '../program/load.js';
import { SourceText } from '../text/source.js';
import type { FoundDivergence } from './campaign.js';
import { brokenProgram, differenceLines, divergenceProgram, skipCounts } from './report.js';

const program = parseProgramText(
  new SourceText('t.dommu', 'createdomain a iommu\npopulate_physmap a P\npin_l1_table a P'),
);
const statement = program.steps[2]!;
if (!('op' in statement)) throw new Error('a statement');

const found = (log: string[] = []): FoundDivergence => ({
  found: 'grants.dommu',
  program,
  rule: '§3.3',
  divergence: {
    step: 2,
    statement,
    op: 'pin_l1_table a P',
    log,
    requests: ['{"call":"mmuext_op"} -> {"rc":-22}'],
    differences: [
      { what: 'status', model: 'ok', real: 'EINVAL' },
      { what: 'log', model: '', real: '[VT-D]DMAR:[DMA Write] Request device [0000:00:04.0]\nsecond line' },
    ],
  },
});

describe('a divergence for people', () => {
  it('says the step, the rule, where it was found, and what each side says', () => {
    expect([...differenceLines(found())].slice(0, 2)).toEqual([
      'pin_l1_table a P (§3.3; found in grants.dommu)',
      '  status: the model says ok, Xen says EINVAL',
    ]);
  });

  it('says that a side says nothing', () => {
    expect([...differenceLines(found())][2]).toMatch(
      /^ {2}log: the model says nothing, Xen says \[VT-D\].* \| second line$/,
    );
  });
});

describe('a divergence as a program', () => {
  it('is one that the language takes, whatever Xen logged', () => {
    const log = ['d1: "quoted" # and\tmore', 'two\nlines', ''];
    const text = divergenceProgram(found(log), '4.17.7');
    expect(parseProgramText(new SourceText('d.dommu', text)).steps).toHaveLength(3);
    expect(text).toMatch(/^# Model and Xen 4\.17\.7 part at the last step:\n/);
  });

  it('expects nothing: expectations were those of the program it was found in', () => {
    const source = new SourceText('t.dommu', 'createdomain a\n  expect EINVAL');
    const text = divergenceProgram({ ...found(), program: parseProgramText(source) }, '4.17');
    expect(text).toContain('createdomain a\n');
    expect(text).not.toContain('expect');
  });

  it('keeps the end of the log only', () => {
    const text = divergenceProgram(found(Array.from({ length: 50 }, (_, i) => `line ${i}.`)), '4.17');
    expect(text).not.toContain('line 29.');
    expect(text).toContain('line 30.');
    expect(text).toContain('line 49.');
  });

  it('says nothing of a log where there is none', () => {
    expect(divergenceProgram(found(), '4.17')).not.toContain('Xen logged');
  });
});

it('a program over which a machine broke is one that the language takes', () => {
  const text = brokenProgram(program, 'QEMU has ended; its last lines:\n  (XEN) Panic\u001b[0m', '4.17');
  expect(parseProgramText(new SourceText('b.dommu', text)).steps).toHaveLength(3);
  expect(text).toMatch(/^# The machine with Xen 4\.17 broke at the last step of t\.dommu/);
});

it('programs that were left out are counted by reason', () => {
  const programs = [{ skipped: 'Arm' }, {}, { skipped: 'HVM' }, { skipped: 'Arm' }];
  expect(skipCounts(programs)).toEqual([
    { reason: 'Arm', count: 2 },
    { reason: 'HVM', count: 1 },
  ]);
});
