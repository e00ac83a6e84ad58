import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { explorePage } from '../../src/explore/page.js';
import type { ExploreSource } from '../../src/explore/source.js';
import { chromiumPath } from '../chromium.fixture.js';

/** The explorer in a browser, as a file, with what it complained of. */
export interface OpenPage {
  readonly page: Page;
  readonly errors: readonly string[];
  close(): Promise<void>;
}

let browser: Promise<Browser> | undefined;

/** One browser serves all pages of a file of tests. */
const theBrowser = (): Promise<Browser> =>
  (browser ??= chromium.launch({ executablePath: chromiumPath!, args: ['--no-sandbox'] }));

export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
  browser = undefined;
}

/** Opens the page of a program's text, editable or as it is exported, and waits until its run is shown. */
export async function openExplorer(
  source: Pick<ExploreSource, 'text'> & Partial<ExploreSource>,
  { step = 0, editable = true } = {},
): Promise<OpenPage> {
  const folder = mkdtempSync(join(tmpdir(), 'dommu-explore-'));
  const file = join(folder, 'explore.html');
  writeFileSync(
    file,
    explorePage({ source: { name: 'test.dommu', configs: {}, ...source }, step, editable }),
  );
  const open = await visit(pathToFileURL(file).href);
  await open.page.locator('#outcome strong').first().waitFor();
  return {
    ...open,
    close: async () => {
      await open.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Opens a page that is somewhere already: in a file, or served. */
export async function visit(url: string): Promise<OpenPage> {
  const page = await (await theBrowser()).newPage({ viewport: { width: 1280, height: 800 } });
  const errors: string[] = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(url);
  return { page, errors, close: () => page.close() };
}
