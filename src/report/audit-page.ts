import type { Finding } from '../audit/findings/finding.js';
import type { Survey } from '../audit/survey.js';
import { PAGE_SIZE, R, W } from '../formats/address.js';
import { counted, sizeText } from '../text/count.js';
import type { PageData } from './audit-page-data.js';
import { escapedHtml, filledIn, hashOf, pagePart, scriptJson } from './page-parts.js';

/**
 * The audit as one HTML page that needs nothing else: what each device reaches as a picture, and the findings. The page
 * runs no script but its own, whose hash it names, and asks nobody for anything.
 */
export function* auditPage(survey: Survey, findings: readonly Finding[]): Generator<string> {
  const [script, style] = [pagePart('audit.js'), pagePart('audit.css')];
  const ram = survey.image.ram.reduce((sum, { start, end }) => sum + end - start, 0);
  const summary = [
    counted(survey.units.length, 'IOMMU unit'),
    counted(survey.devices.length, 'device'),
    `${sizeText(ram)} of memory`,
    counted(findings.length, 'finding'),
  ].join(', ');
  yield* filledIn(pagePart('audit.html'), {
    TITLE: escapedHtml(`What devices reach: ${survey.image.name}`),
    SUMMARY: escapedHtml(summary),
    STYLE: style,
    SCRIPT: script,
    'STYLE-HASH': hashOf(style),
    'SCRIPT-HASH': hashOf(script),
    DATA: pageData(survey, findings),
  });
}

/** The data in pieces; ranges may be many. */
function* pageData(survey: Survey, findings: readonly Finding[]): Generator<string> {
  const head: Omit<PageData, 'spaces'> = {
    source: survey.image.name,
    devices: survey.devices.map(({ sbdf, domainId, translation, note, space, rights }) => {
      return { sbdf, domainId, translation, note, space, rights: rights & (R | W) };
    }),
    findings: findings.map(({ severity, code, message, sbdf, start, end }) => {
      return { severity, code, message, sbdf: sbdf ?? null, start: start ?? null, end: end ?? null };
    }),
    memoryEnd: survey.image.ram.reduce((last, { end }) => Math.max(last, Math.ceil(end / PAGE_SIZE)), 1),
  };
  yield `${scriptJson(head).slice(0, -1)},"spaces":[`;
  for (const [i, { ranges }] of survey.spaces.entries()) {
    yield i === 0 ? '[' : ',[';
    for (let k = 0; k < ranges.length; k++) {
      const input = ranges.input(k);
      const numbers = `${input},${input + ranges.count(k)},${ranges.frame(k)},${ranges.rights(k) & (R | W)}`;
      yield k === 0 ? numbers : `,${numbers}`;
    }
    yield ']';
  }
  yield ']}';
}
