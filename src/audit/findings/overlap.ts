import { PAGE_SIZE, rightsText, W } from '../../formats/address.js';
import { bytesText, type Finding, listed } from './finding.js';
import { NextInterval } from './next-interval.js';
import { namesOf, type Reach } from './reach.js';

/** Comparisons of two intervals that a search for overlaps may cost. */
const COMPARISONS_AT_MOST = 20_000_000;
const OVERLAPS_LISTED = 8;
/** Pairs of domains that are told: a frame that 65,536 domains have makes two billion. */
const PAIRS_AT_MOST = 4000;
/** What an overlap that is not told costs of the comparisons, so that a search that tells nothing new ends soon. */
const UNTOLD_COST = 20;

interface Overlap {
  frames: number;
  parts: number;
  readonly listed: string[];
  /** The first frame of the first part, and the frame behind its last. */
  readonly first: readonly [number, number];
  written: boolean;
}

/**
 * Memory that devices of different domains reach: grants and relaxed dom0s do so on purpose, and everything else is a hole.
 * A sweep over all intervals in the order of frames; those that are open at a frame are compared with each other.
 */
export function overlapFindings(reaches: readonly Reach[], comparisons = COMPARISONS_AT_MOST): Finding[] {
  const domains = reaches.filter(({ passthrough }) => !passthrough);
  const overlaps = new Map<number, Overlap>();
  const upcoming = new NextInterval(domains.map(({ frames }) => frames));
  // The interval of each domain that began last; only that one can still be open.
  const latest = new Int32Array(domains.length);
  const open = new Set<number>();
  let budget = comparisons;
  let untold = false;
  for (let begins = upcoming.take(); begins >= 0 && budget >= 0; begins = upcoming.take()) {
    const { frames } = domains[begins]!;
    const at = upcoming.index;
    const start = frames.start(at);
    for (const other of open) {
      const theirs = domains[other]!.frames;
      const last = latest[other]!;
      budget--;
      if (other === begins || theirs.end(last) <= start) open.delete(other);
      else {
        const end = Math.min(frames.end(at), theirs.end(last));
        const rights = [theirs.rights(last), frames.rights(at)] as const;
        if (!note(overlaps, domains.length, [other, begins], start, end, rights)) {
          untold = true;
          budget -= UNTOLD_COST;
        }
      }
    }
    latest[begins] = at;
    open.add(begins);
  }
  const findings = [...overlaps].map(([key, overlap]) => overlapFinding(domains, key, overlap));
  if (untold) {
    const message = `More than ${PAIRS_AT_MOST} pairs of domains reach the same memory; the others are not told.`;
    findings.push({ severity: 'warning', code: 'domains-overlap', message, devices: [] });
  }
  if (budget >= 0) return findings;
  const message = `The search for memory that several domains reach ended after ${comparisons} comparisons; there may be more.`;
  return [...findings, { severity: 'warning', code: 'walk-incomplete', message, devices: [] }];
}

/** Notes that two domains reach the frames of an interval; false when no more pairs are told. */
function note(
  overlaps: Map<number, Overlap>,
  domains: number,
  [one, other]: readonly [number, number],
  start: number,
  end: number,
  [theirs, ours]: readonly [number, number],
): boolean {
  const forward = one < other;
  const key = forward ? one * domains + other : other * domains + one;
  let overlap = overlaps.get(key);
  if (overlap === undefined) {
    if (overlaps.size >= PAIRS_AT_MOST) return false;
    overlap = { frames: 0, parts: 0, listed: [], first: [start, end], written: false };
    overlaps.set(key, overlap);
  }
  overlap.frames += end - start;
  overlap.parts++;
  overlap.written ||= ((theirs | ours) & W) !== 0;
  if (overlap.listed.length >= OVERLAPS_LISTED) return true;
  const [first, second] = forward ? [theirs, ours] : [ours, theirs];
  overlap.listed.push(
    `${bytesText(start * PAGE_SIZE, end * PAGE_SIZE)} (${rightsText(first)} and ${rightsText(second)})`,
  );
  return true;
}

function overlapFinding(domains: readonly Reach[], key: number, overlap: Overlap): Finding {
  const one = domains[Math.floor(key / domains.length)]!;
  const other = domains[key % domains.length]!;
  const frames = overlap.frames === 1 ? '1 frame' : `${overlap.frames} frames`;
  return {
    severity: overlap.written ? 'warning' : 'info',
    code: 'domains-overlap',
    message: `${one.who} and ${other.who} both reach ${frames}: ${listed(overlap.listed, overlap.parts)}.`,
    sbdf: one.devices[0]!.sbdf,
    devices: namesOf(one.devices, other.devices),
    start: overlap.first[0] * PAGE_SIZE,
    end: overlap.first[1] * PAGE_SIZE,
  };
}
