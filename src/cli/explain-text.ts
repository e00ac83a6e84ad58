import { NOTHING_SPEAKS } from '../logs/causes/rank.js';
import type { ExplainedEvent, Explanation } from '../logs/explain.js';
import type { ProgramAnswer } from '../logs/programs.js';
import { eventSentence, speaker } from '../report/event-sentence.js';
import { counted, grouped } from '../text/count.js';
import { type Paint, printable } from '../text/diagnostic.js';
import { hex } from '../text/hex.js';

/** Columns of what stands before the text of a row. */
const LABEL = 12;

/** Causes that are told with what speaks for and against them; of the others people get the names, scripts get all. */
const CAUSES_IN_FULL = 3;

/** What is said of all logs, in one or two lines. */
export function* headLines({ files, world, notes }: Explanation, paint: Paint): Generator<string> {
  const { facts, edition } = world;
  const lines = files.reduce((sum, file) => sum + file.lines, 0);
  const machine = [
    facts.xen === null ? undefined : `Xen ${facts.xen.value}`,
    facts.linux === null ? undefined : `Linux ${facts.linux.value}`,
    facts.iommu === null ? undefined : `IOMMU ${facts.iommu.value}`,
    facts.dom0Mode === null ? undefined : `dom0 ${facts.dom0Mode.value}`,
    edition === undefined || facts.xen !== null ? undefined : `taken for Xen ${edition.name}`,
  ].filter((text) => text !== undefined);
  const names = files.length > 3 ? `${files.length} logs` : files.map(({ name }) => name).join(', ');
  yield paint.bold(printable(names)) +
    paint.dim(printable(`  ${[`${grouped(lines)} lines`, ...machine].join(', ')}`));
  for (const note of notes) yield paint.warning(printable(`note: ${note}`));
}

/** An event and its causes, for people. */
export function* eventLines(
  event: ExplainedEvent,
  number: number,
  severalFiles: boolean,
  answer: ProgramAnswer | undefined,
  paint: Paint,
): Generator<string> {
  const head = printable(`${number}. ${speaker(event)}: ${eventSentence(event)}`);
  yield event.wrong ? paint.error(head) : paint.bold(head);
  for (const [label, text] of rowsOf(event, severalFiles)) {
    yield `   ${paint.dim(`${label} `.padEnd(LABEL))}${printable(text)}`;
  }
  let rank = 0;
  for (const cause of event.causes.slice(0, CAUSES_IN_FULL)) {
    rank++;
    const label = rank === 1 ? 'likely' : '';
    yield `   ${paint.dim(label.padEnd(LABEL))}${paint.warning(printable(`${rank}. ${cause.title}`))} ${paint.dim(`[${cause.id}]`)}`;
    const row = (name: string, text: string) =>
      `   ${' '.repeat(LABEL + 3)}${paint.dim(name.padEnd(9))}${printable(text)}`;
    for (const text of cause.for) yield row('for', text);
    for (const text of cause.against) yield row('against', text);
    if (cause.for.length + cause.against.length === 0) yield row('log', NOTHING_SPEAKS);
    yield row('check', cause.check);
  }
  const others = event.causes.slice(CAUSES_IN_FULL);
  if (others.length > 0) {
    const titles = others.map(({ title, id }) => `${printable(title)} ${paint.dim(`[${id}]`)}`);
    yield `   ${' '.repeat(LABEL)}also possible: ${titles.join('; ')}`;
  }
  if (answer !== undefined) yield* programLines(answer, paint);
}

/** The program that ends in the same fault, or why there is none. */
function* programLines({ shown, without }: ProgramAnswer, paint: Paint): Generator<string> {
  for (const { cause, because } of without)
    yield `   ${paint.dim(`no program shows ${cause}: ${printable(because)}`)}`;
  if (shown === undefined) return;
  yield `   ${paint.dim(`a program that ends in this fault, by ${shown.cause}, on Xen ${shown.edition} (dommu run):`)}`;
  for (const line of shown.text.trimEnd().split('\n')) yield `     ${printable(line)}`.trimEnd();
}

/** What hardware reports in hexadecimal, as manuals have it; what software returns as a negative number. */
const codeOf = (code: number): string => (code < 0 ? String(code) : `0x${code.toString(16)}`);

function* rowsOf(event: ExplainedEvent, severalFiles: boolean): Generator<[label: string, text: string]> {
  const { first, last, count, suppressed, kind, reason, level, address, addresses } = event;
  const place = severalFiles ? `${first.file}:${first.line}` : `line ${first.line}`;
  yield [place, first.text.trim()];
  if (reason !== null) {
    const code = reason.code === null ? '' : `, code ${codeOf(reason.code)}`;
    yield ['reason', `${reason.name}${code}${reason.manual === null ? '' : ` (${reason.manual})`}`];
  }
  if (address !== null && kind !== 'dma-fault' && addresses === null) yield ['address', hex(address)];
  if (addresses !== null) yield ['addresses', `${hex(addresses.lowest)} to ${hex(addresses.highest)}`];
  let label = 'bits';
  for (const { name, value, meaning } of event.bits) {
    yield [label, `${name}=${value < 2 ? value : `0x${value.toString(16)}`} ${meaning}`];
    label = '';
  }
  if (level !== null) {
    const entry = level.entry === null ? '' : ` ${hex(level.entry)}`;
    yield ['level', `${level.name}${entry}: ${level.problem}`];
  }
  const details = Object.entries(event.details).map(([name, value]) => `${name} ${value}`);
  if (details.length > 0) yield ['details', details.join(', ')];
  if (count > 1) {
    const hidden = suppressed === 0 ? '' : ` (${grouped(suppressed)} of them suppressed by a rate limit)`;
    const times = first.time === null || last.time === null ? '' : `, ${first.time} to ${last.time}`;
    const until =
      last.line === first.line
        ? ''
        : `, line ${first.line} to ${severalFiles ? `${last.file}:` : ''}${last.line}`;
    yield ['count', `${grouped(count)}${hidden}${until}${times}`];
  } else if (first.time !== null) yield ['time', first.time];
}

/** The last line: how much there was. */
export function sumLine(
  events: readonly ExplainedEvent[],
  shown: number,
  quiet: number,
  paint: Paint,
): string {
  const wrong = events.filter((event) => event.wrong);
  const parts: string[] = [];
  const faults = wrong.filter(({ kind }) => kind === 'dma-fault' || kind === 'interrupt-fault').length;
  if (faults > 0) parts.push(counted(faults, 'different fault'));
  if (wrong.length > faults) parts.push(counted(wrong.length - faults, 'different error'));
  const left = events.length - quiet - shown;
  if (left > 0) parts.push(`${left} of them not shown (--limit)`);
  if (quiet > 0) parts.push(`${counted(quiet, 'message')} of how things were set up not shown (--all)`);
  if (wrong.length === 0) parts.unshift('nothing wrong found');
  return (wrong.length === 0 ? paint.info : paint.error)(parts.join(', '));
}
