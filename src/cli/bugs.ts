import type { Command } from 'commander';
import { type Bug, buggyEdition, type Inexpressible, sceneOf } from '../bugs/bug.js';
import { GALLERY, INEXPRESSIBLE, requireBug } from '../bugs/gallery.js';
import { printProgram } from '../program/print.js';
import { type Diagnostic, type Paint, printable } from '../text/diagnostic.js';
import { BEHAVIOURS } from '../xen/editions/behaviours.js';
import { DEFAULT_EDITION } from '../xen/editions/edition.js';
import type { BehaviourSpec } from '../xen/editions/history.js';
import { MENDED } from '../xen/editions/mended.js';
import { harmsText } from '../xen/invariants/harm.js';
import { INVARIANTS } from '../xen/invariants.js';
import { EXIT, type ExitCode, type Io, runCommand, standardIo } from './io.js';

const EXAMPLES = `
Examples:
  $ dommu bugs                     all of them, by what finding them needs
  $ dommu bugs XSA-378b            what went wrong, where, how it shows, what mended it
  $ dommu verify --bug XSA-378b    puts it into the release and finds it by search

Exit codes: 0 well, 2 there is no such bug.`;

export function registerBugs(program: Command, io: Io = standardIo()): void {
  program
    .command('bugs')
    .summary('list Xen’s bugs that the search finds again, or tell the story of one')
    .description(
      'The gallery: bugs of Xen’s history as editions that behave otherwise. Each is found by the general search within its ' +
        'bounds, and not found without it.',
    )
    .argument('[id]', 'the bug, such as XSA-378b')
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES)
    .action((id: string | undefined, options: { readonly json?: boolean }) => {
      const asJson = (diagnostics: readonly Diagnostic[]) => ({ bugs: [], diagnostics });
      runCommand(io, options.json === true, asJson, () => bugs(id, options.json === true, io));
    });
}

function bugs(id: string | undefined, json: boolean, io: Io): ExitCode {
  const shown = id === undefined ? GALLERY : [requireBug(id, 'ID')];
  const inexpressible = id === undefined ? INEXPRESSIBLE : [];
  if (json) {
    io.out(JSON.stringify({ bugs: shown.map(bugJson), inexpressible }, null, 2));
    return EXIT.ok;
  }
  const lines = id === undefined ? listLines(io.paintOut) : storyLines(shown[0]!, io.paintOut);
  for (const line of lines) io.out(line);
  return EXIT.ok;
}

function bugJson(bug: Bug): unknown {
  const { behaviours, scene, bounds, on = DEFAULT_EDITION, after = null, ...story } = bug;
  return { ...story, on, after, edition: buggyEdition(bug).name, behaviours, bounds, scene: scene.trim() };
}

/** What the classes need (bug-gallery.md). */
const CLASSES: Readonly<Record<Inexpressible['class'], string>> = {
  A: 'hypercalls one after the other',
  B: 'what TLBs and others remember',
  C: 'other actors between the steps of a hypercall',
  D: 'more of the hardware',
  E: 'out of scope',
};

function* listLines(paint: Paint): Generator<string> {
  for (const [letter, doc] of Object.entries(CLASSES)) {
    const found = GALLERY.filter((bug) => bug.class === letter);
    const lacking = INEXPRESSIBLE.filter((bug) => bug.class === letter);
    if (found.length + lacking.length === 0) continue;
    yield paint.bold(`${letter}: ${doc}`);
    for (const { id, year, title } of found) yield `  ${id.padEnd(22)} ${year}  ${title}`;
    for (const { id, lacks } of lacking)
      yield paint.dim(`  ${id.padEnd(22)}  —    not in the model, which lacks ${lacks}`);
    yield '';
  }
  yield `${GALLERY.length} bugs; \`dommu bugs ID\` tells the story of one, \`dommu verify --bug ID\` finds it`;
}

function* storyLines(bug: Bug, paint: Paint): Generator<string> {
  yield `${paint.bold(bug.id)}: ${bug.title}`;
  yield '';
  yield* wrapped(bug.mechanism, 100).map((line) => `  ${line}`);
  yield '';
  yield `  year        ${bug.year}`;
  yield `  releases    ${bug.releases}`;
  yield `  class       ${bug.class}, ${CLASSES[bug.class]}`;
  if (bug.after !== undefined) yield `  came with   the fix of ${bug.after}`;
  for (const next of GALLERY.filter(({ after }) => after === bug.id))
    yield `  its fix     brought ${next.id}, ${next.title}`;
  yield `  mended by   ${bug.fixes.join(', ')}`;
  yield '';
  yield paint.bold('  what is different');
  for (const [name, value] of Object.entries(bug.behaviours)) yield* behaviourLines(name, value);
  yield '';
  yield paint.bold('  what breaks');
  for (const id of bug.invariants) yield `    ${invariantText(id)}`;
  yield '';
  yield paint.bold('  where it is looked for');
  yield* printProgram(sceneOf(bug))
    .trim()
    .split('\n')
    .map((line) => `    ${line}`.trimEnd());
  yield '';
  yield `  dommu verify --bug ${bug.id}`;
}

const SPECS: Readonly<Record<string, BehaviourSpec>> = { ...BEHAVIOURS, ...MENDED };

function* behaviourLines(name: string, value: string): Generator<string> {
  const { doc, section, values } = SPECS[name]!;
  yield `    ${name} = ${value} (${section})`;
  yield `      ${doc}:`;
  yield `      ${values[value]}`;
}

function invariantText(id: string): string {
  const invariant = INVARIANTS.find((one) => one.id === id);
  return invariant === undefined
    ? `${id}: a hypercall never ends`
    : `${id}: ${invariant.title} (${harmsText(invariant)})`;
}

/** The words of a text in lines of at most so many characters. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [''];
  for (const word of printable(text).split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
