import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { chromiumPath, needsChromium } from '../chromium.fixture.js';
import { closeBrowser, openExplorer } from './page.fixture.js';

const ARM = readFileSync(
  fileURLToPath(new URL('../../examples/arm-grant-fault.dommu', import.meta.url)),
  'utf8',
);

afterAll(closeBrowser);

const shows = (page: Page, step: number) => page.locator(`html[data-step="${step}"]`).waitFor();

describe.skipIf(chromiumPath === undefined)(`what a newcomer reads${needsChromium}`, () => {
  it('is what the program is about, where to begin, and what its author says of each step', async () => {
    const { page, errors, close } = await openExplorer({ text: ARM, edition: '4.12' });
    const story = page.locator('#outcome .story');
    expect(await story.textContent()).toContain('a transmit that becomes an SMMU fault');
    await page.locator('.start-here').getByRole('button', { name: 'step 4' }).click();
    await shows(page, 4);
    expect(await story.textContent()).toContain('Netfront grants it, netback maps it');
    expect(await page.locator('.start-here').count()).toBe(0);
    await page.keyboard.press('ArrowRight');
    await shows(page, 5);
    expect(await story.textContent()).toBe('eth0 fetches the packet, at offset 0x148.');
    expect(errors).toEqual([]);
    await close();
  });

  it('is text, whatever a comment says', async () => {
    const { page, errors, close } = await openExplorer({
      text: `# <script>document.title = 'taken'</script><b>x</b>\n\n${ARM}`,
    });
    expect(await page.locator('#outcome .story').textContent()).toContain('<b>x</b>');
    expect(await page.locator('#outcome .story b').count()).toBe(0);
    expect(await page.title()).not.toBe('taken');
    expect(errors).toEqual([]);
    await close();
  });

  it('stands beside each other: CPU, IOMMU and rule fit at 1280 and 1024 pixels, and in large letters', async () => {
    const { page, close } = await openExplorer({ text: ARM, edition: '4.12' }, { step: 4 });
    const beyond = () =>
      page.evaluate<number[]>(
        `['.domains-scroller', '.long.entries'].map((at) => document.querySelector(at)).map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)`,
      );
    await page.locator('.long.entries tr.changed').waitFor();
    expect(await beyond()).toEqual([0, 0]);
    await page.setViewportSize({ width: 1024, height: 768 });
    expect(await beyond()).toEqual([0, 0]);
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.getByRole('button', { name: 'Large' }).click();
    expect(await beyond()).toEqual([0, 0]);
    // What disagrees leads to its entry, which says the rule's ground in full.
    await page.locator('#domains .disagreements button').click();
    await page.locator('.entries tr.picked.wrong').waitFor();
    const [body, row] = [
      await page.locator('.tab-body').boundingBox(),
      await page.locator('.entries tr.picked.wrong').boundingBox(),
    ];
    expect(row!.y + row!.height).toBeLessThanOrEqual(body!.y + body!.height);
    expect(await page.locator('.marked-entry').last().textContent()).toContain(
      'and demands: a live grant handle',
    );
    await close();
  });

  it('is about the domain whose devices are the story, before anything disagrees and where nothing does', async () => {
    const { page, close } = await openExplorer({ text: ARM, edition: '4.22' }, { step: 3 });
    const heading = page.locator('#domains h3');
    await heading.getByText('What d0 reaches').waitFor();
    await page.keyboard.press('ArrowRight');
    await shows(page, 4);
    expect(await heading.textContent()).toBe('What d0 reaches');
    expect(await page.locator('.entries tr.changed').last().textContent()).toContain('0x8424cb');
    await close();
  });

  it('has room when something was asked', async () => {
    const { page, close } = await openExplorer({ text: ARM, edition: '4.12' }, { step: 4 });
    const height = async () => (await page.locator('#why').boundingBox())!.height;
    const before = await height();
    await page.locator('#outcome .answered button').click();
    await page.locator('.why').waitFor();
    expect(await height()).toBeGreaterThan(Math.max(250, 2 * before));
    await page.getByRole('button', { name: 'close', exact: true }).click();
    expect(await height()).toBe(before);
    await close();
  });
});
