import { parseArgs } from 'node:util';
import { type Finding, findBug, searchWithoutBug } from '../src/bugs/find.js';
import { GALLERY, INEXPRESSIBLE, requireBug } from '../src/bugs/gallery.js';

/** `npm run gallery`: finds every bug of the gallery and prints the table; exits with 1 if one is not found. */

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
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
process.exitCode = rows.every(({ proven }) => proven) ? 0 : 1;
