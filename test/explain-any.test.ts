import { describe, expect, it } from 'vitest';
import { eventLines, headLines } from '../src/cli/explain-text.js';
import { Assembler } from '../src/logs/assemble.js';
import { explainText } from '../src/logs/explain.js';
import { LogFacts } from '../src/logs/facts.js';
import { FORMS } from '../src/logs/forms/all.js';
import { LineScanner } from '../src/logs/lines.js';
import { Wordings } from '../src/logs/wordings.js';
import { eventJson } from '../src/report/explanation.js';
import { PLAIN } from '../src/text/diagnostic.js';
import { anyLog, FORBIDDEN, randomFrom } from './any-log.js';

describe('any log', () => {
  it('is explained, and no control character of it is shown', () => {
    let events = 0;
    for (let seed = 0; seed < 2000; seed++) {
      const log = anyLog(randomFrom(seed));
      const explanation = explainText(log, 'a.log');
      const text = [...headLines(explanation, PLAIN)];
      explanation.events.forEach(
        (event, i) => void text.push(...eventLines(event, i + 1, true, undefined, PLAIN)),
      );
      for (const line of text) expect(line, `seed ${seed}`).not.toMatch(FORBIDDEN);
      const json = JSON.stringify(explanation.events.map((event) => eventJson(event)));
      expect(json, `seed ${seed}`).not.toMatch(FORBIDDEN);
      expect(json, `seed ${seed}`).not.toMatch(/\\u00[01]|"__proto__":/);
      events += explanation.events.length;
    }
    // Damage leaves most of them recognisable: the test reads what it means to read.
    expect(events).toBeGreaterThan(1500);
  });
});

const wordings = new Wordings(FORMS);

/** The steps that a log takes, in characters compared. */
function stepsOf(log: string): number {
  const assembler = new Assembler(wordings, new LogFacts(), () => {});
  const scanner = new LineScanner(wordings.triggers, (line) => assembler.line(line));
  scanner.push(Buffer.from(log));
  scanner.end();
  assembler.end();
  return assembler.steps;
}

describe('the time that a log takes', () => {
  const keys = [...new Set(FORMS.flatMap(({ texts }) => texts.map((text) => text.replace(/[{<\\].*/s, ''))))];

  it.each([
    ['a line of one key again and again', (key: string, n: number) => key.repeat(n)],
    ['lines that all break off', (key: string, n: number) => `${key}\n`.repeat(n)],
    ['a key and a long field', (key: string, n: number) => `${key}${'a'.repeat(n * 10)}`],
    ['a key and many blanks', (key: string, n: number) => `${key}${' '.repeat(n * 10)}${key}`],
  ])('grows with its length and no faster: %s', (_, make) => {
    for (const key of keys) {
      const short = stepsOf(make(key, 128));
      const long = stepsOf(make(key, 1024));
      expect(long, key).toBeLessThanOrEqual(9 * short + 20_000);
    }
  });

  it('is bounded by its length where keys of all forms stand behind one another', () => {
    const line = keys.join(' ').slice(0, 60_000);
    expect(stepsOf(line)).toBeLessThanOrEqual(300 * line.length);
    const lines = `${line}\n`.repeat(8);
    expect(stepsOf(lines)).toBeLessThanOrEqual(300 * lines.length);
  });
});
