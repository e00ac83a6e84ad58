import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { chromiumPath, needsChromium } from '../chromium.fixture.js';
import { accessibilityProblems } from './axe.fixture.js';
import { closeBrowser, openExplorer } from './page.fixture.js';

const example = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../examples/${name}`, import.meta.url)), 'utf8');

const transmit = { text: example('arm-grant-fault.dommu'), edition: '4.15' };
/** The step that maps the grant. */
const MAP = 4;

afterAll(closeBrowser);

describe.skipIf(chromiumPath === undefined)(`asking why in a browser${needsChromium}`, () => {
  it('leads from a value to the steps that wrote it, to one of them, and back to the value by Escape', async () => {
    const { page, errors, close } = await openExplorer(transmit, { step: MAP });
    await page.getByRole('tab', { name: 'Grants' }).click();
    const reach = page.locator('#grants').getByRole('button', { name: /^●?r-/ });
    await reach.click();

    const why = page.locator('#why');
    await why.locator('.writers .seen').waitFor();
    expect(await why.locator('h3').evaluate((heading) => heading === document.activeElement)).toBe(true);
    expect(await why.locator('h3').textContent()).toBe('Who set what eth0 may do at 0x8424cb?');
    expect(await why.locator('.sentence').textContent()).toContain(
      'was set by step 4: map_grant_ref dom0 tx',
    );
    expect(await why.locator('.seen').textContent()).toContain('this is what you see');
    expect(await why.locator('.later').textContent()).toContain('unmap_grant_ref dom0 tx');

    // To the step that takes it away: it is that step then which set what is seen.
    await why.locator('.later').getByRole('button').click();
    await why.locator('.seen', { hasText: 'unmap_grant_ref' }).waitFor();
    expect(await page.locator('#outcome').textContent()).toContain('unmap_grant_ref');
    await why.getByRole('button', { name: 'step 4', exact: true }).last().click();
    await why.locator('.seen', { hasText: /4.*map_grant_ref/ }).waitFor();

    await page.keyboard.press('Escape');
    await why.locator('.writers').waitFor({ state: 'detached' });
    expect(await why.textContent()).toContain('Click a value');
    expect(errors).toEqual([]);
    await close();
  });

  it('gives the focus back to what was asked about, and goes back through questions', async () => {
    const { page, errors, close } = await openExplorer(transmit, { step: MAP });
    await page.getByRole('tab', { name: 'Grants' }).click();
    const why = page.locator('#why');
    const granter = page.locator('#grants').getByTitle('granter of d0 handle 0');
    await granter.focus();
    await page.keyboard.press('Enter');
    await why.locator('h3', { hasText: 'granter of d0 handle 0' }).waitFor();
    await page.locator('#steps [data-step="5"] .status').click();
    await why.locator('h3', { hasText: 'Why was step 5 answered so?' }).waitFor();
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('w');
    await why.locator('h3', { hasText: 'Why was step 4 answered so?' }).waitFor();
    await why.locator('summary').waitFor();
    expect(await why.locator('.passed li').count()).toBeGreaterThan(5);
    await why.getByRole('button', { name: '← back' }).click();
    await why.getByRole('button', { name: '← back' }).click();
    await why.locator('h3', { hasText: 'granter of d0 handle 0' }).waitFor();
    await page.keyboard.press('Escape');
    await why.locator('h3').waitFor({ state: 'detached' });
    expect(await granter.evaluate((value) => value === document.activeElement)).toBe(true);

    // At the boot there is no handle: the focus goes to the steps instead.
    await page.keyboard.press('Enter');
    await why.locator('h3').waitFor();
    await page.keyboard.press('Home');
    await granter.waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await why.locator('h3').waitFor({ state: 'detached' });
    const steps = page.getByRole('listbox', { name: 'steps' });
    expect(await steps.evaluate((list) => list === document.activeElement)).toBe(true);
    expect(errors).toEqual([]);
    await close();
  });

  it('names the rule that refused, and is clean for axe in light and dark, with grants and calls beside it', async () => {
    const { page, close } = await openExplorer(
      { text: example('errnos/assign-EBUSY-taken.dommu') },
      { step: 4 },
    );
    await page.locator('#outcome').getByTitle('Why was it answered so?').click();
    await page.locator('#why .rung').waitFor();
    expect(await page.locator('#why .rung').textContent()).toContain('§6.1');
    expect(await accessibilityProblems(page, '#why')).toEqual([]);
    await close();

    for (const colorScheme of ['light', 'dark'] as const) {
      const { page: grants, close: closeGrants } = await openExplorer(transmit, { step: MAP });
      await grants.emulateMedia({ colorScheme });
      await grants.getByRole('tab', { name: 'Grants' }).click();
      await grants.locator('#grants .value.changed').first().click();
      await grants.locator('#why .writers .seen').waitFor();
      expect(await accessibilityProblems(grants, '#grants')).toEqual([]);
      expect(await accessibilityProblems(grants, '#why')).toEqual([]);
      await closeGrants();
    }
  });

  it('goes through many writers a window at a time, and follows the step that is shown', async () => {
    const { page, errors, close } = await openExplorer(
      {
        text: `machine x86
ram 0x100..0x10f
dom0 pages=2
createdomain guest max_pages=8
populate_physmap guest P
grant guest 1 dom0 P
repeat 40
  map_grant_ref dom0 A guest 1 host
  unmap_grant_ref dom0 A
end
`,
      },
      { step: 50 },
    );
    await page.getByRole('tab', { name: 'Grants' }).click();
    await page.locator('#grants').getByTitle('use flags of d1 grant 1').click();
    const why = page.locator('#why');
    await why.locator('.seen', { hasText: 'step 50' }).waitFor();
    expect(await why.locator('.sentence').textContent()).toContain('Shown are writers');
    await why.getByRole('button', { name: 'first' }).click();
    await why.locator('.writers li', { hasText: 'boot' }).waitFor();
    expect(await why.locator('.seen').count()).toBe(0);
    await why.getByRole('button', { name: 'last' }).click();
    await why.locator('.writers .later', { hasText: 'step 83' }).waitFor();
    await why.getByRole('button', { name: 'around what is seen' }).click();
    await why.locator('.seen', { hasText: 'step 50' }).waitFor();
    await page.keyboard.press('ArrowRight');
    await why.locator('.seen', { hasText: 'step 51' }).waitFor();
    expect(errors).toEqual([]);
    await close();
  });

  it('shows the hypercall that never ends, and leads to where it began', async () => {
    const { page, errors, close } = await openExplorer(
      {
        text: example('late-enable.dommu'),
        edition: 'late-enable',
        configs: {
          'guest-pv-hotplug.cfg': { name: 'guest-pv-hotplug.cfg', content: example('guest-pv-hotplug.cfg') },
        },
      },
      { step: 8 },
    );
    const calls = page.locator('#calls');
    await calls.locator('.call').waitFor();
    expect(await calls.textContent()).toContain('assign_device of d0');
    expect(await calls.textContent()).toContain('page alloc lock of d1');
    expect(await accessibilityProblems(page, '#calls')).toEqual([]);
    await calls.getByRole('button', { name: 'step 7' }).click();
    await page.locator('#outcome', { hasText: 'begin assign_device' }).waitFor();
    expect(errors).toEqual([]);
    await close();
  });
});
