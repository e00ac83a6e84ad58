import { rightsText } from '../formats/address.js';
import type { Difference as Kind } from '../program/timeline/alignment.js';
import { type Reached, reachOf } from '../program/timeline/reach.js';
import type { Timeline } from '../program/timeline.js';
import { changeLines } from '../store/changes.js';
import { counted } from '../text/count.js';
import { hex } from '../text/hex.js';
import type { Here } from './here.js';
import { type BareStep, bareStep, logOf } from './step-row.js';

/** What a step came to in one of two runs. */
export interface Side extends BareStep {
  readonly edition: string;
  readonly because: string | undefined;
  /** The lines of Xen's log, without `(XEN) `. */
  readonly log: readonly string[];
}

/** A step beside the one that does the same under another edition, and in words what differs. */
export interface Difference {
  /** Whether the comparison has come as far as this step. */
  readonly compared: boolean;
  readonly differs: readonly Kind[];
  readonly here: Side;
  /** Undefined where the other run has no such step. */
  readonly there: Side | undefined;
  /** What differs, one thing a sentence, the plainest first. */
  readonly sentences: readonly string[];
  /** Steps that only the other run makes, before the next of this one: some of them, and how many there are. */
  readonly onlyThere: readonly BareStep[];
  readonly onlyThereCount: number;
  readonly previous: number | undefined;
  readonly next: number | undefined;
}

/** As many steps, frames and changes are listed; of more it is said how many. */
const LISTED = 8;

/** Addresses of devices that are walked, in both runs, for a reader who may be on the way to another step. */
const WALKED_AT_ONCE = 512;

/**
 * In what this step differs from the other edition's; undefined where none is compared with. What devices reach on a large
 * machine is only looked at where `inDetail` is said: it takes longer than a step may.
 */
export function difference(here: Here, { inDetail }: { readonly inDetail: boolean }): Difference | undefined {
  const { timeline, step, comparison } = here;
  if (comparison === undefined) return undefined;
  const mine = sideOf(timeline, step);
  const beside = comparison.beside(step);
  const other = comparison.run;
  const around = comparison.neighbours(step);
  const nothing = { sentences: [], onlyThere: [], onlyThereCount: 0 };
  if (beside === undefined || other === undefined) {
    return { compared: false, differs: [], here: mine, there: undefined, ...nothing, ...around };
  }
  const { theirs, differs, onlyThere } = beside;
  const there = theirs < 0 ? undefined : sideOf(other, theirs);
  const alone = Array.from({ length: Math.min(LISTED, onlyThere.to - onlyThere.from) }, (_, i) =>
    bareStep(other, onlyThere.from + i),
  );
  return {
    compared: true,
    differs,
    here: mine,
    there,
    sentences:
      there === undefined ? alonenessOf(mine, other) : sentences(here, other, theirs, differs, inDetail),
    onlyThere: alone,
    onlyThereCount: onlyThere.to - onlyThere.from,
    ...around,
  };
}

function sideOf(timeline: Timeline, step: number): Side {
  return {
    ...bareStep(timeline, step),
    edition: timeline.edition.name,
    because: step === 0 ? undefined : timeline.step(step).because,
    log: logOf(timeline, step),
  };
}

const alonenessOf = ({ edition }: Side, other: Timeline): string[] => [
  `Only the run on Xen ${edition} makes this step; the one on ${other.edition.name} has none that does the same.`,
];

function sentences(
  here: Here,
  other: Timeline,
  theirs: number,
  differs: readonly Kind[],
  inDetail: boolean,
): string[] {
  const { timeline, step } = here;
  const [mine, their] = [sideOf(timeline, step), sideOf(other, theirs)];
  const found: string[] = [];
  if (differs.includes('status')) {
    found.push(`Xen ${mine.edition} answers ${mine.status}, Xen ${their.edition} answers ${their.status}.`);
  }
  if (differs.includes('faults')) found.push(logSentence(mine, their));
  if (differs.includes('reach')) {
    const isSmall = here.xen.spec.devices.length * here.xen.ram.frames <= WALKED_AT_ONCE;
    if (isSmall || inDetail) found.push(...reachSentences(here, other, theirs));
    else found.push('What devices reach differs.');
  }
  if (differs.includes('words') && found.length === 0) {
    found.push('What an observer sees is the same; what the hypervisor keeps for itself is not.');
  }
  if (differs.includes('words')) found.push(...changeSentences(here, other, theirs));
  return found;
}

function logSentence(mine: Side, their: Side): string {
  const [few, more] = mine.log.length <= their.log.length ? [mine, their] : [their, mine];
  const lines = (count: number) => counted(count, 'line');
  if (few.log.length === more.log.length) return 'The lines of the log differ.';
  if (few.log.length === 0) return `Only Xen ${more.edition} logs something: ${lines(more.log.length)}.`;
  return `Xen ${more.edition} logs ${lines(more.log.length)}, Xen ${few.edition} ${lines(few.log.length)}.`;
}

const reachKey = ({ input, frame, rights }: Reached): string => `${input} ${frame} ${rights}`;

function reachSentences(here: Here, other: Timeline, theirs: number): string[] {
  const { xen, timeline } = here;
  return xen.spec.devices.flatMap(({ name }, device) => {
    const mine = reachOf(xen, device);
    const their = other.lookAt(theirs, (machine) => reachOf(machine, device));
    const frames = (reach: typeof mine) => {
      const found = new Map<string, Reached>();
      for (const one of reach)
        if (one.frames !== 'everything') for (const frame of one.frames) found.set(reachKey(frame), frame);
      return found;
    };
    const [a, b] = [frames(mine), frames(their)];
    return [
      ...onlyReached(name, a, b, timeline.edition.name),
      ...onlyReached(name, b, a, other.edition.name),
    ];
  });
}

function onlyReached(
  device: string,
  has: ReadonlyMap<string, Reached>,
  lacks: ReadonlyMap<string, Reached>,
  edition: string,
): string[] {
  const only = [...has].filter(([key]) => !lacks.has(key)).map(([, reached]) => reached);
  if (only.length === 0) return [];
  const shown = only
    .slice(0, LISTED)
    .map(({ input, frame, rights }) =>
      input === frame
        ? `${hex(frame)} (${rightsText(rights)})`
        : `${hex(frame)} at ${hex(input)} (${rightsText(rights)})`,
    );
  const more = only.length > LISTED ? ` and ${only.length - LISTED} more` : '';
  return [`Only on Xen ${edition} does ${device} reach ${shown.join(', ')}${more}.`];
}

function changeSentences(here: Here, other: Timeline, theirs: number): string[] {
  const [mine, their] = [
    changeLines(here.timeline.changesOf(here.step)),
    changeLines(other.changesOf(theirs)),
  ];
  const only = (lines: readonly string[], others: readonly string[], edition: string): string[] => {
    const rest = lines.filter((line) => !others.includes(line));
    const more = rest.length > LISTED ? [`On Xen ${edition}, ${rest.length - LISTED} changes more.`] : [];
    return [...rest.slice(0, LISTED).map((line) => `Only on Xen ${edition}: ${line}`), ...more];
  };
  return [...only(mine, their, here.timeline.edition.name), ...only(their, mine, other.edition.name)];
}
