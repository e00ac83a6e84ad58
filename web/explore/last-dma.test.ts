import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { chromiumPath, needsChromium } from '../chromium.fixture.js';
import { accessibilityProblems } from './axe.fixture.js';
import { closeBrowser, openExplorer } from './page.fixture.js';

const example = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../examples/${name}.dommu`, import.meta.url)), 'utf8');

afterAll(closeBrowser);

async function lastDma(name: string, step: number, edition?: string) {
  const open = await openExplorer(
    { text: example(name), ...(edition !== undefined && { edition }) },
    { step },
  );
  await open.page.getByRole('tab', { name: 'Last DMA' }).click();
  await open.page.locator('.way').first().waitFor();
  return open;
}

describe.skipIf(chromiumPath === undefined)(`the tab of the last DMA${needsChromium}`, () => {
  it('draws the way of the second founding bug up to the entry that is missing, and asks who wrote a bit', async () => {
    const { page, errors, close } = await lastDma('arm-grant-fault', 5, '4.12');
    const boxes = page.locator('.way').first().getByRole('button');
    expect(await boxes.locator('strong').allTextContents()).toEqual([
      'eth0',
      'stream mapping',
      'context bank',
      'level 1',
    ]);
    const last = boxes.nth(3);
    expect(await last.textContent()).toContain('✗ ends here');
    // What ended the access is looked at first, and its bit says so.
    expect(await last.getAttribute('aria-current')).toBe('true');
    expect(await page.locator('.bit-fields tr.decides th').textContent()).toBe('valid');
    expect(await page.locator('#last-dma .way-rule').textContent()).toContain('the entry is missing');
    await page.locator('.bit-fields tr.decides button.value').click();
    await expect.poll(() => page.locator('#why').textContent()).toContain('valid');

    // From box to box with the arrow keys.
    await last.focus();
    await page.keyboard.press('ArrowLeft');
    expect(await boxes.nth(2).getAttribute('aria-current')).toBe('true');
    expect(await page.locator('.way-word h3').textContent()).toContain('context bank');
    expect(await page.locator('html').getAttribute('data-step')).toBe('5');
    expect(errors).toEqual([]);
    await close();
  });

  it('walks an address that the reader types in, and says what is wrong with one that is none', async () => {
    const { page, errors, close } = await lastDma('arm-grant-fault', 5, '4.15');
    await page.getByRole('button', { name: 'walk another' }).click();
    const address = page.getByLabel('bus address, in hex');
    // It begins with the access that was shown.
    expect(await address.inputValue()).toBe('0x8424cb148');
    await page.locator('.way-verdict', { hasText: 'The access goes to frame 0x8424cb' }).waitFor();
    await address.fill('0x8424cbzz');
    expect(await page.getByRole('alert').textContent()).toContain('hexadecimal');
    expect(await address.getAttribute('aria-invalid')).toBe('true');
    await address.fill('8424cb148');
    await page.getByLabel('does').selectOption('write');
    await page.locator('.way-verdict', { hasText: 'Refused at level 3' }).waitFor();
    expect(await page.locator('.bit-fields tr.decides th').textContent()).toBe('access');
    expect(await page.locator('#last-dma .log').textContent()).toContain('fsynr=0xb0013');
    expect(errors).toEqual([]);
    await close();
  });

  it.each(['light', 'dark'] as const)(
    'is accessible, in %s, with an entry of 512 bits open',
    async (colorScheme) => {
      const { page, close } = await lastDma('smmuv3-vmid-reuse', 9);
      await page.emulateMedia({ colorScheme });
      await page.locator('.way button', { hasText: 'stream entry' }).click();
      await page.locator('.way-word h3', { hasText: 'stream entry' }).waitFor();
      expect(await accessibilityProblems(page, '#last-dma')).toEqual([]);
      // Nothing is wider than the page.
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      await close();
    },
  );
});
