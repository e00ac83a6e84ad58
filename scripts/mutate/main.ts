// `npm run mutate`: breaks src/xen in ways in which people do, one at a time, and asks the search and then the tests whether
// they notice. Prints the score and the survivors.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Mutant, mutantsOf, mutated } from './mutants.js';

const USAGE = `npm run mutate [-- OPTIONS]
  --sample N     so many mutants, spread over all files (default 60); 0: all
  --seed N       which ones (default 1)
  --files TEXT   only files whose path contains TEXT
  --jobs N       so many at a time (default 2)
  --no-tests     only the search judges
  --json         one JSON object`;

const { values } = parseArgs({
  allowNegative: true,
  options: {
    sample: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    files: { type: 'string', default: '' },
    jobs: { type: 'string', default: '2' },
    tests: { type: 'boolean', default: true },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** What is data or words rather than rules, and who judges. */
const LEFT_OUT = /\.(test|fixture)\.ts$|^src\/xen\/(editions|invariants)\/|fault-lines|errno\.ts/;
const SECONDS = { search: 180, tests: 420 };

type Fate = 'search' | 'tests' | 'survived';
interface Judged extends Mutant {
  readonly fate: Fate;
  readonly by: string;
}

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => join(folder, path))
    .filter((path) => path.endsWith('.ts') && !LEFT_OUT.test(path) && path.includes(values.files))
    .sort();
}

/** A few of many, the same for the same seed. */
function sample(mutants: readonly Mutant[], count: number, seed: number): Mutant[] {
  const left = [...mutants];
  let state = seed >>> 0;
  for (let at = left.length - 1; at > 0; at--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (at + 1));
    [left[at], left[other]] = [left[other]!, left[at]!];
  }
  return count === 0 ? left : left.slice(0, count);
}

/** A copy of the repository in which one mutant at a time is put. */
class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'dommu-mutate-'));

  constructor() {
    for (const part of [
      'src',
      'test',
      'examples',
      'suites',
      'scripts',
      'docs',
      'package.json',
      'tsconfig.json',
      'vitest.config.ts',
    ])
      cpSync(join(ROOT, part), join(this.folder, part), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'));
  }

  async judge(mutant: Mutant): Promise<Judged> {
    const path = join(this.folder, mutant.file);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, mutated(text, mutant));
    try {
      const search = await this.run('npx', ['tsx', 'scripts/mutate/search-killer.ts'], SECONDS.search);
      if (search.failed) return { ...mutant, fate: 'search', by: search.why };
      if (!values.tests) return { ...mutant, fate: 'survived', by: '' };
      const beside = await this.run(
        'npx',
        ['vitest', 'run', '--bail=1', mutant.file.replace(/\.ts$/, '')],
        SECONDS.tests,
      );
      if (beside.failed && !beside.why.includes('No test files'))
        return { ...mutant, fate: 'tests', by: beside.why };
      const related = await this.run(
        'npx',
        ['vitest', 'related', '--run', '--bail=1', mutant.file],
        SECONDS.tests,
      );
      return { ...mutant, fate: related.failed ? 'tests' : 'survived', by: related.why };
    } finally {
      writeFileSync(path, text);
    }
  }

  private run(
    command: string,
    args: readonly string[],
    seconds: number,
  ): Promise<{ failed: boolean; why: string }> {
    return new Promise((resolve) => {
      let output = '';
      const child = spawn(command, args, {
        cwd: this.folder,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const note = (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-20_000);
      };
      child.stdout.on('data', note);
      child.stderr.on('data', note);
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        process.kill(-child.pid!, 'SIGKILL');
      }, seconds * 1000);
      child.on('close', (code) => {
        clearTimeout(timer);
        resolve({ failed: code !== 0, why: late ? `no end within ${seconds} s` : telling(output) });
      });
    });
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The line of some output that says most. */
function telling(output: string): string {
  const lines = output
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal
    .replace(/\u001b\[[0-9;]*m/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('npm '));
  return (
    lines.find((line) => /^(FAIL|×|[A-Z][A-Z0-9-]*: |\w*Error: |No test files)/.test(line)) ??
    lines.at(-1) ??
    ''
  );
}

const all = sources('src/xen').flatMap((file) => mutantsOf(file, readFileSync(join(ROOT, file), 'utf8')));
const chosen = sample(all, Number(values.sample), Number(values.seed));
if (!values.json) console.log(`${chosen.length} of ${all.length} mutants of src/xen`);
const judged: Judged[] = [];
const queue = [...chosen];
await Promise.all(
  Array.from({ length: Number(values.jobs) }, async () => {
    const bench = new Bench();
    try {
      for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
        const one = await bench.judge(mutant);
        judged.push(one);
        if (!values.json) console.log(line(one));
      }
    } finally {
      bench.close();
    }
  }),
);
report();

function line({ file, line: at, kind, from, to, fate, by }: Judged): string {
  const short = (text: string) => text.replace(/\s+/g, ' ').slice(0, 50);
  return `${fate.padEnd(9)} ${relative('src/xen', file)}:${at} ${kind}: ${short(from)} → ${short(to)}${by === '' ? '' : `  (${short(by)})`}`;
}

function report(): void {
  const of = (fate: Fate) => judged.filter((one) => one.fate === fate);
  const share = (count: number) => `${count} (${((count / judged.length) * 100).toFixed(0)} %)`;
  const killed = of('search').length + of('tests').length;
  if (values.json) {
    const totals = {
      mutants: all.length,
      judged: judged.length,
      search: of('search').length,
      tests: of('tests').length,
    };
    console.log(
      JSON.stringify({ ...totals, score: killed / judged.length, survivors: of('survived') }, null, 2),
    );
    return;
  }
  console.log(
    `\nscore ${share(killed)}: the search killed ${share(of('search').length)}, the tests ${share(of('tests').length)}`,
  );
  console.log(`survivors: ${of('survived').length}`);
  for (const one of of('survived')) console.log(`  ${line(one)}`);
}
