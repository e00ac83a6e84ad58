// `npx tsx bench/explain-fuzz.ts [INPUTS [SEED]]`: damaged logs of all forms, a million unless said otherwise, each explained and
// printed. Tells the time, the slowest input, and the first that broke something. The suite does a few thousand of them.
import { eventLines, headLines } from '../src/cli/explain-text.js';
import { explainText } from '../src/logs/explain.js';
import { eventJson } from '../src/report/explanation.js';
import { grouped } from '../src/text/count.js';
import { PLAIN } from '../src/text/diagnostic.js';
import { anyLog, FORBIDDEN, randomFrom } from '../test/any-log.js';

const [inputs = 1_000_000, first = 1] = process.argv.slice(2).map(Number);
const started = performance.now();
let bytes = 0;
let events = 0;
let slowest = { seed: 0, ms: 0, bytes: 0 };
let broken = 0;

function explainOne(seed: number): void {
  const log = anyLog(randomFrom(seed));
  const before = performance.now();
  const explanation = explainText(log, 'a.log');
  const ms = performance.now() - before;
  if (ms > slowest.ms) slowest = { seed, ms, bytes: log.length };
  bytes += log.length;
  events += explanation.events.length;
  const shown = [...headLines(explanation, PLAIN)];
  explanation.events.forEach((event, i) => {
    shown.push(...eventLines(event, i + 1, true, undefined, PLAIN), JSON.stringify(eventJson(event)));
  });
  const bad = shown.find((line) => FORBIDDEN.test(line));
  if (bad !== undefined) throw new Error(`shows a control character: ${JSON.stringify(bad)}`);
}

for (let seed = first; seed < first + inputs; seed++) {
  try {
    explainOne(seed);
  } catch (error) {
    broken++;
    process.exitCode = 1;
    if (broken <= 5) process.stdout.write(`seed ${seed}: ${error instanceof Error ? error.stack : error}\n`);
  }
}
const seconds = (performance.now() - started) / 1000;
process.stdout.write(
  [
    `${grouped(inputs)} logs, ${grouped(bytes / 1e6)} MB, ${grouped(events)} events, ${broken} broken`,
    `${seconds.toFixed(0)} s, ${grouped(inputs / seconds)} logs/s`,
    `slowest: seed ${slowest.seed}, ${slowest.bytes} bytes in ${slowest.ms.toFixed(1)} ms`,
    '',
  ].join('\n'),
);
