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

describe('an example of a log', () => {
  it('of an Arm host whose network is dead names the grant, and why in this release', () => {
    const name = 'arm-network-dead.log';
    const log = readFileSync(new URL(`../examples/logs/${name}`, import.meta.url));
    const faults = explainText(log, name).events.filter(({ wrong }) => wrong);
    expect(faults).toMatchObject([
      {
        unit: 'smmuv2',
        device: '/smmu@fd800000',
        access: 'read',
        count: 2,
        causes: [{ id: 'grant-not-mapped' }, {}, {}],
      },
    ]);
    expect(readdirSync(new URL('../examples/logs/', import.meta.url))).toEqual([name]);
  });
});
