import { EventDraft } from './event.js';
import type { LogFacts } from './facts.js';
import { FOLLOW_LINES, type FormLine, type MoreForm } from './form.js';
import type { LogLine } from './lines.js';
import { RateLimits } from './rate-limits.js';
import type { Matched } from './template.js';
import type { Wording, Wordings } from './wordings.js';

/** An event with the line that began it, or the one behind it that leads. */
export interface FoundEvent {
  readonly event: EventDraft;
  line: number;
  text: string;
  time: string | null;
  /** How many more like it a rate limit kept out of the log. */
  suppressed: number;
}

/** Lines that are joined to one that was cut off, as mails and terminals wrap long lines. */
const JOINS_AT_MOST = 3;
/** Events that wait for lines that belong to them; one more, and the oldest is complete. */
const OPEN_AT_MOST = 32;
/** Characters behind a key that are compared. */
const WINDOW = 4096;
/**
 * Characters that are compared for each character of a line, and for each line: time stays linear whatever a line of 64 KiB
 * holds. Real lines need a hundredth of it.
 */
const LOOKS_A_CHARACTER = 64;
const LOOKS_A_LINE = 16_384;
/** Lines that belong to one event, so that none grows without end. */
const LINES_AT_MOST = 64;
/** Wrapped lines of which some template may still go on. */
const WRAPPED_AT_MOST = 16;

/** A wording that fits to the end of a text, which may go on in the next line. */
interface Wrapped {
  readonly wording: Wording;
  readonly text: string;
  readonly start: number;
}

type Match = Exclude<Matched, 'cut-off' | undefined>;

/** A line that was cut off, until the lines behind it have shown whether they go on with it. */
interface Pending {
  readonly line: LogLine;
  readonly text: string;
  /** How far the text has been understood. */
  readonly from: number;
  wrapped: readonly Wrapped[];
  /** What the line says if nothing goes on with it. */
  readonly whole: (Wrapped & { readonly match: Match }) | undefined;
  readonly held: LogLine[];
}

interface OpenEvent {
  readonly found: FoundEvent;
  readonly name: string;
  lastLine: number;
  lines: number;
}

const count = ({ fields }: Match): number => Object.keys(fields).length;

/** Puts the lines of one file together to events. */
export class Assembler {
  /** Characters compared with templates so far, and comparisons: what the time goes into. */
  steps = 0;
  private readonly wordings: Wordings;
  private readonly facts: LogFacts;
  private readonly open: OpenEvent[] = [];
  private readonly limits: RateLimits;
  private pending: Pending | undefined;

  /** @param emit takes events once no further line can belong to them, which need not be in the order of their lines. */
  constructor(wordings: Wordings, facts: LogFacts, emit: (found: FoundEvent) => void) {
    this.wordings = wordings;
    this.facts = facts;
    this.limits = new RateLimits(emit);
  }

  /** Takes the next line that may matter. Returns whether the line behind it matters, whatever it is. */
  line(line: LogLine): boolean {
    const { pending } = this;
    if (pending === undefined) this.read(line, line.text, line.message);
    else if (!this.goesOn(pending, line)) this.giveUp(pending, line);
    return this.pending !== undefined || this.awaits(line.number);
  }

  /** Whether a line behind this one may belong to an event. */
  private awaits(number: number): boolean {
    return this.open.some(({ lastLine, lines }) => number - lastLine < FOLLOW_LINES && lines < LINES_AT_MOST);
  }

  /** The end of the file. */
  end(): void {
    while (this.pending !== undefined) this.giveUp(this.pending, undefined);
    for (const { found } of this.open.splice(0)) this.limits.complete(found);
    this.limits.end();
  }

  /**
   * Finds what a text says from `from` on.
   * @param text the line's, or that of several that were joined.
   * @param refused a wording that was refused at its place, so that those behind it are asked.
   */
  private read(line: LogLine, text: string, from: number, refused?: Wrapped): void {
    const wrapped: Wrapped[] = [];
    let said = from;
    let skip = refused;
    let looks = LOOKS_A_LINE + LOOKS_A_CHARACTER * text.length;
    for (const { wording, start } of this.wordings.candidates(text, from)) {
      if (looks <= 0) break;
      if (start < said || this.isIdle(wording)) continue;
      if (skip !== undefined && start <= skip.start) {
        if (start === skip.start && wording === skip.wording) skip = undefined;
        continue;
      }
      const window = text.length - start > WINDOW ? text.slice(0, start + WINDOW) : text;
      const match = this.compare(wording, window, start);
      looks -= wording.template.looked + 1;
      if (match === undefined || (match === 'cut-off' && window !== text)) continue;
      if (match === 'cut-off') {
        if (wrapped.length < WRAPPED_AT_MOST) wrapped.push({ wording, text, start });
        continue;
      }
      if (match.open && window === text) {
        const whole = { wording, match, text, start };
        this.pending = { line, text, from: said, wrapped: [whole], whole, held: [] };
        return;
      }
      if (this.dispatch(wording, match, line, text, said, start)) said = match.end;
    }
    const rest = wrapped.filter(({ start }) => start >= said);
    if (rest.length === 0) return;
    this.pending = { line, text, from: said, wrapped: rest, whole: undefined, held: [] };
  }

  /** Whether `next` is the rest of the line that was cut off, or may still turn out to be a part of it. */
  private goesOn(pending: Pending, next: LogLine): boolean {
    if (next.begins) return false;
    const rest = next.text.slice(next.message).trimEnd();
    if (rest === '') return false;
    const { whole } = pending;
    const still: Wrapped[] = [];
    for (const { wording, text, start } of pending.wrapped) {
      for (const joined of [`${text.trimEnd()} ${rest}`, `${text}${rest}`]) {
        if (joined.length - start > WINDOW) continue;
        const match = this.compare(wording, joined, start);
        if (match === 'cut-off') still.push({ wording, text: joined, start });
        // Only what reaches into the next line has been wrapped; a number that goes on is none of a part that was missing.
        if (typeof match !== 'object' || match.end <= text.length) continue;
        if (whole !== undefined && count(match) <= count(whole.match)) continue;
        if (!this.dispatch(wording, match, pending.line, joined, pending.from, start)) continue;
        this.pending = undefined;
        this.read(next, joined, match.end);
        return true;
      }
    }
    if (still.length === 0 || pending.held.length + 1 >= JOINS_AT_MOST) return false;
    pending.wrapped = still.slice(0, WRAPPED_AT_MOST);
    pending.held.push(next);
    return true;
  }

  /** Nothing goes on with the line: it says what it says by itself, and the lines behind it are lines of their own. */
  private giveUp(pending: Pending, next: LogLine | undefined): void {
    this.pending = undefined;
    const { line, text, from, whole, held } = pending;
    if (whole !== undefined) {
      const said = this.dispatch(whole.wording, whole.match, line, text, from, whole.start);
      if (said) this.read(line, text, whole.match.end);
      else this.read(line, text, from, whole);
    }
    for (const one of next === undefined ? held : [...held, next]) this.line(one);
  }

  /** Whether nothing is open to which a line of this wording could belong. */
  private isIdle({ form }: Wording): boolean {
    return form.role === 'more' && form.alone === undefined && this.open.length === 0;
  }

  private compare({ template }: Wording, text: string, start: number): Matched {
    const match = template.match(text, start);
    this.steps += template.looked + 1;
    return match;
  }

  /** Tells a form what it has recognised. Returns false where the form says that it is none of its lines. */
  private dispatch(
    { form }: Wording,
    { fields, end }: Match,
    { number, text, message, time }: LogLine,
    whole: string,
    from: number,
    start: number,
  ): boolean {
    const line = {
      fields,
      before: whole.slice(from, start),
      after: whole.slice(end),
      text: whole.slice(message),
      line: number,
    };
    const { facts } = this;
    if (form.role === 'fact') {
      form.read(line, facts);
      return true;
    }
    if (form.role === 'suppressed') {
      this.limits.suppressed(form.read(line), number);
      return true;
    }
    if (form.role === 'more') {
      if (this.belongs(form, line, text, time)) return true;
      if (form.alone === undefined) return false;
    }
    const { source, unit, kind } = form.role === 'more' ? form.alone! : form;
    const event = new EventDraft(source, unit, kind);
    if (form.read(line, event, facts) === false) return false;
    const found = { event, line: number, text, time, suppressed: 0 };
    this.limits.found(found);
    const opens = form.role === 'more' ? form.continues : form.opens;
    if (opens === undefined) this.limits.complete(found);
    else {
      this.open.push({ found, name: opens, lastLine: number, lines: 1 });
      if (this.open.length > OPEN_AT_MOST) this.limits.complete(this.open.shift()!.found);
    }
    return true;
  }

  /** Whether a line belongs to an event that is open, the newest asked first. */
  private belongs(form: MoreForm, line: FormLine, text: string, time: string | null): boolean {
    while (this.open.length > 0 && line.line - this.open[0]!.lastLine > FOLLOW_LINES) {
      this.limits.complete(this.open.shift()!.found);
    }
    for (let i = this.open.length - 1; i >= 0; i--) {
      const one = this.open[i]!;
      if (one.name !== form.continues || line.line - one.lastLine > FOLLOW_LINES) continue;
      if (one.lines >= LINES_AT_MOST) continue;
      if (form.read(line, one.found.event, this.facts) === false) continue;
      one.lastLine = line.line;
      one.lines++;
      if (form.leads === true) Object.assign(one.found, { line: line.line, text, time });
      return true;
    }
    return false;
  }
}
