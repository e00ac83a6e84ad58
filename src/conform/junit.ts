import type { ConformReport } from './conformance.js';
import { brokenProgram, differenceLines } from './report.js';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text as XML takes it: what it cannot hold (control characters, half a surrogate pair) becomes a space. */
const xml = (text: string): string =>
  text
    .replace(/[&<>"]/g, (c) => ENTITIES[c]!)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML 1.0 excludes.
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]/gu, ' ');

interface TestCase {
  /** What is tested, as CI systems group it. */
  readonly group: string;
  readonly name: string;
  readonly seconds: number;
  readonly skipped?: string;
  readonly failure?: { readonly message: string; readonly text: string };
  readonly error?: { readonly message: string; readonly text: string };
}

type Reported = Pick<
  ConformReport,
  'programs' | 'divergences' | 'xl' | 'dom0Tables' | 'seconds' | 'xen' | 'broken' | 'underWay'
>;

/** A campaign as JUnit’s XML, for CI systems that show test reports: a test case for everything that can differ. */
export function junitReport(suite: string, report: Reported): string {
  const cases = [...programCases(report), ...tableCases(report), ...xlCases(report), ...brokenCase(report)];
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const errors = cases.filter(({ error }) => error !== undefined).length;
  const skipped = cases.filter((one) => one.skipped !== undefined).length;
  const lines = cases.map((one) => {
    const classname = `${suite}.${one.group}`;
    const head = `<testcase classname="${xml(classname)}" name="${xml(one.name)}" time="${one.seconds.toFixed(3)}"`;
    if (one.skipped !== undefined) return `    ${head}><skipped message="${xml(one.skipped)}"/></testcase>`;
    const element = one.error === undefined ? 'failure' : 'error';
    const bad = one.error ?? one.failure;
    if (bad === undefined) return `    ${head}/>`;
    return `    ${head}><${element} message="${xml(bad.message)}">${xml(bad.text)}</${element}></testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    `  <testsuite name="${xml(suite)}" tests="${cases.length}" failures="${failures}" errors="${errors}" skipped="${skipped}" time="${report.seconds.toFixed(3)}">`,
    ...lines,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function programCases({
  programs,
  divergences,
}: Pick<ConformReport, 'programs' | 'divergences'>): TestCase[] {
  return programs.map(({ name, seconds, skipped, diverged }) => {
    const about = { group: 'programs', name, seconds, ...(skipped === undefined ? {} : { skipped }) };
    if (!diverged) return about;
    const found = divergences.find((one) => one.found === name);
    const text = found === undefined ? '' : [...differenceLines(found)].join('\n');
    const message = found === undefined ? 'diverged' : `${found.divergence.op}: ${found.rule}`;
    return { ...about, failure: { message, text } };
  });
}

function tableCases({ dom0Tables }: Pick<ConformReport, 'dom0Tables'>): TestCase[] {
  return dom0Tables.map(({ mode, tables, readable, writable, asExpected }) => {
    const about = { group: 'dom0', name: `page tables of a ${mode} dom0`, seconds: 0 };
    if (asExpected) return about;
    const message = `${readable} of ${tables} in reach of its devices, ${writable} to be written`;
    return { ...about, failure: { message, text: '' } };
  });
}

function xlCases({ xl }: Pick<ConformReport, 'xl'>): TestCase[] {
  return xl.map(({ config, predicted, real, agrees }) => {
    const about = { group: 'xl', name: config.trim().split('\n').join('; '), seconds: 0 };
    if (agrees) return about;
    const message = `exit code ${real.code}, dommu check says ${predicted.code}`;
    return { ...about, failure: { message, text: `${predicted.message}\n${real.stderr}` } };
  });
}

/** A machine that broke is an error of its own, named after what ran on it. */
function brokenCase({ broken, underWay, xen }: Pick<Reported, 'broken' | 'underWay' | 'xen'>): TestCase[] {
  if (broken === undefined) return [];
  const text = underWay === undefined ? broken.message : brokenProgram(underWay, broken.message, xen);
  const message = broken.message.split('\n', 1)[0]!;
  return [{ group: 'lab', name: underWay?.file ?? 'the machine', seconds: 0, error: { message, text } }];
}
