import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { Finding } from '../audit/findings/finding.js';
import type { Survey } from '../audit/survey.js';
import { PAGE_SIZE, R, W } from '../formats/address.js';
import { counted, sizeText } from '../text/count.js';
import type { PageData } from './audit-page-data.js';

/** Where `npm run build` puts the parts of pages, seen from the sources and from what is built of them. */
const FOLDERS = ['../../dist/web/', '../web/'].map((folder) => new URL(folder, import.meta.url));

function part(name: string): string {
  const folder = FOLDERS.find((candidate) => existsSync(new URL(name, candidate)));
  if (folder === undefined) throw new Error(`${name} of the page is missing; npm run build makes it`);
  return readFileSync(new URL(name, folder), 'utf8');
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64');

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char]!);

/**
 * The audit as one HTML page that needs nothing else: what each device reaches as a picture, and the findings. The page
 * runs no script but its own, whose hash it names, and asks nobody for anything.
 */
export function* auditPage(survey: Survey, findings: readonly Finding[]): Generator<string> {
  const [script, style] = [part('audit.js'), part('audit.css')];
  const ram = survey.image.ram.reduce((sum, { start, end }) => sum + end - start, 0);
  const summary = [
    counted(survey.units.length, 'IOMMU unit'),
    counted(survey.devices.length, 'device'),
    `${sizeText(ram)} of memory`,
    counted(findings.length, 'finding'),
  ].join(', ');
  const values: Readonly<Record<string, string>> = {
    TITLE: escaped(`What devices reach: ${survey.image.name}`),
    SUMMARY: escaped(summary),
    STYLE: style,
    SCRIPT: script,
    'STYLE-HASH': hashOf(style),
    'SCRIPT-HASH': hashOf(script),
  };
  const pieces = part('audit.html').split(/\b(TITLE|SUMMARY|STYLE-HASH|SCRIPT-HASH|STYLE|SCRIPT|DATA)\b/);
  for (const [i, piece] of pieces.entries()) {
    if (i % 2 === 0) yield piece;
    else if (piece === 'DATA') yield* pageData(survey, findings);
    else yield values[piece]!;
  }
}

/** The data in pieces; ranges may be many. `<` cannot end the script element that it stands in. */
function* pageData(survey: Survey, findings: readonly Finding[]): Generator<string> {
  const json = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');
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
  yield `${json(head).slice(0, -1)},"spaces":[`;
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
