import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Download } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { chromiumPath, needsChromium } from '../web/chromium.fixture.js';
import { closeBrowser, type OpenPage, visit } from '../web/explore/page.fixture.js';
import { dommu, type Serving, serveExplorer } from './explore-command.fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'dommu-explore-stories-'));
afterAll(async () => {
  await closeBrowser();
  rmSync(folder, { recursive: true });
});

/** A newcomer starts `dommu explore`, and clicks on one of the stories. */
async function begin(story: string): Promise<OpenPage & { serving: Serving }> {
  const serving = await serveExplorer();
  const open = await visit(serving.url);
  await open.page.getByRole('link', { name: story }).click();
  await open.page.locator('html[data-step="0"]').waitFor();
  return { ...open, serving };
}

/** The page shows a step: its number, and what the panel of the step says. */
async function at({ page }: OpenPage, step: number): Promise<string> {
  await page.locator(`html[data-step="${step}"]`).waitFor();
  return page.locator('#outcome').innerText();
}

/** The file that the page gave, under the name that it gave it. */
async function saved(download: Download): Promise<string> {
  const file = join(folder, download.suggestedFilename());
  await download.saveAs(file);
  return file;
}

const tabOf = ({ page }: OpenPage): Promise<string | null> =>
  page.locator('[role=tab][aria-selected=true]').textContent();

describe.skipIf(chromiumPath === undefined)(`the founding bugs, clicked through${needsChromium}`, () => {
  it('lead from a fault to the grant that should have been mapped for devices', async () => {
    const open = await begin('A transmit that becomes an SMMU fault');
    const { page } = open;
    // Where does it go wrong? The timeline has a mark, and a button that goes there.
    await page.getByRole('button', { name: 'after this: fault' }).click();
    const fault = await at(open, 5);
    expect(fault).toContain('dma eth0 read 0x8424cb148');
    expect(fault).toContain(
      'smmu: /smmu@fd800000: Unhandled context fault: fsr=0x402, iova=0x8424cb148, fsynr=0xb0001, cb=0',
    );
    // Why?
    await page.locator('#outcome').getByRole('button', { name: 'fault' }).click();
    await page.locator('#why').getByText('The IOMMU refused the access').waitFor();
    await page.getByRole('button', { name: 'show the way that the access took' }).click();
    expect(await tabOf(open)).toBe('Last DMA');
    // When did it begin to be wrong? A step before, when the grant was mapped.
    await page.getByRole('button', { name: 'before this: breaks an invariant' }).click();
    const mapped = await at(open, 4);
    expect(mapped).toContain('map_grant_ref dom0 tx guest 8 host readonly gfn=0x2000');
    expect(mapped).toContain(
      'every foreign granted frame is reachable at DFN = MFN by a direct-mapped Arm domain',
    );
    await page.getByRole('tab', { name: 'Machine' }).click();
    await page.locator('[role=tabpanel]').getByText('missing: devices fault').first().waitFor();
    // And on a later release?
    await page.getByRole('tab', { name: 'What if?' }).click();
    await page.getByPlaceholder('4.12, late-enable').fill('4.15');
    await page.getByRole('button', { name: 'Compare with Xen 4.15' }).click();
    await page.getByText('does eth0 reach 0x8424cb (r-)').waitFor();
    await page.getByRole('button', { name: 'Next (step 5)' }).click();
    expect(await at(open, 5)).toContain('fault');
    await page.getByRole('button', { name: 'Switch to it' }).click();
    await page.locator('header').getByText('4.15').waitFor();
    await page.locator('#outcome').getByRole('button', { name: 'ok' }).waitFor();
    expect(open.errors).toEqual([]);
    await open.close();
    await open.serving.stop();
  });

  it('lead through a loop that a guest keeps a hypercall in, and round again', async () => {
    const open = await begin('A hypercall that a guest keeps from ever ending');
    const { page } = open;
    await page.getByRole('button', { name: 'last', exact: true }).click();
    const end = await at(open, 22);
    expect(end).toContain('livelock: assign_device of d0 makes 5 steps a round and never ends');
    await page.locator('#outcome').getByRole('button', { name: 'step 15 comes next again' }).click();
    expect(await at(open, 15)).toContain('step until=recheck');
    // A round, with the keyboard: Xen maps the page, the guest takes it away, Xen starts over.
    const round: string[] = [];
    for (let step = 16; step <= 21; step++) {
      await page.keyboard.press('ArrowRight');
      round.push((await at(open, step)).split('\n').find((line) => line.startsWith('step '))!);
    }
    expect(round.map((line) => line.replace(/^step \d+, line \d+\s*/, ''))).toEqual([
      'pin_l1_table guest 0x101',
      'step until=reread',
      'unpin_table guest 0x101',
      'update_va_mapping guest va=0 0x101 rw',
      'update_va_mapping guest va=0',
      'step',
    ]);
    expect(open.errors).toEqual([]);
    await open.close();
    await open.serving.stop();
  });

  it('go in the command line as they did in the page, once they are saved', async () => {
    const open = await begin('A transmit that becomes an SMMU fault');
    const { page } = open;
    await page.getByRole('tab', { name: 'What if?' }).click();
    await page.getByPlaceholder('4.12, late-enable').fill('4.15');
    await page.getByRole('button', { name: 'Switch to Xen 4.15' }).click();
    await page.locator('header').getByText('4.15').waitFor();
    const shown: string[] = [];
    for (let step = 1; step <= 8; step++) {
      await page.getByRole('button', { name: 'forward' }).click();
      await at(open, step);
      shown.push((await page.locator('#outcome strong').first().textContent())!);
    }
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save as' }).click(),
    ]);
    const { out } = await dommu('run', await saved(download), '--json');
    const { edition, steps } = JSON.parse(out) as { edition: string; steps: { status: string }[] };
    expect(await page.locator('header').innerText()).toContain(edition);
    expect(steps.map(({ status }) => status)).toEqual(shown);
    expect(shown).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'fault', 'ok', 'fault']);
    expect(open.errors).toEqual([]);
    await open.close();
    await open.serving.stop();
  });
});
