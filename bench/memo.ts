import { Memo } from '../src/check/memo.js';
import { processSeconds } from '../src/check/node-crew.js';
import { search } from '../src/check/search.js';
import { DEFAULT_ALPHABET } from '../src/program/alphabet-bounds.js';
import { type ConfigMachine, programOfConfigs } from '../src/program/configs-program.js';
import { sceneModel, type VerifyBounds } from '../src/program/verify.js';
import { resolveEdition } from '../src/xen/editions/edition.js';

/** The same search with and without a memo: what it is worth to remember what actions did. */
export interface MemoFigures {
  readonly machine: string;
  readonly states: number;
  readonly transitions: number;
  /** States a CPU second, the best of some rounds. */
  readonly plain: number;
  readonly memo: number;
  /** Bytes that the memo took. */
  readonly bytes: number;
}

interface Machine {
  readonly config: string;
  readonly edition: string;
  readonly pages: number;
  readonly host?: Partial<ConfigMachine>;
  readonly maxStates?: number;
}

const MACHINES: readonly Machine[] = [
  { config: 'guest-pv-nic.cfg', edition: '4.22', pages: 2 },
  { config: 'guest-pv-nic.cfg', edition: 'late-enable', pages: 2, maxStates: 60_000 },
  { config: 'guest-hvm-share.cfg', edition: '4.22', pages: 3, maxStates: 60_000 },
  {
    config: 'arm-guest.cfg',
    edition: '4.22',
    pages: 3,
    host: { arch: 'arm', iommu: 'smmu' },
    maxStates: 60_000,
  },
];
const HOST: ConfigMachine = {
  arch: 'x86',
  iommu: 'vtd',
  dom0Mode: 'relaxed',
  sharept: true,
  quarantine: true,
};
const ROUNDS = 3;

async function benchMachine({
  config,
  edition: name,
  pages,
  host,
  maxStates,
}: Machine): Promise<MemoFigures> {
  const edition = resolveEdition(name);
  const bounds: VerifyBounds = { ...DEFAULT_ALPHABET, pages, search: {} };
  const path = new URL(`../examples/${config}`, import.meta.url).pathname;
  const { program } = programOfConfigs([path], { ...HOST, ...host }, bounds, edition);
  const best = { plain: 0, memo: 0 };
  let counts = '';
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const how of ['plain', 'memo'] as const) {
      const { model } = sceneModel(program, edition, bounds);
      const searched = how === 'plain' ? model : new Memo(model);
      // Symmetry and the search for loops are no matter of the memo's.
      const within = maxStates === undefined ? {} : { maxStates };
      const options = { bounds: within, symmetries: false, cpuClock: processSeconds };
      const { states, transitions, cpuSeconds } = await search(searched, options);
      best[how] = Math.max(best[how], states / cpuSeconds);
      if (searched instanceof Memo) bytes = searched.bytes;
      const found = `${states} ${transitions}`;
      if (counts !== '' && counts !== found)
        throw new Error(`${config}: ${found} with a memo, ${counts} without`);
      counts = found;
    }
  }
  const [states, transitions] = counts.split(' ').map(Number) as [number, number];
  return { machine: `${config} on ${name}, ${pages} pages`, states, transitions, ...best, bytes };
}

export async function benchMemo(): Promise<MemoFigures[]> {
  const figures: MemoFigures[] = [];
  for (const machine of MACHINES) figures.push(await benchMachine(machine));
  return figures;
}

export function memoReport(figures: readonly MemoFigures[]): string {
  const number = (value: number) => Math.round(value).toLocaleString('en-US');
  const rows = figures.map(({ machine, states, transitions, plain, memo, bytes }) =>
    [
      `  ${machine}: ${number(states)} states, ${number(transitions)} transitions`,
      `    ${number(memo)} states, ${number((memo * transitions) / states)} transitions per CPU second;` +
        ` ${number(plain)} states without (ratio ${(memo / plain).toFixed(1)}); ${(bytes / 2 ** 20).toFixed(1)} MiB`,
    ].join('\n'),
  );
  return ['Searches that remember what actions did, on one core, without symmetry', ...rows].join('\n');
}
