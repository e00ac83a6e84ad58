import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SourceText } from '../text/source.js';
import { parseProgramJson, programToJson } from './json.js';
import { OPERATIONS } from './operations.js';
import { parseProgram } from './parse.js';
import { printProgram, printStatement } from './print.js';
import { arbitraryProgram, withoutPlaces } from './program.fixture.js';
import { DEFAULT_MACHINE, type Step } from './program.js';
import { WHOLE_SCHEMA } from './schema.js';

const read = (text: string) => parseProgram(new SourceText('t.dommu', text));

describe('printing a program', () => {
  it('writes text that reads as the same program', () => {
    fc.assert(
      fc.property(arbitraryProgram, (program) => {
        const text = printProgram(program);
        const again = read(text);
        expect(withoutPlaces(again)).toEqual(withoutPlaces(program));
        expect(printProgram(again)).toBe(text);
      }),
    );
  });

  it('writes JSON that reads as the same program', () => {
    fc.assert(
      fc.property(arbitraryProgram, fc.nat(4), (program, indent) => {
        const text = JSON.stringify(programToJson(program), undefined, indent);
        expect(withoutPlaces(parseProgramJson(new SourceText('t.json', text)))).toEqual(
          withoutPlaces(program),
        );
      }),
    );
  });

  it('writes JSON that the published schema accepts', () => {
    fc.assert(
      fc.property(arbitraryProgram, (program) => {
        expect(WHOLE_SCHEMA.safeParse(programToJson(program)).error).toBeUndefined();
      }),
    );
  });

  it('meets every operation in those properties', () => {
    const met = new Set<string>();
    const note = (step: Step): void => {
      if ('repeat' in step) step.body.forEach(note);
      else met.add(step.op);
    };
    for (const { steps } of fc.sample(arbitraryProgram, { numRuns: 2000, seed: 1 })) steps.forEach(note);
    expect([...met].sort()).toEqual(OPERATIONS.map(({ name }) => name).sort());
  });

  it('writes frames and addresses in hexadecimal, counts in decimal', () => {
    const program = read(
      'populate_physmap dom0 P gfn=32 count=12\nmmu_update dom0 261[0x10] 262\nstep\nend_grant dom0 0xa',
    );
    expect(program.steps.map((step) => printStatement(step as never))).toEqual([
      'populate_physmap dom0 P gfn=0x20 count=12',
      'mmu_update dom0 0x105[16] 0x106',
      'step',
      'end_grant dom0 10',
    ]);
  });

  it('says every default, so that a kept program stays what it is', () => {
    expect(printProgram({ file: 't', machine: DEFAULT_MACHINE, configs: [], steps: [] })).toBe(
      [
        'machine x86',
        'ram 0x100..0x13f',
        'xen-heap 0x10..0x4f',
        'iommu vtd',
        'dom0 relaxed pages=4 tables=0',
        '',
      ].join('\n'),
    );
  });

  it('says behind a block what it comes to', () => {
    const text = 'repeat forever\n  step\nend\n  expect does not recur\nmark a\n';
    expect(printProgram(read(text)).split('\n\n')[1]).toBe(text);
  });

  it('puts comments before their steps, indented like them', () => {
    const program = read('mark a\nexpect ok\nrepeat 2\nsame_state a\nend');
    const [mark, repeat] = program.steps as [Step, Step & { body: Step[] }];
    const comments = new Map([
      [mark, 'first\nsecond'],
      [repeat.body[0]!, 'inner'],
    ]);
    expect(printProgram(program, comments).split('\n\n')[1]).toBe(
      '# first\n# second\nmark a\n  expect ok\nrepeat 2\n  # inner\n  same_state a\nend\n',
    );
  });

  it('quotes a status that would read as something else', () => {
    for (const status of ['', ' ok', 'fault', 'change it', 'a  b', 'a#b', 'say "hi"', 'line\nfeed']) {
      const program = read(`mark a\nexpect ${JSON.stringify(status)}`);
      expect(program.steps[0]).toMatchObject({ expect: [{ kind: 'status', status }] });
      expect(withoutPlaces(read(printProgram(program)))).toEqual(withoutPlaces(program));
    }
  });
});
