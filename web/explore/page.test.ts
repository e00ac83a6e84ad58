import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { chromiumPath, needsChromium } from '../chromium.fixture.js';
import { closeBrowser, openExplorer } from './page.fixture.js';

const example = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../examples/${name}`, import.meta.url)), 'utf8');

afterAll(closeBrowser);

describe.skipIf(chromiumPath === undefined)(`the explorer in a browser${needsChromium}`, () => {
  it('shows what a step did, and goes from step to step', async () => {
    const { page, errors, close } = await openExplorer({ text: example('arm-grant-fault.dommu') });
    expect(await page.textContent('#outcome strong')).toBe('ok');
    await page.getByRole('button', { name: 'forward' }).click();
    await page.locator('.steps [aria-current] .number', { hasText: '1' }).waitFor();
    expect(await page.locator('#outcome li').count()).toBeGreaterThan(0);
    expect(errors).toEqual([]);
    await close();
  });
});
