import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseProgramText, withConfigTexts } from '../program/load.js';
import { runProgram } from '../program/runner.js';
import { readTextFile } from '../text/read-file.js';
import { DESIGNS, resolveEdition } from '../xen/editions/edition.js';
import { BRANCHES, releaseName, requireRelease } from '../xen/editions/release.js';
import { type Contradiction, contradiction, ReachedRules } from './reached.js';
import { editionsNamed } from './releases-line.js';
import { keyOf, type Rule, releasesOf, sectionOf } from './rule.js';
import { RULES } from './rules.js';

/** A step that the table of rules and the model answer differently: where. */
export interface Contradicted extends Contradiction {
  readonly program: string;
  readonly line: number;
  readonly edition: string;
}

/** Which rules programs have reached, and by which kind of program. */
export interface Account {
  readonly rules: readonly RuleAccount[];
  readonly programs: number;
  readonly runs: number;
  readonly contradictions: readonly Contradicted[];
}

export interface RuleAccount {
  readonly id: string;
  readonly section: string;
  readonly operations: readonly string[];
  readonly status: string;
  /** The function in src/xen that states it; null for situations that a rung already has. */
  readonly fn: string | null;
  readonly releases: string;
  /** Kinds of programs that reach it: `errnos`, `suites`. */
  readonly by: readonly string[];
  /** Why no program can; null for a rule that some can. */
  readonly excuse: string | null;
}

/** Programs of one kind. */
export interface Source {
  readonly kind: string;
  readonly files: readonly string[];
}

/** x.y.0 of every branch, and the designs: where a program that names no editions is run. */
const EVERYWHERE: readonly string[] = [
  ...BRANCHES.map((branch) => releaseName(requireRelease(branch))),
  ...Object.keys(DESIGNS),
];

/** Runs the programs of all sources and accounts for the rules that they reach. `elsewhere`: keys of rules reached by others. */
export function accountFor(
  sources: readonly Source[],
  elsewhere: ReadonlyMap<string, ReadonlySet<string>> = new Map(),
): Account {
  const reached = new Map<string, ReachedRules>();
  const contradictions: Contradicted[] = [];
  let runs = 0;
  for (const { kind, files } of sources) {
    const rules = reached.get(kind) ?? new ReachedRules(RULES);
    reached.set(kind, rules);
    for (const file of files) runs += runIn(file, rules, contradictions);
  }
  const by = (rule: Rule): string[] => [
    ...[...reached].filter(([, rules]) => rules.has(rule)).map(([kind]) => kind),
    ...[...elsewhere].filter(([, keys]) => keys.has(keyOf(rule))).map(([kind]) => kind),
  ];
  return {
    rules: RULES.map((rule) => ({
      id: rule.id,
      section: sectionOf(rule),
      operations: rule.ops,
      status: rule.status,
      fn: rule.fn ?? null,
      releases: releasesOf(rule),
      by: by(rule),
      excuse: rule.excuse ?? null,
    })),
    programs: sources.reduce((sum, { files }) => sum + files.length, 0),
    runs,
    contradictions,
  };
}

/** Runs one program in the editions that it names, or everywhere. Returns how many. */
function runIn(file: string, reached: ReachedRules, contradictions: Contradicted[]): number {
  const source = readTextFile(file, 'a program (.dommu, or its JSON form)');
  const program = withConfigTexts(parseProgramText(source));
  const own = program.edition === undefined ? EVERYWHERE : [program.edition];
  const editions = editionsNamed(source.text, file) ?? own;
  for (const name of editions) {
    const edition = resolveEdition(name);
    runProgram(program, edition, {
      check: 'none',
      changes: false,
      watch: (xen, names, statement) => {
        const premise = reached.before(xen, names, statement);
        return (status) => {
          reached.after(premise, status);
          const wrong = contradiction(premise, status);
          if (wrong === undefined) return;
          contradictions.push({ ...wrong, program: file, line: statement.line, edition: edition.name });
        };
      },
    });
  }
  return editions.length;
}

/** The programs in a folder, not below it. */
export function programsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /\.(dommu|json)$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** Rules that nothing reaches and nobody excuses. */
export const missingOf = ({ rules }: Account): RuleAccount[] =>
  rules.filter(({ by, excuse }) => by.length === 0 && excuse === null);

/** Rules that are reached although somebody says that they cannot be: the excuse is out of date. */
export const staleOf = ({ rules }: Account): RuleAccount[] =>
  rules.filter(({ by, excuse }) => by.length > 0 && excuse !== null);
