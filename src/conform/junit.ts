import type { ConformReport } from './conformance.js';
import { differenceLines } from './report.js';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text as XML takes it: control characters, which it cannot hold, become spaces. */
const xml = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML 1.0 excludes.
  text.replace(/[&<>"]/g, (c) => ENTITIES[c]!).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, ' ');

/** A campaign as JUnit’s XML, one test case a program, for CI systems that show test reports. */
export function junitReport(
  suite: string,
  { programs, divergences, seconds }: Pick<ConformReport, 'programs' | 'divergences' | 'seconds'>,
): string {
  const failures = programs.filter(({ diverged }) => diverged).length;
  const skipped = programs.filter((program) => program.skipped !== undefined).length;
  const cases = programs.map(({ name, seconds: time, skipped: reason, diverged }) => {
    const head = `<testcase classname="${xml(suite)}" name="${xml(name)}" time="${time.toFixed(3)}"`;
    if (reason !== undefined) return `    ${head}><skipped message="${xml(reason)}"/></testcase>`;
    if (!diverged) return `    ${head}/>`;
    const found = divergences.find((one) => one.found === name);
    const text = found === undefined ? '' : [...differenceLines(found)].join('\n');
    const message = found === undefined ? 'diverged' : `${found.divergence.op}: ${found.rule}`;
    return `    ${head}><failure message="${xml(message)}">${xml(text)}</failure></testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    `  <testsuite name="${xml(suite)}" tests="${programs.length}" failures="${failures}" errors="0" skipped="${skipped}" time="${seconds.toFixed(3)}">`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}
