import type { Command } from 'commander';
import { labJudge } from '../conform/judge.js';
import { type LockstepResult, runLockstep } from '../conform/lockstep.js';
import { attachLab } from '../lab/qemu/lab.js';
import { loadProgram } from '../program/load.js';
import { printStatement } from '../program/print.js';
import { EXIT, type ExitCode, type Io, runCommandAsync, standardIo } from './io.js';
import { chosenLab } from './lab.js';

interface ExecOptions {
  readonly name?: string;
  readonly json?: boolean;
}

/** What the real Xen did in one step. */
interface ExecStep {
  readonly op: string;
  readonly status: string;
  readonly faults: readonly string[];
}

/** `dommu lab exec`: a program on a running lab, for what Xen says to it and not for whether the model agrees. */
export function registerLabExec(lab: Command, io: Io = standardIo()): void {
  lab
    .command('exec')
    .summary('run a program on a lab')
    .description(
      'Runs a program (docs/program.md) on the Xen of a running lab and prints what it answered. dommu conform compares.',
    )
    .argument('<program>', '.dommu text or its JSON form')
    .option('--name <name>', 'which lab (default: the only one)')
    .option('--json', 'print one JSON object')
    .action(async (file: string, options: ExecOptions) => {
      const asJson = (diagnostics: readonly unknown[]) => ({ steps: [], diagnostics });
      await runCommandAsync(io, options.json === true, asJson, () => execute(file, options, io));
    });
}

async function execute(file: string, { name, json }: ExecOptions, io: Io): Promise<ExitCode> {
  const program = loadProgram(file);
  const machine = await attachLab(chosenLab(name).name);
  const steps: ExecStep[] = [];
  let result: LockstepResult;
  try {
    result = await runLockstep(program, labJudge(machine), {
      goOn: true,
      onStep: (statement, _model, { status, faults = [] }) => {
        steps.push({ op: printStatement(statement), status, faults });
        if (json !== true) io.out(stepLine(steps, io));
      },
    });
    await machine.agent.perform([{ call: 'reset' }]);
  } finally {
    await machine.close();
  }
  const { skipped } = result;
  if (json === true)
    io.out(JSON.stringify({ steps, ...(skipped === undefined ? {} : { skipped }) }, null, 2));
  else if (skipped !== undefined) io.err(`not run to its end: ${skipped}`);
  return skipped === undefined ? EXIT.ok : EXIT.findings;
}

function stepLine(steps: readonly ExecStep[], { paintOut }: Io): string {
  const { op, status, faults } = steps[steps.length - 1]!;
  const head = `${String(steps.length).padStart(3)}  ${op}  ${paintOut.dim('→')} ${paintOut.bold(status)}`;
  return [head, ...faults.flatMap((text) => text.split('\n').map((line) => `       (XEN) ${line}`))].join(
    '\n',
  );
}
