import type { DomainConfig } from '../toolstack/domain-config.js';
import type { Edition } from '../xen/editions/edition.js';
import { Assembler } from './assemble.js';
import { type RankedCause, rankCauses } from './causes/all.js';
import type { World } from './causes/cause.js';
import { LINE_BYTES } from './clean.js';
import { LogFacts } from './facts.js';
import type { LineForm } from './form.js';
import { FORMS } from './forms/all.js';
import { isComplaint } from './forms/init-reasons.js';
import { isNote } from './forms/notes.js';
import { GROUPS_AT_MOST, type GroupedEvent, Grouper } from './group.js';
import { LineScanner } from './lines.js';
import { editionOfVersion } from './release-of-log.js';
import { Wordings } from './wordings.js';

/** A log: its bytes from the beginning, in pieces of any size. */
export interface LogInput {
  /** For messages and for the places of events: the file's name. */
  readonly name: string;
  readonly chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** How far the reading is. */
export interface Reading {
  readonly file: string;
  readonly bytes: number;
  readonly events: number;
}

export interface ExplainOptions {
  /** The release of Xen; what the log says where it is not given. */
  readonly edition?: Edition | undefined;
  /** The guest's config. */
  readonly config?: DomainConfig | undefined;
  /** Told what the log says before causes are weighed, to add what else is known of the machine. */
  readonly amend?: (facts: LogFacts) => void;
  /** What lines are understood; all that are known by default. */
  readonly forms?: readonly LineForm[];
  /** Asked between pieces of a log: true ends the reading, and what was found so far is explained. */
  readonly isOver?: () => boolean;
  /** Told after each piece. */
  readonly progress?: (reading: Reading) => void;
}

/** An event of a log with what can be behind it. */
export interface ExplainedEvent extends GroupedEvent {
  /** Whether it tells that something is wrong, or only what was set up. */
  readonly wrong: boolean;
  /** The likeliest first. */
  readonly causes: readonly RankedCause[];
}

/** All that one or several logs of a machine tell. */
export interface Explanation {
  /** In the order of their first lines. */
  readonly events: readonly ExplainedEvent[];
  readonly world: World;
  /** Where {@link World.edition} comes from. */
  readonly editionFrom: 'given' | 'log' | null;
  readonly files: readonly { readonly name: string; readonly lines: number; readonly bytes: number }[];
  /** What was not read or told apart, one sentence each. */
  readonly notes: readonly string[];
  /** False where the reading was ended before the end of the logs. */
  readonly complete: boolean;
}

/** Reads logs to their ends and explains what they tell of devices, IOMMUs and memory. Never throws on what a log holds. */
export async function explain(logs: readonly LogInput[], options: ExplainOptions = {}): Promise<Explanation> {
  const reader = new Reader(options);
  for (const log of logs) {
    if (!reader.complete) break;
    reader.begin(log.name);
    for await (const chunk of log.chunks) if (!reader.push(chunk)) break;
    // Whoever ends the reading may end the stream as well.
    if (options.isOver?.() === true) reader.complete = false;
    reader.end();
  }
  return reader.explanation();
}

/** The same of a text. */
export function explainText(
  text: string | Uint8Array,
  name: string,
  options: ExplainOptions = {},
): Explanation {
  const reader = new Reader(options);
  reader.begin(name);
  reader.push(typeof text === 'string' ? Buffer.from(text) : text);
  reader.end();
  return reader.explanation();
}

/** The wordings of all forms, made when first needed: their table takes a few milliseconds. */
let allWordings: Wordings | undefined;

/** Reads one log after another. */
class Reader {
  complete = true;
  private readonly options: ExplainOptions;
  private readonly wordings: Wordings;
  private readonly facts = new LogFacts();
  private readonly grouper = new Grouper();
  private readonly files: { name: string; lines: number; bytes: number }[] = [];
  private readonly notes: string[] = [];
  private scanner!: LineScanner;
  private assembler!: Assembler;
  private bytes = 0;
  private events = 0;

  constructor(options: ExplainOptions) {
    this.options = options;
    this.wordings =
      options.forms === undefined ? (allWordings ??= new Wordings(FORMS)) : new Wordings(options.forms);
  }

  begin(name: string): void {
    this.grouper.begin(name);
    this.files.push({ name, lines: 0, bytes: 0 });
    this.bytes = 0;
    const assembler = new Assembler(this.wordings, this.facts, (found) => {
      this.events++;
      this.grouper.add(found);
    });
    this.assembler = assembler;
    this.scanner = new LineScanner(this.wordings.triggers, (line) => assembler.line(line));
  }

  /** Returns whether there is to be more. */
  push(chunk: Uint8Array): boolean {
    this.scanner.push(chunk);
    this.bytes += chunk.length;
    const { progress, isOver } = this.options;
    progress?.({ file: this.files.at(-1)!.name, bytes: this.bytes, events: this.events });
    if (isOver?.() === true) this.complete = false;
    return this.complete;
  }

  end(): void {
    const { scanner, bytes } = this;
    scanner.end();
    this.assembler.end();
    const file = this.files.at(-1)!;
    Object.assign(file, { lines: scanner.lines, bytes });
    const { cutLines } = scanner;
    if (cutLines === 0) return;
    const lines = cutLines === 1 ? 'one line is' : `${cutLines} lines are`;
    this.notes.push(`${file.name}: ${lines} longer than ${LINE_BYTES / 1024} KiB, and the rest was not read`);
  }

  explanation(): Explanation {
    const { facts, grouper, options, notes } = this;
    options.amend?.(facts);
    const events = grouper.events();
    if (grouper.overflowed) {
      notes.push(
        `there are more than ${GROUPS_AT_MOST} different events; the later ones are put together by reason`,
      );
    }
    if (!this.complete)
      notes.push('the reading was ended before the end of the log; this is what was found until then');
    for (const { details, first } of events) {
      const signature = details['ACPI table'];
      if (signature === undefined) continue;
      const table = `${first.file}, line ${first.line}: an ACPI table, ${signature}`;
      notes.push(`${table}; dommu audit --acpi ${first.file} decodes and verifies it`);
    }
    const ofLog = facts.xen === null ? undefined : editionOfVersion(facts.xen.value);
    const edition = options.edition ?? ofLog;
    const world: World = { facts, events, edition, config: options.config };
    return {
      events: events.map((event) => ({ ...event, wrong: isWrong(event), causes: rankCauses(event, world) })),
      world,
      editionFrom: options.edition !== undefined ? 'given' : ofLog === undefined ? null : 'log',
      files: this.files,
      notes,
      complete: this.complete,
    };
  }
}

/** Faults and errors are, but for notes; lines of initialisation only where their reason is a complaint. */
function isWrong({ kind, reason }: GroupedEvent): boolean {
  if (kind !== 'init') return reason === null || !isNote(reason.name);
  return reason !== null && isComplaint(reason.name);
}
