import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import type { Io } from '../../../src/cli/io.js';
import { registerRun } from '../../../src/cli/run.js';
import { Explorer } from '../../../src/explore/explorer.js';
import type { RunResult } from '../../../src/program/runner.js';
import { PLAIN } from '../../../src/text/diagnostic.js';
import { chromiumPath, needsChromium } from '../../chromium.fixture.js';
import { accessibilityProblems } from '../axe.fixture.js';
import { closeBrowser, openExplorer, visit } from '../page.fixture.js';
import { packed } from './link.js';

const ARM = readFileSync(
  fileURLToPath(new URL('../../../examples/arm-grant-fault.dommu', import.meta.url)),
  'utf8',
);

afterAll(closeBrowser);

async function whatIf(page: Page): Promise<void> {
  await page.getByRole('tab', { name: 'What if?' }).click();
  await page.locator('.code-editor').waitFor();
}
const choose = (page: Page, wanted: string) => page.locator('#editions input[type=search]').fill(wanted);
const shows = (page: Page, step: number) =>
  page.locator(`html[data-step="${step}"]`).waitFor({ state: 'attached' });
/** What the list shows of a step: statement and answer. */
const row = async (page: Page, step: number) => [
  await page.locator(`#step-${step} code`).textContent(),
  await page.locator(`#step-${step} .status`).textContent(),
];
/** A line of the editor, as far as it is in sight. */
async function lineWith(page: Page, text: string) {
  await page.locator('.code-editor').scrollIntoViewIfNeeded();
  return page.locator('.cm-line', { hasText: text });
}

function runInCli(file: string): RunResult {
  const out: string[] = [];
  const io: Io = { out: (line) => void out.push(line), err: () => {}, paintOut: PLAIN, paintErr: PLAIN };
  const program = new Command().exitOverride();
  registerRun(program, io);
  program.parse(['node', 'dommu', 'run', file, '--json']);
  return JSON.parse(out.join('\n')) as RunResult;
}

describe.skipIf(chromiumPath === undefined)(`what if, in a browser${needsChromium}`, () => {
  it('compares with another Xen, tells the difference in words, and switches to it', async () => {
    const { page, errors, close } = await openExplorer({ text: ARM, edition: '4.12' }, { step: 5 });
    await whatIf(page);
    await choose(page, '4.22');
    await page.getByRole('button', { name: 'Compare with Xen 4.22' }).click();
    await page
      .locator('.compared', { hasText: 'On Xen 4.22 4 steps come to something else, first step 4' })
      .waitFor();
    await page.locator('.differences', { hasText: 'Xen 4.12 answers fault, Xen 4.22 answers ok.' }).waitFor();
    expect(await page.locator('.step .sign.differs').count()).toBe(4);
    await page.getByRole('button', { name: /^First difference/ }).click();
    await shows(page, 4);
    await page
      .locator('.differences', { hasText: 'Only on Xen 4.22 does eth0 reach 0x8424cb (r-).' })
      .waitFor();
    expect(await accessibilityProblems(page, '#tab-body')).toEqual([]);
    await page.getByRole('button', { name: 'Next (step 5)' }).click();
    await shows(page, 5);
    await page.getByRole('button', { name: 'Switch to it' }).click();
    await page.locator('header', { hasText: 'on Xen 4.22' }).waitFor();
    await shows(page, 5);
    await page.locator('.compared', { hasText: 'On Xen 4.12' }).waitFor({ state: 'detached' });
    expect(await row(page, 5)).toEqual(['dma eth0 read 0x8424cb148', 'ok']);
    expect(errors).toEqual([]);
    await close();
  });

  it('says on which editions the program goes otherwise', async () => {
    const { page, errors, close } = await openExplorer({ text: ARM, edition: '4.12' });
    await whatIf(page);
    await page.getByRole('button', { name: /^Ask all/ }).click();
    await page.locator('#survey', { hasText: /(\d+) of \1 asked/ }).waitFor();
    const row = page.locator('.survey tbody tr', { hasText: 'as here' });
    expect(await row.locator('th').textContent()).toContain('4.13.2');
    expect(await page.locator('.survey tbody tr').count()).toBeGreaterThan(1);
    expect(errors).toEqual([]);
    await close();
  });

  it('adds a step that is possible now, takes it back, and shows a mistake where it is', async () => {
    const { page, errors, close } = await openExplorer({ text: ARM }, { step: 4 });
    await whatIf(page);
    await page.locator('.add-step > summary').click();
    await page.locator('.add-step [role=status]', { hasText: 'that were tried' }).waitFor();
    await page.locator('.add-step input[type=search]').fill('unmap_grant_ref dom0 tx');
    await page.getByRole('button', { name: 'unmap_grant_ref dom0 tx', exact: true }).click();
    await shows(page, 5);
    expect(await row(page, 5)).toEqual(['unmap_grant_ref dom0 tx', 'ok']);
    expect(await (await lineWith(page, 'unmap_grant_ref dom0 tx')).count()).toBe(2);
    await page.locator('#editor [role=status]', { hasText: 'Added' }).first().waitFor();
    expect(await accessibilityProblems(page, '#tab-body')).toEqual([]);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.locator('.step code', { hasText: 'unmap_grant_ref' }).nth(1).waitFor({ state: 'detached' });
    expect(await row(page, 5)).toEqual(['dma eth0 read 0x8424cb148', 'ok']);

    await (await lineWith(page, 'dma eth0 write')).click();
    await shows(page, 6);
    await page.keyboard.press('End');
    await page.keyboard.type('\nchecks now');
    await page.locator('.cm-problem', { hasText: 'line 38, column 8: unknown page `now`' }).waitFor();
    await page.keyboard.press('Control+Enter');
    await page.locator('.problem', { hasText: ':38:' }).waitFor();
    expect(await page.locator('.timeline').textContent()).toContain('of 8');
    for (const _ of 'now') await page.keyboard.press('Backspace');
    await page.keyboard.type('0x8424cb');
    await page.keyboard.press('Control+Enter');
    await page.locator('.step code', { hasText: 'checks 0x8424cb' }).waitFor();
    expect(await page.locator('.cm-problem').count()).toBe(0);
    expect(errors).toEqual([]);
    await close();
  });

  it('saves a file that the command line runs to the same end', async () => {
    const { page, errors, close } = await openExplorer({ name: 'dir/story.json', text: ARM }, { step: 6 });
    await whatIf(page);
    await choose(page, 'NX-GNT-RO-AS-RW');
    await page.getByRole('button', { name: /^Switch to NX-GNT/ }).click();
    await page.locator('header', { hasText: 'readonlyGrantForDevices' }).waitFor();
    await (await lineWith(page, 'dma eth0 write')).click();
    await page.keyboard.press('End');
    await page.keyboard.type('\ndma eth0 write 0x8424cb150');
    await page.keyboard.press('Control+Enter');
    await page.locator('.step code', { hasText: '0x8424cb150' }).waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save as story.dommu' }).click(),
    ]);
    const folder = mkdtempSync(join(tmpdir(), 'dommu-saved-'));
    const file = join(folder, download.suggestedFilename());
    await download.saveAs(file);
    const run = runInCli(file);
    expect(run.edition).toContain('+readonlyGrantForDevices=');
    await page.setViewportSize({ width: 1280, height: 2000 });
    await page.locator('#step-1 code').waitFor();
    const shown = run.steps.map((_, index) => row(page, index + 1));
    expect(await Promise.all(shown)).toEqual(run.steps.map(({ op, status }) => [op, status]));
    const again = new Explorer({ name: file, text: readFileSync(file, 'utf8'), configs: {} });
    for (const [index, { faults }] of run.steps.entries()) {
      const { log } = again.answer(index + 1, 'outcome', { lines: 100 });
      expect(log).toEqual(faults.flatMap(({ text }) => text.split('\n')));
    }
    rmSync(folder, { recursive: true, force: true });
    expect(errors).toEqual([]);
    await close();
  });

  it('is a link, which opens the same elsewhere and stays when the page is loaded again', async () => {
    const { page, errors, close } = await openExplorer({ text: ARM, edition: '4.12' }, { step: 5 });
    await whatIf(page);
    await page.getByRole('button', { name: 'Copy link' }).click();
    const link = await page.locator('.share input').inputValue();
    expect(link).toMatch(/^file:.*#program=[\w-]+&step=5$/);
    const other = await openExplorer({ text: 'createdomain other\n' });
    const there = await visit(`${other.page.url().replace(/#.*/, '')}${link.slice(link.indexOf('#'))}`);
    await shows(there.page, 5);
    expect(await there.page.textContent('header')).toContain('on Xen 4.12');
    expect(await row(there.page, 5)).toEqual(['dma eth0 read 0x8424cb148', 'fault']);
    await there.page.keyboard.press('ArrowRight');
    await shows(there.page, 6);
    await there.page.waitForFunction(() => location.hash.endsWith('step=6'));
    await there.page.reload();
    await shows(there.page, 6);
    expect(await there.page.textContent('header')).toContain('on Xen 4.12');
    expect([...errors, ...other.errors, ...there.errors]).toEqual([]);
    await Promise.all([there.close(), other.close(), close()]);
  });

  it.each([
    ['letters of no link', '#program=<script>alert(1)</script>'],
    ['what was never packed', '#program=AAAA'],
    ['a step that is none', '#step=evil'],
  ])('shows its own program where a link holds %s, and says so', async (_, fragment) => {
    const { page, close } = await openExplorer({ text: ARM });
    const there = await visit(`${page.url().replace(/#.*/, '')}${fragment}`);
    await there.page.locator('#link', { hasText: 'This link cannot be used' }).waitFor();
    await there.page.locator('#step-8').waitFor();
    expect(await there.page.locator('.step').count()).toBe(9);
    await shows(there.page, 0);
    expect(there.errors).toEqual([]);
    await Promise.all([there.close(), close()]);
  });

  it('tells a mistake in lines that can be seen whole, however long those of the text are', async () => {
    const long = `# ${'a comment that goes on '.repeat(20)}`;
    const { page, close } = await openExplorer({ text: `${long}\ncreatedomain a\n` });
    await whatIf(page);
    await (await lineWith(page, 'createdomain a')).click();
    await page.keyboard.press('End');
    await page.keyboard.type('\nfoo');
    const told = page.locator('.cm-problem', { hasText: 'expected one of' });
    const { x, width } = (await told.boundingBox())!;
    const seen = (await page.locator('.cm-scroller').boundingBox())!;
    expect(x + width).toBeLessThanOrEqual(seen.x + seen.width);
    await close();
  });

  it('shows the text of a program that has a mistake from the start, to be mended', async () => {
    const { page, close } = await openExplorer({ text: ARM });
    const source = { name: 'broken.dommu', text: 'createdomain a\ncreatedomain a\n', configs: {} };
    const said = new URLSearchParams({ program: await packed(source) });
    const there = await visit(`${page.url().replace(/#.*/, '')}#${said}`);
    await there.page.locator('.problem', { hasText: 'broken.dommu:2:14' }).waitFor();
    expect(await there.page.locator('.judging').count()).toBe(0);
    await whatIf(there.page);
    await there.page.locator('.cm-problem', { hasText: 'line 2, column 14' }).waitFor();
    await (await lineWith(there.page, 'createdomain a')).nth(1).click();
    await there.page.keyboard.press('End');
    await there.page.keyboard.type('b');
    await there.page.keyboard.press('Control+Enter');
    await there.page.locator('#step-2 code', { hasText: 'createdomain ab' }).waitFor();
    expect(await there.page.locator('.problem').count()).toBe(0);
    expect(await there.page.locator('#editions select option').count()).toBeGreaterThan(100);
    expect(there.errors).toEqual([]);
    await Promise.all([there.close(), close()]);
  });

  it('cannot change what a file tells of, and says why; comparing goes on', async () => {
    const { page, errors, close } = await openExplorer(
      { text: ARM, edition: '4.12' },
      { step: 5, editable: false },
    );
    await whatIf(page);
    await page.locator('#editor', { hasText: 'tells of one run' }).waitFor();
    for (const name of [/^Run/, 'Undo', /^Save as/])
      expect(await page.getByRole('button', { name }).count()).toBe(0);
    expect(await page.locator('.add-step').count()).toBe(0);
    await (await lineWith(page, 'dma eth0 write')).click();
    await shows(page, 6);
    await page.keyboard.type('x');
    await page.keyboard.press('Control+Enter');
    expect(await (await lineWith(page, 'dma eth0 write')).textContent()).toBe('dma eth0 write 0x8424cb148');
    await choose(page, 'up-front');
    await page.getByRole('button', { name: 'Compare with up-front' }).click();
    await page.locator('.compared', { hasText: 'On up-front' }).waitFor();
    expect(errors).toEqual([]);
    await close();
  });

  it('stays of use with a text of 10 MB', async () => {
    const text = `# ${'<b>long</b> '.repeat(300_000)}\n${'# a line of a comment\n'.repeat(300_000)}createdomain a\n`;
    const { page, errors, close } = await openExplorer({ text });
    await whatIf(page);
    await page.locator('#editor', { hasText: 'shown without colours' }).waitFor();
    await page.locator('#step-1').click();
    await (await lineWith(page, 'createdomain a')).waitFor();
    await page.getByRole('button', { name: 'Copy link' }).click();
    await page.locator('.share', { hasText: 'No link: the program has' }).waitFor();
    expect(errors).toEqual([]);
    await close();
  });
});
