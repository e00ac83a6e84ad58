import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explorePage } from '../../src/explore/page.js';
import { chromiumPath, needsChromium } from '../chromium.fixture.js';
import { accessibilityProblems } from './axe.fixture.js';
import { closeBrowser, openExplorer, visit } from './page.fixture.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dommu-explore-'));
});
afterAll(async () => {
  await closeBrowser();
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(chromiumPath === undefined)(`what goes wrong on the explorer's page${needsChromium}`, () => {
  it('is told, of a program, with file, line, column and hint, and nothing of it is taken for markup', async () => {
    const file = join(folder, 'bad.html');
    const text = 'createdomain guest\npopulate_fysmap <img/src=x/onerror=alert(1)> P\n';
    const source = { name: 'bad<b>.dommu', text, configs: {} };
    writeFileSync(file, explorePage({ source, step: 0, editable: true }));
    const { page, errors, close } = await visit(pathToFileURL(file).href);
    const notice = page.getByRole('alert');
    await notice.waitFor();
    expect(await notice.textContent()).toMatch(/^✗ bad<b>\.dommu:2:1: .*populate_fysmap/);
    expect(await notice.locator('.hint').textContent()).toContain('populate_physmap');
    expect(await page.locator('img, h1 b').count()).toBe(0);
    expect(await accessibilityProblems(page)).toEqual([]);
    expect(errors).toEqual([]);
    await close();
  });

  it('is told, of the page itself, as what it is, until it is dismissed', async () => {
    const { page, close } = await openExplorer({ text: 'createdomain guest\n' });
    await page.evaluate(`setTimeout(() => { throw new Error('a cable came loose'); })`);
    const notice = page.getByRole('alert');
    await notice.waitFor();
    expect(await notice.textContent()).toContain(
      'An error inside dommu, not in the program: a cable came loose',
    );
    await notice.getByRole('button', { name: 'Dismiss' }).click();
    await notice.waitFor({ state: 'detached' });
    await close();
  });

  it('is told where the model does not start', async () => {
    const file = join(folder, 'no-model.html');
    const source = { name: 'a.dommu', text: 'createdomain guest\n', configs: {} };
    const html = explorePage({ source, step: 0, editable: true });
    writeFileSync(file, html.replace('worker-src blob:', "worker-src 'none'"));
    const { page, close } = await visit(pathToFileURL(file).href);
    const notice = page.getByRole('alert');
    await notice.waitFor();
    expect(await notice.textContent()).toContain('the script of a worker did not load');
    await close();
  });
});
