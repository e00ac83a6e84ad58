import { expandConfig } from '../program/config-domain.js';
import { type AlignedStep, alignment, type Difference } from '../program/timeline/alignment.js';
import { Timeline } from '../program/timeline.js';
import { InputError } from '../text/diagnostic.js';
import { type Edition, resolveEdition } from '../xen/editions/edition.js';
import { watchedProfile } from '../xen/editions/watched.js';
import { editionChoices } from './editions.js';
import { type BareStep, bareStep } from './step-row.js';

/** What became of a program on editions on which an observer sees the same of it. */
export interface SurveyRow {
  readonly editions: readonly string[];
  /** Steps at which an observer can tell these from the run that is open; 0 where there are none. */
  readonly differing: number;
  /** Where they first part. */
  readonly first: Parting | undefined;
  /** Where a step is first answered otherwise. */
  readonly answer: Parting | undefined;
  /** The last step that is made there. */
  readonly last: BareStep | undefined;
  /** Why the program cannot be run there at all. */
  readonly refused: string | undefined;
}

export interface Parting {
  /** The step of the run that is open; the one before it where only the other makes one. */
  readonly step: number;
  readonly here: BareStep | undefined;
  readonly there: BareStep | undefined;
  readonly differs: readonly Difference[];
}

const NOTHING = { differing: 0, first: undefined, answer: undefined };

/** How far a survey has come. */
export interface SurveyMarks {
  readonly done: number;
  readonly total: number;
  readonly rows: readonly SurveyRow[];
}

/** A run that others are told by: what it asked of its edition decides what it did. */
interface Known {
  readonly profile: Readonly<Record<string, unknown>>;
  readonly asked: readonly string[];
  readonly started: string;
  readonly row: Row;
}

type Row = { -readonly [K in keyof SurveyRow]: SurveyRow[K] } & { editions: string[] };

/**
 * Where else does a program go as it goes here? Every edition is asked, bit by bit. One whose behaviours are those of a run
 * that was made, as far as that run asked for them, would do the same and is not run again.
 */
export class Survey {
  private readonly mine: Timeline;
  private readonly names: readonly string[];
  private readonly known: Known[] = [];
  private readonly rows = new Map<string, Row>();
  private readonly work: Generator<void>;
  private done = 0;
  private isDone = false;

  constructor(mine: Timeline) {
    this.mine = mine;
    // The edition that is open may be none of the list.
    this.names = [...new Set([mine.edition.name, ...editionChoices().map(({ name }) => name)])];
    this.work = this.survey();
  }

  /** Goes on for about so long, and says whether that was all. */
  workFor(milliseconds: number): boolean {
    const until = performance.now() + milliseconds;
    while (!this.isDone && performance.now() < until) this.isDone = this.work.next().done === true;
    return this.isDone;
  }

  get marks(): SurveyMarks {
    return { done: this.done, total: this.names.length, rows: [...this.rows.values()] };
  }

  private *survey(): Generator<void> {
    for (const name of this.names) {
      const edition = resolveEdition(name);
      const row = this.alike(edition) ?? (yield* this.run(edition));
      row.editions.push(name);
      this.done++;
      yield;
    }
  }

  /** The row of a run that goes as it would on this edition. */
  private alike(edition: Edition): Row | undefined {
    const started = this.startedOn(edition);
    const profile = edition.profile as Readonly<Record<string, unknown>>;
    return this.known.find(
      (known) =>
        known.started === started && known.asked.every((name) => profile[name] === known.profile[name]),
    )?.row;
  }

  /** What an edition's toolstack makes of the program's configs. */
  private startedOn(edition: Edition): string {
    const { program } = this.mine;
    try {
      return JSON.stringify(program.configs.map((config) => expandConfig(config, program, edition)));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      return error.diagnostic.message;
    }
  }

  private *run(edition: Edition): Generator<void, Row> {
    const consulted = new Uint8Array(Object.keys(edition.profile).length);
    const profile = watchedProfile(edition.profile, consulted);
    const row = yield* this.rowOf({ ...edition, profile });
    const asked = Object.keys(edition.profile).sort();
    this.known.push({
      profile: edition.profile,
      asked: asked.filter((_, index) => consulted[index] === 1),
      started: this.startedOn(edition),
      row,
    });
    return row;
  }

  private *rowOf(edition: Edition): Generator<void, Row> {
    try {
      const recording = Timeline.recording(this.mine.program, edition);
      for (let next = recording.next(); ; next = recording.next()) {
        if (next.done) return yield* this.compared(next.value);
        yield;
      }
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      const { message } = error.diagnostic;
      return this.row(`refused ${message}`, { ...NOTHING, last: undefined, refused: message });
    }
  }

  private *compared(other: Timeline): Generator<void, Row> {
    const { mine } = this;
    let differing = 0;
    let before = 0;
    let first: Parting | undefined;
    let answer: Parting | undefined;
    const seen: string[] = [];
    for (const one of alignment(mine, other)) {
      if (isSeen(one)) {
        first ??= parting(mine, other, one, before);
        if (one.differs.includes('status')) answer ??= parting(mine, other, one, before);
        differing++;
        seen.push(seenOf(other, one));
      }
      if (one.mine >= 0) before = one.mine;
      yield;
    }
    const last = bareStep(other, other.length);
    return this.row(seen.join('\n'), { differing, first, answer, last, refused: undefined });
  }

  /** The row of all runs of which the same is seen. */
  private row(seen: string, found: Omit<SurveyRow, 'editions'>): Row {
    const known = this.rows.get(seen);
    if (known !== undefined) return known;
    const row: Row = { editions: [], ...found };
    this.rows.set(seen, row);
    return row;
  }
}

/** Whether an observer can tell two steps apart; what the hypervisor keeps for itself is not seen. */
const isSeen = ({ mine, theirs, differs }: AlignedStep): boolean =>
  mine < 0 || theirs < 0 || differs.some((kind) => kind !== 'words');

function seenOf(other: Timeline, { mine, theirs, differs }: AlignedStep): string {
  const kinds = differs.filter((kind) => kind !== 'words');
  if (theirs < 0) return `${mine} alone`;
  const { status, faults = [] } = other.step(theirs);
  return [mine, theirs, kinds.join(), status, ...faults].join(' ');
}

const parting = (mine: Timeline, other: Timeline, one: AlignedStep, before: number): Parting => ({
  step: one.mine < 0 ? before : one.mine,
  here: one.mine < 0 ? undefined : bareStep(mine, one.mine),
  there: one.theirs < 0 ? undefined : bareStep(other, one.theirs),
  differs: one.differs,
});
