import type { PlaceInText } from '../../../src/explore/place-in-text.js';

/** Where a statement goes into the program's text. */
export interface Insertion {
  /** The line before which it goes, from 1; one more than there are where it is to stand at the end. */
  readonly line: number;
  /** What its line begins with. */
  readonly indent: string;
  /** What is not as one would think: that it is done again and again, or not right after the step. */
  readonly note: string | undefined;
}

/** Where to put a statement that is to follow a step: behind its line, and what is expected of it. */
export function insertionAfter(
  { kind, line, block, firstLine }: PlaceInText,
  lines: readonly string[],
): Insertion {
  if (kind === 'boot') return { line: startOf(lines, firstLine), indent: '', note: undefined };
  if (kind === 'config') {
    const note =
      'This step starts a domain from a config, which is not in the text. The new one comes when all such domains have ' +
      'been started, before the program’s first step of its own.';
    return { line: startOf(lines, firstLine), indent: '', note };
  }
  const indent = /^[ \t]*/.exec(lines[line - 1] ?? '')![0];
  const behind = kind === 'statement' ? behindExpectations(lines, line) : behindBlock(lines, line);
  if (block === undefined) return { line: behind, indent, note: undefined };
  const times = block.repeat === 'forever' ? 'in every round of it' : `${block.repeat} times`;
  const note = `This step is in the \`repeat\` of line ${block.line}: the new one is made ${times}.`;
  return { line: behind, indent, note };
}

/** Where to put a statement that is to come last: behind the last line that is not empty. */
export function insertionAtEnd(lines: readonly string[]): Insertion {
  let last = lines.length;
  while (last > 0 && lines[last - 1]!.trim() === '') last--;
  return { line: last + 1, indent: '', note: undefined };
}

const wordOf = (line: string | undefined): string => /^[\s\ufeff]*([^\s"#]*)/.exec(line ?? '')![1]!;
const isEmpty = (line: string | undefined): boolean => /^[\s\ufeff]*(#|$)/.test(line ?? '');

/** The line behind a statement and what is expected of it. */
function behindExpectations(lines: readonly string[], line: number): number {
  let behind = line + 1;
  for (let at = line + 1; at <= lines.length; at++) {
    if (wordOf(lines[at - 1]) === 'expect') behind = at + 1;
    else if (!isEmpty(lines[at - 1])) break;
  }
  return behind;
}

/** The line behind the `end` of the block that begins on a line, and what is expected of it. */
function behindBlock(lines: readonly string[], line: number): number {
  let depth = 0;
  for (let at = line; at <= lines.length; at++) {
    const word = wordOf(lines[at - 1]);
    if (word === 'repeat') depth++;
    if (word === 'end' && --depth === 0) return behindExpectations(lines, at);
  }
  return insertionAtEnd(lines).line;
}

/** The line behind the last declaration. */
function startOf(lines: readonly string[], firstLine: number | undefined): number {
  for (let at = (firstLine ?? lines.length + 1) - 1; at > 0; at--) {
    if (!isEmpty(lines[at - 1])) return at + 1;
  }
  return 1;
}
