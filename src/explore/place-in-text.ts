import { LOOP_END } from '../program/execution.js';
import { isRepeat, type Repeat, type Statement, type Step } from '../program/program.js';
import type { Here } from './here.js';

/** Where in the program's text the step stands that is looked at. */
export interface PlaceInText {
  /** Of what the text says there: a statement, the `repeat` that ends with this step; neither for what is not in the text. */
  readonly kind: 'statement' | 'loop end' | 'boot' | 'config';
  readonly line: number;
  /** The innermost `repeat` around it. */
  readonly block: { readonly line: number; readonly repeat: Repeat['repeat'] } | undefined;
  /** The line of the program's own first step; undefined where it has none. */
  readonly firstLine: number | undefined;
}

export function placeInText({ timeline, step }: Here): PlaceInText {
  const { steps } = timeline.program;
  const firstLine = steps[0]?.line;
  if (step === 0) return { kind: 'boot', line: 0, block: undefined, firstLine };
  const statement = timeline.statement(step);
  const { line } = statement;
  if (statement.op === LOOP_END) {
    return { kind: 'loop end', line, block: headOf(blocksAround(steps, line)?.at(-2)), firstLine };
  }
  const blocks = blocksOf(steps, statement);
  if (blocks === undefined) return { kind: 'config', line, block: undefined, firstLine };
  return { kind: 'statement', line, block: headOf(blocks.at(-1)), firstLine };
}

/** A block without what is in it. */
const headOf = (block: Repeat | undefined): PlaceInText['block'] =>
  block && { line: block.line, repeat: block.repeat };

/** The blocks that a statement is in, the outermost first; undefined where it is none of the text's. */
function blocksOf(steps: readonly Step[], statement: Statement): Repeat[] | undefined {
  for (const step of steps) {
    if (step === statement) return [];
    const inside = isRepeat(step) ? blocksOf(step.body, statement) : undefined;
    if (inside !== undefined) return [step as Repeat, ...inside];
  }
  return undefined;
}

/** The block that begins on a line, behind those that it is in. */
function blocksAround(steps: readonly Step[], line: number): Repeat[] | undefined {
  for (const step of steps) {
    if (!isRepeat(step)) continue;
    if (step.line === line) return [step];
    const inside = blocksAround(step.body, line);
    if (inside !== undefined) return [step, ...inside];
  }
  return undefined;
}
