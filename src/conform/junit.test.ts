import { describe, expect, it } from 'vitest';
import { LabError } from '../lab/machine-api.js';
import { parseProgramText } from '../program/load.js';
import { SourceText } from '../text/source.js';
import type { FoundDivergence } from './campaign.js';
import { junitReport } from './junit.js';

type Report = Parameters<typeof junitReport>[1];

const divergence: FoundDivergence = {
  found: 'a "b" <c> & d.dommu',
  program: { file: '', machine: {} as never, configs: [], steps: [] },
  rule: '§3.3',
  divergence: {
    step: 0,
    statement: { line: 0, column: 0, op: 'dma', args: {}, expect: [] },
    op: 'dma e "read" 0x1',
    differences: [{ what: 'log', model: '', real: '<fault> & \u001b[31m\ud800\uffff]]>' }],
    log: [],
    requests: [],
  },
};

const report: Report = {
  xen: '4.17.7',
  seconds: 1.5,
  divergences: [divergence],
  programs: [
    { name: 'good.dommu', operations: 3, diverged: false, seconds: 0.25 },
    { name: 'arm.dommu', operations: 0, diverged: false, seconds: 0, skipped: 'an Arm machine: <none>' },
    { name: divergence.found, operations: 1, diverged: true, seconds: 0.001 },
  ],
  dom0Tables: [
    { mode: 'strict', tables: 900, readable: 1, writable: 0, asExpected: false },
    { mode: 'relaxed', tables: 900, readable: 900, writable: 900, asExpected: true },
  ],
  xl: [
    {
      config: 'name = "x"\ntype = "pv"\n',
      predicted: { code: 0, message: '' },
      real: { code: 1, stderr: 'a & b' },
      agrees: false,
    },
  ],
};

/** Elements of a text, their attributes unescaped. Throws at what is not well-formed. */
function elements(text: string): { readonly name: string; readonly attributes: Record<string, string> }[] {
  const found: { name: string; attributes: Record<string, string> }[] = [];
  const open: string[] = [];
  const plain = (escaped: string): string => {
    if (/[<>"]|&(?!(?:amp|lt|gt|quot);)/.test(escaped)) throw new Error(`not escaped: ${escaped}`);
    const entities = { amp: '&', lt: '<', gt: '>', quot: '"' } as const;
    return escaped.replace(/&(\w+);/g, (_, name: keyof typeof entities) => entities[name]);
  };
  const body = text.replace(/^<\?xml [^?]*\?>/, '');
  for (const [, characters, closing, name, attributes, empty] of body.matchAll(
    /([^<]*)<(\/?)(\w+)((?: \w+="[^"]*")*)(\/?)>/g,
  )) {
    plain(characters!);
    if (closing === '/') {
      if (open.pop() !== name) throw new Error(`</${name}> closes nothing`);
      continue;
    }
    const pairs = [...attributes!.matchAll(/ (\w+)="([^"]*)"/g)].map(([, key, value]) => [
      key,
      plain(value!),
    ]);
    found.push({ name: name!, attributes: Object.fromEntries(pairs) });
    if (empty !== '/') open.push(name!);
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)}> stays open`);
  const left = body.replace(/[^<]*<\/?\w+(?: \w+="[^"]*")*\/?>/g, '').trim();
  if (left !== '') throw new Error(`what is no element: ${left}`);
  return found;
}

describe('a report in JUnit’s XML', () => {
  const text = junitReport('dommu conform', report);
  const all = elements(text);
  const cases = all.filter(({ name }) => name === 'testcase');

  it('is well-formed whatever programs and logs hold', () => {
    expect(cases.map(({ attributes }) => attributes.name)).toContain('a "b" <c> & d.dommu');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML excludes
    expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\uffff]/u);
    expect(Buffer.from(text, 'utf8').toString('utf8')).toBe(text);
  });

  it('counts cases, failures and what was left out', () => {
    const suite = all.find(({ name }) => name === 'testsuite')!.attributes;
    expect(suite).toMatchObject({ tests: '6', failures: '3', skipped: '1', errors: '0', time: '1.500' });
    expect(cases).toHaveLength(6);
    expect(all.filter(({ name }) => name === 'failure')).toHaveLength(3);
  });

  it('says why a program was left out, and by which rule one failed', () => {
    const of = (element: string) => all.filter(({ name }) => name === element).map((one) => one.attributes);
    expect(of('skipped')).toEqual([{ message: 'an Arm machine: <none>' }]);
    expect(of('failure')[0]).toEqual({ message: 'dma e "read" 0x1: §3.3' });
  });

  it('has a failure for each config on which xl disagrees, and for page tables in reach', () => {
    const groups = cases.map(({ attributes }) => attributes.classname);
    expect(groups).toEqual([
      ...Array(3).fill('dommu conform.programs'),
      ...Array(2).fill('dommu conform.dom0'),
      'dommu conform.xl',
    ]);
    expect(text).toContain('message="exit code 1, dommu check says 0"');
    expect(text).toContain('message="1 of 900 in reach of its devices, 0 to be written"');
  });

  it('has an error where a machine broke, with the program that ran on it', () => {
    const underWay = parseProgramText(new SourceText('last.dommu', 'createdomain a\npopulate_physmap a P'));
    const broken = new LabError('QEMU has ended; <last lines>:\n  & more', 3);
    const withError = junitReport('dommu conform', { ...report, broken, underWay });
    const found = elements(withError);
    expect(found.find(({ name }) => name === 'testsuite')!.attributes).toMatchObject({
      tests: '7',
      errors: '1',
    });
    expect(found.filter(({ name }) => name === 'testcase').at(-1)!.attributes).toMatchObject({
      classname: 'dommu conform.lab',
      name: 'last.dommu',
    });
    expect(withError).toContain('populate_physmap a P');
  });

  it('of nothing has no cases', () => {
    const none = junitReport('none', {
      xen: '',
      programs: [],
      divergences: [],
      xl: [],
      dom0Tables: [],
      seconds: 0,
    });
    expect(elements(none).map(({ name }) => name)).toEqual(['testsuites', 'testsuite']);
  });
});
