import { boundsOf, buggyEdition } from '../bugs/bug.js';
import { GALLERY } from '../bugs/gallery.js';
import { type AlphabetBounds, DEFAULT_ALPHABET } from '../program/alphabet-bounds.js';
import { LOOP_END } from '../program/execution.js';
import { OPERATION_BY_NAME } from '../program/operations.js';
import type { Program, Statement } from '../program/program.js';
import type { Timeline } from '../program/timeline.js';
import type { Edition } from '../xen/editions/edition.js';

/** Grant references and handles that a graph is made with, however many a program uses: each more multiplies its states. */
const MOST_GRANTS = 4;

/**
 * The step after which a program's story begins: until then the toolstack made domains and gave them what they have. A
 * hypercall that runs step by step is part of the story.
 */
export function sceneEnd(timeline: Timeline): number {
  let step = 0;
  while (step < timeline.length && setsScene(timeline.statement(step + 1))) step++;
  return step;
}

const setsScene = ({ op }: Statement): boolean =>
  !runsInSteps(op) && OPERATION_BY_NAME.get(op)?.actor === 'toolstack';

const runsInSteps = (op: string): boolean => op.startsWith('begin ') || op === 'step' || op === 'finish';

/** The statements that were carried out in steps `from` to `to`, both included. */
export function statementsBetween(timeline: Timeline, from: number, to: number): Statement[] {
  const statements: Statement[] = [];
  for (let step = from; step <= Math.min(to, timeline.length); step++) {
    const statement = timeline.statement(step);
    if (statement.op !== LOOP_END) statements.push(statement);
  }
  return statements;
}

/** The program that does what the run has done after step `to`: without blocks, and without configs. */
export function programUpTo(timeline: Timeline, to: number): Program {
  const { program, edition } = timeline;
  return { ...program, edition: edition.name, configs: [], steps: statementsBetween(timeline, 1, to) };
}

/**
 * What is tried from where a scene is set: what `verify` tries, or what it takes to find the bug that the edition has, and
 * what the program does besides; unless it is to be everything, no operations but those of the program.
 */
export function boundsToReach(
  story: readonly Statement[],
  edition: Edition,
  everything: boolean,
): AlphabetBounds {
  const bug = GALLERY.find((one) => buggyEdition(one).name === edition.name);
  const base: AlphabetBounds = bug === undefined ? DEFAULT_ALPHABET : boundsOf(bug);
  const maps = story.filter(({ op }) => op.endsWith('map_grant_ref'));
  const refs = story.flatMap(({ args }) => (typeof args.ref === 'number' ? [args.ref + 1] : []));
  const handles = new Set(maps.map(({ args }) => args.handle));
  const atLeast = (least: number, wanted: number) => Math.max(least, Math.min(wanted, MOST_GRANTS));
  const stepped = story.some(({ op }) => runsInSteps(op));
  return {
    ...base,
    refs: atLeast(base.refs, Math.max(0, ...refs)),
    handles: atLeast(base.handles, handles.size),
    steps: base.steps === true || stepped,
    // The program may stop where nobody could see that it does.
    merge: base.merge !== false && !stepped,
    destroy: base.destroy === true || story.some(({ op }) => op.endsWith('destroydomain')),
    deviceMappings:
      base.deviceMappings === true || maps.some(({ args }) => flagsOf(args.flags).includes('device')),
    ...(!everything && { kinds: [...new Set(story.map(({ op }) => op))] }),
  };
}

const flagsOf = (flags: unknown): readonly unknown[] => (Array.isArray(flags) ? flags : []);
