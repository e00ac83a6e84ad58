import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { ARTEFACT_IDS, ARTEFACTS } from './artefacts.js';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const page = read('../../docs/conform.md');

it('the page about conform lists the artefacts as they are declared', () => {
  const rows = page.split('\n').filter((line) => /^\| `[a-z-]+` \| (?:vtd|amdvi)/.test(line));
  expect(rows).toEqual(
    ARTEFACTS.map(({ id, iommu, what, why }) => `| \`${id}\` | ${iommu.join(', ')} | ${what} | ${why} |`),
  );
});

it('each artefact has an id of its own', () => {
  expect(new Set(ARTEFACT_IDS).size).toBe(ARTEFACT_IDS.length);
});

it('the page lists the suites that there are', () => {
  const suites = readdirSync(fileURLToPath(new URL('../../suites/', import.meta.url)));
  const section = page.slice(page.indexOf('## Suites'), page.indexOf('## Random programs'));
  const listed = [...section.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, names]) =>
    [...names!.matchAll(/`([\w-]+)`/g)].map(([, name]) => name!),
  );
  const there = suites.filter((name) => name.endsWith('.dommu')).map((name) => name.slice(0, -6));
  expect(listed.sort()).toEqual([...there, 'xl'].sort());
});
