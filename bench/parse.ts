import { parseProgram } from '../src/program/parse.js';
import { InputError } from '../src/text/diagnostic.js';
import { SourceText } from '../src/text/source.js';
import { parseXlConfig } from '../src/toolstack/xl-cfg.js';

/** How the time to read a text grows with its length. */
export interface ParseFigures {
  readonly name: string;
  /** CPU seconds for the long text. */
  readonly seconds: number;
  /** How many times as long as for a text of an eighth of its length: 8 when the time is linear, 64 when quadratic. */
  readonly ratio: number;
}

const LENGTH = 240_000;
const ROUNDS = 3;

const config = (text: string) => parseXlConfig(new SourceText('bench.cfg', text));
const program = (text: string) => parseProgram(new SourceText('bench.dommu', text));

const TEXTS: readonly (readonly [string, (text: string) => unknown, (n: number) => string])[] = [
  ['xl config: one list', config, (n) => `a=[${'"x",'.repeat(n)}]`],
  ['xl config: one string', config, (n) => `a="${'\\n'.repeat(n)}"`],
  ['xl config: additions', config, (n) => `a="x"\n${'a+="x"\n'.repeat(n)}`],
  ['xl config: keys', config, (n) => Array.from({ length: n }, (_, i) => `k${i}=1`).join('\n')],
  ['xl config: comments', config, (n) => '# x\n'.repeat(n)],
  ['program: operations', program, (n) => 'checks 0x100\n  expect ok\n'.repeat(n)],
  ['program: one word', program, (n) => 'x'.repeat(100 * n)],
  ['program: one string', program, (n) => `mark "${'\\"'.repeat(10 * n)}"`],
  ['program: blocks', program, (n) => 'repeat 2\n'.repeat(n) + 'end\n'.repeat(n)],
];

function secondsFor(parse: (text: string) => unknown, text: string): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.cpuUsage();
    try {
      parse(text);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
    }
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1e6);
  }
  return best;
}

export async function benchParse(): Promise<readonly ParseFigures[]> {
  return TEXTS.map(([name, parse, make]) => {
    const short = secondsFor(parse, make(LENGTH / 8));
    const seconds = secondsFor(parse, make(LENGTH));
    return { name, seconds, ratio: seconds / short };
  });
}

export function parseReport(figures: readonly ParseFigures[]): string {
  const lines = figures.map(
    ({ name, seconds, ratio }) =>
      `  ${name.padEnd(24)} ${seconds.toFixed(3)} s, ${ratio.toFixed(1)} times as long as an eighth of the text`,
  );
  return ['parse: how the time to read a text grows (8: linear; 64: quadratic)', ...lines].join('\n');
}
