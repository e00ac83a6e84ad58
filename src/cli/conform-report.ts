import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ARTEFACTS } from '../conform/artefacts.js';
import type { ConformPlan, ConformReport } from '../conform/conformance.js';
import { junitReport } from '../conform/junit.js';
import { brokenProgram, differenceLines, divergenceProgram, skipCounts } from '../conform/report.js';
import { printStatement } from '../program/print.js';
import type { Program } from '../program/program.js';
import type { Paint } from '../text/diagnostic.js';
import type { Io } from './io.js';
import { usageError } from './options.js';

/** Where a report goes besides the terminal. */
export interface ReportFiles {
  readonly out?: string;
  readonly junit?: string;
}

/** Whether model and Xen agree wherever they were compared. */
export const isClean = ({ divergences, xl, dom0Tables }: ConformReport): boolean =>
  divergences.length === 0 &&
  xl.every(({ agrees }) => agrees) &&
  dom0Tables.every(({ asExpected }) => asExpected);

/** Refuses what could not be written when all is done. @throws InputError */
export function checkOutputs({ out, junit }: ReportFiles): void {
  const attempt = (option: string, what: string, body: () => void): void => {
    try {
      body();
    } catch (error) {
      throw usageError(option, `${what} cannot be written: ${(error as Error).message}`);
    }
  };
  if (junit !== undefined) attempt('--junit', junit, () => closeSync(openSync(junit, 'a')));
  if (out !== undefined) attempt('--out', out, () => mkdirSync(out, { recursive: true }));
}

/** Writes what was asked for: divergences as programs, JUnit's report. */
export function save(report: ConformReport, { out, junit }: ReportFiles, io: Io): void {
  if (junit !== undefined) writeFileSync(junit, junitReport('dommu conform', report));
  if (out === undefined) return;
  if (report.broken !== undefined && report.underWay !== undefined) {
    const path = join(out, 'broken.dommu');
    writeFileSync(path, brokenProgram(report.underWay, report.broken.message, report.xen));
    io.err(`saved ${path}`);
  }
  report.divergences.forEach((found, i) => {
    const path = join(out, `divergence-${i + 1}.dommu`);
    writeFileSync(path, divergenceProgram(found, report.xen));
    io.err(`saved ${path}`);
  });
}

/** The object of --json (docs/conform.md). */
export function jsonOf(
  report: ConformReport,
  plan: ConformPlan,
  machine: { readonly iommu: string; readonly source: string },
  seconds: number,
): unknown {
  const divergences = [
    ...report.divergences.map((found) => ({
      program: divergenceProgram(found, report.xen),
      step: found.divergence.step,
      op: found.divergence.op,
      model: found.divergence.differences.map(({ what, model }) => `${what}: ${model}`).join('; '),
      real: found.divergence.differences.map(({ what, real }) => `${what}: ${real}`).join('; '),
      rule: found.rule,
      found: found.found,
      log: found.divergence.log,
    })),
    ...report.xl
      .filter(({ agrees }) => !agrees)
      .map(({ config, predicted, real }) => ({
        program: config,
        step: 0,
        op: 'xl create',
        model: `exit code ${predicted.code}: ${predicted.message}`,
        real: `exit code ${real.code}: ${real.stderr}`,
        rule: '§2.6',
      })),
    ...report.dom0Tables
      .filter(({ asExpected }) => !asExpected)
      .map(({ mode, tables, readable, writable }) => ({
        program: `dom0-iommu=${mode}`,
        step: 0,
        op: 'page tables of dom0',
        model: mode === 'strict' ? 'none in reach' : `all ${tables} in reach`,
        real: `${readable} readable, ${writable} writable of ${tables}`,
        rule: '§2.4',
      })),
  ];
  return {
    xen: { version: report.xen, source: machine.source },
    edition: report.edition,
    iommu: machine.iommu,
    programs: report.programs.length,
    operations: report.operations,
    skipped: skipCounts(report.programs),
    divergences,
    xl: { configs: report.xl.length, agree: report.xl.filter(({ agrees }) => agrees).length },
    dom0Tables: report.dom0Tables,
    coverage: {
      rules: report.reached.total,
      reached: report.reached.size,
      missing: report.reached.missing,
      met: report.reached.keys,
    },
    artefacts: ARTEFACTS.filter((artefact) => artefact.iommu.some((one) => one === machine.iommu)).map(
      ({ id, why }) => ({ id, why }),
    ),
    seconds,
    seed: plan.seed,
    interrupted: report.interrupted,
    ...(report.broken === undefined ? {} : { broken: report.broken.message }),
    ...(report.broken === undefined || report.underWay === undefined
      ? {}
      : { underWay: brokenProgram(report.underWay, report.broken.message, report.xen) }),
  };
}

/** The report for people. */
export function* reportLines(report: ConformReport, { paintOut }: Io, seconds: number): Generator<string> {
  const { programs, operations, divergences, xl, dom0Tables, reached } = report;
  const rate = operations / Math.max(report.seconds, 0.001);
  yield paintOut.bold(`Xen ${report.xen}, held against the model of ${report.edition}`);
  yield `  programs    ${programs.length}, ${operations.toLocaleString('en-US')} operations compared, ${rate.toFixed(0)} a second`;
  for (const { reason, count: times } of skipCounts(programs))
    yield paintOut.dim(`  left out    ${times} × ${reason}`);
  yield `  rules       ${reached.size} of ${reached.total} met`;
  const last = report.underWay?.steps.at(-1);
  if (report.underWay !== undefined && last !== undefined && 'op' in last)
    yield paintOut.error(`  broke in    ${report.underWay.file}, at \`${printStatement(last)}\``);
  for (const { mode, tables, readable, asExpected } of dom0Tables) {
    const text = `  dom0 ${mode.padEnd(12)} ${readable} of its ${tables} page tables in reach of its devices`;
    yield asExpected ? text : paintOut.error(text);
  }
  if (xl.length > 0)
    yield `  xl create   ${xl.filter(({ agrees }) => agrees).length} of ${xl.length} configs as dommu check says`;
  for (const { config, predicted, real } of xl.filter(({ agrees }) => !agrees)) {
    yield paintOut.error(`  ✗ xl create: ${config.trim().split('\n').slice(2).join('; ')}`);
    yield `      dommu check: exit code ${predicted.code} ${predicted.message}`;
    yield `      xl: exit code ${real.code} ${real.stderr.trim().split('\n').join(' | ')}`;
  }
  for (const found of divergences) {
    yield '';
    const [head, ...differences] = differenceLines(found);
    yield paintOut.error(`✗ ${head}`);
    for (const line of differences) yield `  ${line}`;
    yield* printProgramSteps(found.program);
  }
  yield '';
  yield `${verdictOf(report, paintOut)}, in ${seconds.toFixed(1)} s`;
}

function verdictOf(report: ConformReport, paint: Paint): string {
  if (!isClean(report)) return paint.error('model and Xen differ');
  if (report.operations === 0 && report.xl.length === 0) return 'nothing was compared';
  const early = report.interrupted || report.broken !== undefined;
  return early ? 'ended early; no difference as far as it went' : 'model and Xen agree';
}

function* printProgramSteps({ steps }: Program): Generator<string> {
  for (const step of steps) if ('op' in step) yield `      ${printStatement(step)}`;
}
