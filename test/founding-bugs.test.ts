import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseProgramJson, programToJson } from '../src/program/json.js';
import { loadProgram, withConfigTexts } from '../src/program/load.js';
import { loadConfig } from '../src/program/load-config.js';
import { parseProgram } from '../src/program/parse.js';
import { printProgram } from '../src/program/print.js';
import { type RunResult, runProgram, type StepResult } from '../src/program/runner.js';
import { example } from '../src/program/scene.fixture.js';
import { SourceText } from '../src/text/source.js';
import { DESIGNS, distinctEditions, resolveEdition } from '../src/xen/editions/edition.js';

const on = (name: string, edition: string): RunResult =>
  runProgram(loadProgram(example(name)), resolveEdition(edition));

/** The step that an operation's text begins with, the n-th of them. */
function step({ steps }: RunResult, text: string, n = 0): StepResult {
  const found = steps.filter(({ op }) => op.startsWith(text))[n];
  if (found === undefined) throw new Error(`no step ${text}`);
  return found;
}

const findings = ({ steps }: RunResult): string[] => steps.flatMap(({ unexpected }) => unexpected);

/** The log of a step, as `xl dmesg` shows it. */
const log = ({ faults }: StepResult): string[] =>
  faults.flatMap(({ text }) => text.split('\n').map((line) => `(XEN) ${line}`));

describe('the transmit of a granted page (arm-grant-fault)', () => {
  const read = 'dma eth0 read 0x8424cb148';

  it('faults on 4.12 with the line of the report', () => {
    const run = on('arm-grant-fault.dommu', '4.12');
    expect(run.failed).toBe(true);
    expect(step(run, read).status).toBe('fault');
    expect(log(step(run, read))).toEqual([
      '(XEN) smmu: /smmu@fd800000: Unhandled context fault: fsr=0x402, iova=0x8424cb148, fsynr=0xb0001, cb=0',
    ]);
  });

  it.each(['4.12', '4.12.1', '4.12.4', '4.13', '4.13.1', '4.13.2', '4.14', '4.14.1'])(
    'faults on %s',
    (edition) => {
      const run = on('arm-grant-fault.dommu', edition);
      expect(step(run, read).status).toBe('fault');
      expect(run.steps.flatMap(({ violations }) => violations.map(({ invariant }) => invariant))).toEqual([
        'I19',
      ]);
    },
  );

  it.each(['4.11.0', '4.11.4', '4.13.3', '4.13.5', '4.14.2', '4.15', '4.16', '4.17', '4.22', 'staging'])(
    'succeeds on %s, where a write faults as a permission',
    (edition) => {
      const run = on('arm-grant-fault.dommu', edition);
      expect(findings(run)).toEqual([]);
      expect(step(run, read).status).toBe('ok');
      const [line] = log(step(run, 'dma eth0 write'));
      expect(line).toContain('fsynr=0xb0013');
      // Translation faults again once the grant is unmapped.
      expect(log(step(run, read, 1))[0]).toContain('fsynr=0xb0003');
    },
  );

  it('has no fsr in the words of 4.11', () => {
    expect(log(step(on('arm-grant-fault.dommu', '4.11'), 'dma eth0 write'))).toEqual([
      '(XEN) smmu: /smmu@fd800000: Unhandled context fault: iova=0x8424cb148, fsynr=0xb0013, cb=0',
    ]);
  });
});

describe('the untyped page (untyped-page-dma)', () => {
  const write = 'dma nic write P value=0x100003';

  it('lets a device write a page table on 4.11.0', () => {
    const run = on('untyped-page-dma.dommu', '4.11.0');
    expect(run.failed).toBe(true);
    expect(step(run, write)).toMatchObject({ status: 'ok', faults: [] });
    expect(step(run, 'pin_l1_table').violations.map(({ invariant }) => invariant)).toContain('I2');
    expect(step(run, write).changes).toContain(
      'L1 page table 0x104[0]: entry empty → present, writable, address 0x100',
    );
  });

  it.each(['4.11.2', '4.12', '4.13', '4.17', '4.22'])(
    'faults on %s, and nothing else is unexpected',
    (edition) => {
      const run = on('untyped-page-dma.dommu', edition);
      expect(findings(run)).toEqual([]);
      expect(log(step(run, write)).at(-1)).toBe('(XEN) [VT-D]DMAR: reason 05 - PTE Write access is not set');
      expect(step(run, 'dma nic write P+0x8').status).toBe('ok');
    },
  );
});

describe('the first assignment to a running domain (late-enable)', () => {
  it('can be restarted for ever where contexts are built late', () => {
    for (const edition of ['late-enable', 'unified-checks', '4.12', '4.11.2']) {
      const run = on('late-enable.dommu', edition);
      expect(run.failed, edition).toBe(true);
      expect(run.steps.at(-1), edition).toMatchObject({ op: 'repeat forever', status: 'livelock' });
    }
  });

  it('is over before the guest can do anything where contexts are declared', () => {
    for (const edition of ['up-front', '4.13', '4.22']) {
      const run = on('late-enable.dommu', edition);
      expect(findings(run), edition).toEqual([]);
      expect(step(run, 'begin assign_device').status).toBe('ok');
      expect(run.steps.at(-1)).toMatchObject({ op: 'repeat forever', status: 'recurs' });
    }
  });

  it('takes as many steps as the domain has pages, against one', () => {
    const steps = (edition: string, pages: number): number => {
      const text = `machine x86
ram 0x100..0x${(0x100 + pages).toString(16)}
dom0 pages=1
device nic 0000:03:00.0
config guest "guest-pv-hotplug.cfg" pages=${pages}
assign_device guest nic
  expect ok
`;
      const program = withConfigTexts(parseProgram(new SourceText(example('sized.dommu'), text)));
      const { steps: results, failed } = runProgram(program, resolveEdition(edition), { changes: false });
      expect(failed).toBe(false);
      return results.at(-1)!.hypercallSteps!;
    };
    expect([3, 30, 100].map((pages) => steps('up-front', pages))).toEqual([1, 1, 1]);
    // Pages that were never mapped have no type, so that they are no candidates: two steps each.
    expect([3, 30, 100].map((pages) => steps('late-enable', pages))).toEqual([10, 64, 204]);
    expect(steps('unified-checks', 100)).toBe(404);
  });
});

describe('the three tests for one page (three-checks)', () => {
  const answers = (edition: string): string[] =>
    on('three-checks.dommu', edition).steps.flatMap(({ op, status }) =>
      op.startsWith('checks') ? [status] : [],
    );

  // As the domain got it; writable with a count of 1, of 0; page table with a count of 1, of 0.
  it('disagree where contexts are built late', () => {
    expect(answers('late-enable')).toEqual(['-- -- rw', 'rw rw rw', 'rw rw rw', '-- -- r-', '-- -- rw']);
    expect(answers('4.12')).toEqual(answers('late-enable'));
  });

  it('agree where they are one, and the running domain is still walked', () => {
    expect(answers('unified-checks')).toEqual(['rw rw rw', 'rw rw rw', 'rw rw rw', '-- -- --', '-- -- --']);
    const steps = (edition: string) =>
      step(on('three-checks.dommu', edition), 'assign_device').hypercallSteps;
    expect(steps('unified-checks')).toBe(18);
    expect(steps('late-enable')).toBe(14);
    expect(steps('up-front')).toBe(1);
  });

  it('are one where contexts are declared, the others deleted', () => {
    expect(answers('up-front')).toEqual([
      ...Array(3).fill('rw deleted deleted'),
      ...Array(2).fill('-- deleted deleted'),
    ]);
    expect(answers('4.22')).toEqual(answers('up-front'));
  });

  it.each(Object.keys(DESIGNS))('run as expected under %s', (design) => {
    expect(findings(on('three-checks.dommu', design))).toEqual([]);
  });
});

const EXAMPLES = readdirSync(example('.'));

describe.each(EXAMPLES.filter((name) => name.endsWith('.dommu')))('the program %s', (name) => {
  it('runs on every release and design, and says the same in its other forms', () => {
    const program = loadProgram(example(name));
    const editions = [
      ...distinctEditions(),
      ...Object.keys(DESIGNS).map(resolveEdition),
      resolveEdition('staging'),
    ];
    const text = withConfigTexts(parseProgram(new SourceText(example(name), printProgram(program))));
    const json = withConfigTexts(
      parseProgramJson(new SourceText(example(name), JSON.stringify(programToJson(program)))),
    );
    for (const edition of editions) {
      const outcome = ({ steps, failed }: RunResult) => [
        failed,
        ...steps.map(({ op, status, unexpected }) => [op, status, ...unexpected]),
      ];
      const expected = outcome(runProgram(program, edition, { changes: false }));
      expect(outcome(runProgram(text, edition, { changes: false }))).toEqual(expected);
      expect(outcome(runProgram(json, edition, { changes: false }))).toEqual(expected);
    }
  });
});

describe.each(EXAMPLES.filter((name) => name.endsWith('.cfg')))('the config %s', (name) => {
  it('starts on the newest release and on the machine it is for', () => {
    const arm = name.startsWith('arm');
    const machine = {
      arch: arm ? 'arm' : 'x86',
      iommu: arm ? 'smmu' : 'vtd',
      sharept: true,
    } as const;
    expect(loadConfig(example(name), machine, resolveEdition('4.22')).resolution.effective).not.toBeNull();
  });
});

it('there is no example that these tests do not use', () => {
  // The folders have tests of their own.
  expect(EXAMPLES.filter((name) => !/\.(dommu|cfg)$/.test(name))).toEqual([
    'acpi',
    'errnos',
    'logs',
    'other-model',
    'traces',
  ]);
});
