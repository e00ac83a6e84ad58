import { grouped } from '../text/count.js';
import { factsOf } from './facts.js';
import { loopStory } from './loop.js';
import type { VerdictReport, Written } from './verdict.js';

/** A verdict as Markdown, for a pull request, an issue or a page of release notes. */
export function markdownReport(report: VerdictReport): string {
  const { title, result, written, bounds } = report;
  const { states, transitions, depth, seconds } = result.search;
  return [
    `# ${escaped(title)}`,
    '',
    `**${result.verdict}**: ${grouped(states)} states, ${grouped(transitions)} transitions, depth ${depth}, in ${seconds.toFixed(1)} s.`,
    '',
    ...written.flatMap(violationLines),
    '## What the verdict is about',
    '',
    `- Bounds: ${escaped(bounds)}`,
    `- Tried: ${result.operations.map(code).join(', ')}`,
    ...(result.idleOperations.length > 0
      ? [`- Never used: ${result.idleOperations.map(code).join(', ')}`]
      : []),
    '',
  ].join('\n');
}

function violationLines(one: Written): string[] {
  const { invariant, harm, message, steps, scene, text, file, loop } = one;
  const facts = factsOf(message, steps);
  return [
    `## ${invariant.id}: ${escaped(invariant.title)}`,
    '',
    `Harm: ${harm}. Why it must hold: ${escaped(invariant.reason)}.`,
    '',
    `**${escaped(message)}**`,
    '',
    ...(facts.length === 0
      ? []
      : ['Because:', '', ...facts.map(({ step, change }) => `- step ${step + 1}: ${code(change)}`), '']),
    ...(loop === null
      ? []
      : [
          `Steps ${loop + 1} to ${steps.length - 1} go on for ever. ${escaped(loopStory(one).join(' '))}`,
          '',
        ]),
    ...(scene === steps.length ? ['It is so from the start.', ''] : stepTable(steps.slice(scene))),
    '<details><summary>The program</summary>',
    '',
    '```',
    text.trimEnd(),
    '```',
    '',
    '</details>',
    '',
    ...(file === null ? [] : [`Replay: ${code(`dommu run ${file}`)}`, '']),
  ];
}

function stepTable(steps: Written['steps']): string[] {
  const row = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    row(['step', 'what', 'answer', 'what changed']),
    row(['---', '---', '---', '---']),
    ...steps.map(({ index, op, status, changes }) =>
      row([String(index + 1), code(op), escaped(status), changes.map(escaped).join('<br>')]),
    ),
    '',
  ];
}

/** Text that Markdown and HTML leave as it is. */
const escaped = (text: string): string =>
  text.replace(/[\\`*_[\]<>&#]/g, (sign) => `&#${sign.charCodeAt(0)};`);

const code = (text: string): string => `\`${text.replaceAll('`', "'")}\``;
