import type { Command } from 'commander';
import { loadProgram } from '../program/load.js';
import { type RunResult, runProgram, type StepResult } from '../program/runner.js';
import { type Diagnostic, type Paint, printable } from '../text/diagnostic.js';
import { DEFAULT_EDITION, resolveEdition } from '../xen/editions/edition.js';
import { EXIT, type ExitCode, type Io, runCommand, standardIo } from './io.js';

export interface RunCommandOptions {
  readonly xen?: string;
  readonly check?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ dommu run examples/arm-grant-fault.dommu
  $ dommu run examples/arm-grant-fault.dommu --xen 4.12
  $ dommu run examples/late-enable.dommu --xen late-enable --json

Exit codes: 0 everything as expected, 1 an expectation is unmet, a device faulted or an invariant broke unexpectedly,
2 the program cannot be read or run.`;

export function registerRun(program: Command, io: Io = standardIo()): void {
  program
    .command('run')
    .summary('run a program on the model, step by step')
    .description(
      'Runs a program (docs/program.md) on the model of a release: prints each step, what it changed, its status, and ' +
        'faults in the words Xen of that release would log.',
    )
    .argument('<file>', 'the program: .dommu text or its JSON form')
    .option('--xen <release>', `release or design (default: the program's, or ${DEFAULT_EDITION})`)
    .option('--check', 'hold every step against all invariants, also those too dear for a search')
    .option('--no-check', 'hold steps against none')
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES)
    .action((file: string, options: RunCommandOptions) => {
      const asJson = (diagnostics: readonly Diagnostic[]) => ({ steps: [], failed: true, diagnostics });
      runCommand(io, options.json === true, asJson, () => run(file, options, io));
    });
}

function run(file: string, options: RunCommandOptions, io: Io): ExitCode {
  const program = loadProgram(file);
  const edition = resolveEdition(options.xen ?? program.edition ?? DEFAULT_EDITION);
  const check = options.check === undefined ? 'searched' : options.check ? 'all' : 'none';
  const result = runProgram(program, edition, { check });
  if (options.json === true) io.out(JSON.stringify(result, null, 2));
  else for (const line of runLines(file, result, io.paintOut)) io.out(line);
  return result.failed ? EXIT.findings : EXIT.ok;
}

function* runLines(file: string, { edition, steps, failed }: RunResult, paint: Paint): Generator<string> {
  yield paint.bold(printable(`${file} on Xen ${edition}`));
  for (const step of steps) yield* stepLines(step, paint);
  const findings = steps.reduce((sum, { unexpected }) => sum + unexpected.length, 0);
  yield '';
  yield failed
    ? paint.error(`${findings} finding${findings === 1 ? '' : 's'} in ${steps.length} steps`)
    : `${steps.length} steps, all as expected`;
}

/** A step for people: what was done and answered, what changed, what the log says, what is wrong. */
export function* stepLines(step: StepResult, paint: Paint): Generator<string> {
  const count =
    step.hypercallSteps === undefined
      ? ''
      : paint.dim(` in ${step.hypercallSteps} step${step.hypercallSteps === 1 ? '' : 's'}`);
  const number = String(step.index + 1).padStart(3);
  yield `${number}  ${step.op}  ${paint.dim('→')} ${statusText(step, paint)}${count}`;
  for (const change of step.changes) yield paint.dim(`       ${change}`);
  for (const { text } of step.faults) {
    // An access that is stopped without a record leaves no line.
    for (const line of text === '' ? [] : text.split('\n')) yield `       ${paint.warning(`(XEN) ${line}`)}`;
  }
  for (const { invariant, message } of step.violations)
    yield `       ${paint.warning(`${invariant}: ${message}`)}`;
  for (const finding of step.unexpected) yield `       ${paint.error('✗')} ${finding}`;
}

function statusText({ status, unexpected }: StepResult, paint: Paint): string {
  return unexpected.length > 0 ? paint.error(status) : paint.bold(status);
}
