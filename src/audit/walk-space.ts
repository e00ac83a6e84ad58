import type { Rights } from '../formats/address.js';
import { describe } from '../formats/layout.js';
import type { RadixFormat, RootShape } from '../formats/radix.js';
import { type TablePages, TableWalk, type WalkSink } from '../formats/walk-tables.js';
import { hex } from '../text/hex.js';
import { entryOf, Problems } from './problems.js';
import { FrameList, GrowingRanges } from './range-list.js';
import type { AddressSpace, TableProblem } from './survey.js';

/** What a survey reads at most, so that garbage for a root costs seconds and never the machine's memory. */
export interface SurveyBounds {
  /** Tables of all spaces together. */
  readonly tables: number;
  /** Ranges of all spaces together. */
  readonly ranges: number;
  /** Entries of devices, or of their PASIDs, that are listed. */
  readonly devices: number;
  /** Problems that are named; others are counted. */
  readonly problems: number;
}

/** Tables of 16 TiB in 4 KiB pages; ranges of 100 MB; every requester of a segment with some PASIDs. */
export const SURVEY_BOUNDS: SurveyBounds = {
  tables: 1 << 23,
  ranges: 1 << 22,
  devices: 1 << 17,
  problems: 1 << 12,
};

/** What is left of the bounds, shared by the spaces of a survey. */
export class Allowance {
  tables: number;
  ranges: number;
  devices: number;
  problems: number;
  readonly bounds: SurveyBounds;

  constructor(bounds: SurveyBounds = SURVEY_BOUNDS) {
    this.bounds = bounds;
    this.tables = bounds.tables;
    this.ranges = bounds.ranges;
    this.devices = bounds.devices;
    this.problems = bounds.problems;
  }
}

/** Collects what a walk tells as ranges, tables and problems. */
class SpaceSink implements WalkSink {
  readonly ranges: GrowingRanges;
  readonly tables = new FrameList();
  readonly problems: Problems;
  private readonly format: RadixFormat;

  constructor(format: RadixFormat, allowance: Allowance) {
    this.format = format;
    this.ranges = new GrowingRanges(allowance.ranges);
    this.problems = new Problems(allowance);
  }

  get full(): boolean {
    return this.ranges.full;
  }

  leaves(input: number, frame: number, count: number, rights: Rights): void {
    this.ranges.add(input, frame, count, rights);
  }

  repeat(input: number, count: number, rights: Rights, sharedInput: number): void {
    this.ranges.addRepeat(input, count, rights, sharedInput);
  }

  table(frame: number): void {
    this.tables.add(frame);
  }

  refused(at: number, lo: number, hi: number, level: number, input: number): void {
    this.problems.add(() => {
      const layout = this.format.layoutAt(level, this.format.leaf(lo, hi, level));
      const said = describe(layout, [lo, hi]);
      return this.problem('reserved-bits', at, lo, hi, level, input, `the hardware refuses it: ${said}`);
    });
  }

  outside(at: number, lo: number, hi: number, level: number, input: number): void {
    this.problems.add(() => {
      const table = hex(this.format.frame(lo, hi) * 4096);
      return this.problem(
        'outside-memory',
        at,
        lo,
        hi,
        level,
        input,
        `its table at ${table} is not in memory`,
      );
    });
  }

  loop(at: number, lo: number, hi: number, level: number, input: number): void {
    this.problems.add(() => {
      const table = hex(this.format.frame(lo, hi) * 4096);
      const message = `it points back to the table at ${table}, through which it was reached`;
      return this.problem('loop', at, lo, hi, level, input, message);
    });
  }

  private problem(
    kind: TableProblem['kind'],
    at: number,
    lo: number,
    hi: number,
    level: number,
    input: number,
    message: string,
  ): TableProblem {
    const levelName = this.format.levelName(level);
    return {
      kind,
      at,
      entry: entryOf(lo, hi),
      level: levelName,
      input,
      message: `${levelName} entry at ${hex(at)}: ${message}`,
    };
  }
}

/**
 * Walks everything below a root and keeps it as ranges; takes what it reads from the allowance.
 * @param rights those with which the root is reached; what no right leads to is left out.
 */
export function walkSpace(
  format: RadixFormat,
  memory: TablePages,
  rootFrame: number,
  shape: RootShape,
  rights: Rights,
  allowance: Allowance,
): AddressSpace {
  const sink = new SpaceSink(format, allowance);
  const walk = new TableWalk(format, memory, sink, {
    rights,
    reachableOnly: true,
    maxTables: allowance.tables,
  });
  for (let i = 0; i < shape.concatenated; i++) {
    if (memory.locate(rootFrame + i, shape.topLevel) < 0) {
      sink.problems.add(() => rootOutside(format, (rootFrame + i) * 4096, shape));
    }
  }
  walk.walk(rootFrame, shape);
  allowance.tables -= walk.tables;
  allowance.ranges -= sink.ranges.length;
  const complete = walk.complete && !sink.full;
  return {
    format: format.name,
    root: rootFrame * 4096,
    levels: shape.topLevel,
    ranges: sink.ranges,
    tables: sink.tables.sorted(),
    pages: walk.pages,
    problems: sink.problems.named,
    moreProblems: sink.problems.more,
    complete,
    incompleteBecause: complete ? null : cutOffBecause(sink.full, allowance.bounds),
  };
}

function rootOutside(format: RadixFormat, at: number, shape: RootShape): TableProblem {
  const level = format.levelName(shape.topLevel);
  const message = `the root table at ${hex(at)} is not in memory`;
  return { kind: 'outside-memory', at, entry: 0n, level, input: 0, message };
}

function cutOffBecause(full: boolean, { ranges, tables }: SurveyBounds): string {
  return full
    ? `there are more than ${ranges} ranges, and the others were not listed`
    : `there are more than ${tables} tables, and the others were not read`;
}
