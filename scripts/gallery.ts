import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Finding, findBug, searchWithoutBug } from '../src/bugs/find.js';
import { GALLERY, INEXPRESSIBLE, requireBug } from '../src/bugs/gallery.js';

/**
 * `npm run gallery`: finds every bug of the gallery and prints the table, with --write into docs/gallery.md, too; exits with
 * 1 if one is not found.
 */

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
  allowPositionals: true,
});

interface Row extends Finding {
  /** Found with the bug, and nothing without it in as many states. */
  readonly proven: boolean;
}

async function row(id: string): Promise<Row> {
  const finding = await findBug(requireBug(id, 'BUG'));
  const without = await searchWithoutBug(finding.bug, Math.min(20_000, finding.states + 1000));
  return { ...finding, proven: finding.found && without.invariant === undefined };
}

const rows: Row[] = [];
for (const id of positionals.length > 0 ? positionals : GALLERY.map((bug) => bug.id)) {
  const one = await row(id);
  rows.push(one);
  if (!values.json) console.log(line(one));
}

function line({ bug, proven, invariant, states, length, seconds }: Row): string {
  const what = proven ? (invariant ?? '') : `NOT FOUND${invariant === undefined ? '' : ` (${invariant})`}`;
  return `${bug.id.padEnd(22)} ${bug.class}  ${what.padEnd(14)} ${String(states).padStart(9)} ${String(length ?? '-').padStart(3)} ${seconds.toFixed(2).padStart(7)}`;
}

if (values.json) {
  const json = rows.map(({ bug, proven, invariant, states, length, seconds }) => ({
    id: bug.id,
    class: bug.class,
    invariant: invariant ?? null,
    found: proven,
    states,
    length: length ?? null,
    seconds,
  }));
  console.log(JSON.stringify(json, null, 2));
} else {
  for (const letter of ['A', 'B', 'C', 'D'] as const) {
    const of = rows.filter(({ bug }) => bug.class === letter);
    const lacking = INEXPRESSIBLE.filter((one) => one.class === letter).length;
    console.log(
      `class ${letter}: ${of.filter(({ proven }) => proven).length} of ${of.length} found; ${lacking} cannot be expressed`,
    );
  }
}
if (values.write) writeFileSync(new URL('../docs/gallery.md', import.meta.url), table());

/** The table without seconds, which are another machine's each time. */
function table(): string {
  const cells = (...texts: readonly (string | number)[]) => `| ${texts.join(' | ')} |`;
  return [
    '# The gallery',
    '',
    '<!-- Written by `npm run gallery -- --write`. -->',
    '',
    'What each search found first: the invariant, the states looked at until then, the operations of the shortest program from',
    'the scene on. [`dommu bugs ID`](bugs.md) tells the story of one.',
    '',
    cells('bug', 'class', 'year', 'invariant', 'states', 'length', 'what'),
    cells('---', '---', '---', '---', '---:', '---:', '---'),
    ...rows.map(({ bug, invariant, states, length }) =>
      cells(bug.id, bug.class, bug.year, invariant ?? 'not found', states, length ?? '', bug.title),
    ),
    '',
    '## What the model cannot have',
    '',
    cells('bug', 'class', 'it lacks'),
    cells('---', '---', '---'),
    ...INEXPRESSIBLE.map((one) => cells(one.id, one.class, one.lacks)),
    '',
  ].join('\n');
}

process.exitCode = rows.every(({ proven }) => proven) ? 0 : 1;
