import type { Command } from 'commander';
import type { Diagnostic, Paint } from '../text/diagnostic.js';
import {
  BEHAVIOUR_NAMES_OF_ALL,
  type BehaviourChanged,
  type BehaviourOf,
  behaviourSpec,
  behavioursOfEdition,
  compareEditions,
  type EditionSummary,
  editionSummaries,
  type Origin,
  PARTS,
  type ValueSpan,
  valuesOverReleases,
} from '../toolstack/edition-record.js';
import { requireEdition } from '../xen/editions/edition.js';
import { EXIT, type ExitCode, type Io, runCommand, standardIo } from './io.js';
import { choice, usageError } from './options.js';

const EXAMPLES = `
Examples:
  $ dommu editions                                 every release, and what it does otherwise than the one before
  $ dommu editions 4.17                            what that release does, behaviour by behaviour
  $ dommu editions --diff 4.12 4.13                what changed, and by which commit
  $ dommu editions --diff 4.13.2 4.13.3            the same for backports
  $ dommu editions --behaviour quarantine          one behaviour over all releases

Exit codes: 0 answered, 2 there is no such edition or behaviour.`;

interface Options {
  readonly diff?: boolean;
  readonly behaviour?: string;
  readonly json?: boolean;
}

/** What is asked for: exactly one of four questions. */
type Question =
  | { readonly kind: 'all' }
  | { readonly kind: 'edition'; readonly name: string }
  | { readonly kind: 'diff'; readonly from: string; readonly to: string }
  | { readonly kind: 'behaviour'; readonly name: string };

export function registerEditions(program: Command, io: Io = standardIo()): void {
  program
    .command('editions')
    .summary('list the releases and designs, what each does, and what changed by which commit')
    .description(
      'Lists every release of Xen since 4.11 and the designs; the behaviours of one of them, with the dossier section ' +
        'and the commit each is from; what differs between two; or one behaviour over all releases.',
    )
    .argument('[edition...]', 'a release (4.13, 4.13.2), staging or a design; two with --diff')
    .option('--diff', 'what differs between two editions, and by which commits')
    .option('--behaviour <name>', 'the values of one behaviour over all releases')
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES)
    .action((names: readonly string[], options: Options) => {
      const asJson = (diagnostics: readonly Diagnostic[]) => ({ diagnostics });
      runCommand(io, options.json === true, asJson, () => answer(questionOf(names, options), options, io));
    });
}

/** @throws InputError when the arguments ask for nothing, or for two things at once. */
function questionOf(names: readonly string[], { diff, behaviour }: Options): Question {
  if (behaviour !== undefined) {
    if (names.length > 0 || diff) throw usageError('--behaviour', 'is asked over all releases, by itself');
    return { kind: 'behaviour', name: behaviour };
  }
  if (diff) {
    const [from, to, ...more] = names;
    if (from === undefined || to === undefined || more.length > 0)
      throw usageError('--diff', `takes two editions, found ${names.length}`);
    return { kind: 'diff', from, to };
  }
  if (names.length > 1) throw usageError('EDITION', 'one edition at a time; two with --diff');
  return names[0] === undefined ? { kind: 'all' } : { kind: 'edition', name: names[0] };
}

function answer(question: Question, { json = false }: Options, io: Io): ExitCode {
  const print = (object: unknown, lines: () => Iterable<string>): void => {
    if (json) io.out(JSON.stringify(object, null, 2));
    else for (const line of lines()) io.out(line);
  };
  switch (question.kind) {
    case 'all': {
      const editions = editionSummaries();
      print({ editions: editions.map((one) => ({ ...one, before: one.before ?? null })) }, () =>
        summaryLines(editions, io.paintOut),
      );
      break;
    }
    case 'edition': {
      const edition = requireEdition(question.name, 'EDITION');
      const behaviours = behavioursOfEdition(edition);
      print({ edition: edition.name, behaviours: behaviours.map(withNull) }, () =>
        behaviourLines(edition.name, behaviours, io.paintOut),
      );
      break;
    }
    case 'diff': {
      const from = requireEdition(question.from, 'EDITION');
      const to = requireEdition(question.to, 'EDITION');
      const changes = compareEditions(from, to);
      print({ from: from.name, to: to.name, changes }, () =>
        diffLines(from.name, to.name, changes, io.paintOut),
      );
      break;
    }
    case 'behaviour': {
      const name = choice('--behaviour', question.name, BEHAVIOUR_NAMES_OF_ALL)!;
      const { values, ...spec } = behaviourSpec(name)!;
      const releases = valuesOverReleases(name)!;
      print({ behaviour: name, ...spec, values, releases: releases.map(withNull) }, () =>
        overReleasesLines(name, releases, io.paintOut),
      );
    }
  }
  return EXIT.ok;
}

/** The same with null in place of an origin that is older than the record: JSON has no undefined. */
const withNull = <T extends { readonly since: Origin | undefined }>(one: T) => ({
  ...one,
  since: one.since ?? null,
});

function* summaryLines(editions: readonly EditionSummary[], paint: Paint): Generator<string> {
  const width = Math.max(...editions.map(({ name }) => name.length));
  const line = ({ name, before, changed, as }: EditionSummary): string => {
    const same = `as ${as === name ? before : as}`;
    const what = before === undefined ? 'where the record begins' : changed.join(', ') || same;
    return `  ${paint.bold(name.padEnd(width))}  ${what}`;
  };
  yield 'releases, and the behaviours in which each differs from the one before';
  for (const one of editions.filter(({ kind }) => kind === 'release')) yield line(one);
  const rest = editions.filter(({ kind }) => kind !== 'release');
  yield '';
  yield `the development tree and the designs, and in what they differ from ${rest[0]?.before}`;
  for (const one of rest) yield line(one);
}

function* behaviourLines(
  edition: string,
  behaviours: readonly BehaviourOf[],
  paint: Paint,
): Generator<string> {
  yield `${paint.bold(edition)}: ${behaviours.length} behaviours`;
  for (const { name, title } of PARTS) {
    yield '';
    yield paint.bold(title);
    for (const one of behaviours.filter(({ part }) => part === name)) {
      yield `  ${one.behaviour} = ${paint.info(one.value)}  ${paint.dim(one.section)}`;
      yield `    ${one.doc}: ${one.meaning}`;
      yield paint.dim(`    ${sinceText(one.since, one.byDesign)}`);
    }
  }
}

function sinceText(since: Origin | undefined, byDesign: boolean): string {
  if (byDesign) return 'by this design';
  if (since === undefined) return 'since before 4.11.0';
  return `since ${since.arrived}, ${since.commit} ("${since.title}")`;
}

function* diffLines(
  from: string,
  to: string,
  changes: readonly BehaviourChanged[],
  paint: Paint,
): Generator<string> {
  const total = BEHAVIOUR_NAMES_OF_ALL.length;
  yield `${paint.bold(`${from} → ${to}`)}: ${changes.length} of ${total} behaviours differ`;
  for (const { name, title } of PARTS) {
    const own = changes.filter(({ part }) => part === name);
    if (own.length === 0) continue;
    yield '';
    yield paint.bold(title);
    for (const one of own) {
      yield `  ${one.behaviour}: ${paint.info(one.from)} → ${paint.info(one.to)}  ${paint.dim(one.section)}`;
      yield `    ${one.doc}`;
      yield `    ${from}: ${one.fromMeaning}`;
      yield `    ${to}: ${one.toMeaning}`;
      for (const { commit, title: what, release, backports } of one.by) {
        yield paint.dim(`    ${commit} ("${what}") in ${[release, ...backports].join(', ')}`);
      }
      if (one.byDesign) yield paint.dim('    by design');
    }
  }
}

function* overReleasesLines(
  behaviour: string,
  releases: readonly ValueSpan[],
  paint: Paint,
): Generator<string> {
  const { doc, section, values } = behaviourSpec(behaviour)!;
  yield `${paint.bold(behaviour)}: ${doc}  ${paint.dim(section)}`;
  for (const [value, meaning] of Object.entries(values)) yield `  ${paint.info(value)}: ${meaning}`;
  yield '';
  const width = Math.max(...releases.map(({ value }) => value.length));
  for (const { edition, value, since } of releases) {
    const origin = since === undefined ? '' : `${since.commit} ("${since.title}"), ${since.arrived}`;
    yield `  ${edition.padEnd(8)} ${value.padEnd(width)}  ${paint.dim(origin)}`.trimEnd();
  }
}
