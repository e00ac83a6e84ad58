import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { chromiumPath, needsChromium } from '../chromium.fixture.js';
import { accessibilityProblems } from './axe.fixture.js';
import { closeBrowser, openExplorer } from './page.fixture.js';

const ARM = readFileSync(
  fileURLToPath(new URL('../../examples/arm-grant-fault.dommu', import.meta.url)),
  'utf8',
);

const MANY = `ram 0x100..0x2ff
xen-heap 0x10..0x3f
dom0 pages=1
createdomain a hvm hap iommu max_pages=256
createdomain b hvm hap iommu max_pages=4
populate_physmap a 0x110 gfn=0 count=256
populate_physmap b 0x210 gfn=0 count=4
`;

afterAll(closeBrowser);

const shows = (page: Page, step: number) => page.locator(`html[data-step="${step}"]`).waitFor();
const line = (page: Page, text: string) => page.locator('.changes li', { hasText: text });

describe.skipIf(chromiumPath === undefined)(`what a step changed, in a browser${needsChromium}`, () => {
  it('can be clicked: what became different asks who wrote it, a name picks its frame', async () => {
    const { page, errors, close } = await openExplorer({ text: ARM, edition: '4.15' }, { step: 4 });
    const frame = line(page, 'frame 0x8424cb');
    expect(await frame.textContent()).toBe('frame 0x8424cb: references 1 → 2');
    await frame.getByRole('button', { name: 'references 1 → 2' }).click();
    const why = page.locator('#why');
    await why.locator('h3', { hasText: 'Who set references of frame 0x8424cb?' }).waitFor();
    await why.locator('.seen', { hasText: 'map_grant_ref' }).waitFor();
    await page.keyboard.press('Escape');
    await why.locator('h3').waitFor({ state: 'detached' });

    // An entry of a table leads to the frame, too.
    const name = frame.getByRole('button', { name: 'frame 0x8424cb' });
    const entry = page.locator('.changes').getByRole('button', { name: 'd0 p2m GFN 0x2000', exact: true });
    await entry.click();
    expect(await name.getAttribute('aria-pressed')).toBe('true');
    await page.locator('#tab-body tr.picked').first().waitFor();
    await name.click();
    expect(await entry.getAttribute('aria-pressed')).toBe('false');
    expect(await accessibilityProblems(page, '#outcome')).toEqual([]);
    expect(errors).toEqual([]);
    await close();
  });

  it('asks about the thing that is picked where several changed in the same way', async () => {
    const { page, close } = await openExplorer({ text: MANY }, { step: 3 });
    await line(page, 'd1 p2m GFN 0x2').first().waitFor();
    const tables = line(page, 'frame 0x').first();
    const [first, second] = (await tables.locator('.leads-to').allTextContents()) as [string, string];
    const owner = tables.getByRole('button', { name: 'owner none' });
    const asked = page.locator('#why h3');
    await owner.click();
    await asked.waitFor();
    expect(await asked.textContent()).toBe(`Who set owner of frame ${first}?`);
    await tables.getByRole('button', { name: second, exact: true }).click();
    await owner.click();
    await page.locator('#why h3', { hasText: second }).waitFor();
    await close();
  });

  it('is one stop of the tab key, with arrow keys from one to the next', async () => {
    const { page, close } = await openExplorer({ text: MANY }, { step: 4 });
    const focused = () => page.evaluate<string>('document.activeElement.textContent');
    await line(page, 'd2: totPages').waitFor();
    expect(await page.locator('.changes button[tabindex="0"]').count()).toBe(1);
    await page.locator('.changes button[tabindex="0"]').focus();
    expect(await focused()).toBe('totPages 0 → 4');
    await page.keyboard.press('ArrowDown');
    const name = await focused();
    expect(name).toMatch(/^0x/);
    await page.keyboard.press('ArrowRight');
    expect(await focused()).not.toBe(name);
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Enter');
    expect(await page.locator('.changes .picked').allTextContents()).toContain(name);
    await shows(page, 4);
    await close();
  });

  it('has buttons where it can be seen only when it is long, and the keyboard gets to all of them', async () => {
    const { page, errors, close } = await openExplorer({ text: MANY }, { step: 3 });
    await page.getByRole('button', { name: /^all [0-9]+ lines$/ }).click();
    const last = line(page, 'd1 p2m GFN 0xff:');
    await last.waitFor();
    expect(await last.textContent()).toMatch(/^d1 p2m GFN 0xff: entry empty → read, write, execute/);
    expect(await last.locator('button').count()).toBe(0);
    await page.locator('.changes button[tabindex="0"]').focus();
    await page.keyboard.press('End');
    await last.locator('button:focus', { hasText: 'd1 p2m GFN 0xff' }).waitFor();
    expect(await last.textContent()).toMatch(/^d1 p2m GFN 0xff: entry empty → read, write, execute/);
    await shows(page, 3);
    expect(errors).toEqual([]);
    await close();
  });

  it('begins at its top at another step, and stays where it is when more is told of the same one', async () => {
    const { page, close } = await openExplorer({ text: MANY }, { step: 3 });
    const body = page.locator('#outcome .body');
    const scrolled = () => body.evaluate((element) => element.scrollTop);
    const all = page.getByRole('button', { name: /^all [0-9]+ lines$/ });
    await body.evaluate((element) => void (element.scrollTop = 150));
    await all.click();
    await line(page, 'd1 p2m GFN 0xff').waitFor();
    expect(await line(page, '').count()).toBeGreaterThan(500);
    expect(await scrolled()).toBeGreaterThan(100);
    await page.keyboard.press('ArrowRight');
    await shows(page, 4);
    expect(await scrolled()).toBe(0);
    // There is as much to scroll here.
    await body.evaluate((element) => void (element.scrollTop = 150));
    expect(await scrolled()).toBeGreaterThan(100);
    await close();
  });
});
