import type { Command } from 'commander';
import { type Affected, affectedBy, type EditionVerdict } from '../program/affected.js';
import { loadProgram } from '../program/load.js';
import { type Diagnostic, type Paint, printable } from '../text/diagnostic.js';
import { EXIT, type ExitCode, type Io, runCommand, standardIo } from './io.js';

const EXAMPLES = `
Examples:
  $ dommu affected examples/arm-grant-fault.dommu
  $ dommu affected examples/untyped-page-dma.dommu --json

A release is affected when the program fails on it: an expectation is unmet, a device faults or an invariant breaks
unexpectedly. Where the toolstack is refused what the program takes for granted, it cannot be set up, and nothing is said. Releases are listed from 4.11.0 on: every x.y.0, and each point release that differs from the one before.

Exit codes: 0 no release is affected, 1 some are, 2 the program cannot be read or run.`;

export function registerAffected(program: Command, io: Io = standardIo()): void {
  program
    .command('affected')
    .summary('tell which releases a bug affects, and why')
    .description(
      'Runs a program on every release of Xen since 4.11 and tells which are affected, which behaviour decides it and ' +
        'by which commit it came and went, the worst that can happen, and the trailers for the patch.',
    )
    .argument('<file>', 'the program: .dommu text or its JSON form')
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES)
    .action((file: string, options: { readonly json?: boolean }) => {
      const asJson = (diagnostics: readonly Diagnostic[]) => ({ editions: [], diagnostics });
      runCommand(io, options.json === true, asJson, () => affected(file, options.json === true, io));
    });
}

function affected(file: string, json: boolean, io: Io): ExitCode {
  const found = affectedBy(loadProgram(file));
  if (json) io.out(JSON.stringify(jsonOf(found), null, 2));
  else for (const line of affectedLines(file, found, io.paintOut)) io.out(line);
  return found.worst === undefined && found.editions.every((one) => !one.affected) ? EXIT.ok : EXIT.findings;
}

function jsonOf({ worst, ...rest }: Affected): unknown {
  return { worst: worst ?? null, ...rest };
}

function* affectedLines(file: string, found: Affected, paint: Paint): Generator<string> {
  yield paint.bold(printable(file));
  yield '';
  yield `  ${'release'.padEnd(9)} ${'affected'.padEnd(9)} decided by`;
  for (const verdict of found.editions) yield verdictLine(verdict, paint);
  yield '';
  if (found.editions.every(({ affected }) => !affected)) {
    yield 'no release is affected';
    return;
  }
  yield `worst     ${paint.error(found.worst ?? 'an expectation is unmet')}`;
  for (const { commit, title, release, backports } of found.introduced) {
    yield `came by   ${commit} ("${title}") in ${[release, ...backports].join(', ')}`;
  }
  if (found.introduced.length === 0) yield `came by   ${originText(found)}`;
  for (const { commit, title, release, backports } of found.fixed) {
    yield `went by   ${commit} ("${title}") in ${[release, ...backports].join(', ')}`;
  }
  yield '';
  for (const trailer of found.trailers.fixes) yield trailer;
  if (found.trailers.backport !== null) yield found.trailers.backport;
}

function originText({ editions }: Affected): string {
  return editions.some(({ affected, deciding }) => affected && deciding.length > 0)
    ? 'a change older than 4.11.0, where the record begins'
    : 'no one change on record: no behaviour decides it alone';
}

function verdictLine({ edition, affected, deciding, cannotSetUp }: EditionVerdict, paint: Paint): string {
  if (cannotSetUp !== undefined)
    return `  ${edition.padEnd(9)} ${'—'.padEnd(9)} cannot be set up: ${cannotSetUp}`;
  const answer = (affected ? 'yes' : 'no').padEnd(9);
  const why = deciding.map(({ behaviour, value }) => `${behaviour}=${value}`).join(', ');
  return `  ${edition.padEnd(9)} ${affected ? paint.error(answer) : answer} ${why}`.trimEnd();
}
