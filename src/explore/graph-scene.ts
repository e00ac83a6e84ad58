import { boundsOf, buggyEdition } from '../bugs/bug.js';
import { GALLERY } from '../bugs/gallery.js';
import { type AlphabetBounds, DEFAULT_ALPHABET } from '../program/alphabet-bounds.js';
import type { Examples } from '../program/alphabet-examples.js';
import { LOOP_END } from '../program/execution.js';
import { OPERATION_BY_NAME } from '../program/operations.js';
import type { Program, Statement } from '../program/program.js';
import { framesNamed } from '../program/symmetry.js';
import type { Timeline } from '../program/timeline.js';
import { NOBODY } from '../xen/domid.js';
import { isDomainFrame, isFree, ownerOf } from '../xen/frames.js';
import { hasEntry } from '../xen/grant-frames.js';
import type { Xen } from '../xen/state.js';
import type { OwnStatement } from './graph-way.js';

/**
 * Handles, guest frames and grant references that are tried besides the program's own statements, however many it uses: each
 * more multiplies the states.
 */
const MOST_NUMBERS = 4;

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
function statementsBetween(timeline: Timeline, from: number, to: number): Statement[] {
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
 * What is tried from where a scene is set, after step `from`: what `verify` tries, or what it takes to find the bug that the
 * edition has, and every statement of the program's story as it stands. Unless it is to be everything, no operations but
 * those of the story, and these with what the program names: frames, and one more of each owner; guest frames; grant references.
 */
export function boundsToReach(
  timeline: Timeline,
  from: number,
  story: readonly OwnStatement[],
  everything: boolean,
): AlphabetBounds {
  const bug = GALLERY.find((one) => buggyEdition(one).name === timeline.edition.name);
  const base: AlphabetBounds = bug === undefined ? DEFAULT_ALPHABET : boundsOf(bug);
  const maps = story.filter(({ op }) => op === 'map_grant_ref' || op === 'begin map_grant_ref');
  const handles = new Set(maps.map(({ args }) => args.handle));
  const stepped = story.some(({ op }) => runsInSteps(op));
  return {
    ...base,
    handles: Math.max(base.handles, Math.min(handles.size, MOST_NUMBERS)),
    steps: base.steps === true || stepped,
    // The program may stop where nobody could see that it does.
    merge: base.merge !== false && !stepped,
    destroy: base.destroy === true || story.some(({ op }) => op.endsWith('destroydomain')),
    deviceMappings:
      base.deviceMappings === true || maps.some(({ args }) => flagsOf(args.flags).includes('device')),
    statements: story,
    ...(!everything && {
      kinds: [...new Set(story.map(({ op }) => op))],
      only: named(timeline, from, story),
    }),
  };
}

/** What the program names; where it names no guest frame, or no grant reference, all that the machine has are meant. */
function named(timeline: Timeline, from: number, story: readonly OwnStatement[]): Examples {
  const told = [...statementsBetween(timeline, 1, from), ...story];
  const numbers = (...names: readonly string[]): number[] => {
    const found = new Set(told.flatMap(({ args }) => names.map((name) => args[name])));
    const all = [...found].filter((value) => typeof value === 'number').sort((a, b) => a - b);
    return all.slice(0, MOST_NUMBERS);
  };
  const gfns = numbers('gfn', 'index');
  // A table may have to grow for others, or may never have them: these the program's own statements name.
  const refs = timeline.lookAt(from, (xen) =>
    numbers('ref', 'viaref', 'from_ref', 'to_ref').filter((ref) => everyTableHas(xen, ref)),
  );
  return {
    frames: timeline.lookAt(from, (xen) => framesOf(xen, story)),
    ...(gfns.length > 0 && { gfns }),
    ...(refs.length > 0 && { refs }),
  };
}

function everyTableHas(xen: Xen, ref: number): boolean {
  for (let slot = 0; slot < xen.domIo; slot++)
    if (xen.exists(slot) && !hasEntry(xen, slot, ref)) return false;
  return true;
}

/** Frames that a story names, and of each owner, and of those that are free, the first that it does not. */
function framesOf(xen: Xen, story: readonly OwnStatement[]): number[] {
  const own = new Set(framesNamed(story).map((frame) => xen.ram.indexOf(frame)));
  const owners = new Set<number>();
  return Array.from({ length: xen.ram.frames }, (_, pdx) => pdx).filter((pdx) => {
    if (own.has(pdx)) return true;
    if (!isDomainFrame(xen, pdx)) return false;
    const owner = isFree(xen, pdx) ? NOBODY : ownerOf(xen, pdx);
    const isFirst = !owners.has(owner);
    owners.add(owner);
    return isFirst;
  });
}

const flagsOf = (flags: unknown): readonly unknown[] => (Array.isArray(flags) ? flags : []);
