import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explainText } from '../src/logs/explain.js';
import { FIXTURES } from './any-log.js';
import { told } from './told-events.js';

/**
 * What was reported by users (the first line of each file says where), and what an expert says of it: the expected results were
 * reviewed one by one, line for line against the report, and are not recorded from what dommu printed.
 */
const expected = (name: string) => new URL(name.replace(/txt$/, 'expected.json'), FIXTURES);
const logs = readdirSync(FIXTURES).filter((name) => name.endsWith('.txt'));

describe('a reported log', () => {
  it.each(logs)('%s is explained as an expert does', (name) => {
    const { events } = explainText(readFileSync(new URL(name, FIXTURES)), name);
    expect(events.map(told)).toEqual(JSON.parse(readFileSync(expected(name), 'utf8')));
  });
});
