import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { chromiumPath, needsChromium } from '../chromium.fixture.js';
import { closeBrowser, openExplorer } from './page.fixture.js';

const example = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../examples/${name}`, import.meta.url)), 'utf8');

afterAll(closeBrowser);

const shows = (page: Page, step: number) => page.locator(`html[data-step="${step}"]`).waitFor();

/** What has the keyboard, in a word. */
const focused = (page: Page): Promise<string> =>
  page.evaluate<string>(`(() => {
    const at = document.activeElement;
    return at.getAttribute('aria-label') ?? at.id ?? at.tagName;
  })()`);

describe.skipIf(chromiumPath === undefined)(`the explorer by keyboard${needsChromium}`, () => {
  it('goes through the run and from mark to mark, wherever the keyboard is', async () => {
    const { page, errors, close } = await openExplorer({
      text: example('arm-grant-fault.dommu'),
      edition: '4.12',
    });
    const press = async (key: string, step: number): Promise<void> => {
      await page.keyboard.press(key);
      await shows(page, step);
    };
    await page.locator('.judging').waitFor({ state: 'detached' });
    await press('ArrowRight', 1);
    await press('End', 8);
    await press('ArrowLeft', 7);
    await press('Home', 0);
    await press('f', 5);
    await press('f', 6);
    await press('Shift+F', 5);
    await press('Shift+V', 4);
    await press('n', 5);
    await press('p', 4);
    await press(']', 5);
    await press('[', 4);
    await press('e', 5);
    expect(errors).toEqual([]);
    await close();
  });

  it('leaves the keys to what letters are typed in, and to a dialog', async () => {
    const { page, close } = await openExplorer({ text: example('arm-grant-fault.dommu') }, { step: 3 });
    await page.keyboard.press('g');
    await page.keyboard.type('6');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Home');
    await shows(page, 3);
    await page.keyboard.press('Enter');
    await shows(page, 6);
    await page.locator('h1').click();
    await page.keyboard.press('?');
    expect(await page.getByRole('dialog').isVisible()).toBe(true);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('f');
    await page.keyboard.press('Escape');
    expect(await page.getByRole('dialog').isVisible()).toBe(false);
    await page.keyboard.press('ArrowRight');
    await shows(page, 7);
    // The focus is still in it where a key comes at once.
    await page.keyboard.press('?');
    await page.evaluate(() => {
      const dialog = document.querySelector('dialog')!;
      dialog.close();
      const key = new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true });
      dialog.querySelector('button')!.dispatchEvent(key);
    });
    await shows(page, 8);
    await close();
  });

  it('moves in the list of steps and among the tabs by arrows, each one stop of the tab key', async () => {
    const { page, close } = await openExplorer({ text: example('arm-grant-fault.dommu') });
    const list = page.getByRole('listbox', { name: 'steps' });
    await list.focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await shows(page, 2);
    await page.keyboard.press('ArrowRight');
    await shows(page, 3);
    await page.keyboard.press('ArrowUp');
    await shows(page, 2);
    expect(await focused(page)).toBe('steps');
    expect(await list.getAttribute('aria-activedescendant')).toBe(
      await page.locator('.steps [aria-selected="true"]').getAttribute('id'),
    );
    await page.keyboard.press('Tab');
    expect(await focused(page)).not.toBe('steps');
    await page.getByRole('tab', { name: 'Machine' }).focus();
    await page.keyboard.press('ArrowRight');
    expect(await page.getByRole('tab', { name: 'Last DMA' }).getAttribute('aria-selected')).toBe('true');
    await page.keyboard.press('End');
    expect(await page.getByRole('tab', { name: 'States' }).getAttribute('aria-selected')).toBe('true');
    expect(await page.locator('[role="tab"][tabindex="0"]').count()).toBe(1);
    // The arrows were the tabs'.
    await shows(page, 2);
    await close();
  });

  it('shows where it is on everything that it comes to, and comes to everything in the order of the page', async () => {
    const { page, close } = await openExplorer({ text: example('arm-grant-fault.dommu') }, { step: 5 });
    const seen: { top: number; outlined: boolean; name: string }[] = [];
    for (let stops = 0; stops < 60; stops++) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate<{ top: number; outlined: boolean; name: string } | null>(`(() => {
        const at = document.activeElement;
        if (at === document.body) return null;
        const { outlineStyle, outlineWidth } = getComputedStyle(at);
        const name = at.tagName + ' ' + (at.getAttribute('aria-label') ?? at.id ?? '') + ' ' + at.textContent.slice(0, 20);
        return { top: at.getBoundingClientRect().top, outlined: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2, name };
      })()`);
      if (at === null) break;
      seen.push(at);
    }
    expect(seen.length).toBeGreaterThan(15);
    expect(seen.filter(({ outlined }) => !outlined)).toEqual([]);
    expect(seen[0]!.top).toBeLessThan(60);
    await close();
  });
});
