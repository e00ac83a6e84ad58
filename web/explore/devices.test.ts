import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { chromiumPath, needsChromium } from '../chromium.fixture.js';
import { accessibilityProblems } from './axe.fixture.js';
import { closeBrowser, openExplorer } from './page.fixture.js';

const example = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../examples/${name}.dommu`, import.meta.url)), 'utf8');

afterAll(closeBrowser);

describe.skipIf(chromiumPath === undefined)(`the tab of the devices${needsChromium}`, () => {
  it('shows what a device reaches, marks a frame that is picked, and says which remembered entry is stale', async () => {
    const { page, errors, close } = await openExplorer({ text: example('smmuv3-vmid-reuse') }, { step: 5 });
    await page.getByRole('tab', { name: 'Devices' }).click();
    await page.locator('#devices .ranges').waitFor();
    expect(await page.locator('#devices .ranges tbody tr').allTextContents()).toEqual([
      '0x400000x1041rwd1✓ permits',
    ]);
    await page.locator('#devices .ranges').getByRole('button', { name: '0x104' }).click();
    await page.locator('#devices .ranges tr.picked').waitFor();
    expect(await page.locator('#devices .unit tr.picked').count()).toBe(1);
    await page.keyboard.press('End');
    await page.locator('html[data-step="9"]').waitFor();
    expect(await page.locator('#devices .unit tbody').textContent()).toContain(
      '✗ stale: the tables do not map 0x40000',
    );
    expect(errors).toEqual([]);
    await close();
  });

  it.each(['light', 'dark'] as const)('is accessible, in %s', async (colorScheme) => {
    const { page, close } = await openExplorer(
      { text: example('arm-grant-fault'), edition: '4.15' },
      { step: 5 },
    );
    await page.emulateMedia({ colorScheme });
    await page.getByRole('tab', { name: 'Devices' }).click();
    await page.locator('#devices .ranges').waitFor();
    await page.locator('#devices .ranges').getByRole('button', { name: '0x8424cb' }).first().click();
    expect(await accessibilityProblems(page, '#devices')).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await close();
  });
});
