import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { buggyEdition } from '../../../src/bugs/bug.js';
import { requireBug } from '../../../src/bugs/gallery.js';
import type { ExploreSource } from '../../../src/explore/source.js';
import { chromiumPath, needsChromium } from '../../chromium.fixture.js';
import { accessibilityProblems } from '../axe.fixture.js';
import { closeBrowser, openExplorer } from '../page.fixture.js';

const example = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url)), 'utf8');

const CONFIG = 'guest-pv-hotplug.cfg';

/** A PV guest that gets a network card while it runs. */
const lateScene = (edition: string): ExploreSource => ({
  name: 'late-enable-scene.dommu',
  text: example('late-enable-scene.dommu'),
  configs: { [CONFIG]: { name: CONFIG, content: example(CONFIG) } },
  edition,
});

/** More states than a page comes to in a minute. */
const LARGE = `ram 0x100..0x105
device nic 0000:03:00.0
createdomain a iommu
populate_physmap a P
assign_device a nic
`;

async function search(page: Page, button = 'Search'): Promise<void> {
  await page.getByRole('tab', { name: 'Search' }).click();
  await page.getByRole('button', { name: button, exact: true }).click();
}

const verdict = (page: Page) => page.locator('.search-verdict-line');
const LONG = { timeout: 50_000 };

afterAll(closeBrowser);

describe.skipIf(chromiumPath === undefined)(`the search in a browser${needsChromium}`, () => {
  it('finds a guest safe, and says what that does not cover', async () => {
    const { page, errors, close } = await openExplorer(lateScene('up-front'));
    await search(page);
    await verdict(page).waitFor(LONG);
    expect(await verdict(page).textContent()).toBe(
      '✓ safe no behaviour within these bounds breaks an invariant',
    );
    expect(await page.locator('.search-verdict-rows').first().textContent()).toContain('no state');
    expect(await page.getByRole('button', { name: /^Open at/ }).count()).toBe(0);
    expect(await accessibilityProblems(page, '#search')).toEqual([]);
    expect(errors).toEqual([]);
    await close();
  });

  it('draws a livelock as a loop, each step of which can be gone to', async () => {
    const { page, errors, close } = await openExplorer(lateScene('late-enable'));
    await search(page);
    await verdict(page).waitFor(LONG);
    expect(await verdict(page).textContent()).toContain('LIVELOCK');
    await page.getByRole('button', { name: 'Open at the loop' }).click();
    const shown = page.locator('.loop-picture .dot.shown');
    await shown.waitFor();
    expect(await page.textContent('h1')).toBe('late-enable-scene-late-enable-livelock.dommu');
    const dots = page.locator('.loop-picture .dot');
    const rounds = await page.locator('.found-steps button').count();
    expect(await dots.count()).toBe(rounds);
    // The last step of the round, by keyboard.
    const label = await dots.last().getAttribute('aria-label');
    await dots.last().focus();
    await page.keyboard.press('Enter');
    await page.locator(`.loop-picture .dot.shown[aria-label="${label}"]`).waitFor();
    // A step later its second round has begun, which is the same loop.
    await page.getByRole('tab', { name: 'Search' }).focus();
    const first = await page
      .locator('.search-loop .found-steps')
      .last()
      .locator('.number')
      .first()
      .textContent();
    const step = page.getByRole('spinbutton', { name: /step/ });
    await step.fill(String(Number(await step.inputValue()) + 1));
    await step.press('Enter');
    await page.locator(`.loop-picture .dot.shown[aria-label^="step ${first}:"]`).waitFor();
    expect(await accessibilityProblems(page, '#search')).toEqual([]);
    expect(errors).toEqual([]);
    await close();
  });

  it('looks for a bug, opens what it finds at the violation, and leads back', async () => {
    const bug = requireBug('XSA-288a', 'test');
    const source = { text: bug.scene, name: 'XSA-288a.dommu', edition: buggyEdition(bug).name };
    const { page, errors, close } = await openExplorer(source, { step: 1 });
    await page.getByRole('tab', { name: 'Search' }).click();
    await page.getByRole('radio', { name: /XSA-288a/ }).check();
    await search(page, 'Search for XSA-288a');
    await verdict(page).waitFor(LONG);
    expect(await verdict(page).textContent()).toContain('UNSAFE');
    await page.getByRole('button', { name: 'Open at the violation' }).first().click();
    const broken = bug.invariants[0]!;
    await page.locator('#outcome', { hasText: `${broken} is broken` }).waitFor();
    expect(await page.getByRole('tab', { name: 'Invariants' }).getAttribute('aria-selected')).toBe('true');
    // From one counterexample to the next: the way back leads to where the reader was before them.
    await page.getByRole('tab', { name: 'Search' }).click();
    await page.getByRole('button', { name: 'Open at the violation' }).last().click();
    await page.locator('h1', { hasText: /^XSA-288a-4\.22-I1\.dommu$/ }).waitFor();
    await page.getByRole('button', { name: '← back to XSA-288a.dommu, step 1' }).click();
    await page.locator('h1', { hasText: /^XSA-288a\.dommu$/ }).waitFor();
    expect(await page.getByRole('tab', { name: 'Search' }).getAttribute('aria-selected')).toBe('true');
    expect(await page.getByRole('button', { name: /^← back to/ }).count()).toBe(0);
    expect(errors).toEqual([]);
    await close();
  });

  it('can be stopped, and the page answers meanwhile', async () => {
    const { page, errors, close } = await openExplorer({ text: LARGE });
    await page.getByRole('tab', { name: 'Search' }).click();
    await page.locator('summary', { hasText: 'What is tried' }).click();
    await page.locator('#setting-refs').fill('99');
    expect(await page.getByRole('button', { name: 'Search', exact: true }).isDisabled()).toBe(true);
    await page.locator('.setting', { hasText: 'expected a whole number from 0 to 16' }).waitFor();
    await page.locator('#setting-refs').fill('0');
    await search(page);
    await page.locator('.search-progress dd').first().waitFor(LONG);
    const outcome = await page.locator('#outcome').textContent();
    const step = page.getByRole('spinbutton', { name: /step/ });
    await step.fill('1');
    await step.press('Enter');
    await page.waitForFunction((was) => document.querySelector('#outcome')!.textContent !== was, outcome);
    expect(await verdict(page).count()).toBe(0);
    await page.getByRole('button', { name: 'Stop' }).click();
    await verdict(page).waitFor(LONG);
    expect(await verdict(page).textContent()).toMatch(/bounded.*ended at Stop and is not complete/);
    expect(errors).toEqual([]);
    await close();
  });

  it('says why a search cannot begin', async () => {
    const { page, close } = await openExplorer({
      text: 'ram 0x100..0x101\ncreatedomain a\nunpin_table a 0x100\n  expect ok\n',
    });
    await search(page);
    await page.locator('#search [role=alert]').waitFor(LONG);
    expect(await page.locator('#search [role=alert]').textContent()).toContain('the scene is never reached');
    await close();
  });
});
