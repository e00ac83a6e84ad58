import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { chromiumPath, needsChromium } from '../chromium.fixture.js';
import { accessibilityProblems } from './axe.fixture.js';
import { closeBrowser, openExplorer } from './page.fixture.js';
import { TABS } from './panel.js';

const text = readFileSync(
  fileURLToPath(new URL('../../examples/arm-grant-fault.dommu', import.meta.url)),
  'utf8',
);

afterAll(closeBrowser);

describe.skipIf(chromiumPath === undefined)(`the explorer for everybody${needsChromium}`, () => {
  it.each(['light', 'dark'] as const)(
    'has nothing that axe finds wrong under any tab: %s',
    async (scheme) => {
      // A fault, a broken invariant and an unmet expectation are on the page.
      const { page, errors, close } = await openExplorer({ text, edition: '4.12' }, { step: 4 });
      await page.emulateMedia({ colorScheme: scheme });
      await page.locator('.findings').first().waitFor();
      const problems: Record<string, string[]> = { page: await accessibilityProblems(page) };
      for (const tab of TABS) {
        await page.getByRole('tab', { name: tab }).click();
        // What is asked of the model comes a moment later.
        await page.waitForTimeout(300);
        problems[tab] = await accessibilityProblems(page, '#tab-body');
      }
      const found = Object.entries(problems).filter(([, list]) => list.length > 0);
      expect(found).toEqual([]);
      expect(errors).toEqual([]);
      await close();
    },
  );

  it.each([
    [1280, 800],
    [1024, 768],
    [1920, 1080],
  ])('neither scrolls as a whole nor lets parts overlap at %i × %i', async (width, height) => {
    const { page, close } = await openExplorer({ text }, { step: 5 });
    await page.setViewportSize({ width, height });
    const { scrolls, overlaps } = await page.evaluate<{ scrolls: boolean; overlaps: string[] }>(`(() => {
      const root = document.documentElement;
      const parts = [...document.querySelectorAll('.page-header, .timeline, .summary, .run > .panel, .machine')];
      const boxes = parts.map((part) => [part.id || part.className, part.getBoundingClientRect()]);
      const overlaps = boxes.flatMap(([one, a], i) =>
        boxes.slice(i + 1).flatMap(([other, b]) =>
          a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1
            ? [one + ' and ' + other]
            : [],
        ),
      );
      return { scrolls: root.scrollHeight > innerHeight || root.scrollWidth > innerWidth, overlaps };
    })()`);
    expect({ scrolls, overlaps }).toEqual({ scrolls: false, overlaps: [] });
    await close();
  });

  it('is printed with everything that is open, light, one part below the other', async () => {
    const { page, close } = await openExplorer({ text, edition: '4.12' }, { step: 4 });
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const boxes = await Promise.all(
      ['#steps', '#outcome', '.machine'].map(async (part) => (await page.locator(part).boundingBox())!),
    );
    const [steps, outcome, machine] = boxes;
    expect(outcome!.y).toBeGreaterThanOrEqual(steps!.y + steps!.height);
    expect(machine!.y).toBeGreaterThanOrEqual(outcome!.y + outcome!.height);
    const cut = await page.evaluate<boolean>(`(() => {
      const body = document.querySelector('#outcome .body');
      return body.scrollHeight > body.clientHeight + 1;
    })()`);
    expect(cut).toBe(false);
    expect(await page.getByRole('button', { name: 'Play' }).isVisible()).toBe(false);
    expect(await page.evaluate<string>('getComputedStyle(document.body).colorScheme')).toBe('light');
    await close();
  });

  it('is in one column, with nothing cut off at the side, where it is magnified to twice its size', async () => {
    const { page, close } = await openExplorer({ text }, { step: 5 });
    await page.setViewportSize({ width: 640, height: 400 });
    const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
    expect(wide).toBeLessThanOrEqual(640);
    const run = (await page.locator('.run').boundingBox())!;
    const machine = (await page.locator('.machine').boundingBox())!;
    expect(machine.y).toBeGreaterThanOrEqual(run.y + run.height);
    await close();
  });

  it('takes colours and large letters of the reader’s choice, and knows them the next time', async () => {
    const { page, close } = await openExplorer({ text });
    await page.emulateMedia({ colorScheme: 'light' });
    const ground = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    const size = () => page.evaluate<string>('getComputedStyle(document.body).fontSize');
    const [light, normal] = [await ground(), await size()];
    const colours = page.getByRole('button', { name: 'colours' });
    await colours.click();
    await colours.click();
    await page.getByRole('button', { name: 'Large' }).click();
    const [dark, large] = [await ground(), await size()];
    expect(dark).not.toBe(light);
    expect(parseFloat(large)).toBeGreaterThan(parseFloat(normal));
    await page.reload();
    await page.locator('#outcome strong').first().waitFor();
    expect([await ground(), await size()]).toEqual([dark, large]);
    await close();
  });
});
