import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { chromiumPath, needsChromium } from '../chromium.fixture.js';
import { closeBrowser, openExplorer } from './page.fixture.js';

const example = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../examples/${name}`, import.meta.url)), 'utf8');

/** As many steps as a program may have, none of them dear. */
const LONG = `ram 0x100..0x10f
dom0 pages=1
createdomain guest max_pages=4
populate_physmap guest P
repeat 33000
  update_va_mapping guest va=0 P rw
  update_va_mapping guest va=0
end
repeat forever
  pin_l1_table guest P
  unpin_table guest P
end
`;

afterAll(closeBrowser);

const shows = (page: Page, step: number) => page.locator(`html[data-step="${step}"]`).waitFor();

describe.skipIf(chromiumPath === undefined)(`the run on the explorer's page${needsChromium}`, () => {
  it('is drawn in rows and paths that do not grow with its steps, and followed', async () => {
    const { page, errors, close } = await openExplorer({ text: LONG });
    const elements = () => page.evaluate<number>('document.querySelectorAll("*").length');
    const atFirst = await elements();
    for (const step of [33_000, 66_000, 7]) {
      await page.locator('#go-to').fill(String(step));
      await page.keyboard.press('Enter');
      await shows(page, step);
      const row = page.locator('.steps [aria-current]');
      await row.waitFor();
      expect(await row.locator('.number').textContent()).toBe(String(step));
      const [list, box] = [
        await page.locator('.steps-list .scroller').boundingBox(),
        await row.boundingBox(),
      ];
      expect(box!.y).toBeGreaterThanOrEqual(list!.y - 1);
      expect(box!.y + box!.height).toBeLessThanOrEqual(list!.y + list!.height + 1);
    }
    expect(await elements()).toBeLessThan(atFirst + 300);
    expect(await page.locator('.step .round').first().textContent()).toMatch(/^round \d of 33000$/);
    expect(errors).toEqual([]);
    await close();
  });

  it('shows the newest place where somebody scrubs, and no older one after it', async () => {
    const { page, close } = await openExplorer({ text: LONG });
    const slider = page.getByRole('slider', { name: 'step' });
    const box = (await slider.boundingBox())!;
    await page.evaluate(`(() => {
      window.seen = [];
      new MutationObserver(() => window.seen.push(Number(document.documentElement.dataset.step)))
        .observe(document.documentElement, { attributes: true, attributeFilter: ['data-step'] });
    })()`);
    await page.mouse.move(box.x + 6, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width - 7, box.y + 20, { steps: 60 });
    await page.mouse.up();
    await shows(page, Number(await slider.inputValue()));
    const seen = await page.evaluate<number[]>('window.seen');
    expect(seen.length).toBeGreaterThan(5);
    // The same may be told twice; none that was left comes back.
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(await slider.inputValue()).toBe(String(seen.at(-1)));
    await close();
  });

  it('is drawn as a loop where it goes round for ever, and played round and round', async () => {
    const { page, errors, close } = await openExplorer({ text: LONG }, { step: 66_000 });
    await page.keyboard.press('End');
    await page.locator('.steps .bracket.loops.first').waitFor();
    expect(await page.locator('.steps .round.loops').allTextContents()).toEqual([
      '↻ for ever',
      expect.stringMatching(/^↻ for ever: back to \d+$/),
    ]);
    const from = Number(/\d+$/.exec((await page.locator('.legend .link').textContent())!)![0]);
    await page.locator('.strip .loop').waitFor({ state: 'attached' });
    await page.getByRole('combobox', { name: 'speed' }).selectOption('20');
    await page.getByRole('button', { name: 'Play' }).click();
    await shows(page, from);
    await shows(page, from + 2);
    await shows(page, from);
    await page.getByRole('button', { name: 'Pause' }).click();
    expect(errors).toEqual([]);
    await close();
  });

  it('says how fast it is played without cutting any speed off', async () => {
    const { page, close } = await openExplorer({ text: example('arm-grant-fault.dommu') });
    const [has, needs] = await page.getByRole('combobox', { name: 'speed' }).evaluate((select) => {
      const has = select.getBoundingClientRect().width;
      select.style.width = 'max-content';
      return [has, select.getBoundingClientRect().width];
    });
    expect(has).toBeGreaterThanOrEqual(needs!);
    await close();
  });

  it('plays from where it stands, stops at its end, and begins anew', async () => {
    const { page, close } = await openExplorer({ text: example('arm-grant-fault.dommu') }, { step: 6 });
    await page.getByRole('combobox', { name: 'speed' }).selectOption('100');
    await page.locator('h1').click();
    await page.keyboard.press(' ');
    await shows(page, 8);
    const play = page.getByRole('button', { name: 'Play' });
    await play.waitFor();
    await page.getByRole('combobox', { name: 'speed' }).selectOption('2');
    await play.click();
    await shows(page, 0);
    await shows(page, 1);
    await page.getByRole('button', { name: 'Pause' }).click();
    const paused = await page.getByRole('slider', { name: 'step' }).inputValue();
    await shows(page, Number(paused));
    // It would go on after half a second.
    await page.waitForTimeout(800);
    expect(await page.locator('html').getAttribute('data-step')).toBe(paused);
    await close();
  });

  it('tells of a fault as the log does, of an invariant with its harm, and of what was expected', async () => {
    const { page, close } = await openExplorer(
      { text: example('arm-grant-fault.dommu'), edition: '4.12' },
      { step: 5 },
    );
    await page.locator('#outcome .findings').waitFor();
    await page.locator('.summary').getByRole('button', { name: '1 disagreement' }).waitFor();
    expect(await page.locator('#outcome .log').textContent()).toMatch(
      /^\(XEN\) smmu: \/smmu@fd800000: Unhandled context fault: fsr=0x402, iova=0x8424cb148/,
    );
    expect(await page.locator('#outcome .findings.unexpected').textContent()).toContain(
      'expected ok, got fault',
    );
    await page.keyboard.press('Shift+V');
    await page.locator('#outcome .findings.broken').waitFor();
    expect(await page.locator('#outcome .findings.broken').textContent()).toMatch(
      /I19 is broken: .*mapping lost.*nobody expected that/,
    );
    await page.locator('.summary').getByRole('button', { name: '1 invariant broken: I19' }).click();
    const first = page.locator('#invariants tbody tr').first();
    expect(await first.textContent()).toMatch(/broken by this step.*I19.*step 4/);
    await page.keyboard.press('Home');
    await shows(page, 0);
    expect(await first.textContent()).toMatch(/holds.*I19.*step 4/);
    await first.getByRole('button', { name: 'step 4' }).click();
    await shows(page, 4);
    await close();
  });

  it('says why it stopped, at its end', async () => {
    const { page, close } = await openExplorer({
      text: 'repeat 200000\ncreatedomain a\nend\n',
      name: 'stops.dommu',
    });
    await page.keyboard.press('End');
    const reason = /stops after this step\. stops\.dommu:1:1: the program comes to more than 100000 steps/;
    await page.locator('#outcome .findings', { hasText: reason }).waitFor();
    await page.locator('.stopped', { hasText: 'The run stops' }).waitFor();
    await close();
  });

  it('groups what changed where it is much, and shows all of it when it is asked to', async () => {
    const text = `ram 0x1000..0x10ff
dom0 pages=1
createdomain guest hvm hap iommu max_pages=200
populate_physmap guest 0x1010 gfn=0 count=128
`;
    const { page, close } = await openExplorer({ text }, { step: 2 });
    const lines = page.locator('#outcome .changes li');
    expect(await lines.count()).toBeLessThan(40);
    expect(await page.locator('#outcome h4').count()).toBeGreaterThan(1);
    await page.getByRole('button', { name: /^all \d+ lines$/ }).click();
    await expect.poll(() => lines.count()).toBeGreaterThan(128);
    await close();
  });
});
