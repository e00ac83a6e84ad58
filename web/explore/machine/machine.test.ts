import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { BIG_MACHINE } from '../../../src/explore/big-machine.fixture.js';
import { chromiumPath, needsChromium } from '../../chromium.fixture.js';
import { accessibilityProblems } from '../axe.fixture.js';
import { closeBrowser, openExplorer } from '../page.fixture.js';

const example = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url)), 'utf8');

afterAll(closeBrowser);

describe.skipIf(chromiumPath === undefined)(`the machine in a browser${needsChromium}`, () => {
  it('shows the disagreement of a granted page, and leads to its frame and to who wrote it', async () => {
    const { page, errors, close } = await openExplorer(
      { text: example('arm-grant-fault.dommu'), edition: '4.12' },
      { step: 5 },
    );
    const summary = page.locator('#domains .disagreements');
    await summary.getByText('1 disagreement').waitFor();
    expect(await summary.textContent()).toContain('missing: devices fault');
    await summary.getByRole('button', { name: 'd0 dfn 0x8424cb' }).click();
    const entry = page.locator('#domains .entries tr.picked').last();
    expect(await entry.textContent()).toContain('✗ missing');
    const frame = page.locator('#frames tr.picked');
    expect(await frame.locator('th').textContent()).toContain('0x8424cb');
    await frame.getByRole('button', { name: 'd1' }).click();
    await page.locator('#why').getByText('owner of frame 0x8424cb').first().waitFor();
    expect(await accessibilityProblems(page, '#domains')).toEqual([]);
    expect(await accessibilityProblems(page, '#frames')).toEqual([]);
    await page.locator('.timeline').getByRole('spinbutton').fill('3');
    await page.keyboard.press('Enter');
    await page.locator('#domains .disagreements.none').waitFor();
    expect(errors).toEqual([]);
    await close();
  });

  it('tells all that disagrees at an entry in one line', async () => {
    const { page, close } = await openExplorer(
      {
        text: 'ram 0x100..0x103\niommu vtd\ndom0 relaxed pages=1\ndevice nic 0000:03:00.0\ncreatedomain guest iommu max_pages=3\npopulate_physmap guest 0x101\nassign_device guest nic\npin_l1_table guest 0x101\n',
        edition: '4.22+pvPageAdded=mapped-untyped',
      },
      { step: 4 },
    );
    const told = page.locator('#domains .disagreements');
    await told.getByText('1 disagreement').waitFor();
    const lines = await told.getByRole('listitem').allTextContents();
    expect(lines).toEqual([expect.stringMatching(/excess: unsafe.*differs from the type/)]);
    await close();
  });

  it('draws the rows of 4,096 frames that can be seen, opens runs of them, filters them and goes to one', async () => {
    const { page, errors, close } = await openExplorer({ text: BIG_MACHINE }, { step: 600 });
    const rows = page.locator('#frames tbody [data-row]');
    const frame = (name: string) => page.locator('#frames tbody').getByRole('button', { name, exact: true });
    await frame('0x134e').waitFor();
    expect(await page.locator('#frames tr.changed').count()).toBe(2);

    await page.locator('#frames').getByLabel('fold').uncheck();
    await frame('0x1000').waitFor();
    const table = page.locator('#frames table');
    await expect.poll(() => table.getAttribute('aria-rowcount')).toBe(String(4096 + 1));
    expect(await rows.count()).toBeLessThan(100);

    await page.locator('#frames').getByLabel('frame', { exact: true }).fill('0x1b00');
    await page.getByRole('button', { name: 'go to it' }).click();
    await frame('0x1b00').waitFor();
    expect(await page.locator('#frames tr.picked th').textContent()).toContain('0x1b00');

    // Arrows go on from row to row, beyond what is drawn.
    await frame('0x1b00').focus();
    for (let i = 0; i < 40; i++) await page.keyboard.press('ArrowDown');
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe('0x1b28');
    // Also where they come faster than rows are drawn.
    await page.evaluate(() => {
      const press = () => new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true });
      for (let i = 0; i < 40; i++) document.activeElement!.dispatchEvent(press());
    });
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe('0x1b50');

    await page.locator('#frames').getByLabel('show').selectOption('changed by this step');
    await expect.poll(() => rows.count()).toBe(3);
    await page.locator('#frames').getByLabel('owner').selectOption('nobody');
    await expect.poll(() => rows.count()).toBe(1);
    expect(errors).toEqual([]);
    await close();
  });
});
