import type { Undecided } from '../check/livelock.js';
import type { SearchResult } from '../check/result.js';
import { classText } from '../program/symmetry.js';
import type { VerifyResult } from '../program/verify.js';
import { grouped } from '../text/count.js';
import { PREMISES } from '../xen/invariants/premises.js';
import { SEARCHED } from '../xen/invariants.js';

/** What is called otherwise on a command line and in a page. */
export interface Where {
  /** What ended the search, where somebody did. */
  readonly interrupt: string;
  /** The seconds that the search's clock counts. */
  readonly second: string;
  /** Where the behaviours are listed that nobody asked for. */
  readonly others: string;
}

const SHELL: Where = { interrupt: 'Ctrl-C', second: 'CPU second', others: '--json lists the others' };

/** The verdict in a sentence. */
export function verdictText(
  { verdict, search, counterexamples }: VerifyResult,
  { interrupt } = SHELL,
): string {
  if (verdict === 'unsafe') {
    const more =
      search.stop === 'exhausted' ? '' : '; the search ended before it was complete, so others are undecided';
    const broken = counterexamples.flatMap((one) => (one.kind === 'safety' ? [one.invariant.id] : []));
    const loops = counterexamples.length > broken.length ? ', and a hypercall that never ends' : '';
    const texts = [...new Set(broken)].map((id) => {
      const ways = broken.filter((other) => other === id).length;
      return ways === 1 ? id : `${id} (${ways} ways)`;
    });
    return `${texts.join(', ')} broken${loops}${more}`;
  }
  if (verdict === 'livelock')
    return `no invariant broken${search.stop === 'exhausted' ? '' : ' so far'}, but a hypercall can be kept from ending for ever`;
  if (verdict === 'safe') return 'no behaviour within these bounds breaks an invariant';
  if (search.stop === 'exhausted')
    return 'no invariant broken, but whether every hypercall ends is undecided';
  const why = {
    states: '--max-states',
    depth: '--max-depth',
    memory: '--max-memory',
    time: '--timeout',
    interrupted: interrupt,
  };
  return `nothing found, but the search ended at ${why[search.stop as keyof typeof why]} and is not complete`;
}

/** Something that a verdict's reader must know, under a short label. */
export interface VerdictRow {
  readonly label: string;
  readonly text: string;
  /** Whether it says what the verdict does not cover, and whether that makes it say less than it seems. */
  readonly isGap?: true;
  readonly isNote?: true;
}

/**
 * What was searched, and what the verdict says nothing about, though one may think so.
 * @param bounds what bounds the verdict, in words.
 */
export function verdictRows(result: VerifyResult, bounds: string, where = SHELL): VerdictRow[] {
  const { search, scene, operations, idleOperations, behaviours } = result;
  const { consulted, never } = behaviours;
  const row = (label: string, text: string): VerdictRow => ({ label, text });
  const gap = (label: string, text: string): VerdictRow => ({ label, text, isGap: true });
  const note = (text: string): VerdictRow => ({ label: 'note', text, isGap: true, isNote: true });
  const vacuity = vacuityText(result);
  return [
    row('searched', searchedText(search, where)),
    ...scene
      .filter(({ status }) => isRefusal(status))
      .map(({ op, status }) => note(`before the search began, ${op} was refused: ${status}`)),
    ...(operations.includes('dma')
      ? []
      : [note('no device could reach anything here: does the config list one (pci=, dtdev=)?')]),
    row('tried', operations.join(', ')),
    row('checked', SEARCHED.map(({ id }) => id).join(', ')),
    row('bounds', bounds),
    row('identity', identityText(search)),
    row('symmetry', symmetryText(result)),
    row('livelocks', livelockText(search, where)),
    ...(idleOperations.length > 0 ? [gap('never used', idleOperations.join(', '))] : []),
    ...(vacuity === '' ? [] : [gap('no state', `had ${vacuity}`)]),
    gap(
      'asked',
      `${consulted.length} of ${consulted.length + never.length} behaviours of the release (${where.others})`,
    ),
  ];
}

function searchedText(
  { states, transitions, depth, seconds, cpuSeconds }: SearchResult,
  { second }: Where,
): string {
  // A rate over less than a second says more about the start than about the search.
  const rate = cpuSeconds < 1 ? '' : ` (${grouped(transitions / cpuSeconds)} transitions per ${second})`;
  return `${grouped(states)} states, ${grouped(transitions)} transitions, depth ${depth}, in ${seconds.toFixed(1)} s${rate}`;
}

/** What no state was about, and the invariants that therefore hold of nothing. */
function vacuityText({ vacuous }: VerifyResult): string {
  const premises = [...new Set(vacuous.map(({ id }) => PREMISES[id]!.text))].map((premise) => {
    const invariants = vacuous.filter(({ id }) => PREMISES[id]!.text === premise).map(({ id }) => id);
    return `${premise} (${invariants.join(', ')})`;
  });
  return premises.join(', or ');
}

/** How states were told apart, and what that may have missed. */
function identityText({ exact, identityWords }: SearchResult): string {
  if (exact === true) return `exact, ${identityWords * 32} bits a state`;
  return `64-bit fingerprints; probability that a state was overlooked below ${exact.toExponential(0)}`;
}

/** What was alike on the machine, so that states which differ in no more than names counted as one. */
function symmetryText({ symmetry, search }: VerifyResult): string {
  const { classes, apart } = symmetry;
  const alike = classes.map(classText).join(', ');
  const why = apart.length === 0 ? '' : `; told apart: ${apart.join('; ')}`;
  if (classes.length === 0) return `none${why}`;
  if (search.symmetries === 1) return `not used: ${alike}${why}`;
  return `${alike}: ${grouped(search.symmetries)} permutations${why}`;
}

const isRefusal = (status: string): boolean => /^E[A-Z0-9]+$/.test(status);

/** Whether some hypercall may never end, and of what this was not asked. */
function livelockText({ livelock, stop }: SearchResult, { interrupt }: Where): string {
  if (livelock === undefined) return 'not looked for';
  const { livelocks, undecided, obligations, states, fairness } = livelock;
  if (undecided === undefined && obligations === 0) return 'none: no hypercall here can be interrupted';
  const among = `among ${grouped(states)} states with a hypercall under way, ${FAIR_TEXT[fairness]}`;
  if (livelocks.length > 0) return `found ${among}`;
  if (undecided !== undefined) return `undecided: ${undecidedText(undecided, interrupt)}`;
  return stop === 'exhausted' ? `none ${among}` : `none found ${among}; the search was not complete`;
}

const FAIR_TEXT = {
  weak: 'in loops that let every vCPU in a hypercall go on (--fair vcpus)',
  none: 'in loops that need not be fair to other vCPUs (--fair none)',
} as const;

const undecidedText = (why: Undecided, interrupt: string): string =>
  why === 'interrupted' ? interrupt : UNDECIDED[why];

const UNDECIDED: Readonly<Record<Exclude<Undecided, 'interrupted'>, string>> = {
  memory: 'the search for loops ended at --max-memory',
  time: 'no time was left to look for loops (--timeout)',
  obligations: 'more hypercalls can be under way at a time than are kept apart',
  loop: 'a loop among states that are the same but for names does not close; try --no-symmetry',
};
