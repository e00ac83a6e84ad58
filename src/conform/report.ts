import { printProgram } from '../program/print.js';
import type { Program } from '../program/program.js';
import { printable } from '../text/diagnostic.js';
import type { FoundDivergence } from './campaign.js';

/** Log lines kept with a divergence. */
const LOG_LINES = 20;

/** A divergence for people: the step, the rule, and what each side says. */
export function* differenceLines({ divergence, rule, found }: FoundDivergence): Generator<string> {
  yield `${divergence.op} (${rule}; found in ${oneLine(found)})`;
  for (const { what, model, real } of divergence.differences) {
    yield `  ${what}: the model says ${oneLine(model)}, Xen says ${oneLine(real)}`;
  }
}

/** What a side says, on one line: a log message may have several. */
const oneLine = (said: string): string =>
  said === '' ? 'nothing' : said.split('\n').map(printable).join(' | ');

/** A divergence as a program that shows it, with both observations and Xen’s log as comments. */
export function divergenceProgram(found: FoundDivergence, xen: string): string {
  const log = found.divergence.log.filter((line) => line !== '').slice(-LOG_LINES);
  const comments = [
    `Model and Xen ${xen} part at the last step:`,
    ...differenceLines(found),
    ...(log.length > 0 ? ['Xen logged:', ...log.map((line) => `  ${oneLine(line)}`)] : []),
    'The agent was asked, and answered:',
    ...found.divergence.requests.map((line) => `  ${oneLine(line)}`),
  ];
  return `${comments.map((line) => `# ${line}`.trimEnd()).join('\n')}\n\n${printProgram(bare(found.program))}`;
}

/** The program that ran when a machine broke, with what was said of that as comments. */
export function brokenProgram(underWay: Program, why: string, xen: string): string {
  const comments = [
    `The machine with Xen ${xen} broke at the last step of ${oneLine(underWay.file)}, or before the next:`,
    ...why.split('\n').map((line) => `  ${oneLine(line)}`),
  ];
  return `${comments.map((line) => `# ${line}`).join('\n')}\n\n${printProgram(bare(underWay))}`;
}

/** A program without what it expects: that was said of a longer one. */
const bare = (program: Program): Program => ({
  ...program,
  steps: program.steps.map((step) => ('op' in step ? { ...step, expect: [] } : step)),
});

/** Reasons for which programs were left out, and how many each. */
export function skipCounts(
  programs: readonly { readonly skipped?: string }[],
): { readonly reason: string; readonly count: number }[] {
  const counts = new Map<string, number>();
  for (const { skipped } of programs) {
    if (skipped !== undefined) counts.set(skipped, (counts.get(skipped) ?? 0) + 1);
  }
  return [...counts].map(([reason, count]) => ({ reason, count }));
}
